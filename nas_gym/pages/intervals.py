"""Numbers with the ends of their intervals, as they are told and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Band:
    """Numbers along a curve and the ends of their 95 % intervals, at each point and not of all together."""

    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    @classmethod
    def certain(cls, values: Sequence[float]) -> "Band":
        """Return numbers that have no interval."""
        return cls(values, values, values)

    @property
    def is_certain(self) -> bool:
        """Whether no number has an interval."""
        return list(self.low) == list(self.high)

    def points(self) -> list[Interval]:
        """Return what there is at each point."""
        return [Interval(*point) for point in zip(self.mean, self.low, self.high, strict=True)]
