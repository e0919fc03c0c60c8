"""What children learn to do: how evaluators train them, whatever it is."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.batches import Samples, training_samples
from nas_gym.evaluation.latency import latency_of
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.evaluation.training import train_child


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training found; the fields of ``Evaluation`` that have these names.

    Attributes:
        reason: Why training failed, ``None`` if it did not.
        validation_accuracy: ``None`` if unknown, as the others.
        last_epochs_accuracy: See ``Evaluation``.
        validation_perplexity: See ``Evaluation``.
    """

    reason: str | None = None
    validation_accuracy: float | None = None
    last_epochs_accuracy: float | None = None
    validation_perplexity: float | None = None


class Task(Protocol):
    """What a module has to learn. Each task has its own types of modules, data and recipes."""

    def check(self, recipe: Any, data: Any, device: str) -> None:  # noqa: ANN401
        """Refuse a recipe that suits neither the data nor the device.

        Raises:
            InvalidArgumentError: If it does not.
        """
        ...

    def prepare(self, data: Any, device: str) -> Any:  # noqa: ANN401
        """Put training and validation part on a device, once for all children."""
        ...

    def train(self, module: Any, prepared: Any, recipe: Any, seed: int) -> Outcome:  # noqa: ANN401
        """Initialise and train a module in place, on the device of what was prepared."""
        ...

    def latency(self, module: nn.Module, prepared: Any) -> float:  # noqa: ANN401
        """Return the time of a forward pass of one sample, in seconds."""
        ...


class Classification:
    """Samples are classified; data are a ``Dataset``."""

    def check(self, recipe: TrainingRecipe, data: Dataset, device: str) -> None:
        """Refuse what augments what is no image, or wants half precision without CUDA."""
        check_recipe(recipe, data, device)

    def prepare(self, data: Dataset, device: str) -> tuple[Samples, Samples]:
        """Put training and validation part on a device."""
        return training_samples(data, device)

    def train(
        self, module: nn.Module, prepared: tuple[Samples, Samples], recipe: TrainingRecipe, seed: int
    ) -> Outcome:
        """Train as ``train_child``."""
        result = train_child(module, *prepared, recipe, seed)
        return Outcome(result.reason, result.validation_accuracy, result.last_epochs_accuracy)

    def latency(self, module: nn.Module, prepared: tuple[Samples, Samples]) -> float:
        """Return the time of one sample."""
        return latency_of(module, prepared[0])


CLASSIFICATION: Task = Classification()


def check_recipe(recipe: TrainingRecipe, dataset: Dataset, device: str) -> None:
    """Refuse a recipe that suits neither the data nor the device.

    Raises:
        InvalidArgumentError: If it augments what is no image, or wants half precision without CUDA.
    """
    shape = dataset.train.features.shape[1:]
    if recipe.augmentation != "none" and len(shape) != 3:
        raise InvalidArgumentError(
            f"augmentation {recipe.augmentation!r} needs images of shape (channels, height, width), the "
            f"samples of {dataset.id} have the shape {shape}"
        )
    if recipe.precision == "mixed" and torch.device(device).type != "cuda":
        raise InvalidArgumentError(f"precision 'mixed' needs a CUDA device, device is {device!r}")
