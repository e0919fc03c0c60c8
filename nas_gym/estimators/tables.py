"""Estimators of scikit-learn that search a network for a table."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from nas_gym.checks import choice, integer, number
from nas_gym.datasets.tables.columns import Cells, read_cells
from nas_gym.datasets.tables.encoding import NUMERIC, Numeric
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.estimators.course import Course, Found, Plan, settings_of
from nas_gym.estimators.splits import Fold, Rehearsal, TaskName
from nas_gym.kept.table_model import TableModel, decide
from nas_gym.problems.parts import choose
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.tasks.classification.metrics import METRICS as OF_CLASSES
from nas_gym.tasks.classification.metrics import SCORES as SCORES_OF_CLASSES
from nas_gym.tasks.regression.metrics import METRICS as OF_NUMBERS
from nas_gym.tasks.regression.metrics import SCORES as SCORES_OF_NUMBERS

if TYPE_CHECKING:
    import pandas
    from sklearn.utils import Tags

Validation = float | int | tuple[ArrayLike, ArrayLike] | None
WIDTHS = (16, 32, 64, 128, 256)
ACTIVATIONS = ("ReLU", "LeakyReLU", "Tanh", "Sigmoid")
FOLDS = 5
BUDGET = 200
UNLIMITED = 1_000_000
"""Architectures of a search that ends by the clock."""
MOST_REPEATED = 10
"""Whole weights are so many equal rows, if they make the table at most this many times as long."""
BALANCED = ("balanced_accuracy", "f1_macro")
"""Metrics by which the likeliest class is not the best answer where classes are of different sizes."""
TEMPERING = (0.0, 0.25, 0.5, 0.75, 1.0)


class _TableEstimator(BaseEstimator):  # type: ignore[misc] # untyped
    """What the two estimators have in common; see them."""

    _task: ClassVar[TaskName]

    def __init__(
        self,
        *,
        budget: int | None = None,
        minutes: float | None = None,
        agent: str = "reinforce",
        space: MlpSpace | Mapping[str, object] | None = None,
        metric: str | None = None,
        ensemble: int = 5,
        class_weight: str | Mapping[object, float] | None = None,
        validation: Validation = None,
        encoding: Numeric | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        n_jobs: int | None = -1,
    ) -> None:
        self.budget = budget
        self.minutes = minutes
        self.agent = agent
        self.space = space
        self.metric = metric
        self.ensemble = ensemble
        self.class_weight = class_weight
        self.validation = validation
        self.encoding = encoding
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> "Tags":
        """Say what kinds of table are understood."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.non_deterministic = False
        return tags

    def _read(self, X: object, y: ArrayLike) -> tuple[Cells, NDArray[np.generic]]:
        """Return the table and its answers, one for each row."""
        answers = _given(y)
        _check_dimensions(X)
        validate_data(self, X, skip_check_array=True)
        cells = read_cells(X)
        if len(cells) != len(answers):
            raise InvalidDataError(
                f"inconsistent numbers of samples: X has {len(cells)} rows, y has {len(answers)} answers"
            )
        if len(cells) < 2:
            raise InvalidDataError(
                f"Found array with n_samples={len(cells)} while a minimum of 2 is required"
            )
        return cells, answers

    def _fit(
        self, cells: Cells, y: NDArray[np.int64] | NDArray[np.float64], classes: int, weights: object
    ) -> Found:
        """Search, and keep everything but what is told of classes.

        Rows are brought into an order that follows from what they hold: so the order in which they come makes
        no difference, and a row of weight two is the same as two rows.
        """
        plan = self._plan()
        cells, y, kept = _weighted(cells, y, weights)
        order = _canonical_order(cells, y)
        kept = None if kept is None else kept[order]
        rehearsal = self._rehearsal(cells.of(order), y[order], classes, kept, plan.seed)
        course = Course(rehearsal, plan, self._say)
        found = course.run()
        self._columns = cells.columns
        self._found, self._rehearsed = found, rehearsal
        return found

    def _keep(self, found: Found, classes: tuple[object, ...] | None, target: str) -> None:
        metric = self._metric_name()
        favour = _favour(found, self._rehearsed, metric) if classes is not None else ()
        scored = {candidate: self._score(candidate.answers, favour, metric) for candidate in found.candidates}
        self.model_ = TableModel(
            self._columns,
            found.members,
            classes,
            tuple(favour),
            target,
            metric,
            {metric: self._score(found.answers, favour, metric), "loss": found.loss},
        )
        self.architectures_ = self.model_.architectures
        shares = dict(zip(found.candidates, found.shares, strict=True))
        records = [
            {
                "architecture": str(each.architecture),
                "encoding": each.setting.numeric,
                "learning_rate": each.setting.learning_rate,
                "loss": each.loss,
                metric: scored[each],
                "share": shares[each],
            }
            for each in found.candidates
        ]
        self.leaderboard_ = _frame(records)
        self.study_ = list(found.episodes)
        del self._found, self._rehearsed, self._columns

    def _score(self, answers: NDArray[np.float64], favour: Sequence[float], metric: str) -> float:
        """Return what the metric says of answers for the validation rows."""
        rows = np.concatenate([fold.validation for fold in self._rehearsed.folds])
        truth = self._rehearsed.answers[rows]
        if self._task == "regression":
            return SCORES_OF_NUMBERS[metric](answers, truth)  # type: ignore[arg-type] # in float64
        logits = np.log(np.maximum(answers * np.asarray(favour), 1e-300))
        return SCORES_OF_CLASSES[metric](logits, truth)

    def _metric_name(self) -> str:
        known = OF_CLASSES if self._task == "classification" else OF_NUMBERS
        return next(iter(known)) if self.metric is None else choice("metric", self.metric, known)

    def _plan(self) -> Plan:
        from joblib import effective_n_jobs

        self._metric_name()
        seconds = None
        if self.minutes is not None:
            seconds = 60.0 * number("minutes", self.minutes, "a positive number", above=0.0)
        usual = BUDGET if seconds is None else UNLIMITED
        budget = usual if self.budget is None else integer("budget", self.budget, 0)
        if not (self.class_weight in (None, "balanced") or isinstance(self.class_weight, Mapping)):
            raise InvalidArgumentError(
                f"class_weight must be None, balanced or a mapping of classes, got {self.class_weight!r}"
            )
        encoding = None if self.encoding is None else choice("encoding", self.encoding, NUMERIC)
        space = choose("space", self.space, {"mlp": _space}, "mlp", MlpSpace)
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        return Plan(
            space=space,
            agent=self.agent,
            settings=settings_of(encoding, NUMERIC),
            budget=budget,
            seconds=seconds,
            ensemble=integer("ensemble", self.ensemble, 1),
            seed=integer("random_state", seed, 0, 2**32 - 1),
            threads=effective_n_jobs(self.n_jobs),
        )

    def _rehearsal(
        self,
        cells: Cells,
        y: NDArray[np.int64] | NDArray[np.float64],
        classes: int,
        weights: NDArray[np.float32] | None,
        seed: int,
    ) -> Rehearsal:
        """Return the table with the folds that ``validation`` means."""
        asked = FOLDS if self.validation is None else self.validation
        if isinstance(asked, tuple):
            if len(asked) != 2:
                raise InvalidArgumentError("validation must be a share, a number of folds or (X_val, y_val)")
            more = read_cells(asked[0], cells.columns)
            answers = self._answers(asked[1])
            joined = Cells(
                cells.columns,
                np.concatenate([cells.numbers, more.numbers]),
                np.concatenate([cells.names, more.names]),
            )
            order = np.random.default_rng(seed).permutation(len(cells))
            fold = Fold(order, np.arange(len(cells), len(joined)))
            both = np.concatenate([y, answers])
            if weights is not None:
                weights = np.concatenate([weights, np.ones(len(more), np.float32)])
            return Rehearsal(self._task, joined, both, weights, classes, (fold,))
        folds = _folds(y, classes, asked, seed)
        return Rehearsal(self._task, cells, y, weights, classes, folds)

    def _answers(self, y: ArrayLike) -> NDArray[np.int64] | NDArray[np.float64]:
        raise NotImplementedError

    def _say(self, line: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {line}")


class NASClassifier(ClassifierMixin, _TableEstimator):  # type: ignore[misc] # untyped
    """Searches networks that tell the class of a table's rows; several answer together.

    Columns may be numbers with gaps, strings, categories and booleans. How numbers are read
    (standardised, by ranks, in bins) and the learning rate are tried out first; an agent
    searches networks of ``mlp-v0``; the best are trained on each fold of the rows,
    and a greedy ensemble of them answers: the mean of the
    probabilities of all their networks. No test rows are needed, and none are looked at.

    Args:
        budget: Architectures that the search proposes; by default 200, or with ``minutes`` as many as
            there is time for. With a budget alone the result follows from ``random_state`` bit for bit.
        minutes: How long ``fit`` may take.
        agent: Who searches, a key of ``agents.AGENTS``.
        space: A ``MlpSpace``, or a mapping of its keywords ``widths``, ``activations``, ``max_length``.
        metric: ``"accuracy"``, ``"balanced_accuracy"``, ``"f1_macro"``, ``"roc_auc"`` or ``"log_loss"``.
            Networks are trained for probabilities and chosen by their log loss; the metric decides how a
            class follows from them, what the leaderboard shows and what ``validation_score_`` is.
        ensemble: How many different architectures answer together at most.
        class_weight: ``"balanced"`` lets each class count alike in training; probabilities are those of a
            table with equally many rows of each then.
        validation: A share of the rows to be judged on, a number of folds (5), or ``(X_val, y_val)``.
        encoding: ``"standard"``, ``"quantile"``, ``"bins_8"`` or ``"bins_24"``; by default tried out.
        random_state: From it follows all that is drawn.
        verbose: Whether to say what is being done.
        n_jobs: Trainings at a time, all cores by default.

    Attributes:
        classes_: The classes, sorted.
        architectures_: Texts of the networks that answer, those that count most first.
        leaderboard_: All networks that were trained on each fold, the best first; a ``DataFrame`` where
            pandas is installed, else a list of records.
        study_: What the search played: a list of ``Episode``.
        model_: What is kept, see ``TableModel``.
        validation_score_: The metric on rows that the networks had not been trained on. The ensemble was
            chosen by these rows, so it is a little too good.
        n_features_in_, feature_names_in_: As in scikit-learn.
    """

    _task = "classification"

    def fit(self, X: object, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Search and train.

        Args:
            X: A table ``(rows, columns)``: an array, a frame, or a sparse matrix that is not too large.
            y: The class of each row, ``(rows,)``.
            sample_weight: How much each row counts, ``(rows,)``.

        Raises:
            InvalidArgumentError: If a parameter is out of range.
            InvalidDataError: If the table cannot be learned from.
        """
        target = str(getattr(y, "name", "") or "")
        cells, answers = self._read(X, y)
        self.classes_, numbers = np.unique(_labels(answers), return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidDataError(f"y holds one class, {self.classes_.tolist()[0]!r}: at least 2 are needed")
        weights = sample_weight
        if self.class_weight is not None:
            balance = compute_sample_weight(self.class_weight, answers)
            weights = balance if weights is None else balance * np.asarray(weights)
        found = self._fit(cells, numbers.astype(np.int64), len(self.classes_), weights)
        self._keep(found, tuple(self.classes_.tolist()), target)
        self.validation_score_ = self.model_.scores[self.model_.metric]
        return self

    def predict_proba(self, X: object) -> NDArray[np.float64]:
        """Return the probability of each class, float64 ``(rows, classes)``, in the order of ``classes_``."""
        check_is_fitted(self)
        _check_dimensions(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self.model_.predict_proba(X)

    def predict(self, X: object) -> NDArray[np.generic]:
        """Return the class of each row."""
        known = self.predict_proba(X)
        return np.asarray(self.classes_[decide(known, self.model_.favour)])

    def _answers(self, y: ArrayLike) -> NDArray[np.int64]:
        labels = _labels(y)
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise InvalidDataError(f"y_val holds the class {min(unknown, key=str)!r}, which y does not have")
        return np.searchsorted(self.classes_, labels).astype(np.int64)


class NASRegressor(RegressorMixin, _TableEstimator):  # type: ignore[misc] # untyped
    """Searches networks that tell the number of a table's rows; several answer together.

    All as in ``NASClassifier``; networks are trained and chosen by their squared error.

    Args:
        budget: See ``NASClassifier``, as all that is not named here.
        minutes: See there.
        agent: See there.
        space: See there.
        metric: ``"r2"``, ``"rmse"`` or ``"mae"``, for the leaderboard and ``validation_score_``.
        ensemble: See there.
        class_weight: Has no meaning here, and must be ``None``.
        validation: See there.
        encoding: See there.
        random_state: See there.
        verbose: See there.
        n_jobs: See there.
    """

    _task = "regression"

    def fit(self, X: object, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Search and train, see ``NASClassifier.fit``; ``y`` holds the number of each row."""
        if self.class_weight is not None:
            raise InvalidArgumentError(f"numbers have no class_weight, got {self.class_weight!r}")
        target = str(getattr(y, "name", "") or "")
        cells, answers = self._read(X, y)
        self._keep(self._fit(cells, self._answers(answers), 0, sample_weight), None, target)
        self.validation_score_ = self.model_.scores[self.model_.metric]
        return self

    def predict(self, X: object) -> NDArray[np.float64]:
        """Return the number of each row."""
        check_is_fitted(self)
        _check_dimensions(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return np.asarray(self.model_.predict(X), dtype=np.float64)

    def _answers(self, y: ArrayLike) -> NDArray[np.float64]:
        values = _given(y)
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidDataError("y must hold one real number for each row") from None
        if not np.isfinite(numbers).all():
            raise InvalidDataError("Input y contains NaN or infinity: every row needs a number")
        return numbers


def _space(
    widths: Sequence[int] = WIDTHS, activations: Sequence[str] = ACTIVATIONS, max_length: int = 6
) -> MlpSpace:
    return MlpSpace(widths, activations, max_length)


def _check_dimensions(X: object) -> None:
    """Refuse an array that is no table, before scikit-learn counts its columns."""
    if hasattr(X, "ndim") and X.ndim != 2:
        raise InvalidDataError(
            f"Expected 2D array, got {X.ndim}D array instead: X must have the shape (rows, columns). "
            "Reshape your data, one row with X.reshape(1, -1)"
        )


def _weighted(
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


def _canonical_order(cells: Cells, y: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the order of rows by what they hold."""
    names = [np.unique(column.astype(str), return_inverse=True)[1] for column in cells.names.T]
    return np.asarray(np.lexsort([*names, *cells.numbers.T, y]), dtype=np.int64)


def _given(y: ArrayLike) -> NDArray[np.generic]:
    """Return what was given as answers, of one dimension."""
    if y is None:
        raise InvalidDataError("requires y to be passed, but the target y is None")
    array = np.asarray(y)
    if array.dtype.kind == "c":
        raise InvalidDataError("Complex data not supported: y holds complex numbers")
    return np.asarray(column_or_1d(array, warn=True))


def _labels(y: ArrayLike) -> NDArray[np.generic]:
    labels = _given(y)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise InvalidDataError("Input y contains NaN or infinity: every row needs a class")
    if labels.dtype.kind == "O" and any(value is None or value != value for value in labels.tolist()):
        raise InvalidDataError("Input y contains NaN: every row needs a class")
    check_classification_targets(labels)
    return labels


def _folds(y: NDArray[np.generic], classes: int, asked: object, seed: int) -> tuple[Fold, ...]:
    """Return folds, each with its rows in random order; all classes are in each, if there are rows enough."""
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

    rows = np.arange(len(y))
    drawn = np.random.default_rng(seed)
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


def _favour(found: Found, rehearsal: Rehearsal, metric: str) -> list[float]:
    """Return how much each class's probability counts: for balanced metrics more, the rarer the class is.

    How much more is what is best for the rows that the networks were not trained on.
    """
    shares = np.bincount(rehearsal.answers.astype(np.int64), minlength=rehearsal.classes)
    shares = shares / shares.sum()
    if metric not in BALANCED:
        return [1.0] * rehearsal.classes
    rows = np.concatenate([fold.validation for fold in rehearsal.folds])
    truth = rehearsal.answers[rows].astype(np.int64)
    tried = [(shares**-power).tolist() for power in TEMPERING]
    scores = [
        SCORES_OF_CLASSES[metric](np.log(np.maximum(found.answers * favour, 1e-300)), truth)
        for favour in tried
    ]
    return [float(each) for each in tried[int(np.argmax(scores))]]


def _frame(records: list[dict[str, object]]) -> "pandas.DataFrame | list[dict[str, object]]":
    try:
        import pandas
    except ImportError:
        return records
    return pandas.DataFrame(records)
