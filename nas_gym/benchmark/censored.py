"""Children needed to reach the optimum, of runs some of which never reached it.

A run that ended without the optimum is censored. Kaplan and Meier's estimator takes it that a censored run
would have gone on like the others, which does not hold here: a run that ends at its limit of episodes, short
of its budget, has stopped proposing anything new, and would have found nothing. So every run that did not
reach the optimum is censored at the budget, whenever it ended. With all censoring at one point, one minus
Kaplan and Meier's survival function is the share of runs that have reached the optimum.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from nas_gym.benchmark.statistics import Floats, bootstrap_interval, percentile_tail

Reached = Sequence[int | None]
"""For each run the number of distinct children with which it reached the optimum, ``None`` if it did not."""


def reached_curve(reached: Reached, children: NDArray[np.int64]) -> dict[str, list[float]]:
    """Return the share of runs that had reached the optimum after so many children.

    The 95 % interval is the exact one of a binomial share (Clopper and Pearson 1934,
    https://doi.org/10.1093/biomet/26.4.404): that no run of six arrived does not make it impossible.

    Args:
        reached: One entry a run.
        children: Numbers of children, shape ``(points,)``.

    Returns:
        ``mean``, ``low`` and ``high``, one number a point.
    """
    times = np.array([np.inf if time is None else float(time) for time in reached])
    arrived, runs = (times[:, None] <= children[None, :]).sum(axis=0), len(times)
    low = np.where(arrived == 0, 0.0, betaincinv(np.maximum(arrived, 1), runs - arrived + 1, 0.025))
    high = np.where(arrived == runs, 1.0, betaincinv(arrived + 1, np.maximum(runs - arrived, 1), 0.975))
    return {"mean": (arrived / runs).tolist(), "low": low.tolist(), "high": high.tolist()}


def summarise_reached(reached: Reached, budget: int, resamples: int = 10_000) -> dict[str, Any]:
    """Return how many runs reached the optimum and how many children it took, with 95 % intervals.

    Args:
        reached: One entry a run.
        budget: Distinct children that a run may train.
        resamples: Number of resampled medians.

    Returns:
        ``runs`` that reached it; the ``share``, the restricted mean (of the children up to the optimum or
        up to the budget, whichever is first) and the median, each with ``low`` and ``high``. A median beyond
        the budget, or an end of its interval, is ``None``: it is not known, only that it is larger.
    """
    times = np.array([np.inf if time is None else float(time) for time in reached])
    restricted = np.minimum(times, budget)
    medians = np.sort(times)[_lower_middle(len(times))]
    drawn = np.sort(
        times[np.random.default_rng(0).integers(len(times), size=(resamples, len(times)))], axis=1
    )
    drawn_medians = np.sort(drawn[:, _lower_middle(len(times))])
    tail = percentile_tail(len(times), 0.95)
    low, high = (drawn_medians[round(share * (resamples - 1))] for share in (tail, 1 - tail))
    share = reached_curve(reached, np.array([budget]))
    return {
        "runs": int(np.isfinite(times).sum()),
        "share": {"value": share["mean"][0], "low": share["low"][0], "high": share["high"][0]},
        "restricted_mean": _mean(restricted),
        "median": {"value": _known(medians), "low": _known(low), "high": _known(high)},
    }


def _lower_middle(count: int) -> int:
    """Return the index of the median: the first time by which at least half of the runs have arrived."""
    return (count + 1) // 2 - 1


def _mean(values: Floats) -> dict[str, float]:
    low, high = bootstrap_interval(values)
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}


def _known(time: float) -> int | None:
    return int(time) if np.isfinite(time) else None
