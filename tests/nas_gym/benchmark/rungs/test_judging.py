from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from nas_gym.benchmark.rungs.judging import draw_networks, judge_rungs
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.problems.problem import Problem
from nas_gym.search_spaces import Architecture
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import quick

TINY: dict[str, Any] = {"space": {"name": "pyramid", "max_layers": 4, "filters": [4, 8], "kernels": [1, 3]}}


class Orders(Evaluator):
    """Knows an order of networks for each rung: a score that is their place in it."""

    def __init__(self, *orders: Sequence[Architecture]) -> None:
        self.orders = orders

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Return places; who is in no place fails."""
        assert seeds is not None
        found = []
        for each, seed in zip(architectures, seeds, strict=True):
            evaluation = Evaluation(each, "task", "recipe", seed, "failed", seconds=2.0, rung=rung)
            if each in self.orders[rung]:
                score = (1 + self.orders[rung].index(each)) / 100
                evaluation = replace(evaluation, status="ok", scores={"accuracy": score})
            found.append(evaluation)
        return found


def digits(**keywords: Any) -> Problem:  # noqa: ANN401
    return quick("NAS-Digits-v0", **TINY, **keywords)


def ignore(rung: int, done: int) -> None:
    """Tell nobody."""


def test_tau__is_one_for_the_same_order_and_minus_one_for_its_reverse() -> None:
    problem = digits(middle={"epochs": 2})
    networks = draw_networks(problem, 6, seed=0)
    told: list[tuple[int, int]] = []
    known = Orders(networks[::-1], [networks[0], *networks[2:]], networks)
    full, middle, search = judge_rungs(problem, networks, 2, known, lambda *each: told.append(each))
    assert (full.rung, middle.rung, search.rung) == (2, 1, 0)
    found = (full.tau.value, full.tau.low, full.between_seeds, search.tau.value, search.tau.high)
    assert found == pytest.approx((1, 1, 1, -1, -1))
    assert search.between_seeds == pytest.approx(1)
    assert (full.failed, middle.failed) == (0, 2)
    # Of 15 pairs one is turned round: the network that failed is the last and not the second.
    assert middle.tau.value == pytest.approx(13 / 15)
    assert middle.tau.low < 13 / 15 <= middle.tau.high
    assert full.seconds == 2.0
    assert told == [(rung, done) for rung in (2, 1, 0) for done in (0, 8, 12)]


def test_networks__are_different_and_none_is_refused() -> None:
    problem = digits(max_parameters=1200)
    networks = draw_networks(problem, 8, seed=0)
    assert len({problem.search_space.canonical(each) for each in networks}) == 8
    for each in networks:
        size = problem.search_space.size(each, (1, 8, 8), 10)
        assert size is not None and size.parameters <= 1200
    assert draw_networks(problem, 8, seed=0) == networks != draw_networks(problem, 8, seed=1)


def test_networks__more_than_there_are_is_one_line() -> None:
    with pytest.raises(InvalidArgumentError, match="5 different networks were asked for, 0 were found: 1000"):
        draw_networks(digits(max_parameters=1), 5, seed=0)


def test_rungs__of_too_little_or_of_a_table_are_one_line() -> None:
    problem = digits()
    networks = draw_networks(problem, 3, seed=0)
    with pytest.raises(InvalidArgumentError, match="networks must be an integer from 3, got 2"):
        list(judge_rungs(problem, networks[:2], 2, Orders(), ignore))
    with pytest.raises(InvalidArgumentError, match="seeds must be an integer from 2, got 1"):
        list(judge_rungs(problem, networks, 1, Orders(), ignore))
    with pytest.raises(InvalidArgumentError, match="NAS-Bench-201-v0 trains no children itself"):
        list(judge_rungs(quick("NAS-Bench-201-v0"), networks, 2, Orders(), ignore))
