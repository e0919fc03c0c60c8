"""What can be learned from a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from numpy.typing import ArrayLike

from nas_gym.problems.ladder import FULL, SEARCH, Given, Values, ladder
from nas_gym.problems.parts import choose
from nas_gym.problems.problem import Model, Problem
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.base import Rung
from nas_gym.tasks.classification import Classification, TrainingRecipe
from nas_gym.tasks.supervised.task import Data, Recipe, SampleTask

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from nas_gym.datasets.base import Dataset

SPACES = {"mlp": MlpSpace}
RECIPES: dict[str, Values] = {SEARCH: {}, FULL: {}}


@dataclass(frozen=True)
class TableTask(Generic[Data, Recipe]):
    """A task on the rows of a table, learned by multi-layer perceptrons.

    Attributes:
        task: Its class, called with a ladder and the name of a metric.
        recipe: The class of its recipes.
        load: Makes the data of the user's arrays, called with ``X``, ``y``, ``split`` and ``seed``.
        usual: Name of the metric that is not asked for.
        models: scikit-learn's models to compare with, by what they are called.
    """

    task: Callable[[list[Rung[Data, Recipe]], str], SampleTask[Data, Recipe]]
    recipe: Callable[..., Recipe]
    load: Callable[[ArrayLike, ArrayLike, Sequence[float], int], Data]
    usual: str
    models: Mapping[str, Model]

    def problem(
        self,
        load: Callable[[], Data],
        metric: str | None,
        space: Given[MlpSpace],
        recipe: Given[str],
        full: Given[str],
    ) -> Problem:
        """Return what there is to search for, the parts as given to ``gym.make``."""
        task = self.task(
            ladder(self.recipe, load, RECIPES, recipe, full), self.usual if metric is None else metric
        )
        search_space = choose("space", space, SPACES, "mlp", MlpSpace)
        return Problem(search_space, task.metric, task=task, models=self.models)


def _with_classes(X: ArrayLike, y: ArrayLike, split: Sequence[float], seed: int) -> "Dataset":
    from nas_gym.datasets.tables.tabular import tabular

    return tabular(X, y, split, seed)


def _logistic_regression() -> "BaseEstimator":
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def _mlp(seed: int) -> "BaseEstimator":
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(random_state=seed)


CLASSIFICATION = TableTask(
    Classification,
    TrainingRecipe,
    _with_classes,
    Classification.usual,
    {"LogisticRegression": Model(_logistic_regression), "MLPClassifier": Model(_mlp, random_start=True)},
)
