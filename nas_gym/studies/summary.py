"""What a search found, in numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from agents.errors import RunFolderError
from nas_gym.studies.pareto_front import pareto_fronts
from nas_gym.studies.row_metric import metric_of

Row = Mapping[str, Any]
RANKED_BY = ("episode", "architecture", "reward", "status", "parameters")
"""Columns that ``finalists`` needs."""


def last_tenth_mean(rewards: Sequence[float]) -> float:
    """Return the mean of the last 10 % of the rewards, of at least one."""
    count = max(1, len(rewards) // 10)
    return sum(rewards[-count:]) / count


def distinct_architectures(rows: Sequence[Row]) -> int:
    """Count the architectures that were trained, each once."""
    return len({row["architecture"] for row in rows if row["architecture"] is not None})


def finalists(rows: Sequence[Row], count: int) -> list[Row]:
    """Return one row each of the architectures that did best.

    Highest reward first, which is what was searched for; among equals the one that was proposed most often,
    then the one with fewest parameters, then the one that was proposed first.

    Args:
        rows: All rows of a search.
        count: Largest number of finalists.

    Raises:
        RunFolderError: If no child was trained successfully.
    """
    proposals = Counter(row["architecture"] for row in rows)
    trained = {row["architecture"]: row for row in reversed(rows) if row["status"] == "ok"}
    if not trained:
        reason = next((f"; {row['reason']}" for row in rows if row.get("reason")), "")
        raise RunFolderError(
            f"none of {len(rows)} episodes ended with a trained network, there is no best one{reason}"
        )

    def rank(row: Row) -> tuple[float, int, int, int]:
        return -row["reward"], -proposals[row["architecture"]], row["parameters"], row["episode"]

    return sorted(trained.values(), key=rank)[:count]


def summarise(
    env: str, agent: str, seed: int, rows: Sequence[Row], times: Mapping[str, float], best: Row
) -> dict[str, Any]:
    """Return the summary of a finished search, without retraining.

    Args:
        env: Id of the environment.
        agent: Name of the agent.
        seed: Seed of the agent.
        rows: One for each episode.
        times: ``search_seconds`` and ``evaluation_seconds``.
        best: Row of the network chosen among the finalists.
    """
    metric = metric_of(rows)
    trained = [row for row in rows if row[metric.name] is not None]
    return {
        "env": env,
        "agent": agent,
        "seed": seed,
        "episodes": len(rows),
        "distinct_architectures": distinct_architectures(rows),
        "illegal_episodes": sum(row["status"] == "illegal" for row in rows),
        "failed_children": sum(row["status"] in ("failed", "timed_out") for row in rows),
        "mean_reward_last_10_percent": last_tenth_mean([row["reward"] for row in rows]),
        metric.best: min(trained, key=metric.rank)[metric.name],
        **times,
        "best": {name: best[name] for name in ("architecture", metric.name, "parameters")},
        "pareto_front": pareto_fronts(rows),
    }
