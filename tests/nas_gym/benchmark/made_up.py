"""Made-up runs and episodes."""

from collections.abc import Sequence

import numpy as np

from nas_gym.benchmark.runs import Curve, Run, Simulated
from nas_gym.envs.episode import Episode
from nas_gym.tasks.metric import ACCURACY, Metric, perplexity

BUDGET = 20
BRACKETS = perplexity(vocabulary=8, by="bracket", best_possible=3.5)


def make_run(
    seed: int, score: float, judged: bool = True, reached: int | None = None, metric: Metric = ACCURACY
) -> Run:
    """Return a run that finds something after 1 child, and its answer after 10."""
    early = score - 0.1 * metric.sign
    return Run(
        seed=seed,
        ended_by="budget",
        episodes=BUDGET,
        illegal_episodes=0,
        distinct_architectures=BUDGET,
        best_architecture="Linear-2 EOS",
        validation_score=score,
        test_score=score - 0.02 if judged else None,
        validation_regret=1 - score if judged else None,
        test_regret=1 - score if judged else None,
        children_to_optimum=reached,
        mean_reward_last_10_percent=score - 0.2,
        seconds=2.0,
        training_seconds=1.5,
        curve=Curve([1, 10], [early, score], [early - 0.02, score - 0.02] if judged else None),
        rewards=[early] * 9 + [score] * 11,
    )


def make_simulated(seed: int) -> Simulated:
    """Return what simulated workers do in a run of ``make_run``: an episode a minute, an update in ten."""
    late = 6.0 * seed
    return Simulated(
        [60.0 * i + late for i in range(1, BUDGET + 1)], [600.0 + late, 1200.0 + late], [0.9, 0.7]
    )


def make_runs(
    agents: dict[str, float],
    seeds: int,
    judged: bool = True,
    reached: Sequence[str] = (),
    metric: Metric = ACCURACY,
) -> dict[str, list[Run]]:
    """Return runs around each agent's mean score; the agents in ``reached`` find the optimum after 10."""
    generator = np.random.default_rng(0)
    return {
        agent: [
            make_run(seed, mean + 0.01 * generator.normal(), judged, 10 if agent in reached else None, metric)
            for seed in range(seeds)
        ]
        for agent, mean in agents.items()
    }


def make_episodes(architectures: Sequence[str | None], scores: Sequence[float | None]) -> list[Episode]:
    """Return episodes with those accuracies; ``None`` is a child that failed, or an illegal token."""
    return [
        Episode(number, name, -1.0, "illegal" if name is None else "failed")
        if score is None
        else Episode(number, name, score, "ok", {"accuracy": score})
        for number, (name, score) in enumerate(zip(architectures, scores, strict=True), start=1)
    ]
