"""What every architecture of a search space is worth, known beforehand."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.ranked import RankedSpace
from nas_gym.tasks.metric import ACCURACY, Metric

Column = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Results of all architectures of a search space, a row for each in the order of their ranks.

    Scores are floats; those of the accuracy are from 0 to 1, or numbers of samples classified correctly
    (unsigned integers, with the size of the part beside them). Whoever searches gets ``without_test()``; all
    methods are for use after the search, when optimum, regret and rank of what it found may be known.

    Attributes:
        search_space: What the rows stand for.
        dataset: Id of the data set.
        recipe: Id of the training recipe.
        validation: Shape ``(rows, seeds)``: results on validation data.
        validation_samples: Size of the validation part if ``validation`` counts samples, else ``None``.
        test: Shape ``(rows, any number of seeds)``: results on test data, ``None`` where they are locked
            away or unknown.
        test_samples: As ``validation_samples``.
        failed: Bool, shape ``(rows, seeds)``: which trainings failed, their score is
            ``metric.nothing``; ``None`` if none.
        parameters: Unsigned integers, shape ``(rows,)``: numbers of trained values, ``None`` if unknown.
        seconds: Floats, shape ``(rows,)``: mean time of one training with its validation, ``None`` if
            unknown.
        metric: What the scores are; means over seeds are taken on its scale.

    Raises:
        InvalidTableError: If shapes do not fit the search space, a value is NaN or out of range, or what is
            counted in samples is no accuracy.
    """

    search_space: RankedSpace
    dataset: str
    recipe: str
    validation: Column
    validation_samples: int | None = None
    test: Column | None = None
    test_samples: int | None = None
    failed: NDArray[np.bool_] | None = None
    parameters: Column | None = None
    seconds: Column | None = None
    metric: Metric = ACCURACY

    def __post_init__(self) -> None:
        """Refuse columns that cannot be results of the search space."""
        rows, shape = self.search_space.count(), np.shape(self.validation)
        _check_scores("validation", self.validation, self.validation_samples, rows, self.metric)
        if self.test is not None:
            _check_scores("test", self.test, self.test_samples, rows, self.metric)
        if self.failed is not None and (self.failed.shape != shape or self.failed.dtype != np.bool_):
            raise InvalidTableError(f"failed must be bool of shape {shape}, got {self.failed.shape}")
        if self.parameters is not None and (
            self.parameters.shape != (rows,) or self.parameters.dtype.kind != "u"
        ):
            raise InvalidTableError(
                f"parameters must be unsigned integers of shape ({rows},), got "
                f"{self.parameters.dtype} of shape {self.parameters.shape}"
            )
        if self.seconds is not None:
            _check_floats("seconds", self.seconds, 0, np.inf)
            if self.seconds.shape != (rows,):
                raise InvalidTableError(f"seconds must have the shape ({rows},), got {self.seconds.shape}")

    @property
    def seeds(self) -> int:
        """Number of trainings of each architecture on validation data."""
        return int(self.validation.shape[1])

    def without_test(self) -> "Table":
        """Return the table with its test results locked away."""
        return replace(self, test=None, test_samples=None)

    def validation_score(self, architecture: Architecture) -> float:
        """Return the mean over seeds of an architecture's validation score.

        Raises:
            InvalidArchitectureError: If the architecture is not one of the table's search space.
        """
        return float(self.mean_validation[self.search_space.rank(architecture)])

    def test_score(self, architecture: Architecture) -> float:
        """Return the mean over seeds of an architecture's test score.

        Raises:
            InvalidArchitectureError: If the architecture is not one of the table's search space.
            InvalidArgumentError: If the table came without its test results.
        """
        return float(self._mean_test[self.search_space.rank(architecture)])

    def validation_scores(self, architecture: Architecture) -> list[float]:
        """Return an architecture's validation scores, one a seed."""
        return _scores(self.validation[self.search_space.rank(architecture)], self.validation_samples)

    def test_scores(self, architecture: Architecture) -> list[float]:
        """Return an architecture's test scores, one a seed; raises as ``test_score``."""
        return _scores(self._known_test[self.search_space.rank(architecture)], self.test_samples)

    @property
    def optimum(self) -> float:
        """The best mean validation score."""
        return float(self.metric.sign * self._worst_first[-1])

    @cached_property
    def best_architectures(self) -> list[Architecture]:
        """All architectures with the best mean validation score."""
        return [
            self.search_space.unrank(row)
            for row in np.flatnonzero(self.mean_validation == self.optimum).tolist()
        ]

    @cached_property
    def best_test_score(self) -> float:
        """Test score of the best architecture by validation; a mean over them if several are best."""
        return float(self._mean_test[self.mean_validation == self.optimum].mean())

    def regret(self, architecture: Architecture) -> float:
        """Return by how much the mean validation score is worse than the optimum, from 0."""
        return self.metric.sign * (self.optimum - self.validation_score(architecture))

    def rank_of(self, architecture: Architecture) -> int:
        """Return 1 plus the number of architectures with a better mean validation score."""
        score = self.metric.sign * self.validation_score(architecture)
        return len(self._worst_first) - int(np.searchsorted(self._worst_first, score, side="right")) + 1

    @cached_property
    def mean_validation(self) -> NDArray[np.float64]:
        """Validation scores, means over seeds, shape ``(rows,)``."""
        return _means(self.validation, self.validation_samples, self.metric)

    @cached_property
    def _mean_test(self) -> NDArray[np.float64]:
        return _means(self._known_test, self.test_samples, self.metric)

    @cached_property
    def _worst_first(self) -> NDArray[np.float64]:
        return np.sort(self.metric.sign * self.mean_validation)

    @property
    def _known_test(self) -> Column:
        if self.test is None:
            raise InvalidArgumentError(
                f"the table of {self.search_space.id} on {self.dataset} came without test results"
            )
        return self.test


def smallest_counts(counts: NDArray[np.int64]) -> Column:
    """Return integers from 0 in the smallest unsigned type that holds them."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def _means(column: Column, samples: int | None, metric: Metric) -> NDArray[np.float64]:
    if metric.scale == "log":
        return np.asarray(np.exp(np.log(column.astype(np.float64)).mean(axis=1)))
    if samples is None:
        return np.asarray(column.mean(axis=1, dtype=np.float64))
    return np.asarray(column.sum(axis=1, dtype=np.int64) / (samples * column.shape[1]))


def _scores(row: Column, samples: int | None) -> list[float]:
    values: list[float] = (row.astype(np.float64) / (samples or 1)).tolist()
    return values


def _check_scores(name: str, column: Column, samples: int | None, rows: int, metric: Metric) -> None:
    if column.ndim != 2 or len(column) != rows or column.shape[1] < 1:
        raise InvalidTableError(
            f"{name} must have a row for each of {rows} architectures and a column a seed, "
            f"got shape {column.shape}"
        )
    if samples is None and metric.name == ACCURACY.name:
        _check_floats(name, column, 0.0, 1.0)
    elif samples is None:
        _check_floats(name, column, float(np.finfo("f4").tiny) if metric.scale == "log" else -np.inf, np.inf)
    elif metric.name != ACCURACY.name:
        raise InvalidTableError(f"{name} counts samples, {metric.words} must be floats")
    elif column.dtype.kind != "u" or samples < 1 or int(column.max()) > samples:
        raise InvalidTableError(
            f"{name} must be unsigned integers up to {samples} samples, "
            f"got {column.dtype} up to {column.max()}"
        )


def _check_floats(name: str, column: Column, least: float, most: float) -> None:
    if column.dtype.kind != "f":
        raise InvalidTableError(f"{name} must be floats, got {column.dtype}")
    bad = column.size - int(np.isfinite(column).sum())
    if bad:
        raise InvalidTableError(f"{bad} values of {name} are NaN or infinite, all must be finite")
    if column.size and not least <= column.min() <= column.max() <= most:
        raise InvalidTableError(
            f"{name} must be from {least:g} to {most:g}, got {column.min():g} to {column.max():g}"
        )
