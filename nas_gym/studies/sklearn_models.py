"""scikit-learn's models with their default settings, to hold found networks against."""

from collections.abc import Sequence
from pkgutil import resolve_name
from time import perf_counter
from typing import Any
from warnings import catch_warnings, simplefilter

from nas_gym.datasets.base import Split

RANDOM_START = ("MLPClassifier",)
"""Models that come out differently with another seed."""


def estimator_accuracies(
    estimator: str, train: Split, judged_on: Sequence[Split], seeds: int
) -> tuple[list[tuple[float, ...]], float]:
    """Train a model and return its accuracies, and how long that took.

    Args:
        estimator: Import path of its class, ``module:class``.
        train: What to learn from.
        judged_on: What to judge it on.
        seeds: How many times to train it if it has a random start; else it is trained once.

    Returns:
        For each part that it is judged on, an accuracy for each training; the mean seconds of a training.
    """
    from sklearn.exceptions import ConvergenceWarning

    make = resolve_name(estimator)
    models = [make(random_state=seed) for seed in range(seeds)] if has_random_start(estimator) else [make()]
    start = perf_counter()
    with catch_warnings():
        # The default number of iterations is part of the default settings.
        simplefilter("ignore", ConvergenceWarning)
        for model in models:
            model.fit(_flat(train), train.labels)
    seconds = (perf_counter() - start) / len(models)
    accuracies = [
        tuple(float(model.score(_flat(part), part.labels)) for model in models) for part in judged_on
    ]
    return accuracies, seconds


def estimator_name(estimator: str) -> str:
    """Return the name of the class that an import path ends with."""
    return estimator.partition(":")[2]


def has_random_start(estimator: str) -> bool:
    """Say whether a model comes out differently with another seed."""
    return estimator_name(estimator) in RANDOM_START


def _flat(split: Split) -> Any:  # noqa: ANN401, what scikit-learn takes
    return split.features.reshape(len(split), -1)
