"""Strong models on the same folds, and whether a search is better than they are."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from nas_gym.datasets.tables.columns import Cells
from nas_gym.datasets.tables.encoding import Encoding
from nas_gym.estimators.table_fits.plan import Answers
from nas_gym.estimators.table_fits.splits import Fold, Rehearsal, Rows

SMALL = 2_000
"""Rows of a table to which a support vector machine is tuned; on longer ones it is left out."""
TUNED = {"C": [1.0, 10.0, 100.0], "gamma": ["scale", 0.01, 0.1]}
RESAMPLES = 500
MOST_NAMES = 254
"""Of a column that gradient boosting tells apart."""
LEAST_ROWS = 6
"""Rows of each class that it takes to tune a support vector machine."""
BOOSTING = "HistGradientBoosting"
NO_SEARCH = "no search"
"""Name of the widest network, ensembled alike, among what a search is compared with."""
Read = Callable[[Cells, Cells], tuple[NDArray[np.float64], NDArray[np.float64]]]
Score = Callable[[Rows, Answers], float]
"""What a metric says of some of the validation rows, given by their positions, and answers for these."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The search beside another model that learned from the same rows.

    Attributes:
        name: What it is compared with.
        score: What that reached on rows that it had not learned from.
        gap: How much better the search is: above 0 for better, whatever the metric.
        low, high: 95 % interval of the gap, from rows drawn again and again (paired bootstrap).
    """

    name: str
    score: float
    gap: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What may be said of the search beside it: better, worse, or undecided."""
        if self.low > 0.0:
            return "better"
        return "worse" if self.high < 0.0 else "undecided"


def compare(name: str, ours: Answers, theirs: Answers, score: Score, sign: int, seed: int) -> Comparison:
    """Hold two models against each other on the validation rows.

    Args:
        name: Of the other.
        ours: Answers of the search for these rows.
        theirs: Answers of the other.
        score: The metric.
        sign: 1 if more is better, -1 if less is.
        seed: From it follows what rows are drawn.
    """
    positions = np.arange(len(ours))

    def gap_of(rows: NDArray[np.int64]) -> float:
        return sign * (score(rows, ours[rows]) - score(rows, theirs[rows]))

    drawn = bootstrap(
        (positions,),
        gap_of,
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Comparison(name, score(positions, theirs), gap_of(positions), float(drawn.low), float(drawn.high))


def answers_of_references(rehearsal: Rehearsal, seed: int) -> Iterator[tuple[str, Answers]]:
    """Fit each model on the training rows of each fold, and yield what it says of the validation rows.

    Each computes on one thread: on a busy machine the threads of boosted trees wait for one another for
    minutes.

    Args:
        rehearsal: The table and its folds.
        seed: Of the models that draw.

    Yields:
        A name, and probabilities ``(rows, classes)`` or numbers ``(rows, 1)``, fold after fold.
    """
    answers = rehearsal.answers
    if rehearsal.task == "classification":
        rarest = int(np.bincount(answers.astype(np.int64)).min())
        models = _classifiers(len(answers) if rarest >= LEAST_ROWS else SMALL + 1, seed)
    else:
        models = _regressors(len(answers), seed)
    read = {name: _cells_of_trees if name == BOOSTING else _features for name in models}
    for name, model in models.items():
        with threadpool_limits(1):
            parts = [_answers(rehearsal, fold, model, read[name]) for fold in rehearsal.folds]
        yield name, np.concatenate(parts)


def _answers(rehearsal: Rehearsal, fold: Fold, model: BaseEstimator, read: Read) -> Answers:
    """Return what a model says of the validation rows of a fold."""
    train, validation = read(rehearsal.cells.of(fold.train), rehearsal.cells.of(fold.validation))
    weights = None if rehearsal.weights is None else rehearsal.weights[fold.train]
    options = (
        {"sample_weight": weights}
        if weights is not None and has_fit_parameter(model, "sample_weight")
        else {}
    )
    fresh = clone(model)
    if isinstance(fresh, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        numbers = rehearsal.cells.numbers.shape[1]
        fresh.set_params(categorical_features=list(range(numbers, train.shape[1])) or None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is taken as it comes
        fresh.fit(train, rehearsal.answers[fold.train], **options)
    if rehearsal.task == "regression":
        return np.asarray(fresh.predict(validation), dtype=np.float64)[:, None]
    said = np.zeros((len(validation), rehearsal.classes))
    said[:, fresh.classes_.astype(np.int64)] = fresh.predict_proba(validation)
    return said


def _features(train: Cells, validation: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what linear models and networks read: gaps filled, numbers standardised, names one-hot."""
    encoding = Encoding.fitted(train)
    return encoding.encode(train).astype(np.float64), encoding.encode(validation).astype(np.float64)


def _cells_of_trees(train: Cells, validation: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what gradient boosting reads: numbers with their gaps, and numbers of names."""
    if not train.names.shape[1]:
        return train.numbers, validation.numbers
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=MOST_NAMES
    ).fit(train.names)
    first, second = (
        np.column_stack([part.numbers, encoder.transform(part.names)]) for part in (train, validation)
    )
    return first, second


def _classifiers(rows: int, seed: int) -> dict[str, BaseEstimator]:
    models: dict[str, BaseEstimator] = {
        "LogisticRegression": LogisticRegression(max_iter=1000),
        "RandomForest": RandomForestClassifier(random_state=seed),
        BOOSTING: HistGradientBoostingClassifier(random_state=seed),
        "MLPClassifier": MLPClassifier(random_state=seed),
    }
    if rows <= SMALL:
        models["SVC, tuned"] = CalibratedClassifierCV(GridSearchCV(SVC(), TUNED, cv=3), ensemble=False, cv=3)
    return models


def _regressors(rows: int, seed: int) -> dict[str, BaseEstimator]:
    models: dict[str, BaseEstimator] = {
        "Ridge": Ridge(),
        "RandomForest": RandomForestRegressor(random_state=seed),
        BOOSTING: HistGradientBoostingRegressor(random_state=seed),
        "MLPRegressor": _standardised(MLPRegressor(random_state=seed)),
    }
    if rows <= SMALL:
        models["SVR, tuned"] = _standardised(GridSearchCV(SVR(), TUNED, cv=3))
    return models


def _standardised(model: BaseEstimator) -> BaseEstimator:
    """Return a model whose numbers have mean 0 and standard deviation 1 while it learns."""
    return TransformedTargetRegressor(model, transformer=StandardScaler())
