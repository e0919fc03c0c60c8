"""How sure is a mean, and how sure is the difference of two? Student's t, in its usual forms."""

from collections.abc import Sequence
from math import sqrt
from statistics import mean, variance

from scipy.stats import t as student


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by Student's t; ``None`` for a single value."""
    if len(values) < 2:
        return None
    margin = student.ppf(0.975, len(values) - 1) * sqrt(variance(values) / len(values))
    return mean(values) - margin, mean(values) + margin


def gap(
    first: Sequence[float], second: Sequence[float], second_is_certain: bool = False
) -> tuple[float, float, float] | None:
    """Return the difference of two means and its 95 % interval.

    Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28: spreads and numbers of values may differ.

    Args:
        first: Values with a spread.
        second: As ``first``, or one value.
        second_is_certain: Whether that one would come out again every time.

    Returns:
        Difference, low and high; ``None`` if one has a single value that is not certain, or if there is no
        spread at all.
    """
    if len(first) < 2 or (len(second) < 2 and not second_is_certain):
        return None
    spreading = [first] if second_is_certain else [first, second]
    parts = [variance(values) / len(values) for values in spreading]
    if not any(parts):
        return None
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, spreading, strict=True)
    )
    difference = mean(first) - mean(second)
    margin = student.ppf(0.975, freedom) * sqrt(sum(parts))
    return difference, difference - margin, difference + margin
