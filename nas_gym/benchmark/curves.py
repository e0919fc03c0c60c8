"""Best-so-far curves: from the few children at which a run's answer changed to a grid that all runs share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_gym.benchmark.runs import Part, Run
from nas_gym.benchmark.statistics import Floats, bootstrap_interval
from nas_gym.pages.curves import moving_average
from nas_gym.pages.intervals import Band

POINTS = 500
"""Most points of a curve."""
RESAMPLES = 4_000


@dataclass(frozen=True, slots=True)
class RewardCurve:
    """The mean over runs of the moving average of rewards, at the numbers of some episodes."""

    episodes: Sequence[int]
    rewards: Band


@dataclass(frozen=True, slots=True)
class TimeCurve:
    """Means over runs with simulated workers, at virtual times in hours.

    Attributes:
        hours: The times, up to the end of the shortest run.
        rewards: The moving average of rewards.
        busy: The share of worker time so far in which workers worked.
    """

    hours: Sequence[float]
    rewards: Band
    busy: Band


def grid(last: int) -> NDArray[np.int64]:
    """Return at most ``POINTS`` numbers from 1 to ``last``, both included."""
    return np.unique(np.linspace(1, last, min(last, POINTS)).round().astype(np.int64))


def on_grid(run: Run, part: Part, children: NDArray[np.int64], nothing: float) -> Floats:
    """Return what a run's answer was worth after so many children.

    A run that ended before the budget keeps its answer.

    Args:
        run: A run.
        part: Which scores are asked for.
        children: Shape ``(points,)``.
        nothing: What counts before the first answer.
    """
    scores = run.curve.validation_scores if part == "validation" else run.curve.test_scores
    assert scores is not None, "findings ask for test scores where all runs have them"
    changes = np.searchsorted(np.array(run.curve.children, dtype=np.int64), children, side="right")
    return np.asarray(np.array([nothing, *scores])[changes])


def best_so_far(runs: Sequence[Run], part: Part, children: NDArray[np.int64], nothing: float) -> Band:
    """Return the mean over runs of the best so far; arguments as those of ``on_grid``."""
    return _band(np.stack([on_grid(run, part, children, nothing) for run in runs]))


def rewards_so_far(runs: Sequence[Run], window: int) -> RewardCurve:
    """Return the mean of the last ``window`` rewards, up to the end of the shortest run."""
    shortest = min(len(run.rewards) for run in runs)
    episodes = grid(shortest)
    curves = [moving_average(np.array(run.rewards[:shortest]), window)[episodes - 1] for run in runs]
    return RewardCurve(episodes.tolist(), _band(np.stack(curves)))


def in_time(runs: Sequence[Run], window: int) -> TimeCurve | None:
    """Return how runs went in virtual time; ``None`` if one of them has no simulated workers.

    Args:
        runs: One agent's.
        window: How many rewards are averaged.
    """
    known = [(run, run.simulated) for run in runs if run.simulated is not None]
    if len(known) < len(runs):
        return None
    # Before its first update a run has neither rewards nor a share of busy workers.
    first = max(simulated.updates[0] for _, simulated in known)
    last = max(first, min(min(simulated.ends[-1], simulated.updates[-1]) for _, simulated in known))
    seconds = np.linspace(first, last, POINTS)
    rewards, busy = [], []
    for run, simulated in known:
        so_far = np.searchsorted(simulated.ends, seconds, side="right")
        rewards.append(moving_average(np.array(run.rewards), window)[np.maximum(so_far, 1) - 1])
        busy.append(np.interp(seconds, simulated.updates, simulated.busy))
    return TimeCurve((seconds / 3600).tolist(), _band(np.stack(rewards)), _band(np.stack(busy)))


def _band(values: Floats) -> Band:
    low, high = bootstrap_interval(values, resamples=RESAMPLES)
    return Band(values.mean(axis=0).tolist(), low.tolist(), high.tolist())
