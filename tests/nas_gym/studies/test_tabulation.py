from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.moons import moons
from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.evaluators.fused.evaluator import FusedMlpEvaluator
from nas_gym.memory.tables.table import Table
from nas_gym.memory.tables.table_file import read_table
from nas_gym.search_spaces import MlpSpace
from nas_gym.studies import tabulation
from nas_gym.studies.tabulation import tabulate
from nas_gym.tasks.supervised.recipe import TrainingRecipe

SPACE = MlpSpace(widths=(2, 8), activations=("Tanh",), max_length=2)
"""Twelve networks."""
DATA = moons(size=200)
RECIPE = TrainingRecipe(epochs=3)


def make(path: Path, **arguments: Any) -> Table:  # noqa: ANN401
    keywords: dict[str, Any] = {
        "search_space": SPACE,
        "dataset": DATA,
        "recipe": RECIPE,
        "seeds": 2,
        "block": 5,
    }
    return tabulate(path=path, **(keywords | {"threads": 2} | arguments))


def test_table__is_what_the_evaluator_finds(tmp_path: Path) -> None:
    made = make(tmp_path / "table.npz")
    networks = list(SPACE.enumerate())
    for seed in range(2):
        evaluations = FusedMlpEvaluator(DATA, RECIPE, seed=seed).evaluate(networks)
        for network, evaluation in zip(networks, evaluations, strict=True):
            assert made.validation_accuracies(network)[seed] == evaluation.validation_accuracy
            assert made.parameters is not None
            assert made.parameters[SPACE.rank(network)] == evaluation.parameters
    assert made.failed is None
    assert (made.dataset, made.recipe) == (DATA.id, RECIPE.id)
    read = read_table(tmp_path / "table.npz")
    assert np.array_equal(read.validation, made.validation)
    assert [path.name for path in tmp_path.iterdir()] == ["table.npz"]


def test_test_results__are_those_of_the_weights_that_training_kept(tmp_path: Path) -> None:
    # With the validation part as test part, both columns must agree.
    same = make(tmp_path / "same.npz", dataset=replace(DATA, test=DATA.validation))
    assert same.test is not None
    assert np.array_equal(same.test, same.validation)
    other = make(tmp_path / "other.npz")
    assert np.array_equal(other.validation, same.validation)
    assert (other.test_samples, other.validation_samples) == (40, 20)
    assert other.test_accuracy(SPACE.parse("Linear-8 Tanh")) > 0.7


def test_failed_trainings__are_marked(tmp_path: Path) -> None:
    made = make(tmp_path / "table.npz", recipe=TrainingRecipe(epochs=3, learning_rate=1e38))
    assert made.failed is not None and made.failed.any() and made.test is not None
    assert not made.validation[made.failed].any()
    assert not made.test[made.failed].any()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block", [1, 4, 100])
def test_table__is_the_same_for_any_number_of_threads_and_blocks(
    threads: int, block: int, tmp_path: Path
) -> None:
    make(tmp_path / "one.npz")
    make(tmp_path / "two.npz", threads=threads, block=block)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_interrupted_table__goes_on_and_ends_bit_for_bit_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "whole.npz")
    trained: list[range] = []
    train_block = tabulation._train_block

    def dies_in_the_second_block(*arguments: Any) -> Any:  # noqa: ANN401
        trained.append(arguments[3])
        if len(trained) == 2:
            raise KeyboardInterrupt
        return train_block(*arguments)

    monkeypatch.setattr(tabulation, "_train_block", dies_in_the_second_block)
    path, partial = tmp_path / "table.npz", tmp_path / "table.npz.partial"
    with pytest.raises(KeyboardInterrupt):
        make(path)
    assert not path.exists()
    first = next(iter(partial.iterdir()))
    (partial / "000000005.npz").write_bytes(first.read_bytes()[:-20])  # half of a file counts as none
    progress: list[int] = []
    make(path, on_progress=progress.append)
    assert trained == [range(0, 5), range(5, 10), range(5, 10), range(10, 12)]
    assert progress == [0, 5, 10, 12]
    assert path.read_bytes() == (tmp_path / "whole.npz").read_bytes()
    assert not partial.exists()


@pytest.mark.parametrize(
    "other", [{"seeds": 3}, {"dataset": moons(size=220)}, {"recipe": TrainingRecipe(epochs=4)}, {"block": 4}]
)
def test_beginning_of_another_table__is_not_gone_on_with(other: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "table.npz"

    def stop(architectures: int) -> None:
        if architectures:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(path, on_progress=stop)
    with pytest.raises(InvalidTableError, match="the beginning of a table with other arguments"):
        make(path, **other)


def test_existing_table__is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "table.npz").write_text("mine")
    with pytest.raises(InvalidTableError, match="exists already"):
        make(tmp_path / "table.npz")
    assert (tmp_path / "table.npz").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"seeds": 0}, "seeds must be a positive integer, got 0"),
        ({"block": 1.5}, "block must be a positive integer"),
        ({"threads": -1}, "threads must be a positive integer"),
        ({"dataset": DATA.without_test()}, "came without its test part"),
    ],
)
def test_tabulate__refuses_arguments_out_of_range(
    arguments: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        make(tmp_path / "table.npz", **arguments)
    assert list(tmp_path.iterdir()) == []
