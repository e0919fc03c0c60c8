"""Best-so-far curves: from the few children at which a run's answer changed to a grid that all runs share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas_gym.benchmark.statistics import Floats, bootstrap_interval
from nas_gym.studies.learning_curve import moving_average

POINTS = 500
"""Most points of a curve."""
RESAMPLES = 4_000


def grid(last: int) -> NDArray[np.int64]:
    """Return at most ``POINTS`` numbers from 1 to ``last``, both included."""
    return np.unique(np.linspace(1, last, min(last, POINTS)).round().astype(np.int64))


def on_grid(
    run: Mapping[str, Any], measure: str, children: NDArray[np.int64], nothing: float = 0.0
) -> Floats:
    """Return what a run's answer was worth after so many children.

    A run that ended before the budget keeps its answer.

    Args:
        run: A run as ``judge_run`` returns it.
        measure: Key of ``MEASURES``.
        children: Shape ``(points,)``.
        nothing: What counts before the first answer.
    """
    changes = np.searchsorted(np.array(run["curve"]["children"], dtype=np.int64), children, side="right")
    return np.asarray(np.array([nothing, *run["curve"][measure]])[changes])


def best_so_far(
    runs: Sequence[Mapping[str, Any]], measure: str, children: NDArray[np.int64], nothing: float = 0.0
) -> dict[str, list[float]]:
    """Return the mean over runs of the best so far, with its 95 % interval at each point."""
    return band(np.stack([on_grid(run, measure, children, nothing) for run in runs]))


def rewards_so_far(runs: Sequence[Mapping[str, Any]], window: int) -> dict[str, list[float]]:
    """Return the mean over runs of the moving average of rewards, up to the end of the shortest run.

    Returns:
        As ``band``, and ``episodes``, the numbers of the episodes.
    """
    shortest = min(len(run["rewards"]) for run in runs)
    episodes = grid(shortest)
    curves = [moving_average(np.array(run["rewards"][:shortest]), window)[episodes - 1] for run in runs]
    return {"episodes": episodes.tolist(), **band(np.stack(curves))}


def band(values: Floats) -> dict[str, list[float]]:
    """Return ``mean``, ``low`` and ``high``, the 95 % interval, over the first axis: the runs."""
    low, high = bootstrap_interval(values, resamples=RESAMPLES)
    return {"mean": values.mean(axis=0).tolist(), "low": low.tolist(), "high": high.tolist()}
