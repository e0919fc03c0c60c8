"""One run of one agent: played up to its limits, judged afterwards."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Protocol

from agents import AgentSpec, make_agent
from agents.episodes import AnyVectorEnv
from agents.errors import InvalidArgumentError
from nas_gym.benchmark.measures import measure_of
from nas_gym.studies.row_metric import ACCURACY, Metric
from nas_gym.studies.summary import last_tenth_mean

Row = Mapping[str, Any]
Run = dict[str, Any]
"""What ``judge_run`` returns, as JSON values."""


@dataclass(frozen=True)
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
        for name, value in (("budget", self.budget), ("episodes", self.episodes)):
            if value is not None and value < 1:
                raise InvalidArgumentError(f"{name} must be a positive integer, got {value}")


class Table(Protocol):
    """What is known of every architecture of an environment; no agent sees it."""

    @property
    def optimum(self) -> float:
        """Highest validation accuracy of all architectures."""

    @property
    def best_test_accuracy(self) -> float:
        """Test accuracy of the architecture that is best by validation: a test regret may be negative."""

    def validation_accuracy(self, architecture: Any) -> float:  # noqa: ANN401
        """Return the validation accuracy of an architecture."""

    def test_accuracy(self, architecture: Any) -> float:  # noqa: ANN401
        """Return the test accuracy of an architecture."""


class RecordingEnv(Protocol):
    """What ``play`` needs of an environment beyond Gymnasium's interface: a record of what happened."""

    rows: list[dict[str, Any]]
    """One for each episode that ended, with ``architecture`` (``None`` if illegal) and ``reward``."""

    @property
    def evaluation_seconds(self) -> float:
        """Seconds spent in training children, or looking them up."""


class _Stop:
    """A callback of ``learn`` that ends it at a number of distinct children."""

    def __init__(self, rows: Sequence[Row], budget: int | None) -> None:
        self._rows = rows
        self._budget = budget
        self._seen: set[str] = set()
        self._read = 0

    def __call__(self, agent: object) -> bool:
        new = self._rows[self._read :]
        self._read += len(new)
        self._seen.update(row["architecture"] for row in new if row["architecture"] is not None)
        return self._budget is None or len(self._seen) < self._budget


def play(agent: AgentSpec, env: AnyVectorEnv, record: RecordingEnv, seed: int, limits: Limits) -> Run:
    """Let one agent search; return the rows of its run, cut at the limits, and its seconds.

    Args:
        agent: How to make it.
        env: What it searches.
        record: The same environment, or the wrapper of it that keeps the record.
        seed: Seed of the agent.
        limits: When the run ends. An agent learns from whole batches, so it may play a few episodes beyond;
            they are cut off, though their time is counted.

    Returns:
        ``rows``, ``seconds`` of the whole run and ``training_seconds`` of these in the evaluator.
    """
    resolve_name(agent.maker)  # the first run of a process shall not be charged for imports
    start = time.perf_counter()
    searching = make_agent(agent, env, seed)
    searching.learn(limits.episodes, callback=_Stop(record.rows, limits.budget))
    seconds = time.perf_counter() - start
    return {
        "rows": cut(record.rows, limits),
        "seconds": seconds,
        "training_seconds": record.evaluation_seconds,
    }


def cut(rows: Sequence[Row], limits: Limits) -> list[Row]:
    """Return the rows up to the one that reaches a limit, that one included."""
    seen: set[str] = set()
    for index, row in enumerate(rows[: limits.episodes]):
        if row["architecture"] is not None:
            seen.add(row["architecture"])
        if len(seen) == limits.budget:
            return list(rows[: index + 1])
    return list(rows[: limits.episodes])


def judge_run(
    seed: int,
    rows: Sequence[Row],
    limits: Limits,
    table: Table | None,
    parse: Callable[[str], Any],
    seconds: float,
    training_seconds: float,
    metric: Metric = ACCURACY,
) -> Run:
    """Return what the comparison keeps of one run, as JSON values.

    The answer of a search after n children is the one whose validation metric, as the agent saw it, was
    best; among equals the first. What the answer is worth is looked up in the table, where there is one.

    Args:
        seed: The agent's.
        rows: One for each episode, cut at the limits.
        limits: Those of the run.
        table: What is known of the environment, in accuracies; without one, test accuracy, regret and the
            children needed to reach the optimum are unknown, ``None``.
        parse: Makes the table's architecture of its text form.
        seconds: Of the whole run.
        training_seconds: Of these in the evaluator.
        metric: What the networks of the environment are compared by, whether or not a child has any.
    """
    answers: list[tuple[int, str, float]] = []  # children so far, the new answer, what the agent saw of it
    seen: set[str] = set()
    reached = None
    for row in rows:
        architecture, value = row["architecture"], row[metric.name]
        if architecture is None or architecture in seen:
            continue
        seen.add(architecture)
        if value is not None and (not answers or metric.sign * value > metric.sign * answers[-1][2]):
            answers.append((len(seen), architecture, value))
        if table is not None and reached is None:
            if table.validation_accuracy(parse(architecture)) >= table.optimum:
                reached = len(seen)
    worth = [v if table is None else table.validation_accuracy(parse(name)) for _, name, v in answers]
    test = None if table is None else [table.test_accuracy(parse(name)) for _, name, _ in answers]
    best = worth[-1] if worth else metric.nothing
    best_test = None if test is None else (test[-1] if test else 0.0)
    rewards = [row["reward"] for row in rows]
    return {
        "seed": seed,
        "ended_by": "budget" if len(seen) == limits.budget else "episodes",
        "episodes": len(rows),
        "illegal_episodes": sum(row["architecture"] is None for row in rows),
        "distinct_architectures": len(seen),
        "best_architecture": answers[-1][1] if answers else None,
        metric.answer: best,
        "test_accuracy": best_test,
        "validation_regret": None if table is None else table.optimum - best,
        "test_regret": None if table is None or best_test is None else table.best_test_accuracy - best_test,
        "children_to_optimum": reached,
        "mean_reward_last_10_percent": last_tenth_mean(rewards),
        "seconds": seconds,
        "training_seconds": training_seconds,
        "agent_seconds": seconds - training_seconds,
        "curve": {
            "children": [count for count, _, _ in answers],
            measure_of(metric): worth,
            "test": test,
        },
        "rewards": rewards,
    }
