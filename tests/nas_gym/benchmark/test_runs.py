from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from agents import agent_spec
from nas_gym.benchmark.runs import Curve, Limits, Played, Run, cut, judge, play
from nas_gym.envs.episode import Episode
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.memory.tables.table import Table
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.metric import ACCURACY
from tests.nas_gym.benchmark.made_up import BRACKETS, make_episodes

SPACE = MlpSpace(max_length=2, widths=(1, 2), activations=("ReLU",))
A, B, C, D = (str(SPACE.unrank(rank)) for rank in range(4))
VALIDATION = {A: 0.5, B: 0.8, C: 0.9, D: 0.6}
TEST = {A: 0.4, B: 0.75, C: 0.7, D: 0.3}


def table() -> Table:
    """Of the first four architectures the second best by validation is the best on test data."""

    def column(scores: dict[str, float]) -> NDArray[np.float64]:
        return np.array([[*scores.values(), *[0.1] * (SPACE.count() - 4)]]).T

    return Table(SPACE, "made up", "none", validation=column(VALIDATION), test=column(TEST))


class OneToken(gym.Env[Any, Any]):
    """The action is the architecture."""

    observation_space = Discrete(2)
    action_space = Discrete(4)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        return 0, list(VALIDATION.values())[action], True, False, {}


class Recorded(RecordEvaluations):
    evaluation_seconds = 0.25

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        result = self.env.step(actions)
        names = [(A, B, C, D)[action] for action in actions]
        self.episodes += make_episodes(names, [VALIDATION[name] for name in names])
        return result


def episodes(*names: str | None) -> list[Episode]:
    return make_episodes(names, [None if name is None else VALIDATION[name] for name in names])


def judged(played: list[Episode], limits: Limits, known: bool = True) -> Run:
    return judge(Played(played, 2.0, 0.5), 3, limits, ACCURACY, table() if known else None)


def test_cut__ends_at_the_budget_or_at_the_episodes() -> None:
    played = episodes(None, A, A, B, B, C)
    assert cut(played, Limits(2, 8)) == played[:4]
    assert cut(played, Limits(2, 3)) == played[:3]
    assert cut(played, Limits(None, 5)) == played[:5]


def test_play__stops_at_its_budget_and_repeats() -> None:
    def search(limits: Limits) -> list[Episode]:
        env = Recorded(gym.vector.SyncVectorEnv([OneToken] * 2))
        played = play(agent_spec("random"), env, 0, limits)
        assert played.training_seconds == 0.25 and played.seconds > 0
        # Two lanes a batch: nothing is played beyond the batch in which the budget is reached.
        assert len(env.episodes) <= len(played.episodes) + 1
        return list(played.episodes)

    found = search(Limits(3, 400))
    assert len({episode.architecture for episode in found}) == 3
    assert len({episode.architecture for episode in found[:-1]}) == 2
    assert [episode.architecture for episode in found] == [e.architecture for e in search(Limits(3, 400))]
    assert len(search(Limits(4, 3))) == 3


def test_judge__follows_the_answer_of_the_search() -> None:
    run = judged(episodes(None, A, D, A, B, D, C), Limits(4, 8))
    assert run.curve == Curve([1, 2, 3, 4], [0.5, 0.6, 0.8, 0.9], [0.4, 0.3, 0.75, 0.7])
    assert (run.best_architecture, run.validation_score, run.test_score) == (C, 0.9, 0.7)
    assert (run.validation_regret, run.test_regret) == (0.0, 0.0)
    assert (run.children_to_optimum, run.ended_by) == (4, "budget")
    assert (run.episodes, run.illegal_episodes, run.distinct_architectures) == (7, 1, 4)
    assert (run.seconds, run.training_seconds, run.agent_seconds) == (2.0, 0.5, 1.5)
    assert run.mean_reward_last_10_percent == 0.9


def test_judge__takes_the_answer_that_the_agent_saw_and_judges_it_by_the_table() -> None:
    run = judged(make_episodes([A, B], [0.99, 0.7]), Limits(2, 8))
    assert (run.best_architecture, run.validation_score) == (A, 0.5)
    assert run.validation_regret == pytest.approx(0.4)
    assert run.children_to_optimum is None


def test_judge__knows_no_regret_without_a_table() -> None:
    run = judged(episodes(None, A, B), Limits(4, 3), known=False)
    assert run.ended_by == "episodes"
    assert run.curve == Curve([1, 2], [0.5, 0.8], None)
    unknown = (run.test_score, run.validation_regret, run.test_regret, run.children_to_optimum)
    assert unknown == (None,) * 4


def test_judge__of_illegal_sentences_only_has_no_answer() -> None:
    run = judged(episodes(None, None), Limits(4, 2))
    assert (run.best_architecture, run.validation_score, run.test_score) == (None, 0.0, 0.0)
    assert np.isclose(run.mean_reward_last_10_percent, -1.0)


def test_judge__of_perplexities_answers_with_the_lowest() -> None:
    values = {"a": 9.5, "b": None, "c": 6.0, "d": 6.0}  # above guessing; failed; best; equal, but later
    played = [
        Episode(1, name, 0.0, "ok", {} if value is None else {"perplexity": value})
        for name, value in values.items()
    ]
    run = judge(Played(played, 1.0, 1.0), 0, Limits(4, 8), BRACKETS, None)
    assert run.curve == Curve([1, 3], [9.5, 6.0], None)
    assert (run.best_architecture, run.validation_score) == ("c", 6.0)
    failed = judge(Played(played[1:2], 1.0, 1.0), 0, Limits(4, 8), BRACKETS, None)
    assert (failed.best_architecture, failed.validation_score) == (None, 8.0), "as who guesses"


def test_limits__must_be_positive() -> None:
    with pytest.raises(InvalidArgumentError, match="budget must be None or an integer from 1, got 0"):
        Limits(0, 5)
    with pytest.raises(InvalidArgumentError, match="episodes must be an integer from 1, got 0"):
        Limits(None, 0)
