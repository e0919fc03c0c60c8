"""Made-up runs, as ``judge_run`` returns them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.benchmark.measures import measure_of
from nas_gym.studies.row_metric import ACCURACY, Metric, perplexity_of

BUDGET = 20
BRACKETS = perplexity_of(vocabulary=8, best_possible=3.5)


def make_run(
    seed: int, accuracy: float, judged: bool = True, reached: int | None = None, metric: Metric = ACCURACY
) -> dict[str, Any]:
    """Return a run that finds something after 1 child, and its answer after 10."""
    early = accuracy - 0.1 * metric.sign
    return {
        "seed": seed,
        "ended_by": "budget",
        "episodes": BUDGET,
        "illegal_episodes": 0,
        "distinct_architectures": BUDGET,
        "best_architecture": "Linear-2 EOS",
        metric.answer: accuracy,
        "test_accuracy": accuracy - 0.02 if judged else None,
        "validation_regret": 1 - accuracy if judged else None,
        "test_regret": 1 - accuracy if judged else None,
        "children_to_optimum": reached,
        "mean_reward_last_10_percent": accuracy - 0.2,
        "seconds": 2.0,
        "training_seconds": 1.5,
        "agent_seconds": 0.5,
        "curve": {
            "children": [1, 10],
            measure_of(metric): [early, accuracy],
            "test": [early - 0.02, accuracy - 0.02] if judged else None,
        },
        "rewards": [early] * 9 + [accuracy] * 11,
    }


def make_runs(
    agents: dict[str, float],
    seeds: int,
    judged: bool = True,
    reached: Sequence[str] = (),
    metric: Metric = ACCURACY,
) -> dict[str, list[dict[str, Any]]]:
    """Return runs around each agent's mean accuracy; the agents in ``reached`` find the optimum after 10."""
    generator = np.random.default_rng(0)
    return {
        agent: [
            make_run(seed, mean + 0.01 * generator.normal(), judged, 10 if agent in reached else None, metric)
            for seed in range(seeds)
        ]
        for agent, mean in agents.items()
    }
