"""Questions about tables: multi-layer perceptrons on features."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from nas_gym.problems.ladder import FULL, SEARCH, Given, Values, ladder
from nas_gym.problems.parts import choose
from nas_gym.problems.problem import Model, Problem
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.classification import Classification, TrainingRecipe

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from nas_gym.datasets.base import Dataset

SPACES = {"mlp": MlpSpace}
RECIPES: dict[str, Values] = {SEARCH: {}, FULL: {}}


def moons(
    *,
    size: int = 1000,
    noise: float = 0.2,
    split: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    metric: str = "accuracy",
    space: Given[MlpSpace] = None,
    recipe: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """Two half moons, as in the minimal NAS system: 1,000 points, 597,870 networks."""
    from nas_gym.datasets.tables.moons import moons as load

    return _classified(partial(load, size, noise, split, seed), metric, space, recipe, full)


def tabular(
    *,
    X: ArrayLike,
    y: ArrayLike,
    split: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    metric: str = "accuracy",
    space: Given[MlpSpace] = None,
    recipe: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """Your own table: real features X, one class a row in y."""
    from nas_gym.datasets.tables.tabular import tabular as load

    return _classified(partial(load, X, y, split, seed), metric, space, recipe, full)


def _classified(
    load: "Callable[[], Dataset]",
    metric: str,
    space: Given[MlpSpace],
    recipe: Given[str],
    full: Given[str],
) -> Problem:
    task = Classification(ladder(TrainingRecipe, load, RECIPES, recipe, full), metric)
    models = {
        "LogisticRegression": Model(_logistic_regression),
        "MLPClassifier": Model(_mlp, random_start=True),
    }
    search_space = choose("space", space, SPACES, "mlp", MlpSpace)
    return Problem(search_space, task.metric, task=task, models=models)


def _logistic_regression() -> "BaseEstimator":
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def _mlp(seed: int) -> "BaseEstimator":
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(random_state=seed)
