"""One child after another in PyTorch: the readable reference, on any device."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import nn

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.corpus import Corpus
from nas_gym.evaluators.base import NetworkSizeOf, child_seed
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.base import CLASSIFICATION, Outcome, Task
from nas_gym.tasks.device import check_device, one_thread
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.initialisation import UnknownLayerError
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.supervised.recipe import TrainingRecipe


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
        task: What the data and the recipe are for, by default those of ``Classification``.

    Raises:
        InvalidArgumentError: If there is no such device here, or the recipe suits neither it nor the data.
    """

    def __init__(
        self,
        build: Callable[[Architecture], nn.Module],
        dataset: Dataset | Corpus,
        recipe: TrainingRecipe | LanguageRecipe,
        seed: int = 0,
        device: str = "cpu",
        network_size: NetworkSizeOf | None = None,
        measure_latency: bool = False,
        task: Task = CLASSIFICATION,
    ) -> None:
        check_device(device)
        task.check(recipe, dataset, device)
        # Devices round differently; and what has no latency must not stand in for what should.
        self.id = f"local({device}{', latency' if measure_latency else ''})"
        self.build = build
        self.dataset = dataset.without_test()
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.network_size = network_size
        self.measure_latency = measure_latency
        self.task = task
        self._prepared: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is on the device behind."""
        return self.__dict__ | {"_prepared": None}

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
        with one_thread():
            return [self._train(*child) for child in zip(architectures, seeds, strict=True)]

    def _train(self, architecture: Architecture, seed: int) -> Evaluation:
        start = perf_counter()
        if self._prepared is None:
            self._prepared = self.task.prepare(self.dataset, self.device)
        latency = None
        size = None if self.network_size is None else self.network_size(architecture)
        parameters = None if size is None else size.parameters
        try:
            module = self.build(architecture)
            parameters = sum(parameter.numel() for parameter in module.parameters())
            outcome = self.task.train(module, self._prepared, self.recipe, seed)
            if self.measure_latency:
                latency = self.task.latency(module, self._prepared)
        except (UnknownLayerError, torch.AcceleratorError):
            raise  # every other child would end the same way
        except Exception as error:
            outcome = Outcome(one_line(error))
        return Evaluation(
            architecture=architecture,
            dataset=self.dataset.id,
            recipe=self.recipe.id,
            seed=seed,
            status="ok" if outcome.reason is None else "failed",
            validation_accuracy=outcome.validation_accuracy,
            parameters=parameters,
            seconds=perf_counter() - start,
            reason=outcome.reason,
            last_epochs_accuracy=outcome.last_epochs_accuracy,
            multiply_adds=None if size is None else size.multiply_adds,
            latency_seconds=latency,
            validation_perplexity=outcome.validation_perplexity,
        )


def one_line(error: BaseException) -> str:
    """Return an error as the reason in an evaluation: its type and the first line of what it says."""
    first, _, _ = str(error).strip().partition("\n")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
