"""One run of one agent: played up to its limits, judged afterwards."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from agents import AgentSpec, make_agent
from agents.base import Order
from nas_gym.checks import integer, optional_integer
from nas_gym.envs.episode import Episode
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.evaluators.remembered.simulated import SimulatedEvaluator
from nas_gym.memory.tables.table import Table
from nas_gym.pools.virtual import Virtual
from nas_gym.studies.summary import last_tenth_mean
from nas_gym.tasks.metric import Metric

Part = Literal["test", "validation"]
"""Which data a score is of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends: with so many distinct children, or so many episodes, whichever comes first.

    Attributes:
        budget: Distinct children; ``None`` for no such limit.
        episodes: Episodes, those with an illegal token and those that repeat an architecture included.
    """

    budget: int | None
    episodes: int

    def __post_init__(self) -> None:
        """Refuse limits below one."""
        object.__setattr__(self, "budget", optional_integer("budget", self.budget, 1))
        object.__setattr__(self, "episodes", integer("episodes", self.episodes, 1))


@dataclass(frozen=True, slots=True)
class Curve:
    """How the answer of a search changed, one entry for each new answer.

    Attributes:
        children: Distinct children so far, the new answer included.
        validation_scores: What the answer is worth by the environment's metric.
        test_scores: The same on test data; ``None`` without a table.
    """

    children: Sequence[int]
    validation_scores: Sequence[float]
    test_scores: Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Simulated:
    """What simulated workers did meanwhile. All times are virtual seconds.

    Attributes:
        ends: When what came of each episode was known.
        updates: When the agent had learned from a batch.
        busy: Up to then the share of worker time in which workers worked, from 0 to 1.
    """

    ends: Sequence[float]
    updates: Sequence[float]
    busy: Sequence[float]


@dataclass(frozen=True, slots=True)
class Run:
    """What the benchmark keeps of one run. Scores are those of the last answer, by the environment's metric.

    Attributes:
        seed: Seed of the agent.
        ended_by: The limit that was reached.
        episodes: Number of episodes.
        illegal_episodes: How many of them ended with an illegal token.
        distinct_architectures: Number of different children.
        best_architecture: The last answer, ``None`` if there is none.
        validation_score: What it is worth; without an answer what the metric has for nothing.
        test_score: The same on test data; ``None`` without a table, as the three that follow.
        validation_regret: How much better the table's optimum is.
        test_regret: How much better on test data that optimum is; it may be negative.
        children_to_optimum: Distinct children with which it was reached; ``None`` also if it was not.
        mean_reward_last_10_percent: Mean over the last tenth of the episodes.
        seconds: Wall-clock time of the run.
        training_seconds: Of these in the evaluator.
        curve: How the answer changed.
        rewards: One for each episode.
        simulated: Its course in virtual time; ``None`` where nothing is simulated.
    """

    seed: int
    ended_by: Literal["budget", "episodes"]
    episodes: int
    illegal_episodes: int
    distinct_architectures: int
    best_architecture: str | None
    validation_score: float
    test_score: float | None
    validation_regret: float | None
    test_regret: float | None
    children_to_optimum: int | None
    mean_reward_last_10_percent: float
    seconds: float
    training_seconds: float
    curve: Curve
    rewards: Sequence[float]
    simulated: Simulated | None = None

    @property
    def virtual_hours(self) -> float | None:
        """How long it took simulated workers; ``None`` without."""
        return None if self.simulated is None else self.simulated.ends[-1] / 3600

    @property
    def busy_share(self) -> float | None:
        """The share of worker time in which simulated workers worked; ``None`` without."""
        return None if self.simulated is None else self.simulated.busy[-1]

    @property
    def agent_seconds(self) -> float:
        """Seconds outside the evaluator."""
        return self.seconds - self.training_seconds


@dataclass(frozen=True, slots=True)
class Played:
    """A run that is not judged yet: its episodes, cut at the limits, its seconds and simulated workers."""

    episodes: Sequence[Episode]
    seconds: float
    training_seconds: float
    simulated: Simulated | None = None


class _Stop:
    """A callback of ``learn`` that ends it at a number of distinct children, and looks at simulated workers.

    Attributes:
        readings: For each update the time, and the share of worker time in which workers have worked.
    """

    def __init__(self, episodes: Sequence[Episode], budget: int | None, workers: Virtual | None) -> None:
        self._episodes = episodes
        self._budget = budget
        self._workers = workers
        self.readings: list[tuple[float, float]] = []
        self._seen: set[str] = set()
        self._read = 0

    def __call__(self, agent: object) -> bool:
        new = self._episodes[self._read :]
        self._read += len(new)
        if self._workers is not None and self._workers.now > 0:
            spent = self._workers.workers * self._workers.now
            self.readings.append((self._workers.now, self._workers.busy_seconds / spent))
        self._seen.update(episode.architecture for episode in new if episode.architecture is not None)
        return self._budget is None or len(self._seen) < self._budget


def play(
    agent: AgentSpec, env: RecordEvaluations, seed: int, limits: Limits, order: Order = "batch"
) -> Played:
    """Let one agent search.

    Args:
        agent: How to make it.
        env: What it searches.
        seed: Seed of the agent.
        limits: When the run ends. An agent learns from whole batches, so it may play a few episodes beyond;
            they are cut off, though their time is counted.
        order: In which order it learns; other agents than ours know of none but ``"batch"``.
    """
    agent.load()  # the first run of a process shall not be charged for imports
    start = time.perf_counter()
    searching = make_agent(agent, env, seed)
    stop = _Stop(env.episodes, limits.budget, simulated_workers(getattr(env.unwrapped, "evaluator", None)))
    searching.learn(limits.episodes, callback=stop, **({} if order == "batch" else {"order": order}))
    seconds = time.perf_counter() - start
    episodes = cut(env.episodes, limits)
    simulated = None
    if stop.readings:
        # What was known before costs no time, and carries the time at which it was found out.
        ends = np.maximum.accumulate([episode.simulated_seconds or 0.0 for episode in episodes])
        updates, busy = zip(*stop.readings, strict=True)
        simulated = Simulated(ends.tolist(), updates, busy)
    return Played(episodes, seconds, env.evaluation_seconds, simulated)


def simulated_workers(evaluator: object) -> Virtual | None:
    """Return the simulated workers behind an evaluator, ``None`` if there are none."""
    while evaluator is not None and not isinstance(evaluator, SimulatedEvaluator):
        evaluator = getattr(evaluator, "evaluator", None)
    return None if evaluator is None else evaluator.pool


def cut(episodes: Sequence[Episode], limits: Limits) -> Sequence[Episode]:
    """Return the episodes up to the one that reaches a limit, that one included."""
    seen: set[str] = set()
    for index, episode in enumerate(episodes[: limits.episodes]):
        if episode.architecture is not None:
            seen.add(episode.architecture)
        if len(seen) == limits.budget:
            return episodes[: index + 1]
    return episodes[: limits.episodes]


def judge(played: Played, seed: int, limits: Limits, metric: Metric, table: Table | None) -> Run:
    """Return what the benchmark keeps of one run.

    The answer of a search after n children is the one whose validation score, as the agent saw it, was best;
    among equals the first. What the answer is worth is looked up in the table, where there is one.

    Args:
        played: The run.
        seed: The agent's.
        limits: Those of the run.
        metric: What the networks of the environment are compared by.
        table: What is known of all architectures of the environment; no agent sees it.
    """
    answers: list[tuple[int, str, float]] = []  # children so far, the new answer, what the agent saw of it
    seen: set[str] = set()
    reached = None
    for episode in played.episodes:
        architecture, score = episode.architecture, episode.scores.get(metric.name)
        if architecture is None or architecture in seen:
            continue
        seen.add(architecture)
        if score is not None and (not answers or metric.is_better(score, answers[-1][2])):
            answers.append((len(seen), architecture, score))
        if table is not None and reached is None:
            if table.validation_score(table.search_space.parse(architecture)) >= table.optimum:
                reached = len(seen)
    worth, on_test = [score for _, _, score in answers], None
    if table is not None:
        known = [table.search_space.parse(name) for _, name, _ in answers]
        worth = [table.validation_score(architecture) for architecture in known]
        on_test = [table.test_score(architecture) for architecture in known]
    best = worth[-1] if worth else metric.nothing
    best_on_test = None if on_test is None else on_test[-1] if on_test else metric.nothing
    rewards = [episode.reward for episode in played.episodes]
    return Run(
        seed=seed,
        ended_by="budget" if len(seen) == limits.budget else "episodes",
        episodes=len(rewards),
        illegal_episodes=sum(episode.architecture is None for episode in played.episodes),
        distinct_architectures=len(seen),
        best_architecture=answers[-1][1] if answers else None,
        validation_score=best,
        test_score=best_on_test,
        validation_regret=None if table is None else table.optimum - best,
        test_regret=None if table is None or best_on_test is None else table.best_test_score - best_on_test,
        children_to_optimum=reached,
        mean_reward_last_10_percent=last_tenth_mean(rewards),
        seconds=played.seconds,
        training_seconds=played.training_seconds,
        curve=Curve([count for count, _, _ in answers], worth, on_test),
        rewards=rewards,
        simulated=played.simulated,
    )
