import io
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from rich.console import Console
from torch import nn

import nas_gym
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.trainers.base import Child, Trainer
from nas_gym.kept.folder import read_folder
from nas_gym.pools.here import Here
from nas_gym.pools.processes import Processes
from nas_gym.problems.problem import Problem
from nas_gym.search_spaces import Architecture
from nas_gym.studies.retraining import (
    Candidate,
    DamagedTrainingError,
    Retrain,
    Trainings,
    found_networks,
    hand_designed_networks,
)
from nas_gym.tasks.base import Part
from nas_gym.tasks.seeds import child_seed, repeat_seeds
from tests.nas_gym.doubles import TEXTS, quick, random_children

SMALL: dict[str, Any] = {"size": 100, "recipe": {"epochs": 3}}
TEXTS_OF_NETWORKS = ("Linear-8 Tanh", "Linear-4 ReLU")


def problem(evaluator: str = "fused", **keywords: Any) -> Problem:  # noqa: ANN401
    return nas_gym.problem("NAS-Moons-v0", evaluator=evaluator, **(SMALL | keywords))


PROBLEM = problem()
NETWORKS = [PROBLEM.search_space.parse(text) for text in TEXTS_OF_NETWORKS]


def trained(
    path: Path, candidates: list[Candidate] | None = None, seeds: int = 2, trainer: Trainer | None = None
) -> Trainings:
    candidates = found_networks(PROBLEM, NETWORKS) if candidates is None else candidates
    trainings = Trainings(path, candidates, trainer or PROBLEM.make_trainer(), seeds)
    told, missing = io.StringIO(), len(trainings.missing())
    trainings.train(Here(), Console(file=told))
    assert (f"{missing}/{missing}" in told.getvalue()) == bool(missing)
    return trainings


@pytest.mark.parametrize("evaluator", ["fused", "local"])
def test_trainings__are_those_of_the_search_s_trainer_with_seeds_of_their_own(
    evaluator: str, tmp_path: Path
) -> None:
    trainer = problem(evaluator).make_trainer()
    trainings = trained(tmp_path / "new", trainer=trainer)
    assert len(trainings.jobs) == len(list((tmp_path / "new").iterdir())) == 4
    for network, contender in zip(NETWORKS, trainings.contenders(), strict=True):
        seeds = repeat_seeds("retraining", network, 2)
        assert child_seed(0, network) not in seeds, "not the one of the search"
        alone = [trainer.train(Child(network, seed, -1)) for seed in seeds]
        assert contender.validation_scores == tuple(each.outcome.scores["accuracy"] for each in alone)
        assert contender.test_scores == tuple(each.scores("test")["accuracy"] for each in alone)
        assert contender.losses == alone[0].outcome.losses
        assert (contender.name, contender.found, contender.failures) == (str(network), True, ())
        assert contender.parameters == alone[0].parameters and (contender.multiply_adds or 0) > 0
        trainings.keep_best(str(network), tmp_path / "winner", "NAS-Moons-v0")
        description, weights = read_folder(tmp_path / "winner")
        best = max(zip(seeds, alone, strict=True), key=lambda each: each[1].outcome.scores["accuracy"])
        assert (description.seed, description.env) == (best[0], "NAS-Moons-v0")
        assert description.scores == {
            part: {"accuracy": best[1].scores(part)["accuracy"]} for part in get_args(Part)
        }
        assert all(torch.equal(weights[name], value) for name, value in best[1].state_dict().items())


def test_trainings__nothing_twice_and_everything_that_differs(tmp_path: Path) -> None:
    first = trained(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert trained(tmp_path).contenders() == first.contenders()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
    more = trained(tmp_path, seeds=3)
    assert len(list(tmp_path.iterdir())) == 6, "one new seed each"
    assert [each.test_scores[:2] for each in more.contenders()] == [
        each.test_scores for each in first.contenders()
    ]
    for other in (problem(full={"epochs": 2}), problem(seed=1), problem("local")):
        candidates = found_networks(other, NETWORKS)
        assert len(Trainings(tmp_path, candidates, other.make_trainer(), 2).missing()) == 4


def build(text: str = "Linear-1 ReLU", fails: bool = False, dies: bool = False) -> nn.Module:
    """Build a network, raise, or kill the process."""
    if fails:
        raise ValueError("cannot be\nbuilt")
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return PROBLEM.search_space.build(PROBLEM.search_space.parse(text), (2,), 2)


def hand_made(name: str, **how: Any) -> Candidate:  # noqa: ANN401
    return Candidate(Architecture("reference", (name,)), None, partial(build, **how))


def test_trainings__go_on_after_a_failure_and_try_it_again(tmp_path: Path) -> None:
    local = problem("local").make_trainer()
    failed, well = trained(
        tmp_path, [hand_made("broken", fails=True), hand_made("good")], trainer=local
    ).contenders()
    assert (failed.validation_scores, failed.test_scores, failed.seconds) == ((), (), None)
    assert failed.failures == ("ValueError: cannot be",) * 2
    assert well.failures == () and len(well.test_scores) == 2 and not well.found
    again, same = trained(
        tmp_path, [hand_made("broken"), hand_made("good", fails=True)], trainer=local
    ).contenders()
    assert len(again.test_scores) == 2 and same == well


def test_trainings__that_diverge_say_so(tmp_path: Path) -> None:
    diverging = problem(full={"learning_rate": 1e38})
    trainings = trained(tmp_path, found_networks(diverging, NETWORKS[:1]), trainer=diverging.make_trainer())
    (contender,) = trainings.contenders()
    assert contender.failures == ("the weights are not finite after epoch 1",) * 2
    assert list(tmp_path.iterdir()) == []


def test_trainings__say_which_file_is_damaged(tmp_path: Path) -> None:
    trainings = trained(tmp_path)
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DamagedTrainingError, match=f"{file} is damaged; delete it and start again"):
        trainings.contenders()


@pytest.mark.parametrize("seeds", [0, -1, 1.0, True])
def test_trainings__refuse_a_bad_number_of_seeds(seeds: Any, tmp_path: Path) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="seeds must be an integer from 1"):
        Trainings(tmp_path, found_networks(PROBLEM, NETWORKS), PROBLEM.make_trainer(), seeds)


def test_retrain__does_not_accept_a_test_score_that_is_not_finite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = problem("local").make_trainer()
    monkeypatch.setattr(type(trainer.task), "judge", lambda *_, **__: {"accuracy": float("nan")})
    (contender,) = trained(tmp_path, [hand_made("good")], seeds=1, trainer=trainer).contenders()
    assert contender.failures == ("the test accuracy is nan",)


@pytest.mark.slow  # processes that import PyTorch
@pytest.mark.timeout(60)
def test_trainings__are_the_same_in_processes_and_one_that_is_killed_is_a_failure(tmp_path: Path) -> None:
    local = problem("local").make_trainer()
    good = found_networks(PROBLEM, NETWORKS)
    here = trained(tmp_path / "here", good, trainer=local).contenders()
    candidates = [*good, hand_made("deadly", dies=True)]
    there = Trainings(tmp_path / "there", candidates, local, 2)
    with Processes(2, preload=("nas_gym.evaluators.trainers.pytorch",)) as pool:
        there.train(pool, Console(file=io.StringIO()))
    *others, dead = there.contenders()
    for one, other in zip(here, others, strict=True):
        assert replace(one, seconds=None) == replace(other, seconds=None)
    assert len(dead.failures) == 2 and "died" in dead.failures[0]


def test_retrain__can_be_handed_to_a_worker_with_the_test_data() -> None:
    import cloudpickle

    retrain = cloudpickle.loads(cloudpickle.dumps(Retrain(PROBLEM.make_trainer())))
    assert (
        retrain.trainer.task.data_of(-1).test_checksum == PROBLEM.make_trainer().task.data_of().test_checksum
    )


@pytest.mark.usefixtures("small_data")
@pytest.mark.parametrize("name", TEXTS)
def test_references__are_as_large_as_the_found_cell_and_can_be_trained(name: str, tmp_path: Path) -> None:
    small = {"train_tokens": 400, "epochs": 1, "units": 24}
    texts = quick(name, full=small)
    (found,) = found_networks(texts, random_children(texts.search_space, 1))
    assert found.size is not None
    references = hand_designed_networks(texts, found)
    assert [each.name.split("-")[0] for each in references] == ["LSTM", "GRU", "NASCell"]
    for each in references:
        assert each.size is not None
        assert each.size.parameters == pytest.approx(found.size.parameters, rel=0.1)
    contenders = trained(tmp_path, references, seeds=1, trainer=texts.make_trainer()).contenders()
    assert all(each.failures == () and min(each.test_scores) > 1 for each in contenders)
