from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.lent import LentEvaluator
from nas_gym.testing import check_evaluator
from tests.nas_gym.doubles import InstantEvaluator, SlowEvaluator, random_networks


class ForeignEvaluator:
    """Holds to the interface, inherits nothing, and knows of no rungs."""

    def __init__(self) -> None:
        self.inner = SlowEvaluator()

    def evaluate(self, architectures: Any, seeds: Any = None) -> Any:  # noqa: ANN401
        return self.inner.evaluate(architectures, seeds)

    def send(self, architectures: Any, seeds: Any = None) -> Any:  # noqa: ANN401
        return self.inner.send(architectures, seeds)

    def recv(self, at_least: int = 1, timeout: float | None = None) -> Any:  # noqa: ANN401
        return self.inner.recv(at_least, timeout)


@pytest.mark.parametrize("lender", [InstantEvaluator, SlowEvaluator, ForeignEvaluator])
def test_evaluator__of_ones_own_keeps_the_contract(lender: Callable[[], Any]) -> None:
    check_evaluator(LentEvaluator(lender()), random_networks(5))


@pytest.mark.parametrize("lender", [SlowEvaluator, ForeignEvaluator])
def test_children_of_ones_own_evaluator__come_one_by_one(lender: Callable[[], Any]) -> None:
    env: Any = gym.make_vec("NAS-Moons-v0", num_envs=3, evaluator=lender()).unwrapped
    env.reset()
    env.send(np.array([3, 4, 5]), np.arange(3))
    env.recv(3)
    env.send(np.array([9, 9, 9]), np.arange(3))
    assert [env.recv()[-1]["env_id"].tolist() for _ in range(3)] == [[2], [1], [0]], (
        "the last one is done first"
    )


@pytest.mark.parametrize(
    ("method", "answer", "says"),
    [
        ("send", lambda tickets: tickets[1:], "send of .* must return a new ticket for each of 2"),
        ("send", lambda tickets: [tickets[0]] * 2, "send of .* must return a new ticket for each of 2"),
        ("recv", lambda answers: [(n, 0.5) for n, _ in answers], "recv of .* must return Evaluation records"),
        ("recv", lambda answers: [(n, replace(e, scores={})) for n, e in answers], "returned no score of"),
        ("recv", lambda answers: [(n - 1, e) for n, e in answers], "for the ticket of another child"),
        ("recv", lambda answers: [(10**9, e) for _, e in answers], "one that nobody has, 1000000000"),
        ("recv", lambda answers: [(n, e) for n, e in answers for _ in range(2)], "one that nobody has"),
        ("recv", lambda answers: [e for _, e in answers], "recv of .* must return pairs"),
        ("recv", lambda answers: [([n], e) for n, e in answers], "recv of .* must return pairs"),
        ("recv", lambda answers: None, "recv of .* must return pairs"),
        ("send", lambda tickets: None, "send of .* must return a new ticket for each of 2"),
        ("send", lambda tickets: [str(each) for each in tickets], "whole numbers, got"),
    ],
)
def test_evaluator__of_ones_own_that_sends_wrongly_is_one_line(
    method: str, answer: Callable[[Any], Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender: Any = ForeignEvaluator()
    right = getattr(lender, method)
    monkeypatch.setattr(lender, method, lambda *arguments: answer(right(*arguments)))
    evaluator = LentEvaluator(lender)
    with pytest.raises(InvalidArgumentError, match=says) as error:
        evaluator.send(random_networks(2))
        evaluator.recv()
    assert "\n" not in str(error.value)
