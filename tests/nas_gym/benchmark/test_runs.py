from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Discrete
from gymnasium.vector import VectorEnv, VectorWrapper
from numpy.typing import NDArray

from agents import agent_spec
from agents.errors import InvalidArgumentError
from nas_gym.benchmark.runs import Limits, cut, judge_run, play
from nas_gym.studies.row_metric import ACCURACY, Metric
from tests.nas_gym.benchmark.results import BRACKETS

Rows = list[dict[str, Any]]


class FourTable:
    """Four architectures; the second best of those seen by validation is the best on test data."""

    optimum = 0.9
    best_test_accuracy = 0.7

    def validation_accuracy(self, architecture: str) -> float:
        return {"a": 0.5, "b": 0.8, "c": 0.9, "d": 0.6}[architecture]

    def test_accuracy(self, architecture: str) -> float:
        return {"a": 0.4, "b": 0.75, "c": 0.7, "d": 0.3}[architecture]


class OneToken(gym.Env[Any, Any]):
    """The action is the architecture."""

    observation_space = Discrete(2)
    action_space = Discrete(4)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        return 0, FourTable().validation_accuracy("abcd"[action]), True, False, {}


class Recorded(VectorWrapper):
    evaluation_seconds = 0.25

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        self.rows: Rows = []

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        result = self.env.step(actions)
        for action, reward in zip(actions.tolist(), result[1].tolist(), strict=True):
            self.rows += rows_of(["abcd"[action]], [reward])
        return result


def rows_of(architectures: list[str | None], accuracies: list[float | None] | None = None) -> Rows:
    table = FourTable()
    if accuracies is None:
        accuracies = [None if a is None else table.validation_accuracy(a) for a in architectures]
    return [
        {"architecture": a, "reward": -1.0 if accuracy is None else accuracy, "validation_accuracy": accuracy}
        for a, accuracy in zip(architectures, accuracies, strict=True)
    ]


def judge(rows: Rows, limits: Limits, table: FourTable | None, metric: Metric = ACCURACY) -> dict[str, Any]:
    return judge_run(3, rows, limits, table, str, seconds=2.0, training_seconds=0.5, metric=metric)


def test_cut__ends_at_the_budget_or_at_the_episodes() -> None:
    rows = rows_of([None, "a", "a", "b", "b", "c"])
    assert cut(rows, Limits(2, 8)) == rows[:4]
    assert cut(rows, Limits(2, 3)) == rows[:3]
    assert cut(rows, Limits(None, 5)) == rows[:5]


def test_play__stops_at_its_budget_and_repeats() -> None:
    def run(limits: Limits, seed: int = 0) -> Rows:
        env = Recorded(gym.vector.SyncVectorEnv([OneToken] * 2))
        played = play(agent_spec("random"), env, env, seed, limits)
        assert played["training_seconds"] == 0.25 < played["seconds"] + 0.25
        # Two lanes a batch: nothing is played beyond the batch in which the budget is reached.
        assert len(env.rows) <= len(played["rows"]) + 1
        rows: Rows = played["rows"]
        return rows

    rows = run(Limits(3, 400))
    assert len({row["architecture"] for row in rows}) == 3
    assert len({row["architecture"] for row in rows[:-1]}) == 2
    assert rows == run(Limits(3, 400))
    assert len(run(Limits(4, 3))) == 3


def test_judge_run__follows_the_answer_of_the_search() -> None:
    run = judge(rows_of([None, "a", "d", "a", "b", "d", "c"]), Limits(4, 8), FourTable())
    assert run["curve"] == {
        "children": [1, 2, 3, 4],
        "validation": [0.5, 0.6, 0.8, 0.9],
        "test": [0.4, 0.3, 0.75, 0.7],
    }
    assert (run["best_architecture"], run["best_validation_accuracy"], run["test_accuracy"]) == (
        "c",
        0.9,
        0.7,
    )
    assert (run["validation_regret"], run["test_regret"]) == (0.0, 0.0)
    assert (run["children_to_optimum"], run["ended_by"]) == (4, "budget")
    assert (run["episodes"], run["illegal_episodes"], run["distinct_architectures"]) == (7, 1, 4)
    assert (run["seconds"], run["training_seconds"], run["agent_seconds"]) == (2.0, 0.5, 1.5)
    assert run["mean_reward_last_10_percent"] == 0.9


def test_judge_run__takes_the_answer_that_the_agent_saw_and_judges_it_by_the_table() -> None:
    noisy = rows_of(["a", "b"], [0.99, 0.7])
    run = judge(noisy, Limits(2, 8), FourTable())
    assert (run["best_architecture"], run["best_validation_accuracy"]) == ("a", 0.5)
    assert run["validation_regret"] == pytest.approx(0.4)
    assert run["children_to_optimum"] is None


def test_judge_run__knows_no_regret_without_a_table() -> None:
    run = judge(rows_of([None, "a", "b"]), Limits(4, 3), None)
    assert run["ended_by"] == "episodes"
    assert run["curve"] == {"children": [1, 2], "validation": [0.5, 0.8], "test": None}
    unknown = ("test_accuracy", "validation_regret", "test_regret", "children_to_optimum")
    assert [run[name] for name in unknown] == [None] * 4


def test_judge_run__of_illegal_sentences_only_has_no_answer() -> None:
    run = judge(rows_of([None, None]), Limits(4, 2), FourTable())
    assert (run["best_architecture"], run["best_validation_accuracy"], run["test_accuracy"]) == (
        None,
        0.0,
        0.0,
    )
    assert np.isclose(run["mean_reward_last_10_percent"], -1.0)


def test_judge_run__of_perplexities_answers_with_the_lowest() -> None:
    values = {"a": 9.5, "b": None, "c": 6.0, "d": 6.0}  # above guessing; failed; best; equal, but later
    rows = [{"architecture": a, "reward": 0.0, BRACKETS.name: value} for a, value in values.items()]
    run = judge(rows, Limits(4, 8), None, BRACKETS)
    assert run["curve"] == {"children": [1, 3], "validation_perplexity": [9.5, 6.0], "test": None}
    assert (run["best_architecture"], run["best_validation_perplexity"]) == ("c", 6.0)
    assert "best_validation_accuracy" not in run
    failed = judge(rows[1:2], Limits(4, 8), None, BRACKETS)
    assert (failed["best_architecture"], failed["best_validation_perplexity"]) == (None, 8.0)


def test_limits__must_be_positive() -> None:
    with pytest.raises(InvalidArgumentError, match="budget must be a positive integer, got 0"):
        Limits(0, 5)
    with pytest.raises(InvalidArgumentError, match="episodes must be a positive integer, got 0"):
        Limits(None, 0)
