"""Intervals that say how far a mean over seeds can be trusted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.errors import InvalidArgumentError


def bootstrap_interval(
    values: ArrayLike, level: float = 0.95, resamples: int = 5_000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the percentile bootstrap interval of the mean over the first axis.

    Paper: Efron 1979, https://doi.org/10.1214/aos/1176344552. With few seeds the interval is too narrow:
    with five it holds the true mean in some 80 to 85 % of cases instead of 95.

    Args:
        values: One entry, or one row, for each run, shape ``(runs, ...)``.
        level: Share of resampled means inside the interval.
        resamples: Number of resampled means.
        seed: Seed of the resampling.

    Returns:
        Lower and upper end, each of shape ``(...)``.

    Raises:
        InvalidArgumentError: If there are no runs.
    """
    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim == 0 or len(runs) == 0:
        raise InvalidArgumentError("a bootstrap interval needs at least one run, got none")
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=resamples)
    means = np.tensordot(counts / len(runs), runs, axes=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low), np.asarray(high)
