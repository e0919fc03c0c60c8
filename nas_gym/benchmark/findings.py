"""What the runs on one environment show: means, interquartile means and comparisons, all with intervals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from nas_gym.benchmark.censored import reached_curve, summarise_reached
from nas_gym.benchmark.curves import best_so_far, grid, rewards_so_far
from nas_gym.benchmark.measures import MEASURES, measure_of
from nas_gym.benchmark.runs import Run
from nas_gym.benchmark.statistics import (
    Floats,
    bootstrap_interval,
    improvement_intervals,
    interquartile_mean,
    probability_of_improvement,
    stratified_interval,
)
from nas_gym.studies.row_metric import ACCURACY, Metric

Findings = dict[str, Any]
"""What ``find`` returns, as JSON values."""

MEANS = (
    "mean_reward_last_10_percent",
    "best_validation_accuracy",
    "best_validation_perplexity",
    "test_accuracy",
    "validation_regret",
    "test_regret",
    "distinct_architectures",
    "episodes",
    "seconds",
    "training_seconds",
    "agent_seconds",
)
MILESTONES = (0.2, 0.4, 1.0)
"""Shares of the budget at which the best so far is written out."""
FEWEST_SEEDS = 4
"""Of fewer runs no two agents are told apart: 3 + 3 runs separate by chance in one case of ten."""


def find(runs: Mapping[str, Sequence[Run]], budget: int | None, metric: Metric = ACCURACY) -> Findings:
    """Return everything that the runs on one environment show.

    Args:
        runs: Each agent's, as ``judge_run`` returns them, the same seeds in the same order.
        budget: Distinct children of a run, ``None`` if only episodes were limited.
        metric: The one that the runs were judged by.
    """
    everything = [run for agent in runs.values() for run in agent]
    judged = all(run["test_accuracy"] is not None for run in everything)
    metrics = ("test", measure_of(metric)) if judged else (measure_of(metric),)
    references = {"references": dict(metric.references)} if metric.references else {}
    last = budget or max(1, *(run["distinct_architectures"] for run in everything))
    children = grid(last)
    milestones = np.unique(np.maximum(1, np.round(np.array(MILESTONES) * last).astype(np.int64)))
    window = max(1, min(len(run["rewards"]) for run in everything) // 20)
    return {
        "metrics": list(metrics),
        "children": children.tolist(),
        "milestones": milestones.tolist(),
        "reward_window": window,
        **references,
        "agents": {
            agent: {
                "metrics": means(results),
                "interquartile_means": {name: _interquartile(results, name) for name in metrics},
                "ended_by": dict(Counter(run["ended_by"] for run in results)),
                "optimum": summarise_reached(_reached(results), last) if judged else None,
                "curves": {name: best_so_far(results, name, children, metric.nothing) for name in metrics},
                "reached_curve": reached_curve(_reached(results), children) if judged else None,
                "milestones": {
                    name: best_so_far(results, name, milestones, metric.nothing) for name in metrics
                },
                "reward_curve": rewards_so_far(results, window),
                "runs": list(results),
            }
            for agent, results in runs.items()
        },
        "comparisons": {
            measure: compare(
                {agent: scores(results, measure, last)[:, None] for agent, results in runs.items()}
            )
            for measure in (*metrics, *(("children",) if judged else ()))
        },
    }


def means(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """Return mean and 95 % interval over one agent's runs, by metric; unknown ones are left out."""
    found = {}
    for name in MEANS:
        if any(run.get(name) is None for run in runs):
            continue
        values = np.array([run[name] for run in runs], dtype=np.float64)
        low, high = bootstrap_interval(values)
        found[name] = {"mean": float(values.mean()), "low": float(low), "high": float(high)}
    return found


def scores(runs: Sequence[Run], measure: str, budget: int) -> Floats:
    """Return one number a run, higher is better, shape ``(runs,)``.

    Args:
        runs: One agent's.
        measure: Key of ``MEASURES``: what the final answer is worth, a perplexity with a minus.
            ``"children"``: minus the children up to the optimum; all runs that did not reach it tie behind
            those that did.
        budget: Distinct children of a run.
    """
    if measure == "children":
        return -np.array([budget + 1 if time is None else time for time in _reached(runs)], dtype=np.float64)
    metric = MEASURES[measure]
    return metric.sign * np.array([run[metric.answer] for run in runs], dtype=np.float64)


def compare(agents: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """Compare every two agents, the better one first.

    Args:
        agents: Scores of each, shape ``(runs, environments)``, higher is better.

    Returns:
        For each pair ``first``, ``second``, the ``probability`` that a run of the first beats one of the
        second with its 95 % interval ``low`` and ``high``, and whether that order is ``decided``: whether
        the interval excludes 1/2 even at the level ``1 - 0.05 / pairs``, so that all decisions together are
        right in 95 % of comparisons (Bonferroni).
    """
    pairs = list(combinations(agents, 2))
    found = []
    for first, second in pairs:
        probability = probability_of_improvement(agents[first], agents[second])
        if probability < 0.5:
            first, second, probability = second, first, 1 - probability
        x, y = agents[first], agents[second]
        (low, high), (strict, _) = improvement_intervals(x, y, (0.95, 1 - 0.05 / len(pairs)))
        found.append(
            {
                "first": first,
                "second": second,
                "probability": probability,
                "low": low,
                "high": high,
                "decided": strict > 0.5 and len(x) >= FEWEST_SEEDS,
            }
        )
    return found


def find_together(findings: Mapping[str, Findings], budget: int | None) -> list[dict[str, Any]] | None:
    """Compare every two agents over all environments: probabilities of improvement, averaged over them.

    Scores of different environments are never averaged, since their scales differ. Test accuracy where there
    is a table, else the validation metric of each environment.

    Returns:
        As ``compare``; ``None`` of a single environment.
    """
    if len(findings) < 2:
        return None
    agents = next(iter(findings.values()))["agents"]
    return compare(
        {
            agent: np.stack(
                [
                    scores(found["agents"][agent]["runs"], found["metrics"][0], budget or 1)
                    for found in findings.values()
                ],
                axis=1,
            )
            for agent in agents
        }
    )


def ranking(found: Findings) -> list[str]:
    """Return the agents by the interquartile mean of the first metric, best first."""
    first = found["metrics"][0]
    sign = MEASURES[first].sign
    return sorted(
        found["agents"], key=lambda a: -sign * found["agents"][a]["interquartile_means"][first]["value"]
    )


def _interquartile(runs: Sequence[Run], measure: str) -> dict[str, float]:
    values = MEASURES[measure].sign * scores(runs, measure, 1)
    low, high = stratified_interval(values)
    return {"value": float(interquartile_mean(values)), "low": low, "high": high}


def _reached(runs: Sequence[Run]) -> list[int | None]:
    return [run["children_to_optimum"] for run in runs]
