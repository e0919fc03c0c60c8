"""scikit-learn's models with their default settings, to hold found networks against."""

from time import perf_counter
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nas_gym.datasets.base import Split
from nas_gym.problems.problem import Model, Problem
from nas_gym.studies.comparison import Contender
from nas_gym.studies.retraining import FULL
from nas_gym.tasks.supervised.scores import Outputs
from nas_gym.tasks.supervised.task import Data, Recipe, SampleTask

Features = NDArray[np.float32] | NDArray[np.uint8]

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def retrain_models(problem: Problem, seeds: int) -> list[Contender]:
    """Train scikit-learn's models of a problem on the data of its full training, then read the test data.

    Args:
        problem: With its test data.
        seeds: How many times to train those that have a random start.
    """
    if not problem.models:
        return []
    assert isinstance(problem.task, SampleTask)
    with threadpool_limits(1):  # with more, sums are added up in another order
        return [_retrain(problem.task, name, model, seeds) for name, model in problem.models.items()]


def _retrain(task: SampleTask[Data, Recipe], name: str, model: Model, seeds: int) -> Contender:
    from sklearn.exceptions import ConvergenceWarning

    data, metric = task.data_of(FULL), task.metric.name
    assert data.test is not None
    models = [model.make(seed) for seed in range(seeds)] if model.random_start else [model.make()]
    start = perf_counter()
    with catch_warnings():
        # The default number of iterations is part of the default settings.
        simplefilter("ignore", ConvergenceWarning)
        for each in models:
            each.fit(_flat(data.train), data.train.labels)
    seconds = (perf_counter() - start) / len(models)
    validation, test = (
        tuple(task.scores(_outputs(each, part), part.labels, FULL)[metric] for each in models)
        for part in (data.validation, data.test)
    )
    return Contender(name, False, validation, test, seconds=seconds, certain=not model.random_start)


def _outputs(model: "BaseEstimator", part: Split) -> Outputs:
    """Return what a model says of samples as a network would, ``(samples, outputs)``."""
    features = _flat(part)
    if hasattr(model, "predict_log_proba"):
        with np.errstate(divide="ignore"):  # it may be sure
            outputs: Outputs = model.predict_log_proba(features)
        return outputs
    predicted: Outputs = model.predict(features)
    return np.eye(len(model.classes_))[predicted] if hasattr(model, "classes_") else predicted[:, None]


def _flat(part: Split) -> Features:
    return part.features.reshape(len(part), -1)
