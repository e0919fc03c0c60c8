"""Learning in the order in which episodes end, or in which they were drawn."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents import AGENTS, make_agent
from agents.base import EpisodicAgent
from agents.errors import InvalidArgumentError
from agents.random import RandomAgent
from agents.reinforce import Reinforce
from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.sending import SendingEvaluator
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.tasks.evaluation import Evaluation
from tests.agents.doubles import Countdown, make_vec
from tests.nas_gym.doubles import InstantEvaluator

LANES = 24
NAMES = ("reinforce", "random_search", "regularized_evolution")


class Shuffled(SendingEvaluator):
    """Has so many workers, and each child takes a time of its own: ends them in that order."""

    def __init__(self, workers: int, seed: int = 0) -> None:
        self.workers = workers
        self.instant = InstantEvaluator()
        self.generator = np.random.default_rng(seed)
        self.now = 0.0
        self.free = [0.0] * workers
        self.under_way: list[tuple[float, int, Evaluation]] = []
        self.sent = 0

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        tickets = self.instant.send(architectures, seeds)
        self.sent += len(tickets)
        for ticket, evaluation in self.instant.recv():
            self.free.sort()
            end = self.free[0] = max(self.now, self.free[0]) + self.generator.lognormal()
            self.under_way.append((end, ticket, evaluation))
        self.under_way.sort(key=lambda each: each[0])
        return tickets

    def _come(self, wait: bool, timeout: float | None) -> list[tuple[int, Evaluation]]:
        if not wait or not self.under_way:
            return []
        self.now, ticket, evaluation = self.under_way.pop(0)
        return [(ticket, evaluation)]

    def _give_up(self) -> None:
        self.under_way = []


def environment(evaluator: Evaluator, lanes: int = LANES, **rules: Any) -> RecordEvaluations:  # noqa: ANN401
    env = NasEnv(MlpSpace(), evaluator, rules=GameRules(**rules))
    return RecordEvaluations(NasVectorEnv(env, lanes))


def learned(agent: EpisodicAgent) -> Callable[[Any], None]:
    """Return a callback that checks the books."""

    def check(_: object) -> None:
        assert sum(map(len, agent.arrivals)) == agent.num_architectures

    return check


def played(env: RecordEvaluations) -> list[tuple[Any, ...]]:
    """Return what was played, whatever the order in which it ended."""
    return sorted((str(e.architecture), e.reward, str(e.seed)) for e in env.episodes)


def equal(one: Any, other: Any) -> bool:  # noqa: ANN401
    """Compare what checkpoints hold."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, torch.Tensor):
        return torch.equal(one.nan_to_num(-9), other.nan_to_num(-9))
    return bool(one == other)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", ["arrival", "submission", "batch"])
def test_orders__play_exactly_what_is_asked_for(name: str, order: Any) -> None:  # noqa: ANN401
    evaluator = Shuffled(8)
    env = environment(evaluator)
    agent = make_agent(name, env, 0)
    agent.learn(100, order=order, episodes_per_update=7, callback=learned(agent))
    assert agent.num_architectures == len(env.episodes) == 100
    assert [len(numbers) for numbers in agent.arrivals[:3]] == [7, 7, 7]
    assert sorted(number for numbers in agent.arrivals for number in numbers) == list(range(100))
    assert agent.num_updates == len(agent.arrivals)
    agent.learn(20, order=order)
    assert agent.num_architectures == len(env.episodes) == 120


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_submission__gives_the_same_episodes_for_any_number_of_workers(name: str, stochastic: bool) -> None:
    def play(workers: int) -> tuple[list[tuple[Any, ...]], list[list[int]]]:
        env = environment(Shuffled(workers, workers), stochastic=stochastic)
        agent = make_agent(name, env, 3).learn(150, order="submission", episodes_per_update=5)
        return played(env), agent.arrivals

    one = play(1)
    assert one == play(8) == play(64)
    assert one[1][:2] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


@pytest.mark.parametrize("name", NAMES)
def test_arrival__is_another_one_for_other_workers_and_can_be_repeated(name: str) -> None:
    def play(order: Any, seed: int) -> tuple[list[tuple[Any, ...]], list[list[int]]]:  # noqa: ANN401
        env = environment(Shuffled(8, seed))
        agent = make_agent(name, env, 3).learn(150, order=order, episodes_per_update=5)
        return played(env), agent.arrivals

    first, other = play("arrival", 1), play("arrival", 2)
    assert first[1] != other[1]
    if name == "reinforce":
        assert first[0] != other[0]
    assert play(first[1], 2) == first


def test_arrival__learns_those_that_end_first() -> None:
    evaluator = Shuffled(8)
    env = environment(evaluator, 12)
    agent = RandomAgent(env, seed=0)
    agent.learn(40, order="arrival", episodes_per_update=4)
    assert agent.arrivals[0] != [0, 1, 2, 3] and max(agent.arrivals[0]) < 12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", ["submission", "batch", "arrival", "recorded"])
def test_orders__go_on_after_a_kill_as_if_nothing_had_happened(
    name: str,
    order: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    whole = make_agent(name, environment(Shuffled(8)), 3)
    asked = "arrival" if order == "recorded" else order
    whole.learn(120, order=asked, episodes_per_update=5)
    asked = whole.arrivals if order == "recorded" else order
    path = tmp_path / "checkpoint.pt"

    def save_and_die(agent: EpisodicAgent) -> bool:
        agent.save(path)
        return agent.num_updates < 9

    killed = make_agent(name, environment(Shuffled(8)), 3)
    killed.learn(120, order=asked, episodes_per_update=5, callback=save_and_die)
    evaluator = Shuffled(8, 5)
    env = environment(evaluator)
    resumed = make_agent(name, env, 99, checkpoint=path)
    assert resumed.num_updates == 9
    left = 120 - resumed.num_architectures
    resumed.learn(left, order=asked, episodes_per_update=5)
    assert resumed.num_architectures == 120 and evaluator.sent == left
    assert sorted(n for numbers in resumed.arrivals for n in numbers) == list(range(120))
    if order != "arrival":
        assert resumed.arrivals == whole.arrivals
        assert equal(resumed._state(), whole._state())


def test_batch__in_parts_learns_all_of_it_before_more_is_drawn() -> None:
    env = environment(Shuffled(4), 12)
    agent = Reinforce(env, seed=0)
    drawn = []
    agent.learn(
        36,
        episodes_per_update=4,
        callback=lambda _: drawn.append(env.env.evaluator.sent),  # type: ignore
    )
    assert drawn == [12] * 3 + [24] * 3 + [36] * 3
    assert agent.arrivals == [list(range(i, i + 4)) for i in range(0, 36, 4)]


def test_distinct__counts_sentences_as_drawn_when_they_are_drawn() -> None:
    space = MlpSpace(max_length=2)
    evaluator = Shuffled(8)
    env = RecordEvaluations(NasVectorEnv(NasEnv(space, evaluator), 20))
    agent = Reinforce(env, seed=0, distinct=True)
    agent.learn(10_000, order="arrival", episodes_per_update=3)
    texts = [episode.architecture for episode in env.episodes]
    assert len(texts) == len(set(texts)) == space.count() == agent.num_architectures


def test_importance__is_that_since_the_drawing() -> None:
    env = environment(Shuffled(8))
    agent = Reinforce(env, seed=0, learning_rate=0.05)
    seen: list[float] = []
    update = agent._update

    def note(episodes: Any) -> dict[str, float]:  # noqa: ANN401
        now = np.array(agent._log_likelihoods(episodes))
        seen.append(float(np.abs(now - episodes.log_likelihoods).max()))
        return update(episodes)

    agent._update = note  # type: ignore[method-assign]
    agent.learn(60, order="submission", episodes_per_update=6)
    assert seen[0] == pytest.approx(0, abs=1e-5)
    assert max(seen[1:]) > 0.05


def test_orders__that_an_agent_has_not_are_refused() -> None:
    for name in ("local_search", "reinforce_surrogate"):
        agent = make_agent(name, make_vec(AGENTS[name].num_envs), 0)
        with pytest.raises(InvalidArgumentError, match="learns from whole batches alone"):
            agent.learn(10, order="arrival")
    agent = RandomAgent(make_vec(4), seed=0)
    with pytest.raises(InvalidArgumentError, match="unknown order 'random'; there are batch, arrival, sub"):
        agent.learn(10, order="random")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="episodes_per_update must be an integer from 1"):
        agent.learn(10, order="arrival", episodes_per_update=0)
    with pytest.raises(InvalidArgumentError, match="need send and recv"):
        RandomAgent(Countdown(), seed=0).learn(10, order="arrival")
