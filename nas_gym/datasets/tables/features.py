"""The columns of a table: checked, and brought to mean 0 and standard deviation 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas_gym.errors import InvalidDataError

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
        return self.distances(values).astype(np.float32)

    def distances(self, values: Numbers) -> Numbers:
        """Return the same in float64, which holds also what lies too far away for float32."""
        return np.asarray((np.ldexp(values, -self.unit) - self.mean) / self.std)


def scale_of(values: Numbers) -> Scale:
    """Return mean and spread of each column of finite values ``(rows, columns)``."""
    unit = np.frexp(np.abs(values).max(axis=0))[1].astype(np.int64)
    known = np.ldexp(values, -unit)
    varies = np.ptp(known, axis=0) > 0  # rounding may give a constant column a tiny spread
    mean = np.where(varies, known.mean(axis=0), known[0])
    return Scale(unit, mean, np.where(varies, known.std(axis=0), 1.0))


def checked_features(X: ArrayLike) -> Numbers:
    """Return features as an array ``(samples, features)``.

    Raises:
        InvalidDataError: If they are none, or a value is not finite.
    """
    try:
        features = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidDataError("X must be an array of real numbers of shape (samples, features)") from None
    if features.ndim != 2 or features.shape[1] == 0:
        raise InvalidDataError(f"X must have the shape (samples, features), got {features.shape}")
    if not np.isfinite(features).all():
        bad = int(features.size - np.isfinite(features).sum())
        raise InvalidDataError(f"{bad} values of X are NaN or infinite, all must be finite")
    return features
