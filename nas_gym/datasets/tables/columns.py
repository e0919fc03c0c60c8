"""The columns of a user's table as they are: numbers with gaps, or names; dates and the like are refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidDataError

LARGEST_DENSE = 2**27
"""Cells that a sparse matrix may have when it is made dense: half a gigabyte of float32."""
NAMES_SHOWN = 5
DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([ T]\d{1,2}:\d{2}.*)?"
)
"""A day, with or without a time, as files have it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: What it is called; its position in an array.
        is_number: Whether it holds numbers; else what it holds are names.
    """

    name: str
    is_number: bool


@dataclass(frozen=True, eq=False)
class Cells:
    """The values of a table, the gaps in it kept.

    Attributes:
        columns: What they are called, and which of them are numbers.
        numbers: float64 ``(rows, number columns)``, NaN where one is missing.
        names: Strings ``(rows, name columns)``, empty where one is missing.
    """

    columns: tuple[Column, ...]
    numbers: NDArray[np.float64]
    names: NDArray[np.object_]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    @property
    def empty_columns(self) -> tuple[str, ...]:
        """Names of the columns without any value."""
        numbers, names = iter(self.numbers.T), iter(self.names.T)
        return tuple(
            column.name
            for column in self.columns
            if (np.isnan(next(numbers)).all() if column.is_number else not any(next(names)))
        )

    def of(self, rows: NDArray[np.int64]) -> "Cells":
        """Return some of the rows."""
        return Cells(self.columns, self.numbers[rows], self.names[rows])


def read_cells(X: object, known: Sequence[Column] | None = None) -> Cells:
    """Read a table: an array, a sparse matrix or a frame of pandas.

    Args:
        X: Shape ``(rows, columns)``.
        known: Columns of the table that a network was trained on: a frame's are found by their names, and
            what held numbers must hold numbers again. By default what a column holds is found out: booleans
            and what reads as numbers are numbers, all else are names.

    Raises:
        InvalidDataError: If it is no table of numbers and names, or not one with the known columns.
    """
    named = _columns_of(X)
    if known is not None:
        named = _in_order(named, known)
    columns, numbers, names = [], [], []
    for position, (name, values) in enumerate(named):
        wanted = None if known is None else known[position].is_number
        read = None if wanted is False else _as_numbers(name, values)
        if read is None and wanted:
            strange = next(each for each in values.tolist() if _number(each) is None)
            raise InvalidDataError(
                f"column {name!r} held numbers when the network was trained, got {strange!r}"
            )
        columns.append(Column(name, read is not None))
        if read is None:
            names.append(_as_names(name, values))
        else:
            numbers.append(read)
    rows = len(named[0][1])
    return Cells(
        tuple(columns),
        np.column_stack(numbers) if numbers else np.empty((rows, 0)),
        np.column_stack(names) if names else np.empty((rows, 0), dtype=object),
    )


def _columns_of(X: Any) -> list[tuple[str, NDArray[np.generic]]]:  # noqa: ANN401, asked what it is
    """Return names and values of the columns, each value a number, a boolean, a string or a gap."""
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        frame = X
        labels = [str(label) for label in frame.columns]
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise InvalidDataError(f"the table has two columns that are called {twice!r}")
        columns = [(label, _of_series(label, frame.iloc[:, i])) for i, label in enumerate(labels)]
        if not columns:
            raise InvalidDataError(
                "the table has no column: 0 feature(s) (shape=(0, 0)) while a minimum of 1 is required"
            )
        return columns
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        cells = int(np.prod(X.shape))
        if cells > LARGEST_DENSE:
            raise InvalidDataError(
                f"the sparse matrix of shape {X.shape} has {cells} cells, "
                f"at most {LARGEST_DENSE} are made dense"
            )
        X = X.toarray()
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(np.float64), np.nan)
    try:
        array = np.asarray(X)
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"X must be a table of rows and columns: {error}") from None
    return [(str(i), column) for i, column in enumerate(_checked(array).T)]


def _checked(array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.dtype.kind == "c":
        raise InvalidDataError("Complex data not supported: X holds complex numbers")
    if array.dtype.kind in "Mm":
        raise InvalidDataError("X holds dates or durations: give numbers made of them, such as days or hours")
    if array.ndim != 2:
        raise InvalidDataError(
            f"Expected 2D array, got {array.ndim}D array instead: X must have the shape (rows, columns). "
            "Reshape your data, one row with X.reshape(1, -1)"
        )
    if array.shape[1] == 0:
        raise InvalidDataError(
            f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required: X has no columns"
        )
    return array


def _of_series(name: str, series: Any) -> NDArray[np.generic]:  # noqa: ANN401, of pandas
    """Return the values of a column of pandas; a gap is NaN or None."""
    kind = str(getattr(series, "dtype", ""))
    if kind.startswith(("datetime", "timedelta", "period", "interval")):
        raise InvalidDataError(
            f"column {name!r} holds dates or durations ({kind}): give numbers made of them, such as days or "
            "the month, or drop it"
        )
    if kind.startswith("complex"):
        raise InvalidDataError(f"Complex data not supported: column {name!r} holds complex numbers")
    values = (
        series.astype(object).to_numpy() if hasattr(series, "astype") else np.asarray(series, dtype=object)
    )
    missing = np.asarray(series.isna()) if hasattr(series, "isna") else np.zeros(len(values), dtype=bool)
    if kind.startswith(("int", "float", "bool", "Int", "Float", "uint", "UInt")):
        numbers = np.full(len(values), np.nan)
        numbers[~missing] = values[~missing].astype(np.float64)
        return numbers
    values = values.copy()
    values[missing] = None
    return values


def _in_order(
    named: list[tuple[str, NDArray[np.generic]]], known: Sequence[Column]
) -> list[tuple[str, NDArray[np.generic]]]:
    """Return the known columns: by name where all names are those of a frame, else by position."""
    found, wanted = dict(named), [column.name for column in known]
    are_positions = [name for name, _ in named] == [str(i) for i in range(len(named))]
    if are_positions and len(named) == len(wanted):
        return [(name, values) for name, (_, values) in zip(wanted, named, strict=True)]
    missing = [name for name in wanted if name not in found]
    if are_positions:
        raise InvalidDataError(
            f"X has {len(named)} features, but the network is expecting {len(wanted)} features as input"
        )
    if missing:
        shown = ", ".join(map(repr, missing[:NAMES_SHOWN]))
        more = f" and {len(missing) - NAMES_SHOWN} more" if len(missing) > NAMES_SHOWN else ""
        raise InvalidDataError(f"the table lacks the column {shown}{more}, on which the network was trained")
    return [(name, found[name]) for name in wanted]


def _number(value: object) -> float | None:
    """Return a value as a number, a gap as NaN; ``None`` if it is neither."""
    if value is None or value == "":
        return np.nan
    try:
        return float(value)  # type: ignore[arg-type] # asks the value itself
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return None


def _as_numbers(name: str, values: NDArray[np.generic]) -> NDArray[np.float64] | None:
    """Return a column as float64, ``None`` if it holds something else than numbers and gaps."""
    if values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
    else:
        read = [_number(value) for value in values.tolist()]
        if any(value is None for value in read):
            return None
        numbers = np.array(read, dtype=np.float64)
    if np.isinf(numbers).any():
        raise InvalidDataError(
            f"column {name!r} holds infinity (inf), all numbers must be finite or missing (NaN)"
        )
    return numbers


def _as_names(name: str, values: NDArray[np.generic]) -> NDArray[np.object_]:
    """Return a column as strings, gaps as empty ones."""
    names = np.full(len(values), "", dtype=object)
    for row, value in enumerate(values.tolist()):
        if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
            continue
        if isinstance(value, (str, bool, int, float)):
            names[row] = str(value)
        elif hasattr(value, "year") or hasattr(value, "total_seconds"):
            raise InvalidDataError(
                f"column {name!r} holds dates or durations ({value}): give numbers made of them, or drop it"
            )
        else:
            raise InvalidDataError(
                f"column {name!r} holds {type(value).__name__}: its argument must be a string or a number"
            )
    dates = [each for each in names.tolist() if each]
    if dates and all(map(DATE.fullmatch, dates)):
        raise InvalidDataError(
            f"column {name!r} holds dates, such as {dates[0]}: give numbers made of them, such as days or "
            "the month, or drop it"
        )
    return names
