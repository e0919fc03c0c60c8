import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nas_gym.datasets.moons import moons
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import child_seed, repeat_seeds
from nas_gym.evaluators.worker import WorkerDiedError
from nas_gym.search_spaces import MlpSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.mlp.network import build
from nas_gym.studies.retraining import Model, Schooling, retrain
from nas_gym.studies.retraining_folder import DamagedTrainingError, RetrainingFolder
from nas_gym.tasks.supervised.recipe import TrainingRecipe

SCHOOLING = Schooling(moons(size=100), TrainingRecipe(epochs=3))
NETWORKS = [MlpSpace().parse(text) for text in ("Linear-8 Tanh", "Linear-4 ReLU")]


def make(
    text: str, fails: tuple[str, ...] = (), deadly: str = "", made: list[str] | None = None
) -> nn.Module:
    """Build a network, raise, or kill the process; note its text."""
    if made is not None:
        made.append(text)
    if text in fails:
        raise ValueError("cannot be built")
    if text == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return build(MlpSpace().parse(text), (2,), 2)


def models(**how: Any) -> list[Model]:  # noqa: ANN401
    return [Model(each, partial(make, str(each), **how), NetworkSize(7, 5)) for each in NETWORKS]


def trained(path: Path, seeds: int = 2, **how: Any) -> RetrainingFolder:  # noqa: ANN401
    folder = RetrainingFolder(path, models(**how), SCHOOLING, seeds)
    missing = len(folder.missing())
    assert sum(1 for _ in folder.train()) == missing
    return folder


def test_folder__holds_what_each_training_gives_with_seeds_of_its_own(tmp_path: Path) -> None:
    folder = trained(tmp_path / "new")
    assert len(folder) == len(list((tmp_path / "new").iterdir())) == 4
    for network, model, contender in zip(NETWORKS, models(), folder.contenders(), strict=True):
        seeds = repeat_seeds("retraining", network, 2)
        assert child_seed(0, network) not in seeds, "not the one of the search"
        alone = [retrain(model, SCHOOLING, seed) for seed in seeds]
        assert contender.validation_results == tuple(each.validation for each in alone)
        assert contender.test_results == tuple(each.test for each in alone)
        assert contender.losses == alone[0].losses
        assert (contender.name, contender.found) == (str(network), True)
        assert (contender.parameters, contender.multiply_adds, contender.failures) == (7, 5, ())
        seed, weights = folder.best_weights(str(network))
        best = max(zip(seeds, alone, strict=True), key=lambda each: each[1].validation or 0.0)
        assert seed == best[0]
        assert all(torch.equal(weights[name], value) for name, value in best[1].weights.items())


def test_folder__trains_nothing_twice_and_everything_that_differs(tmp_path: Path) -> None:
    first, made = trained(tmp_path), list[str]()
    assert trained(tmp_path, made=made).contenders() == first.contenders() and not made
    more = trained(tmp_path, seeds=3, made=made)
    assert sorted(made) == sorted(map(str, NETWORKS)), "one new seed each"
    assert [each.test_results[:2] for each in more.contenders()] == [
        each.test_results for each in first.contenders()
    ]
    others = (
        replace(SCHOOLING, recipe=TrainingRecipe(epochs=2)),
        replace(SCHOOLING, data=moons(size=100, seed=1)),
    )
    for schooling in others:
        assert len(RetrainingFolder(tmp_path, models(), schooling, 2).missing()) == 4


def test_folder__goes_on_after_a_failure_and_tries_it_again(tmp_path: Path) -> None:
    failed, well = trained(tmp_path, fails=(str(NETWORKS[0]),)).contenders()
    assert (failed.validation_results, failed.test_results, failed.seconds) == ((), (), None)
    assert failed.failures == ("ValueError: cannot be built",) * 2
    assert well.failures == () and len(well.test_results) == 2
    made = list[str]()
    again, same = trained(tmp_path, made=made).contenders()
    assert made == [str(NETWORKS[0])] * 2
    assert len(again.test_results) == 2 and same == well


def test_folder__says_which_file_is_damaged(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DamagedTrainingError, match=f"{file} is damaged; delete it and start again"):
        folder.contenders()


@pytest.mark.parametrize("seeds", [0, -1, 1.0, True])
def test_folder__refuses_a_bad_number_of_seeds(seeds: Any, tmp_path: Path) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="seeds must be a positive integer"):
        RetrainingFolder(tmp_path, models(), SCHOOLING, seeds)


@pytest.mark.slow  # processes that import PyTorch
@pytest.mark.timeout(60)
def test_folder__is_the_same_from_several_processes(tmp_path: Path) -> None:
    here, there = (RetrainingFolder(tmp_path / name, models(), SCHOOLING, 2) for name in ("here", "there"))
    for _ in (*here.train(), *there.train(processes=2)):
        pass
    for one, other in zip(here.contenders(), there.contenders(), strict=True):
        assert replace(one, seconds=None) == replace(other, seconds=None)


@pytest.mark.slow  # processes that import PyTorch
@pytest.mark.timeout(60)
def test_folder__says_in_one_line_that_a_process_was_killed(tmp_path: Path) -> None:
    folder = RetrainingFolder(tmp_path, models(deadly=str(NETWORKS[1])), SCHOOLING, 1)
    with pytest.raises(WorkerDiedError, match="a process was killed, perhaps for want of memory"):
        list(folder.train(processes=2))
    assert len(folder.missing()) >= 1
