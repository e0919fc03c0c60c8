"""The rows that networks learn from and those that they are judged on, again and again others."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.base import Dataset, Samples, Split
from nas_gym.datasets.tables.columns import Cells
from nas_gym.datasets.tables.encoding import Encoding, Numeric
from nas_gym.datasets.tables.features import scale_of
from nas_gym.datasets.tables.numbers import NumericDataset

TaskName = Literal["classification", "regression"]
Rows = NDArray[np.int64]
SOURCE, LICENCE = "a table of the user", "the user's"


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to learn from, and others to be judged on."""

    train: Rows
    validation: Rows

    def at_most(self, rows: int) -> "Fold":
        """Return the first so many rows of each, which are in random order."""
        return Fold(self.train[:rows], self.validation[:rows])

    def learning_from(self, rows: int) -> "Fold":
        """Return the first so many rows to learn from, judged on all the same."""
        return Fold(self.train[:rows], self.validation)


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """A table, its answers, and the folds of its rows.

    Attributes:
        task: What is learned.
        cells: The table.
        answers: Labels, int64, or numbers, float64, ``(rows,)``.
        weights: How much each row counts, float32 ``(rows,)``; ``None`` for all alike.
        classes: Number of classes; 0 for numbers.
        folds: What is learned from and judged on.
    """

    task: TaskName
    cells: Cells
    answers: NDArray[np.int64] | NDArray[np.float64]
    weights: NDArray[np.float32] | None
    classes: int
    folds: tuple[Fold, ...]

    @property
    def validation(self) -> Rows:
        """The rows that are judged on, fold after fold."""
        return np.concatenate([fold.validation for fold in self.folds])

    @property
    def parts(self) -> list[Rows]:
        """Positions in ``validation``: those of each fold, or two halves of the only one."""
        sizes = [len(fold.validation) for fold in self.folds]
        positions = np.arange(sum(sizes))
        if len(sizes) == 1:
            return [positions[::2], positions[1::2]] if sizes[0] > 1 else [positions]
        return np.split(positions, np.cumsum(sizes)[:-1])

    def data(self, fold: Fold, numeric: Numeric) -> Samples:
        """Return a fold as a network reads it, encoded by what its training rows are like."""
        encoding = self.encoding(fold, numeric)
        parts = [self.cells.of(rows) for rows in (fold.train, fold.validation)]
        features = [encoding.encode(cells) for cells in parts]
        id = f"table({len(fold.train)}/{len(fold.validation)}, {numeric})"
        weights = None if self.weights is None else self.weights[fold.train]
        if self.task == "classification":
            labels = [self.answers[rows].astype(np.int64) for rows in (fold.train, fold.validation)]
            train, validation = (Split(*part) for part in zip(features, labels, strict=True))
            train = replace(train, weights=weights)
            return Dataset(id, train, validation, None, SOURCE, LICENCE, classes=self.classes)
        mean, unit = self.scale(fold)
        values = [
            ((self.answers[rows] - mean) / unit).astype(np.float32) for rows in (fold.train, fold.validation)
        ]
        train, validation = (Split(*part) for part in zip(features, values, strict=True))
        train = replace(train, weights=weights)
        return NumericDataset(id, train, validation, None, SOURCE, LICENCE, mean=mean, unit=unit)

    def encoding(self, fold: Fold, numeric: Numeric) -> Encoding:
        """Return how the training rows of a fold are encoded."""
        return Encoding.fitted(self.cells.of(fold.train), numeric)

    def scale(self, fold: Fold) -> tuple[float, float]:
        """Return mean and standard deviation of the numbers of a fold's training rows; of classes 0 and 1."""
        if self.task == "classification":
            return 0.0, 1.0
        known = scale_of(np.asarray(self.answers[fold.train], dtype=np.float64)[:, None])
        unit = float(np.ldexp(known.std[0], known.unit[0]))
        return float(np.ldexp(known.mean[0], known.unit[0])), unit or 1.0
