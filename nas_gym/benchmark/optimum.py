"""Children needed to reach the optimum, of runs some of which never reached it.

A run that ended without the optimum is censored. Kaplan and Meier's estimator takes it that a censored run
would have gone on like the others, which does not hold here: a run that ends at its limit of episodes, short
of its budget, has stopped proposing anything new, and would have found nothing. So every run that did not
reach the optimum is censored at the budget, whenever it ended. With all censoring at one point, one minus
Kaplan and Meier's survival function is the share of runs that have reached the optimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_gym.benchmark.statistics import (
    RESAMPLES,
    Floats,
    mean_interval,
    percentile_tail,
    share_interval,
)
from nas_gym.pages.intervals import Band, Interval


@dataclass(frozen=True, slots=True)
class Median:
    """A median number of children and its 95 % interval; ``None`` is beyond the budget, and not known."""

    value: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Optimum:
    """How many runs reached the optimum, and how many children it took.

    Attributes:
        runs: Number of runs that reached it.
        share: Share of all.
        restricted_mean: Mean of the children up to the optimum, or up to the budget, whichever is first.
        median: Number of children after which half of the runs had arrived.
        curve: Share of runs that had arrived after some numbers of children.
    """

    runs: int
    share: Interval
    restricted_mean: Interval
    median: Median
    curve: Band


def find_optimum(reached: Sequence[int | None], children: NDArray[np.int64]) -> Optimum:
    """Return how runs came to the optimum.

    Args:
        reached: For each run the number of distinct children with which it arrived, ``None`` if it did not.
        children: Where the curve has its points, shape ``(points,)``, the budget last.
    """
    times = np.array([np.inf if time is None else float(time) for time in reached])
    arrived = (times[:, None] <= children[None, :]).sum(axis=0)
    shares = [share_interval(count, len(times)) for count in range(len(times) + 1)]
    points = [shares[count] for count in arrived.tolist()]
    return Optimum(
        runs=int(np.isfinite(times).sum()),
        share=points[-1],
        restricted_mean=mean_interval(np.minimum(times, children[-1])),
        median=_median(times),
        curve=Band([p.value for p in points], [p.low for p in points], [p.high for p in points]),
    )


def _median(times: Floats) -> Median:
    runs = len(times)
    middle = (runs + 1) // 2 - 1  # the first time by which at least half of the runs have arrived
    drawn = np.sort(times[np.random.default_rng(0).integers(runs, size=(RESAMPLES, runs))], axis=1)
    medians = np.sort(drawn[:, middle])
    tail = percentile_tail(runs, 0.95)
    low, high = (medians[round(share * (RESAMPLES - 1))] for share in (tail, 1 - tail))
    return Median(*(int(time) if np.isfinite(time) else None for time in (np.sort(times)[middle], low, high)))
