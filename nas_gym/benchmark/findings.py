"""What the runs on one environment show: means, interquartile means and comparisons, all with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from nas_gym.benchmark.curves import RewardCurve, TimeCurve, best_so_far, grid, in_time, rewards_so_far
from nas_gym.benchmark.optimum import Optimum, find_optimum
from nas_gym.benchmark.runs import Part, Run
from nas_gym.benchmark.statistics import (
    Floats,
    improvement_intervals,
    interquartile_interval,
    mean_interval,
    probability_of_improvement,
)
from nas_gym.pages.intervals import Band, Interval
from nas_gym.tasks.metric import Metric

Measure = Literal["test", "validation", "children"]
"""What agents are compared by: the scores of their answers, or the children up to the optimum."""

MEANS = (
    "mean_reward_last_10_percent",
    "validation_score",
    "test_score",
    "validation_regret",
    "test_regret",
    "distinct_architectures",
    "episodes",
    "seconds",
    "training_seconds",
    "agent_seconds",
    "virtual_hours",
    "busy_share",
)
"""Numbers of a run whose means over runs are of interest."""
MILESTONES = (0.2, 0.4, 1.0)
"""Shares of the budget at which the best so far is written out."""
FEWEST_SEEDS = 4
"""Of fewer runs no two agents are told apart: 3 + 3 runs separate by chance in one case of ten."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two agents, the better one first.

    Attributes:
        first: The better one.
        second: The other.
        probability: That a run of the first beats one of the second.
        decided: Whether the interval of that excludes 1/2 even after Bonferroni's correction for all pairs.
    """

    first: str
    second: str
    probability: Interval
    decided: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What the runs of one agent show.

    Attributes:
        means: Over runs, by names in ``MEANS``; without those that a run does not know.
        interquartile_means: Of the scores of the answers.
        curves: Scores of the best so far after so many children, at ``Findings.children``.
        milestones: The same at ``Findings.milestones``.
        rewards: Rewards in the course of the runs.
        in_time: Their course in virtual time, ``None`` without simulated workers.
        optimum: How runs came to the optimum, ``None`` if it is not known.
        runs: The runs.
    """

    means: Mapping[str, Interval]
    interquartile_means: Mapping[Part, Interval]
    curves: Mapping[Part, Band]
    milestones: Mapping[Part, Band]
    rewards: RewardCurve
    in_time: TimeCurve | None
    optimum: Optimum | None
    runs: Sequence[Run]

    def ended_by(self, limit: Literal["budget", "episodes"]) -> int:
        """Return how many runs ended by that limit."""
        return sum(run.ended_by == limit for run in self.runs)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the runs on one environment show.

    Attributes:
        metric: What answers are judged by.
        parts: Of which data there are scores, the one that ranks agents first.
        children: Numbers of distinct children at which curves have their points.
        milestones: The few at which they are written out.
        reward_window: Number of rewards in a moving average.
        agents: What each agent's runs show.
        comparisons: Every two agents, by each measure.
    """

    metric: Metric
    parts: Sequence[Part]
    children: Sequence[int]
    milestones: Sequence[int]
    reward_window: int
    agents: Mapping[str, Result]
    comparisons: Mapping[Measure, Sequence[Pair]]

    @property
    def ranking(self) -> list[str]:
        """The agents by the interquartile mean of the first part's scores, best first."""
        middle = {agent: r.interquartile_means[self.parts[0]].value for agent, r in self.agents.items()}
        return sorted(middle, key=lambda agent: -self.metric.sign * middle[agent])

    @property
    def seeds(self) -> int:
        """Runs of each agent."""
        return len(next(iter(self.agents.values())).runs)

    def words(self, measure: Measure) -> str:
        """Return what a measure is called."""
        return "children up to the optimum" if measure == "children" else f"{measure} {self.metric.words}"


def find(runs: Mapping[str, Sequence[Run]], budget: int | None, metric: Metric) -> Findings:
    """Return everything that the runs on one environment show.

    Args:
        runs: Each agent's, the same seeds in the same order.
        budget: Distinct children of a run, ``None`` if only episodes were limited.
        metric: The one that the runs were judged by.
    """
    everything = [run for agent in runs.values() for run in agent]
    judged = all(run.test_score is not None for run in everything)
    parts: tuple[Part, ...] = ("test", "validation") if judged else ("validation",)
    measures: tuple[Measure, ...] = (*parts, "children") if judged else parts
    last = budget or max(1, *(run.distinct_architectures for run in everything))
    children = grid(last)
    milestones = np.unique(np.maximum(1, np.round(np.array(MILESTONES) * last).astype(np.int64)))
    window = max(1, min(len(run.rewards) for run in everything) // 20)
    return Findings(
        metric=metric,
        parts=parts,
        children=children.tolist(),
        milestones=milestones.tolist(),
        reward_window=window,
        agents={
            agent: Result(
                means=means(results),
                interquartile_means={p: interquartile_interval(_scores(results, p)) for p in parts},
                curves={part: best_so_far(results, part, children, metric.nothing) for part in parts},
                milestones={part: best_so_far(results, part, milestones, metric.nothing) for part in parts},
                rewards=rewards_so_far(results, window),
                in_time=in_time(results, window),
                optimum=find_optimum([r.children_to_optimum for r in results], children) if judged else None,
                runs=results,
            )
            for agent, results in runs.items()
        },
        comparisons={
            measure: compare({agent: ranks(r, measure, metric, last)[:, None] for agent, r in runs.items()})
            for measure in measures
        },
    )


def means(runs: Sequence[Run]) -> dict[str, Interval]:
    """Return the means over one agent's runs, by names in ``MEANS``; unknown ones are left out."""
    values = {name: [getattr(run, name) for run in runs] for name in MEANS}
    return {name: mean_interval(np.array(v, np.float64)) for name, v in values.items() if None not in v}


def ranks(runs: Sequence[Run], measure: Measure, metric: Metric, budget: int) -> Floats:
    """Return one number a run, higher is better, shape ``(runs,)``.

    Args:
        runs: One agent's.
        measure: With ``"children"`` it is minus the children up to the optimum; all runs that did not reach
            it tie behind those that did.
        metric: What the runs were judged by; where less is better, scores get a minus.
        budget: Distinct children of a run.
    """
    if measure == "children":
        times = [run.children_to_optimum for run in runs]
        return -np.array([budget + 1 if time is None else time for time in times], dtype=np.float64)
    return metric.sign * _scores(runs, measure)


def compare(agents: Mapping[str, Floats]) -> list[Pair]:
    """Compare every two agents, the better one first.

    An order is decided if its interval excludes 1/2 even at the level ``1 - 0.05 / pairs``, so that all
    decisions together are right in 95 % of benchmarks (Bonferroni).

    Args:
        agents: Numbers of each, shape ``(runs, environments)``, higher is better.
    """
    pairs = list(combinations(agents, 2))
    found = []
    for first, second in pairs:
        probability = probability_of_improvement(agents[first], agents[second])
        if probability < 0.5:
            first, second, probability = second, first, 1 - probability
        x, y = agents[first], agents[second]
        (low, high), (strict, _) = improvement_intervals(x, y, (0.95, 1 - 0.05 / len(pairs)))
        decided = strict > 0.5 and len(x) >= FEWEST_SEEDS
        found.append(Pair(first, second, Interval(probability, low, high), decided))
    return found


def find_together(findings: Mapping[str, Findings]) -> list[Pair] | None:
    """Compare every two agents over all environments: probabilities of improvement, averaged over them.

    Scores of different environments are never averaged, since their scales differ. Test scores where there
    is a table, else those on validation data. ``None`` of a single environment.
    """
    if len(findings) < 2:
        return None
    agents = next(iter(findings.values())).agents

    def columns(agent: str) -> list[Floats]:
        return [ranks(f.agents[agent].runs, f.parts[0], f.metric, 1) for f in findings.values()]

    return compare({agent: np.stack(columns(agent), axis=1) for agent in agents})


def _scores(runs: Sequence[Run], part: Part) -> Floats:
    found = [run.validation_score if part == "validation" else run.test_score for run in runs]
    return np.array(found, dtype=np.float64)
