"""The rows of a table before a fit: their answers, weights and order, and how they are split."""

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.utils.validation import _check_sample_weight

from nas_gym.checks import integer
from nas_gym.datasets.tables.columns import Cells
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.estimators.table_fits.splits import Fold

MOST_REPEATED = 10
"""Whole weights are so many equal rows, if they make the table at most this many times as long."""


def check_dimensions(X: object) -> None:
    """Refuse an array that is no table, before scikit-learn counts its columns."""
    if hasattr(X, "ndim") and X.ndim != 2:
        raise InvalidDataError(
            f"Expected 2D array, got {X.ndim}D array instead: X must have the shape (rows, columns). "
            "Reshape your data, one row with X.reshape(1, -1)"
        )


def weighted(
    cells: Cells, y: NDArray[np.int64] | NDArray[np.float64], weights: object
) -> tuple[Cells, NDArray[np.int64] | NDArray[np.float64], NDArray[np.float32] | None]:
    """Return the rows that count, those with a small whole weight so many times, and other weights."""
    if weights is None:
        return cells, y, None
    frame = np.empty((len(cells), 1))
    known = _check_sample_weight(weights, frame, dtype=np.float64, ensure_non_negative=True)
    if known.sum() == 0:
        raise InvalidDataError("all rows have the weight 0, one at least must count")
    if (known == np.rint(known)).all() and known.sum() <= MOST_REPEATED * len(known):
        rows = np.repeat(np.arange(len(y)), known.astype(np.int64))
        return cells.of(rows), y[rows], None
    rows = np.flatnonzero(known)
    kept = known[rows] / known[rows].mean()
    return cells.of(rows), y[rows], kept.astype(np.float32)


def canonical_order(cells: Cells, y: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the order of rows by what they hold."""
    return np.asarray(np.lexsort([*_codes(cells).T, *cells.numbers.T, y]), dtype=np.int64)


def groups_of(cells: Cells) -> NDArray[np.int64]:
    """Return a number for each row, ``(rows,)``, equal rows having the same; counted as they come."""
    numbers = np.where(np.isnan(cells.numbers), np.nan, cells.numbers + 0.0)  # one NaN, and no -0
    block = np.ascontiguousarray(np.hstack([numbers, _codes(cells)]))
    rows = block.view(np.dtype((np.void, block.strides[0])))[:, 0]
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[group], dtype=np.int64)


def _codes(cells: Cells) -> NDArray[np.float64]:
    """Return a number for each name, ``(rows, columns of names)``."""
    codes = np.empty(cells.names.shape)
    for number, column in enumerate(cells.names.T):
        codes[:, number] = np.unique(column.astype(str), return_inverse=True)[1]
    return codes


def folds_of(
    y: NDArray[np.generic],
    classes: int,
    asked: object,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> tuple[Fold, ...]:
    """Return folds, each with its rows in random order; all classes are in each, if there are rows enough.

    Args:
        y: Labels or numbers, ``(rows,)``.
        classes: Number of classes; 0 for numbers.
        asked: A share to be judged on, or a number of folds.
        seed: Of all that is drawn.
        groups: From ``groups_of``: rows of a group are on one side of a fold, else what was learned by heart
            would be taken for understood. By default each row is its own.
    """
    first = np.arange(len(y)) if groups is None else np.unique(groups, return_index=True)[1]
    if groups is None or len(first) == len(y) or not _can_be_split(y[first], classes):
        return _folds(y, classes, asked, seed)
    drawn = np.random.default_rng(seed)

    def rows_of(some: NDArray[np.int64]) -> NDArray[np.int64]:
        return drawn.permutation(np.flatnonzero(np.isin(groups, some)))

    folds = _folds(y[first], classes, asked, seed)
    return tuple(Fold(rows_of(fold.train), rows_of(fold.validation)) for fold in folds)


def _can_be_split(y: NDArray[np.generic], classes: int) -> bool:
    return bool(np.bincount(y).max() > 1) if classes else len(y) > 1


def _folds(y: NDArray[np.generic], classes: int, asked: object, seed: int) -> tuple[Fold, ...]:
    rows = np.arange(len(y))
    drawn = np.random.default_rng(seed)
    if isinstance(asked, np.floating):
        asked = float(asked)
    if isinstance(asked, float) and 0.0 < asked < 1.0:
        labels = y if classes else None
        count = max(classes, 1, math.ceil(asked * len(y)))
        train, validation = train_test_split(rows, test_size=count, stratify=labels, random_state=seed)
        return (Fold(train, validation),)
    if isinstance(asked, float):
        raise InvalidArgumentError(
            f"validation must be a share below 1, a number of folds from 2 or (X_val, y_val), got {asked!r}"
        )
    count = integer("validation", asked, 2)
    single = np.empty(0, np.int64)
    if classes:
        counts = np.bincount(y)
        single = rows[counts[y] == 1]  # learned from in each fold, and never judged on
        rows = rows[counts[y] > 1]
        if not len(rows):
            raise InvalidDataError(f"each of the {classes} classes has 1 row, at least 2 of one are needed")
    most = int(np.bincount(y[rows]).max()) if classes else len(rows)
    kind = StratifiedKFold if classes else KFold
    with warnings.catch_warnings():
        # A class with fewer rows than folds is learned from in each fold, and judged on in some.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        pairs = list(kind(min(count, most), shuffle=True, random_state=seed).split(rows, y[rows]))
    return tuple(
        Fold(drawn.permutation(np.concatenate([rows[train], single])), drawn.permutation(rows[validation]))
        for train, validation in pairs
    )
