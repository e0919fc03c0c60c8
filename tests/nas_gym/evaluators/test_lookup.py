import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.remembered.lookup import TableEvaluator
from nas_gym.problems.registration import problem
from nas_gym.search_spaces import MlpSpace, NasBench201Space
from nas_gym.testing import check_evaluator
from tests.nas_gym.memory.made_up import made_up_table

SPACE = NasBench201Space(("none", "skip_connect"))
TIMED = made_up_table(SPACE, seconds=np.arange(1.0, 65.0))
CELLS = [SPACE.unrank(rank) for rank in (9, 4, 63, 9)]


@pytest.mark.parametrize("table", [TIMED, made_up_table(MlpSpace(max_length=2), seeds=1)])
def test_table_evaluator__keeps_the_contract(table: Any) -> None:  # noqa: ANN401
    check_evaluator(TableEvaluator(table), [table.search_space.unrank(rank) for rank in (9, 4, 63, 9)])


def test_evaluation__is_the_mean_over_seeds() -> None:
    for cell, evaluation in zip(CELLS, TableEvaluator(TIMED).evaluate(CELLS), strict=True):
        row = SPACE.rank(cell)
        assert TIMED.parameters is not None
        assert evaluation.score == TIMED.validation[row].sum() / 200
        assert evaluation.parameters == TIMED.parameters[row]
        assert evaluation.seconds == row + 1
        assert (evaluation.task, evaluation.recipe, evaluation.seed) == ("made up", "none", None)
        assert evaluation.as_info().keys() == {"status", "scores", "parameters"}


@pytest.mark.parametrize("seed", [0, 1, 2, 2**63 - 1])
def test_evaluation__with_a_seed_is_one_training(seed: int) -> None:
    (evaluation,) = TableEvaluator(TIMED).evaluate(CELLS[:1], [seed])
    assert evaluation.seed == seed
    assert evaluation.score == TIMED.validation[9, seed % 2] / 100


def test_evaluation__needs_a_seed_for_each_child() -> None:
    with pytest.raises((ValueError, IndexError)):
        TableEvaluator(TIMED).evaluate(CELLS, [1, 2])


def test_failed_training__is_a_status() -> None:
    failed = np.zeros((64, 2), dtype=np.bool_)
    failed[4, 1] = True
    evaluator = TableEvaluator(made_up_table(SPACE, failed=failed))
    assert [e.status for e in evaluator.evaluate(CELLS)] == ["ok", "failed", "ok", "ok"]
    assert [e.status for e in evaluator.evaluate(CELLS, [0, 0, 1, 1])] == ["ok"] * 4
    (evaluation,) = evaluator.evaluate([CELLS[1]], [3])
    assert (evaluation.status, evaluation.score) == ("failed", None)
    assert evaluation.reason is not None


def test_table_evaluator__holds_no_test_results() -> None:
    assert TIMED.test is not None
    held = pickle.dumps(TableEvaluator(TIMED))
    assert TIMED.validation.tobytes() in held
    assert TIMED.test.tobytes() not in held
    made = problem("NAS-Bench-201-v0", table=TIMED)
    env: Any = gym.make("NAS-Bench-201-v0", table=TIMED).unwrapped
    assert made.table is TIMED
    assert isinstance(made.lookup, TableEvaluator)
    assert made.lookup.table.test is None
    assert env.evaluator.table.test is None


def test_budget__is_spent_once_for_each_child_and_then_over() -> None:
    evaluator = TableEvaluator(TIMED, budget_seconds=16)
    first, second, third, again = evaluator.evaluate(CELLS)  # 10, 5, 64 and 0 seconds
    assert [e.simulated_seconds for e in (first, second, third, again)] == [10, 15, 15, 15]
    assert [e.status for e in (first, second, third, again)] == ["ok", "ok", "timed_out", "ok"]
    assert third.score is None
    assert third.as_info()["simulated_seconds"] == 15
    assert third.reason == "the budget of 16 simulated seconds is spent"
    (late,) = evaluator.evaluate([SPACE.unrank(0)])  # 1 second, but the search is over
    assert late.status == "timed_out"
    assert evaluator.simulated_seconds == 15


def test_budget__pays_for_each_seed() -> None:
    evaluator = TableEvaluator(TIMED, budget_seconds=100)
    spent = [e.simulated_seconds for e in evaluator.evaluate([CELLS[0]] * 4, [0, 1, 0, 2])]
    assert spent == [10, 20, 20, 20]  # there are two trainings, seeds 0 and 2 are the same one


def test_budget__reaches_the_info_of_the_environment() -> None:
    env = gym.make("NAS-Bench-201-v0", table=TIMED, budget_seconds=1.5, failure_reward=-0.5)
    rewards = []
    for tokens in ([0] * 6, [1] * 6):
        env.reset()
        for token in tokens:
            _, reward, _, truncated, info = env.step(token)
        rewards.append(reward)
        assert not truncated
        assert info["evaluation"]["simulated_seconds"] == 1.0
    assert rewards == [TIMED.validation[0].sum() / 200, -0.5]
    assert info["evaluation"]["status"] == "timed_out"


@pytest.mark.parametrize(
    ("table", "budget", "says"),
    [
        (TIMED, 0, "must be a positive number or None, got 0"),
        (TIMED, "long", "must be a positive number or None, got 'long'"),
        (made_up_table(SPACE), 5.0, "needs a table that knows its training times"),
    ],
)
def test_budget__must_be_one(table: Any, budget: Any, says: str) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match=says):
        TableEvaluator(table, budget_seconds=budget)
