"""The task of a table whose rows have a number each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nas_gym.checks import choice
from nas_gym.datasets.base import Samples
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.problem import Model
from nas_gym.problems.table_tasks import CLASSIFICATION, TableTask
from nas_gym.tasks.classification import Classification
from nas_gym.tasks.regression import Regression, RegressionRecipe
from nas_gym.tasks.supervised.recipe import SampleRecipe

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from nas_gym.datasets.tables.numbers import NumericDataset

MANY = 20
"""More different numbers than this are hardly meant as classes, if they are floats."""


def _with_numbers(X: ArrayLike, y: ArrayLike, split: Sequence[float], seed: int) -> "NumericDataset":
    from nas_gym.datasets.tables.numbers import numbers

    return numbers(X, y, split, seed)


def _linear_regression() -> "BaseEstimator":
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def _boosted_trees() -> "BaseEstimator":
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=0)


def _mlp(seed: int) -> "BaseEstimator":
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(random_state=seed)


REGRESSION = TableTask(
    Regression,
    RegressionRecipe,
    _with_numbers,
    Regression.usual,
    {
        "LinearRegression": Model(_linear_regression),
        "HistGradientBoostingRegressor": Model(_boosted_trees),
        "MLPRegressor": Model(_mlp, random_start=True),
    },
)


TASKS: dict[str, TableTask[Samples, SampleRecipe]] = {
    Classification.kind: CLASSIFICATION,
    Regression.kind: REGRESSION,
}


def task_of_table(task: str | None, y: ArrayLike) -> TableTask[Samples, SampleRecipe]:
    """Return the task that is asked for; classification, if none is and ``y`` does not look like numbers.

    Raises:
        InvalidArgumentError: If there is no such task, or none is asked for and that is in doubt.
    """
    if task is not None:
        return TASKS[choice("task", task, TASKS)]
    try:
        values = np.asarray(y)
    except ValueError:  # what is wrong with it is told where it is loaded
        return CLASSIFICATION
    if values.dtype.kind == "f" and (count := len(np.unique(values))) > MANY:
        raise InvalidArgumentError(
            f"y holds {count} different numbers: give task='regression' to predict them, "
            "or task='classification' if each is a class"
        )
    return CLASSIFICATION
