"""The columns of a table: checked, and brought to mean 0 and standard deviation 1."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
        """Return values ``(rows, columns)`` on the scale of the training part.

        Raises:
            InvalidDataError: If one lies too far from it for float32.
        """
        distances = self.distances(values)
        far = np.abs(distances) > np.finfo(np.float32).max
        if far.any():
            row, place = (int(each[0]) for each in np.nonzero(far))
            raise InvalidDataError(
                f"column {place} holds {values[row, place]:g}, too far from what the training part holds "
                "to be learned from"
            )
        return distances.astype(np.float32)

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
        InvalidDataError: If they are none, or a value is not finite; it names the column.
    """
    check_given("X", X)
    try:
        features = np.asarray(_real(X), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        cause = _fault_of_a_column(X)
        raise InvalidDataError(
            f"X must be an array of real numbers of shape (samples, features){cause}"
        ) from None
    if features.ndim != 2 or features.shape[1] == 0:
        raise InvalidDataError(f"X must have the shape (samples, features), got {features.shape}")
    if not np.isfinite(features).all():
        bad = ~np.isfinite(features)
        first = _name(X, int(bad.any(axis=0).argmax()))
        raise InvalidDataError(
            f"{int(bad.sum())} values of X are NaN or infinite, all must be finite; the first in {first}"
        )
    return features


def check_given(name: str, values: object) -> None:
    """Refuse what would lose something silently on its way to an array of numbers.

    Raises:
        InvalidDataError: If values are sparse, masked or complex.
    """
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise InvalidDataError(f"{name} is a sparse matrix; {name}.toarray() is one of numbers")
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        masked = int(np.ma.getmaskarray(values).sum())
        raise InvalidDataError(f"{masked} values of {name} are masked; fill them or leave these rows out")
    for place, column in enumerate(_columns(values)):
        if np.iscomplexobj(column) and np.imag(np.asarray(column)).any():
            where = "" if np.ndim(values) < 2 else f" in {_name(values, place)}"  # type: ignore[arg-type]
            raise InvalidDataError(f"{name} holds complex numbers{where}, all must be real")


def _real(values: ArrayLike) -> ArrayLike:
    return np.real(np.asarray(values)) if np.iscomplexobj(values) else values


def _columns(values: Any) -> Iterator[ArrayLike]:  # noqa: ANN401, pandas' are no types here
    """Yield the columns of a table, or the only one of what has no more."""
    if hasattr(values, "iloc") and getattr(values, "ndim", 1) == 2:
        yield from (values.iloc[:, place] for place in range(values.shape[1]))
    elif isinstance(values, np.ndarray) and values.ndim == 2:
        yield from values.T
    elif isinstance(values, np.ndarray) or hasattr(values, "iloc"):
        yield values


def _fault_of_a_column(values: object) -> str:
    """Say which column is none of numbers, and why; nothing where there are no columns."""
    for place, column in enumerate(_columns(values)):
        for cell in np.asarray(column, dtype=object).ravel():
            kind = _kind(cell)
            if kind is not None:
                return f"; {_name(values, place)} holds {kind}, such as {str(cell)[:40]!r}"
    return ""


def _kind(cell: object) -> str | None:
    """Say in a word what a cell holds that is no number, ``None`` if it is one."""
    if isinstance(cell, (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)):
        return "dates or times"
    try:
        float(cell)  # type: ignore[arg-type] # asks the cell itself
    except OverflowError:
        return "numbers that are too large"
    except (TypeError, ValueError):
        return "text" if isinstance(cell, (str, bytes)) else "missing values"
    return None


def _name(values: object, place: int) -> str:
    names = getattr(values, "columns", None)
    return f"column {place}" if names is None else f"column {str(names[place])!r}"
