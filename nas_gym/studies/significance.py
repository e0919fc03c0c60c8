"""How sure is a mean, and how sure is the difference of two? Student's t, in its usual forms."""

from collections.abc import Sequence
from math import sqrt
from statistics import mean, variance

from scipy.stats import t as student


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by Student's t; ``None`` for a single value."""
    return None if len(values) < 2 else _bounds(mean(values), values)


def gap(
    first: Sequence[float], second: Sequence[float], second_is_certain: bool = False
) -> tuple[float, float] | None:
    """Return the 95 % interval of the difference of two means.

    Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28: spreads and numbers of values may differ.

    Args:
        first: Values with a spread.
        second: As ``first``, or one value.
        second_is_certain: Whether that one would come out again every time.

    Returns:
        Low and high; ``None`` if one has a single value that is not certain, or if there is no spread at all.
    """
    if len(first) < 2 or (len(second) < 2 and not second_is_certain):
        return None
    spreading = [first] if second_is_certain else [first, second]
    low, high = _bounds(mean(first) - mean(second), *spreading)
    return None if low == high else (low, high)


def _bounds(middle: float, *samples: Sequence[float]) -> tuple[float, float]:
    """Return the interval around a mean, or a difference of means, of samples with two values or more."""
    parts = [variance(values) / len(values) for values in samples]
    if not any(parts):
        return middle, middle
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, samples, strict=True)
    )
    # SciPy's own tests warn where values hardly differ, and have no form for one sample beside a constant.
    low, high = student.interval(0.95, freedom, loc=middle, scale=sqrt(sum(parts)))
    return float(low), float(high)
