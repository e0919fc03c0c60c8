"""What children learn to do: how evaluators train them, whatever it is."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from nas_gym.datasets.base import Dataset, Split
from nas_gym.errors import InvalidArgumentError
from nas_gym.tasks.latency import latency_of
from nas_gym.tasks.metric import ACCURACY, Metric
from nas_gym.tasks.supervised.batches import Samples, training_samples
from nas_gym.tasks.supervised.recipe import TrainingRecipe
from nas_gym.tasks.supervised.training import accuracy_of, is_mixed, load_optimizers, train_child


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training found.

    Attributes:
        reason: Why training failed, ``None`` if it did not.
        validation_accuracy: See ``Evaluation``; ``None`` if unknown, as the next two.
        last_epochs_accuracy: See ``Evaluation``.
        validation_perplexity: See ``Evaluation``.
        losses: Mean training loss of each epoch.
    """

    reason: str | None = None
    validation_accuracy: float | None = None
    last_epochs_accuracy: float | None = None
    validation_perplexity: float | None = None
    losses: tuple[float, ...] = ()


class Task(Protocol):
    """What a module has to learn. Each task has its own types of modules, data and recipes.

    Attributes:
        metric: What trained modules are judged by.
    """

    metric: Metric

    def check(self, recipe: Any, data: Any, device: str) -> None:  # noqa: ANN401
        """Refuse a recipe that suits neither the data nor the device.

        Raises:
            InvalidArgumentError: If it does not.
        """
        ...

    def warm_up(self, device: str) -> None:
        """Have imported and compiled what the first child needs, a matter of seconds, before it is timed."""
        ...

    def prepare(self, data: Any, device: str) -> Any:  # noqa: ANN401
        """Put training and validation part on a device, once for all children."""
        ...

    def train(self, module: Any, prepared: Any, recipe: Any, seed: int) -> Outcome:  # noqa: ANN401
        """Initialise and train a module in place, on the device of what was prepared."""
        ...

    def judge(self, module: Any, data: Any, part: Any, recipe: Any, device: str) -> float:  # noqa: ANN401
        """Return the metric of a trained module on a part of the data."""
        ...

    def latency(self, module: nn.Module, prepared: Any) -> float:  # noqa: ANN401
        """Return the time of a forward pass of one sample, in seconds."""
        ...


class Classification:
    """Samples are classified; data are a ``Dataset``."""

    metric = ACCURACY

    def check(self, recipe: TrainingRecipe, data: Dataset, device: str) -> None:
        """Refuse what augments what is no image, or wants half precision without CUDA."""
        shape = data.train.features.shape[1:]
        if recipe.augmentation != "none" and len(shape) != 3:
            raise InvalidArgumentError(
                f"augmentation {recipe.augmentation!r} needs images of shape (channels, height, width), the "
                f"samples of {data.id} have the shape {shape}"
            )
        if recipe.precision == "mixed" and torch.device(device).type != "cuda":
            raise InvalidArgumentError(f"precision 'mixed' needs a CUDA device, device is {device!r}")

    def warm_up(self, device: str) -> None:
        """Load the optimizers."""
        load_optimizers()

    def prepare(self, data: Dataset, device: str) -> tuple[Samples, Samples]:
        """Put training and validation part on a device."""
        return training_samples(data, device)

    def train(
        self, module: nn.Module, prepared: tuple[Samples, Samples], recipe: TrainingRecipe, seed: int
    ) -> Outcome:
        """Train as ``train_child``."""
        result = train_child(module, *prepared, recipe, seed)
        return Outcome(
            result.reason, result.validation_accuracy, result.last_epochs_accuracy, losses=result.losses
        )

    def judge(
        self, module: nn.Module, data: Dataset, part: Split, recipe: TrainingRecipe, device: str
    ) -> float:
        """Return the accuracy."""
        samples = Samples.of(part, data.channel_statistics, device)
        return accuracy_of(module, samples, is_mixed(recipe, samples))

    def latency(self, module: nn.Module, prepared: tuple[Samples, Samples]) -> float:
        """Return the time of one sample."""
        return latency_of(module, prepared[0])


CLASSIFICATION: Task = Classification()
