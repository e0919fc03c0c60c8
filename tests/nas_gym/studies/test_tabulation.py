from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_gym
from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.evaluators.trainers.base import Trainer
from nas_gym.memory.tables.table import Table
from nas_gym.memory.tables.table_file import read_table
from nas_gym.pools.here import Here
from nas_gym.pools.threads import Threads
from nas_gym.problems.problem import Problem
from nas_gym.studies import tabulation
from nas_gym.studies.tabulation import tabulate

TWELVE = {"widths": (2, 8), "activations": ("Tanh",), "max_length": 2}


def problem(**keywords: Any) -> Problem:  # noqa: ANN401
    keywords = {"size": 200, "space": TWELVE, "recipe": {"epochs": 3}} | keywords
    return nas_gym.problem("NAS-Moons-v0", **keywords)


PROBLEM = problem()
SPACE = PROBLEM.search_space


def make(path: Path, trainer: Trainer | None = None, threads: int = 2, **more: Any) -> Table:  # noqa: ANN401
    trainer = trainer or PROBLEM.make_trainer()
    return tabulate(trainer, path, Threads(threads), **({"seeds": 2, "block": 5} | more))


@pytest.mark.parametrize("evaluator", ["fused", "local"])
def test_table__is_what_the_environment_finds(evaluator: str, tmp_path: Path) -> None:
    same = problem(evaluator=evaluator)
    made = tabulate(same.make_trainer(), tmp_path / "table.npz", Here(), seeds=2)
    networks = [made.search_space.unrank(rank) for rank in range(12)]
    for seed in range(2):
        evaluations = problem(evaluator=evaluator, training_seed=seed).make_evaluator().evaluate(networks)
        for network, evaluation in zip(networks, evaluations, strict=True):
            assert made.validation_scores(network)[seed] == evaluation.score
            assert made.parameters is not None
            assert made.parameters[made.search_space.rank(network)] == evaluation.parameters
    assert made.failed is None
    setting = same.make_trainer().setting()
    assert (made.dataset, made.recipe) == (setting.dataset, setting.recipe)
    read = read_table(tmp_path / "table.npz")
    assert np.array_equal(read.validation, made.validation)
    assert [path.name for path in tmp_path.iterdir()] == ["table.npz"]


def test_test_results__are_those_of_the_weights_that_training_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make(tmp_path / "other.npz")
    assert (other.test_samples, other.validation_samples) == (40, 20)
    assert other.test_score(SPACE.parse("Linear-8 Tanh")) > 0.7
    # With the validation part as test part, both columns must agree.
    trainer = PROBLEM.make_trainer()
    data: Any = trainer.task.data_of()
    monkeypatch.setattr(trainer.task, "data_of", lambda rung=0: replace(data, test=data.validation))
    same = make(tmp_path / "same.npz", trainer)
    assert same.test is not None
    assert np.array_equal(same.test, same.validation)
    assert np.array_equal(other.validation, same.validation)


def test_failed_trainings__are_marked(tmp_path: Path) -> None:
    trainer = problem(recipe={"epochs": 3, "learning_rate": 1e38}).make_trainer()
    made = make(tmp_path / "table.npz", trainer)
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

    def dies_in_the_second_block(work: Any, ranks: range, pool: Any) -> Any:  # noqa: ANN401
        trained.append(ranks)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return train_block(work, ranks, pool)

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
    assert progress == [5, 10, 12]
    assert path.read_bytes() == (tmp_path / "whole.npz").read_bytes()
    assert not partial.exists()


@pytest.mark.parametrize(
    ("other", "more"),
    [
        (PROBLEM, {"seeds": 3}),
        (PROBLEM, {"block": 4}),
        (problem(size=220), {}),
        (problem(recipe={"epochs": 4}), {}),
    ],
    ids=["seeds", "block", "data", "recipe"],
)
def test_beginning_of_another_table__is_not_gone_on_with(
    other: Problem, more: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "table.npz"

    def stop(architectures: int) -> None:
        if architectures:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(path, on_progress=stop)
    with pytest.raises(InvalidTableError, match="the beginning of a table with other arguments"):
        make(path, other.make_trainer(), **more)


def test_existing_table__is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "table.npz").write_text("mine")
    with pytest.raises(InvalidTableError, match="exists already"):
        make(tmp_path / "table.npz")
    assert (tmp_path / "table.npz").read_text() == "mine"


@pytest.mark.parametrize(
    ("trainer", "more", "says"),
    [
        (None, {"seeds": 0}, "seeds must be an integer from 1, got 0"),
        (None, {"block": 1.5}, "block must be an integer from 1, got 1.5"),
        (PROBLEM.make_trainer().without_test(), {}, "came without its test part"),
        (problem(metric="log_loss", evaluator="local").make_trainer(), {}, "not log loss of mlp-v0"),
    ],
    ids=["seeds", "block", "test", "metric"],
)
def test_tabulate__refuses_what_makes_no_table(
    trainer: Trainer | None, more: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        make(tmp_path / "table.npz", trainer, **more)
    assert list(tmp_path.iterdir()) == []
