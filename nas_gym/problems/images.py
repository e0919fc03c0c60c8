"""Questions about images: convolutional networks, as chains of layers or as graphs."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nas_gym.problems.ladder import FULL, MIDDLE, SEARCH, Amount, Given, Values, ladder
from nas_gym.problems.parts import choose
from nas_gym.problems.problem import Model, Problem
from nas_gym.search_spaces import ChainSpace, GraphSpace, PyramidSpace
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.chain.references import two_layers
from nas_gym.search_spaces.references import Reference, resnet8
from nas_gym.tasks.classification import Classification, TrainingRecipe

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import nn

    from nas_gym.datasets.base import Dataset
    from nas_gym.tasks.base import Rung

SPACES: dict[str, Callable[..., SearchSpace]] = {
    "chain": ChainSpace,
    "graph": GraphSpace,
    "pyramid": PyramidSpace,
}
ALL: Values = {"train_samples": None, "validation_samples": None}
FEW: Values = {"train_samples": 5_000, "validation_samples": 2_000}
COSINE: Values = {"batch_size": 64, "patience": None, "schedule": "cosine"}
IMAGES: Values = {**COSINE, "learning_rate": 2e-3}
ZOPH: Values = {
    **ALL,
    "epochs": 50,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "weight_decay": 1e-4,
    "augmentation": "crop_flip",
}
"""Training of children in Zoph & Le 2016, https://arxiv.org/abs/1611.01578, as for DenseNet; the batch and
the cosine are ours."""

DIGITS: dict[str, Values] = {
    SEARCH: {**ALL, **COSINE, "epochs": 3, "learning_rate": 5e-3},
    FULL: {**ALL, "epochs": 40, "augmentation": "crop"},
}
MNIST: dict[str, Values] = {
    SEARCH: {**IMAGES, **FEW, "epochs": 1},
    MIDDLE: {"epochs": 4},
    FULL: {**ALL, "epochs": 5},
}
CIFAR10: dict[str, Values] = {
    SEARCH: {**IMAGES, **FEW, "epochs": 5},
    MIDDLE: {"epochs": 15, "augmentation": "crop_flip"},
    FULL: ZOPH,
    "paper": ZOPH,
}
FOLDER: dict[str, Values] = {
    SEARCH: {**ALL, **IMAGES, "epochs": 5},
    MIDDLE: {"epochs": 10, "augmentation": "crop_flip"},
    FULL: {**ALL, "epochs": 20, "augmentation": "crop_flip"},
}


def digits(
    *,
    split: Sequence[float] = (0.7, 0.15, 0.15),
    train_samples: Amount = "recipe",
    validation_samples: Amount = "recipe",
    seed: int = 0,
    metric: str = "accuracy",
    space: Given[SearchSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """scikit-learn's 1,797 real digits of 8x8 pixels, no download."""
    from nas_gym.datasets.images.digits import digits as load

    amounts = {"train_samples": train_samples, "validation_samples": validation_samples}
    rungs = ladder(
        TrainingRecipe, partial(load, split=split, seed=seed), DIGITS, recipe, full, amounts, middle
    )
    task = Classification(rungs, metric)
    models = {"MLPClassifier": Model(_mlp, random_start=True), "SVC": Model(_svc)}
    return Problem(_space(space, "chain"), task.metric, task=task, models=models, trainings=3)


def mnist(
    *,
    split: Sequence[float] = (55_000, 5_000),
    train_samples: Amount = "recipe",
    validation_samples: Amount = "recipe",
    seed: int = 0,
    metric: str = "accuracy",
    space: Given[SearchSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """MNIST, 28x28 pixels; a search trains on 5,000 of its 55,000 training images."""
    from nas_gym.datasets.images.mnist import mnist as load

    amounts = {"train_samples": train_samples, "validation_samples": validation_samples}
    rungs = ladder(
        TrainingRecipe, partial(load, split=split, seed=seed), MNIST, recipe, full, amounts, middle
    )
    return _costly(rungs, metric, _space(space, "chain"), "hand-designed", two_layers)


def cifar10(
    *,
    split: Sequence[float] = (45_000, 5_000),
    train_samples: Amount = "recipe",
    validation_samples: Amount = "recipe",
    seed: int = 0,
    metric: str = "accuracy",
    space: Given[SearchSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """CIFAR-10, 32x32 pixels, the split of Zoph & Le; a search trains on 5,000 images."""
    from nas_gym.datasets.images.cifar10 import cifar10 as load

    amounts = {"train_samples": train_samples, "validation_samples": validation_samples}
    rungs = ladder(
        TrainingRecipe, partial(load, split=split, seed=seed), CIFAR10, recipe, full, amounts, middle
    )
    return _costly(rungs, metric, _space(space, "graph"), "ResNet-8", resnet8)


def image_folder(
    *,
    path: str | Path,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    split: Sequence[float] | None = None,
    skip_unreadable: bool = False,
    train_samples: Amount = "recipe",
    validation_samples: Amount = "recipe",
    seed: int = 0,
    metric: str = "accuracy",
    space: Given[SearchSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """Your own images, a folder for each class."""
    from nas_gym.datasets.images.image_folder import image_folder as load

    amounts = {"train_samples": train_samples, "validation_samples": validation_samples}
    of_path = partial(load, path, image_size, channels, split, seed=seed, skip_unreadable=skip_unreadable)
    rungs = ladder(TrainingRecipe, of_path, FOLDER, recipe, full, amounts, middle)
    return _costly(rungs, metric, _space(space, "chain"), "ResNet-8", resnet8)


def _space(given: Given[SearchSpace], usual: str) -> SearchSpace:
    return choose("space", given, SPACES, usual, (ChainSpace, GraphSpace, PyramidSpace))


def _costly(
    rungs: "Sequence[Rung[Dataset, TrainingRecipe]]",
    metric: str,
    search_space: SearchSpace,
    name: str,
    build: "Callable[[tuple[int, ...], int], nn.Module]",
) -> Problem:
    """Return a problem whose full training takes long, beside one hand-designed network."""
    task = Classification(rungs, metric)

    def references(parameters: int) -> list[Reference]:
        return [Reference(name, partial(build, task.data_of(-1).feature_shape, task.outputs))]

    return Problem(search_space, task.metric, task=task, references=references, trainings=3, costly=True)


def _mlp(seed: int) -> "BaseEstimator":
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(random_state=seed)


def _svc() -> "BaseEstimator":
    from sklearn.svm import SVC

    return SVC()
