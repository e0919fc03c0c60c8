"""Estimators of scikit-learn that search a network for a table."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data

from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.estimators.arguments import given, labels_of
from nas_gym.estimators.table_fits.base import TableEstimator
from nas_gym.estimators.table_fits.rows import check_dimensions
from nas_gym.kept.table_model import decide


class NASClassifier(ClassifierMixin, TableEstimator):  # type: ignore[misc] # untyped
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
        references: Whether to fit strong models on the same folds, too, and the widest network of the space
            without a search; takes time beyond ``minutes``.
        random_state: From it follows all that is drawn.
        verbose: Whether to say what is being done.
        n_jobs: Trainings at a time, all cores by default.
        folder: Keeps what the search trains, so that the same ``fit`` goes on where it was interrupted, what
            it found, see ``TableModel.load``, and a page about it, ``report.html``.

    Attributes:
        classes_: The classes, sorted.
        architectures_: Texts of the networks that answer, those that count most first.
        leaderboard_: All networks that were trained on each fold, the best first; a ``DataFrame`` where
            pandas is installed, else a list of records.
        study_: What the search played: a list of ``Episode``.
        model_: What is kept, see ``TableModel``.
        validation_score_: The metric on rows that the networks had not been trained on and by which the
            ensemble was not chosen (it is chosen anew for each fold, by the others). The search was told the
            scores on these rows, so it is still a little too good.
        findings_: What ``write_page`` tells, until the estimator is pickled: it holds the rows judged on.
        comparisons_: What may be said of the search beside each of the ``references``.
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
            KeptNetworkError: If the model cannot be kept in ``folder``.
        """
        self._start()
        target = str(getattr(y, "name", "") or "")
        cells, answers = self._read(X, y)
        self.classes_, numbers = np.unique(labels_of(answers), return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidDataError(f"y holds one class, {self.classes_.tolist()[0]!r}: at least 2 are needed")
        weights = sample_weight
        if self.class_weight is not None:
            balance = compute_sample_weight(self.class_weight, answers)
            weights = balance if weights is None else balance * np.asarray(weights)
        self._fit(cells, numbers.astype(np.int64), tuple(self.classes_.tolist()), weights, target)
        return self

    def predict_proba(self, X: object) -> NDArray[np.float64]:
        """Return the probability of each class, float64 ``(rows, classes)``, in the order of ``classes_``."""
        check_is_fitted(self)
        check_dimensions(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self.model_.predict_proba(X)

    def predict(self, X: object) -> NDArray[np.generic]:
        """Return the class of each row."""
        known = self.predict_proba(X)
        return np.asarray(self.classes_[decide(known, self.model_.favour)])

    def _answers(self, y: ArrayLike) -> NDArray[np.int64]:
        labels = labels_of(y)
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise InvalidDataError(f"y_val holds the class {min(unknown, key=str)!r}, which y does not have")
        return np.searchsorted(self.classes_, labels).astype(np.int64)


class NASRegressor(RegressorMixin, TableEstimator):  # type: ignore[misc] # untyped
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
        references: See there.
        random_state: See there.
        verbose: See there.
        n_jobs: See there.
        folder: See there.
    """

    _task = "regression"

    def fit(self, X: object, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Search and train, see ``NASClassifier.fit``; ``y`` holds the number of each row."""
        if self.class_weight is not None:
            raise InvalidArgumentError(f"numbers have no class_weight, got {self.class_weight!r}")
        self._start()
        target = str(getattr(y, "name", "") or "")
        cells, answers = self._read(X, y)
        self._fit(cells, self._answers(answers), None, sample_weight, target)
        return self

    def predict(self, X: object) -> NDArray[np.float64]:
        """Return the number of each row."""
        check_is_fitted(self)
        check_dimensions(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return np.asarray(self.model_.predict(X), dtype=np.float64)

    def _answers(self, y: ArrayLike) -> NDArray[np.float64]:
        values = given(y)
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidDataError("y must hold one real number for each row") from None
        if not np.isfinite(numbers).all():
            raise InvalidDataError("Input y contains NaN or infinity: every row needs a number")
        return numbers
