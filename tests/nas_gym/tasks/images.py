"""Digits, and small convolutional networks to learn them, for tests of trainers."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.utils import skip_init

from nas_gym.datasets.base import Dataset, Split
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.pools.here import Here
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.search_spaces.diagram import Block
from nas_gym.tasks.base import Rung, Source
from nas_gym.tasks.classification import Classification, TrainingRecipe


def digits(train: int = 200, validation: int = 100, test: int = 100) -> Dataset:
    """Return scikit-learn's digits as images, in the order of the file."""
    features, labels = load_digits(return_X_y=True)
    images = (features.reshape(-1, 1, 8, 8) * 255 / 16).astype(np.uint8)
    bounds = np.cumsum([0, train, validation, test])
    first, second, third = (Split(images[a:b], labels[a:b].astype(np.int64)) for a, b in pairwise(bounds))
    return Dataset("digits", first, second, third, "scikit-learn", "BSD-3-Clause", classes=10)


class MadeUpSpace(SearchSpace):
    """Networks that a function builds, whatever the data."""

    id = "test-v0"
    tokens, end_token, max_length = ("conv",), None, 1

    def __init__(self, build: Callable[[Architecture], nn.Module]) -> None:
        self._build = build

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        """Call the function."""
        return self._build(architecture)

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Allow one token."""
        return np.array([not prefix])

    def count(self) -> int:
        """Count one network."""
        return 1

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Draw nothing."""
        return ()


def classification(data: Dataset, recipe: TrainingRecipe, metric: str = "accuracy") -> Classification:
    """Return a task with one rung."""
    return Classification([Rung(recipe, Source(lambda: data))], metric)


def local(
    build: Callable[[Architecture], nn.Module],
    data: Dataset,
    recipe: TrainingRecipe,
    measure_latency: bool = False,
) -> TrainingEvaluator:
    """Return an evaluator that trains, in this process, what a function builds."""
    trainer = TorchTrainer(classification(data, recipe), MadeUpSpace(build), measure_latency=measure_latency)
    return TrainingEvaluator(trainer, Here())


def child(*tokens: str) -> Architecture:
    """Return an architecture of the made-up space of this file."""
    return Architecture("test-v0", tokens)


class Bad(nn.Module):
    """Gives what is no number."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return NaN for everything."""
        return inputs * torch.nan


class Sure(nn.Module):
    """Says 0 and rules out all else: an infinite loss, finite gradients."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return minus infinity for all classes but the first."""
        return inputs.masked_fill(torch.arange(10) > 0, -torch.inf)


def build(architecture: Architecture) -> nn.Module:
    """Build a convolutional network with dropout and batch normalisation, or what goes wrong.

    Args:
        architecture: ``("conv", filters)`` or the name of what goes wrong.
    """
    what, *arguments = architecture.tokens
    filters = int(arguments[0]) if arguments else 4
    last: list[nn.Module] = []
    if what == "raises":
        raise ValueError("this network cannot be\nbuilt at all")
    if what == "is-too-large":
        torch.empty(1 << 60)
    if what == "is-not-finite":
        last = [Bad()]
    if what == "is-sure":
        last = [Sure()]
    if what == "is-unknown":
        last = [nn.PReLU()]
    return nn.Sequential(
        skip_init(nn.Conv2d, 1, filters, 3, padding=1, bias=False),
        skip_init(nn.BatchNorm2d, filters),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        skip_init(nn.Linear, filters * 16, 10),
        *last,
    )
