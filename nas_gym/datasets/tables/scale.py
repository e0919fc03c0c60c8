"""Columns of numbers brought to mean 0 and standard deviation 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scale:
    """Where the values of each column lie.

    All but ``unit`` is counted in units of a column, powers of two near its largest value: so nothing
    overflows, and nothing is rounded by it.

    Attributes:
        unit: Exponent of two for each column, int, shape ``(columns,)``.
        mean: float64, shape ``(columns,)``.
        std: float64, shape ``(columns,)``; 1 for a constant column.
    """

    unit: NDArray[np.int64]
    mean: Numbers
    std: Numbers

    def standardise(self, values: Numbers) -> NDArray[np.float32]:
        """Return values ``(rows, columns)`` on the scale of the training part."""
        return np.asarray((np.ldexp(values, -self.unit) - self.mean) / self.std, dtype=np.float32)


def scale_of(values: Numbers) -> Scale:
    """Return mean and spread of each column of finite values ``(rows, columns)``."""
    unit = np.frexp(np.abs(values).max(axis=0))[1].astype(np.int64)
    known = np.ldexp(values, -unit)
    varies = np.ptp(known, axis=0) > 0  # rounding may give a constant column a tiny spread
    mean = np.where(varies, known.mean(axis=0), known[0])
    return Scale(unit, mean, np.where(varies, known.std(axis=0), 1.0))
