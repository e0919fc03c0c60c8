"""What pictures and pages of a search share: what is averaged, and where axes end."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.studies.summary import Network, known_costs

WINDOW = 100


def differing_costs(networks: Sequence[Network]) -> list[str]:
    """Return the costs that are known and not the same for all networks; of one network all known ones."""
    return [
        cost
        for cost in known_costs(networks)
        if len(networks) == 1 or len({getattr(each, cost) for each in networks}) > 1
    ]


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
