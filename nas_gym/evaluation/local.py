"""One child after another in PyTorch: the readable reference, on any device."""

from collections.abc import Callable, Sequence
from time import perf_counter

import torch
from torch import nn

from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.base import child_seed
from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.evaluation.training import train_child
from nas_gym.search_spaces.architecture import Architecture


class LocalEvaluator:
    """Trains children one after another in this process.

    Args:
        build: Makes the module of an architecture, its parameters not yet initialised.
        dataset: What to learn; its test part is not kept.
        recipe: How to train.
        seed: From it and the architecture follows a child's seed.
        device: PyTorch's name of the device, for example ``"cpu"`` or ``"cuda"``.

    Raises:
        InvalidArgumentError: If there is no such device here.
    """

    def __init__(
        self,
        build: Callable[[Architecture], nn.Module],
        dataset: Dataset,
        recipe: TrainingRecipe,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            cause = str(error).splitlines()[0]
            raise InvalidArgumentError(f"device {device!r} cannot be used here: {cause}") from None
        self.id = f"local({device})"  # devices round differently
        self.build = build
        self.dataset = dataset.without_test()
        self.recipe = recipe
        self.seed = seed
        self.device = device

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Train children, see ``Evaluator.evaluate``."""
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        return [self._train(*child) for child in zip(architectures, seeds, strict=True)]

    def _train(self, architecture: Architecture, seed: int) -> Evaluation:
        start = perf_counter()
        module = self.build(architecture)
        data = self.dataset
        result = train_child(module, data.train, data.validation, self.recipe, seed, self.device)
        return Evaluation(
            architecture=architecture,
            dataset=data.id,
            recipe=self.recipe.id,
            seed=seed,
            status="ok" if result.reason is None else "failed",
            validation_accuracy=result.validation_accuracy,
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            seconds=perf_counter() - start,
            reason=result.reason,
        )
