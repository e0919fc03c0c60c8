import os
import signal
from contextlib import closing
from dataclasses import replace
from typing import Any

import gymnasium as gym
import psutil
import pytest

import nas_gym
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators import patience
from nas_gym.evaluators.patience import Patience
from nas_gym.evaluators.trainers.base import Child
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import QUICK, InstantEvaluator, random_children

CHILD = Child(Architecture("mlp-v0", ("Linear-1", "EOS")), 0)


def took(seconds: float, rung: int = 0, status: Any = "ok") -> Evaluation:  # noqa: ANN401
    (evaluation,) = InstantEvaluator().evaluate([MlpSpace().parse("Linear-1")])
    return replace(evaluation, seconds=seconds, rung=rung, status=status)


def limit_after(*seconds: float) -> float:
    limit = Patience()
    for each in seconds:
        limit.learn(took(each))
    return limit(CHILD)


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [
        ((), 86400.0),
        ((1,), 3600.0),
        ((1, 9, 1, 1), 9000.0),
        ((1, 2, 1, 2, 1), 60.0),
        ((5, 6, 7, 8, 9), 140.0),
        ((90, 3, 1, 1, 5, 4, 6, 3, 3), 270.0),
    ],
)
def test_patience__is_twenty_medians_a_minute_or_three_times_the_longest_and_more_before_five(
    seconds: tuple[float, ...], limit: float
) -> None:
    assert limit_after(*seconds) == limit


def test_patience__learns_from_each_rung_for_itself_and_not_from_what_failed() -> None:
    limit = Patience()
    for _ in range(5):
        limit.learn(took(0.1, status="failed"))
        limit.learn(took(30, rung=1))
    assert limit(CHILD) == 86400
    assert limit(CHILD._replace(rung=1)) == 600


def keywords(**evaluator: Any) -> dict[str, Any]:  # noqa: ANN401
    return {**QUICK["NAS-Digits-v0"], "evaluator": {"name": "processes", "workers": 1, **evaluator}}


def stop_worker() -> None:
    """Stop the process that trains, as if it hung; its server goes on."""
    workers = [worker for server in psutil.Process().children() for worker in server.children()]
    os.kill(max(workers, key=psutil.Process.create_time).pid, signal.SIGSTOP)


@pytest.mark.slow  # starts worker processes, which import PyTorch
@pytest.mark.timeout(120)
def test_child__that_never_returns_does_not_stop_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LEAST_SECONDS", 1.0)
    env: Any = gym.make("NAS-Digits-v0", failure_reward=-0.5, **keywords())
    space = env.unwrapped.search_space
    *known, hanging, after = random_children(space, patience.FEW + 2)

    def play(architecture: Architecture) -> tuple[float, dict[str, Any]]:
        env.reset()
        for token in space.encode(architecture):
            _, reward, _, _, info = env.step(token)
        return reward, info["evaluation"]

    with closing(env):
        assert [play(each)[1]["status"] for each in known] == ["ok"] * patience.FEW
        stop_worker()
        reward, evaluation = play(hanging)
        assert (reward, evaluation["status"]) == (-0.5, "timed_out")
        assert evaluation["reason"].startswith("stopped after ")
        assert evaluation["reason"].endswith("evaluator={'timeout_seconds': None} lets it take any time")
        assert play(after)[1]["status"] == "ok"
        assert play(hanging)[1]["status"] == "ok"  # what timed out is not remembered


@pytest.mark.slow  # starts worker processes, which import PyTorch
@pytest.mark.timeout(120)
def test_first_child__that_never_ends_is_not_waited_for_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "AT_FIRST", 1.0)
    made = nas_gym.problem("NAS-Digits-v0", **keywords() | {"recipe": {"epochs": 1_000_000}})
    with made.make_evaluator() as evaluator:
        (child,) = evaluator.evaluate(random_children(made.search_space, 1))
        assert child.status == "timed_out"


@pytest.mark.slow  # starts worker processes, which import PyTorch
@pytest.mark.timeout(120)
def test_child__is_waited_for_without_an_end_if_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LEAST_SECONDS", 0.2)
    made = nas_gym.problem("NAS-Digits-v0", **keywords(timeout_seconds=None))
    *known, hanging = random_children(made.search_space, patience.FEW + 1)
    with made.make_evaluator() as evaluator:
        assert {each.status for each in evaluator.evaluate(known)} == {"ok"}
        stop_worker()
        evaluator.send([hanging])
        assert evaluator.recv(timeout=4) == []


def test_timeout__that_is_none_is_refused() -> None:
    with pytest.raises(InvalidArgumentError) as error:
        nas_gym.problem("NAS-Digits-v0", **keywords(timeout_seconds="soon"))
    assert str(error.value) == "timeout_seconds must be auto, a positive number or None, got 'soon'"
