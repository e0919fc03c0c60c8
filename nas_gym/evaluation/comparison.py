"""Does a found network beat a hand-designed one? Test accuracies over seeds, in numbers and in words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import mean, variance
from typing import Any

from scipy.stats import t as student


@dataclass(frozen=True, slots=True)
class Contender:
    """What came of training one model with several seeds.

    Attributes:
        name: A found architecture's text, or a reference's name.
        found: Whether a search found it.
        validation_accuracies: One validation accuracy a seed.
        test_accuracies: One test accuracy a seed.
        parameters: Number of trained values, ``None`` if unknown.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
        seconds: Mean time of one training, ``None`` if unknown.
        losses: Mean training loss of each epoch of the first training; empty if unknown.
    """

    name: str
    found: bool
    validation_accuracies: tuple[float, ...]
    test_accuracies: tuple[float, ...]
    parameters: int | None = None
    multiply_adds: int | None = None
    seconds: float | None = None
    losses: tuple[float, ...] = ()

    def as_summary(self) -> dict[str, Any]:
        """Return the fields, means and the interval of the mean test accuracy as JSON values."""
        low, high = interval(self.test_accuracies) or (None, None)
        return asdict(self) | {
            "validation_accuracy_mean": mean(self.validation_accuracies),
            "test_accuracy_mean": mean(self.test_accuracies),
            "test_accuracy_low": low,
            "test_accuracy_high": high,
        }


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by Student's t; ``None`` for a single value."""
    if len(values) < 2:
        return None
    margin = student.ppf(0.975, len(values) - 1) * sqrt(variance(values) / len(values))
    return mean(values) - margin, mean(values) + margin


def gap(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float] | None:
    """Return the difference of two means and its 95 % interval.

    Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28: spreads and numbers of values may differ.

    Returns:
        Difference, low and high; ``None`` if either has a single value or both have no spread.
    """
    if min(len(first), len(second)) < 2:
        return None
    parts = [variance(values) / len(values) for values in (first, second)]
    if not any(parts):
        return None
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    difference = mean(first) - mean(second)
    margin = student.ppf(0.975, freedom) * sqrt(sum(parts))
    return difference, difference - margin, difference + margin


def winner(contenders: Sequence[Contender]) -> Contender:
    """Return the found network that is best on validation data; test data have no say."""
    return max((c for c in contenders if c.found), key=lambda c: mean(c.validation_accuracies))


def verdict(contenders: Sequence[Contender]) -> str:
    """Say in one sentence whether the found network and the best reference differ by more than noise."""
    found = winner(contenders)
    references = [c for c in contenders if not c.found]
    if not references:
        return (
            f"The best found network, {found.name}, stands alone: there is no reference to compare it with."
        )
    reference = max(references, key=lambda c: mean(c.validation_accuracies))
    points = 100 * (mean(found.test_accuracies) - mean(reference.test_accuracies))
    what = (
        f"The found network {found.name} and {reference.name} differ by {points:+.2f} points of test accuracy"
    )
    bounds = gap(found.test_accuracies, reference.test_accuracies)
    if bounds is None:
        return f"{what}; how much of that is noise cannot be told without two seeds that differ."
    _, low, high = bounds
    text = f"{what}, 95 % interval {100 * low:+.2f} to {100 * high:+.2f}"
    if low <= 0 <= high:
        return f"{text}: the gap does not exceed the noise between seeds."
    better = found if low > 0 else reference
    return f"{text}: the gap exceeds the noise between seeds, {better.name} is better."


def markdown(contenders: Sequence[Contender]) -> str:
    """Return a table with a row for each contender, best mean validation accuracy first."""
    lines = [
        "| network | test accuracy [95 % interval] | validation accuracy "
        "| parameters | multiply-adds | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for c in sorted(contenders, key=lambda c: -mean(c.validation_accuracies)):
        bounds = interval(c.test_accuracies)
        test = f"{mean(c.test_accuracies):.4f}" + (
            "" if bounds is None else f" [{bounds[0]:.4f}, {bounds[1]:.4f}]"
        )
        name = f"`{c.name}`" if c.found else c.name
        counts = " | ".join("" if n is None else f"{n:,}" for n in (c.parameters, c.multiply_adds))
        seconds = "" if c.seconds is None else f"{c.seconds:.1f}"
        lines.append(f"| {name} | {test} | {mean(c.validation_accuracies):.4f} | {counts} | {seconds} |")
    return "\n".join(lines) + "\n"
