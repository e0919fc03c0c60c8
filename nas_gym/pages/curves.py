"""How rewards went, as a panel, and what curves share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.pages.intervals import Band
from nas_gym.pages.panels import COLOURS, PALE, Axis, Line, Panel, Points

WINDOW = 100
MOST_POINTS = 4000
"""More single points are thinned out: a page of a million would not open."""
MEAN, BEST = COLOURS[0], COLOURS[5]


def reward_curve(rewards: Sequence[float], meanings: Sequence[str]) -> Panel:
    """Show the reward of each architecture, their moving average and the best so far.

    Args:
        rewards: In the order of the proposals, one at least.
        meanings: What each of them is, for whoever points at it.
    """
    values = np.array(rewards)
    shown = thinned(len(values))
    x = [place + 1 for place in shown]
    best, means = np.maximum.accumulate(values), moving_average(values)
    note = "" if len(shown) == len(values) else f"{len(shown):,} of {len(values):,} points are drawn."
    return Panel(
        "Reward of each architecture",
        Axis("architectures proposed"),
        Axis("reward", ".4g", axis_ends(values.tolist(), 1)),
        lines=[
            Line(f"mean of the last {WINDOW}", MEAN, x, Band.certain(rounded(means[shown]))),
            Line("best so far", BEST, x, Band.certain(rounded(best[shown])), steps=True),
        ],
        points=[
            Points("one architecture", PALE, x, rounded(values[shown]), meanings=[meanings[i] for i in shown])
        ],
        note=note,
    )


def axis_ends(values: Sequence[float], sign: int, shown: float | None = None) -> tuple[float, float]:
    """Return both ends of an axis, the better one last, which leaves out few very bad values.

    Args:
        values: What is drawn.
        sign: 1 where more is better, -1 where less is.
        shown: One that is not left out.
    """
    signed = sign * np.asarray(values)
    worst, best = float(np.quantile(signed, 0.01)), float(signed.max())
    if shown is not None:
        worst = min(worst, sign * shown)
    margin = 0.05 * max(best - worst, 1e-3)
    return sign * (worst - margin), sign * (best + margin)


def moving_average(values: NDArray[np.float64], window: int = WINDOW) -> NDArray[np.float64]:
    """Average each value with those before it, at most ``window`` in all; shape as given."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def thinned(count: int) -> list[int]:
    """Return places of at most so many points, evenly apart, the last one among them."""
    places: list[int] = np.unique(
        np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int)
    ).tolist()
    return places


def rounded(values: NDArray[np.float64]) -> list[float]:
    """Return six digits of each."""
    return [float(f"{value:.6g}") for value in values.tolist()]
