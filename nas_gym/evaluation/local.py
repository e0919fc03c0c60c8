"""One child after another in PyTorch: the readable reference, on any device."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import torch
from torch import nn

from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.base import NetworkSizeOf, child_seed
from nas_gym.evaluation.batches import Samples, training_samples
from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.evaluation.initialisation import UnknownLayerError
from nas_gym.evaluation.latency import latency_of
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.evaluation.training import train_child
from nas_gym.search_spaces.architecture import Architecture


class LocalEvaluator:
    """Trains children one after another in this process.

    It computes on one thread, whatever number PyTorch is set to: so a result is the same on machines with
    more cores, and in the workers of ``ProcessEvaluator``, which use them. A child that raises, for
    instance since it wants too much memory, has the status ``"failed"``, with the error as its reason.

    Args:
        build: Makes the module of an architecture, its parameters not yet initialised.
        dataset: What to learn; its test part is not kept.
        recipe: How to train.
        seed: From it and the architecture follows a child's seed.
        device: PyTorch's name of the device, for example ``"cpu"`` or ``"cuda"``.
        network_size: What a network costs, computed from its description, for the records.
        measure_latency: Whether to measure how long a trained network takes for one sample. Such times do
            not repeat, and children that train at the same time disturb one another's.

    Raises:
        InvalidArgumentError: If there is no such device here, or the recipe suits neither it nor the data.
    """

    def __init__(
        self,
        build: Callable[[Architecture], nn.Module],
        dataset: Dataset,
        recipe: TrainingRecipe,
        seed: int = 0,
        device: str = "cpu",
        network_size: NetworkSizeOf | None = None,
        measure_latency: bool = False,
    ) -> None:
        check_device(device)
        check_recipe(recipe, dataset, device)
        # Devices round differently; and what has no latency must not stand in for what should.
        self.id = f"local({device}{', latency' if measure_latency else ''})"
        self.build = build
        self.dataset = dataset.without_test()
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.network_size = network_size
        self.measure_latency = measure_latency
        self._samples: tuple[Samples, Samples] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the samples on the device behind."""
        return self.__dict__ | {"_samples": None}

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Train children, see ``Evaluator.evaluate``.

        Raises:
            UnknownLayerError: If a network holds a layer whose weights nobody knows how to draw.
            torch.AcceleratorError: If the device fails.
        """
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        with _one_thread():
            return [self._train(*child) for child in zip(architectures, seeds, strict=True)]

    def _train(self, architecture: Architecture, seed: int) -> Evaluation:
        start = perf_counter()
        if self._samples is None:
            self._samples = training_samples(self.dataset, self.device)
        accuracy = last = latency = None
        size = None if self.network_size is None else self.network_size(architecture)
        parameters = None if size is None else size.parameters
        try:
            module = self.build(architecture)
            parameters = sum(parameter.numel() for parameter in module.parameters())
            result = train_child(module, *self._samples, self.recipe, seed)
            if self.measure_latency:
                latency = latency_of(module, self._samples[0])
            accuracy, last, reason = result.validation_accuracy, result.last_epochs_accuracy, result.reason
        except (UnknownLayerError, torch.AcceleratorError):
            raise  # every other child would end the same way
        except Exception as error:
            reason = one_line(error)
        return Evaluation(
            architecture=architecture,
            dataset=self.dataset.id,
            recipe=self.recipe.id,
            seed=seed,
            status="ok" if reason is None else "failed",
            validation_accuracy=accuracy,
            parameters=parameters,
            seconds=perf_counter() - start,
            reason=reason,
            last_epochs_accuracy=last,
            multiply_adds=None if size is None else size.multiply_adds,
            latency_seconds=latency,
        )


def check_device(device: str) -> None:
    """Refuse a device that PyTorch cannot use here.

    Raises:
        InvalidArgumentError: If there is no such device.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        cause = str(error).splitlines()[0]
        raise InvalidArgumentError(f"device {device!r} cannot be used here: {cause}") from None


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


def one_line(error: BaseException) -> str:
    """Return an error as the reason in an evaluation: its type and the first line of what it says."""
    first, _, _ = str(error).strip().partition("\n")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
