"""Intervals that say how far numbers over a few seeds can be trusted.

The unit that is resampled is the run. All resampling is seeded by an argument: equal scores, equal intervals.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import binomtest, trim_mean

from nas_gym.errors import InvalidArgumentError
from nas_gym.pages.intervals import Interval

Floats = NDArray[np.float64]
RESAMPLES = 10_000


def percentile_tail(runs: int, level: float) -> float:
    """Return the share of resampled values that an interval leaves out at each end.

    The plain percentile interval takes ``(1 - level) / 2``. Of few runs it is too narrow, since it resamples
    a spread that is too small by ``sqrt((n - 1) / n)`` and knows nothing of Student's t. This takes the
    expanded tail

        Phi(-sqrt(n / (n - 1)) t),   t the quantile of Student's t with n - 1 degrees of freedom.

    Measured on 10,000 samples of normal scores, 95 % intervals held the true mean in 75 % (plain: 75 %) of
    samples of 3, 91 % (83 %) of 5, 94.6 % (90 %) of 10 and 95 % (94 %) of 50.
    Paper: Hesterberg 2015, section 4.4.1, https://doi.org/10.1080/00031305.2015.1089789.

    Args:
        runs: Number of runs, n. Of one run nothing can be said of the spread; its tail is 0.
        level: Share of intervals that shall hold the true value.
    """
    if runs < 2:
        return 0.0
    quantile = stdtrit(runs - 1, (1 + level) / 2)
    return float(ndtr(-np.sqrt(runs / (runs - 1)) * quantile))


def bootstrap_interval(
    values: ArrayLike, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Floats, Floats]:
    """Return the bootstrap interval of the mean over the first axis.

    Papers: Efron 1979, https://doi.org/10.1214/aos/1176344552, with the tails of ``percentile_tail``, which
    also says how far to trust it: below ten seeds it is still too narrow, and of one seed it is a point.

    Args:
        values: One entry, or one row, for each run, shape ``(runs, ...)``.
        level: Share of intervals that shall hold the true mean.
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
    weights = _weights(len(runs), resamples, np.random.default_rng(seed))
    # Clipped, since sums are rounded: of equal runs the interval is a point.
    means = np.clip(np.tensordot(weights, runs, axes=1), runs.min(axis=0), runs.max(axis=0))
    return _percentiles(means, percentile_tail(len(runs), level))


def mean_interval(values: Floats) -> Interval:
    """Return the mean over runs with the bootstrap interval; shape of ``values`` is ``(runs,)``."""
    low, high = bootstrap_interval(values)
    return Interval(float(values.mean()), float(low), float(high))


def share_interval(arrived: int, runs: int) -> Interval:
    """Return a share of runs with the exact interval of a binomial share.

    That no run of six arrived does not make it impossible.
    Paper: Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404.
    """
    interval = binomtest(arrived, runs).proportion_ci()
    return Interval(arrived / runs, float(interval.low), float(interval.high))


def interquartile_interval(scores: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Return the mean of the middle half of the runs with its bootstrap interval.

    Nearly as robust as the median, and more precise. At each end a quarter of the runs, rounded down, is
    dropped.
    Paper: Agarwal et al. 2021, https://arxiv.org/abs/2108.13264.

    Args:
        scores: Shape ``(runs,)``.
        resamples: Number of resampled means.
        seed: Seed of the resampling.
    """
    runs = np.asarray(scores, dtype=np.float64)
    drawn = runs[np.random.default_rng(seed).integers(len(runs), size=(resamples, len(runs)))]
    low, high = _percentiles(trim_mean(drawn, 0.25, axis=1), percentile_tail(len(runs), 0.95))
    return Interval(float(trim_mean(runs, 0.25)), float(low), float(high))


def probability_of_improvement(first: ArrayLike, second: ArrayLike) -> float:
    """Return the probability that a run of the first agent beats one of the second; a tie counts half.

    It is the Mann-Whitney statistic over the number of pairs, averaged over environments.
    Paper: Agarwal et al. 2021, https://arxiv.org/abs/2108.13264.

    Args:
        first: Scores, higher is better, shape ``(runs, environments)`` or ``(runs,)``.
        second: Scores of the other agent, with as many environments.
    """
    wins = [_wins(x, y).mean() for x, y in zip(_as_columns(first).T, _as_columns(second).T, strict=True)]
    return float(np.mean(wins))


def improvement_intervals(
    first: ArrayLike,
    second: ArrayLike,
    levels: Sequence[float],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Return stratified bootstrap intervals of ``probability_of_improvement``.

    The two agents are resampled independently of one another: that they share seeds ties them together
    loosely at most, and where it does, this errs towards wide intervals. Where all resamples agree, since
    every run of one agent beats every run of the other or all runs tie, the bootstrap would give a point;
    there the score interval of Newcombe 2006 (method 5, https://doi.org/10.1002/sim.2324) stands in.

    Args:
        first: Scores, higher is better, shape ``(runs, environments)`` or ``(runs,)``.
        second: Scores of the other agent, of the same shape.
        levels: Shares of intervals that shall hold the true probability, one for each interval returned.
        resamples: Number of resampled values.
        seed: Seed of the resampling.
    """
    x, y = _as_columns(first), _as_columns(second)
    generator = np.random.default_rng(seed)
    values = np.zeros(resamples)
    for column in range(x.shape[1]):
        mine, other = (_weights(len(scores), resamples, generator) for scores in (x, y))
        values += ((mine @ _wins(x[:, column], y[:, column])) * other).sum(axis=1)
    values /= x.shape[1]
    runs = min(len(x), len(y))
    if np.ptp(values) < 1e-9:
        value = probability_of_improvement(x, y)
        return [(_score_bound(value, runs, v), 1 - _score_bound(1 - value, runs, v)) for v in levels]
    ends = [_percentiles(values, percentile_tail(runs, level)) for level in levels]
    return [(float(low), float(high)) for low, high in ends]


def _score_bound(value: float, runs: int, level: float) -> float:
    """Return the least probability of improvement that fits an observed one of ``runs`` runs each."""
    squared = float(ndtri((1 + level) / 2)) ** 2
    low, high = 0.0, value
    for _ in range(60):  # bisection: from 0 up to the bound, the distance is larger than the spread allows
        middle = (low + high) / 2
        spread = (1 - middle) / (2 - middle) + middle / (1 + middle)
        variance = middle * (1 - middle) * (1 + (runs - 1) * spread) / runs**2
        low, high = (middle, high) if (value - middle) ** 2 > squared * variance else (low, middle)
    return high


def _wins(first: Floats, second: Floats) -> Floats:
    """Return 1 where a run of the first beats one of the second, 1/2 at a tie; shape ``(first, second)``."""
    return np.asarray((np.sign(first[:, None] - second[None, :]) + 1) / 2)


def _as_columns(scores: ArrayLike) -> Floats:
    array = np.asarray(scores, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.size == 0:
        raise InvalidArgumentError(f"scores must have the shape (runs, environments), got {array.shape}")
    return array


def _weights(runs: int, resamples: int, generator: np.random.Generator) -> Floats:
    """Draw runs with replacement; return the share of each in each draw, shape ``(resamples, runs)``."""
    chosen = generator.integers(runs, size=(resamples, runs)) + runs * np.arange(resamples)[:, None]
    return np.asarray(np.bincount(chosen.ravel(), minlength=resamples * runs).reshape(resamples, runs) / runs)


def _percentiles(values: Floats, tail: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)
