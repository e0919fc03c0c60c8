"""Questions about tables: multi-layer perceptrons on features."""

from collections.abc import Sequence
from functools import partial

from numpy.typing import ArrayLike

from nas_gym.problems.ladder import Given
from nas_gym.problems.problem import Problem
from nas_gym.problems.table_regression import task_of_table
from nas_gym.problems.table_tasks import CLASSIFICATION
from nas_gym.search_spaces import MlpSpace


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

    return CLASSIFICATION.problem(partial(load, size, noise, split, seed), metric, space, recipe, full)


def tabular(
    *,
    X: ArrayLike,
    y: ArrayLike,
    task: str | None = None,
    split: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    metric: str | None = None,
    space: Given[MlpSpace] = None,
    recipe: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """Your own table: real features X, a class a row in y, or with task="regression" a number."""
    kind = task_of_table(task, y)
    return kind.problem(partial(kind.load, X, y, split, seed), metric, space, recipe, full)
