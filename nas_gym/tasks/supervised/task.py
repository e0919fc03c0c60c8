"""What classification and regression have in common: samples with an answer each."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.base import Samples as SampleData
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize, SearchSpace
from nas_gym.tasks.base import Outcome, Part, Rung, Task, without_test_part
from nas_gym.tasks.interface import Interface
from nas_gym.tasks.metric import Metric
from nas_gym.tasks.supervised.recipe import SampleRecipe
from nas_gym.tasks.supervised.scores import Labels, Outputs, Score

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nas_gym.tasks.supervised.batches import Samples

Data = TypeVar("Data", bound=SampleData, covariant=True)
Recipe = TypeVar("Recipe", bound=SampleRecipe, covariant=True)


class SampleTask(Task[Data, Recipe]):
    """A task on samples; its children say ``outputs`` numbers of each.

    Args:
        ladder: See ``Task``.
        metrics: See ``Task``.
        scores: How the value of each metric is computed, by its name.
    """

    def __init__(
        self, ladder: Sequence[Rung[Data, Recipe]], metrics: Sequence[Metric], scores: Mapping[str, Score]
    ) -> None:
        super().__init__(ladder, metrics)
        self._scores = scores
        self._prepared: dict[tuple[int, str], tuple[Samples, Samples]] = {}

    def __getstate__(self) -> dict[str, object]:
        """Leave what is on a device behind: it is prepared anew."""
        return self.__dict__ | {"_prepared": {}}

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers a network says of a sample."""

    @abstractmethod
    def loss_name(self, rung: int) -> str:
        """Return what is minimised: ``"cross_entropy"``, ``"squared_error"`` or ``"huber"``."""

    def class_weights(self, rung: int) -> NDArray[np.float32] | None:
        """Return how much the loss of each class counts, ``(classes,)``; by default ``None``: all alike."""
        return None

    @abstractmethod
    def loss(self, outputs: "Tensor", labels: "Tensor", rung: int) -> "Tensor":
        """Return the mean loss of a batch, from ``(batch, outputs)`` and ``(batch,)``."""

    def effort(self, rung: int) -> float:
        """Count samples, once for each epoch."""
        return float(len(self.data_of(rung).train) * self.recipe_of(rung).epochs)

    def check(self, search_space: SearchSpace, device: str, rung: int = 0) -> None:
        """Refuse what augments what is no image, or wants half precision without CUDA."""
        data, recipe = self.data_of(rung), self.recipe_of(rung)
        search_space.check_inputs(data.feature_shape)
        if recipe.augmentation != "none" and len(data.feature_shape) != 3:
            raise InvalidArgumentError(
                f"augmentation {recipe.augmentation!r} needs images of shape (channels, height, width), the "
                f"samples of {data.id} have the shape {data.feature_shape}"
            )
        if recipe.precision == "mixed" and not device.startswith("cuda"):
            raise InvalidArgumentError(f"precision 'mixed' needs a CUDA device, device is {device!r}")

    def build(self, search_space: SearchSpace, architecture: Architecture, rung: int = 0) -> "nn.Module":
        """Build the network that reads a sample."""
        return search_space.build(architecture, self.data_of(rung).feature_shape, self.outputs)

    def interface(self, rung: int = 0) -> Interface:
        """Say how samples are read, and in what the network was judged.

        float16, which CUDA devices may compute in, is not kept: elsewhere it is slow. So a sample on the
        edge between classes may be judged otherwise.
        """
        data = self.data_of(rung)
        half = self.recipe_of(rung).precision == "bfloat16"
        return Interface(
            inputs=data.feature_shape,
            outputs=self.outputs,
            reading=data.reading,
            precision="bfloat16" if half else "float32",
        )

    def size(
        self, search_space: SearchSpace, architecture: Architecture, rung: int = 0
    ) -> NetworkSize | None:
        """Compute what that network costs."""
        return search_space.size(architecture, self.data_of(rung).feature_shape, self.outputs)

    def measure(self, module: "nn.Module", rung: int = 0) -> NetworkSize | None:
        """Count parameters, and multiplications for one sample, by running the module."""
        from nas_gym.tasks.module_size import module_size

        return module_size(module, self.data_of(rung).feature_shape)

    def warm_up(self, device: str) -> None:
        """Load the optimizers."""
        from nas_gym.tasks.device import load_optimizers

        load_optimizers()

    def train(self, module: "nn.Module", seed: int, rung: int = 0, device: str = "cpu") -> Outcome:
        """Train as ``train_on_samples``."""
        from nas_gym.tasks.supervised.training import train_on_samples

        if self.data_of(rung).train.weights is not None:
            raise InvalidArgumentError("weights of samples are known to the compiled trainer alone")
        train, validation = self._on(device, rung)

        def loss_of(outputs: "Tensor", labels: "Tensor") -> "Tensor":
            return self.loss(outputs, labels, rung)

        def scores_of(outputs: Outputs, labels: Labels) -> dict[str, float]:
            return self.scores(outputs, labels, rung)

        recipe, metric = self.recipe_of(rung), self.metric
        return train_on_samples(module, train, validation, recipe, seed, loss_of, metric, scores_of)

    def judge(self, module: "nn.Module", part: Part, rung: int = 0, device: str = "cpu") -> dict[str, float]:
        """Return the values of all metrics."""
        from nas_gym.tasks.supervised.batches import Samples
        from nas_gym.tasks.supervised.training import half_precision, outputs_of

        data = self.data_of(rung)
        split = data.validation if part == "validation" else data.test
        if split is None:
            raise without_test_part(data)
        samples = Samples.of(split, data.channel_statistics, device)
        outputs = outputs_of(module, samples, half_precision(self.recipe_of(rung), samples))
        return self.scores(outputs, split.labels, rung)

    def scores(self, outputs: Outputs, labels: Labels, rung: int) -> dict[str, float]:
        """Return the values of all metrics for what a network says of samples, ``(samples, outputs)``."""
        scores = {metric.name: self._scores[metric.name](outputs, labels) for metric in self.metrics}
        return self.in_units(scores, rung)

    def in_units(self, scores: Mapping[str, float], rung: int) -> dict[str, float]:
        """Return scores in the units of the user's answers, which may be learned in others."""
        return dict(scores)

    def latency(self, module: "nn.Module", rung: int = 0, device: str = "cpu") -> float:
        """Return the time of the first sample of the training part."""
        from nas_gym.tasks.latency import median_seconds

        train, _ = self._on(device, rung)
        return median_seconds(module, train.to_input(train.features[:1]))

    def _on(self, device: str, rung: int) -> "tuple[Samples, Samples]":
        """Put training and validation part on a device once, normalised by the former's statistics."""
        from nas_gym.tasks.supervised.batches import Samples

        if (rung, device) not in self._prepared:
            data = self.data_of(rung)
            train, validation = (
                Samples.of(split, data.channel_statistics, device) for split in (data.train, data.validation)
            )
            self._prepared[rung, device] = train, validation
        return self._prepared[rung, device]
