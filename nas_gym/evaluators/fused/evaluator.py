"""Multi-layer perceptrons, each trained inside one compiled function, in parallel over the cores."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import NetworkSizeOf, child_seed
from nas_gym.evaluators.fused import mlp_kernel
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.mlp.grammar import Linear, MlpDescription
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.supervised.recipe import TrainingRecipe

KINDS = {
    "Sigmoid": mlp_kernel.SIGMOID,
    "Tanh": mlp_kernel.TANH,
    "ReLU": mlp_kernel.RELU,
    "LeakyReLU": mlp_kernel.LEAKY_RELU,
}


class FusedMlpEvaluator:
    """Trains children of ``mlp-v0`` some hundred times as fast as ``LocalEvaluator``.

    Results are the same for any number of threads and on every processor. They agree with those of
    ``LocalEvaluator`` in distribution, not child by child: the two draw other random numbers.

    Args:
        dataset: What to learn, features of shape ``(samples, features)``; its test part is not kept.
        recipe: How to train.
        seed: From it and the architecture follows a child's seed.
        threads: Children trained at the same time; by default one for each core this process may use.
        network_size: What a network costs, computed from its description, for the records.

    Raises:
        InvalidArgumentError: If ``threads`` is not a positive integer, or the recipe asks for what the
            kernel does not do.
    """

    def __init__(
        self,
        dataset: Dataset,
        recipe: TrainingRecipe,
        seed: int = 0,
        threads: int | None = None,
        network_size: NetworkSizeOf | None = None,
    ) -> None:
        if threads is not None and (type(threads) is not int or threads < 1):
            raise InvalidArgumentError(f"threads must be a positive integer or None, got {threads!r}")
        check_kernel_recipe(recipe)
        self.id = "fused"
        self.dataset = dataset.without_test()
        self.recipe = recipe
        self.seed = seed
        self.network_size = network_size
        self.threads = threads or joblib.cpu_count()

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Train children, see ``Evaluator.evaluate``."""
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        children = list(zip(architectures, seeds, strict=True))
        threads = min(self.threads, len(children))
        if threads <= 1:
            return [self._train(*child) for child in children]
        # A pool for each call: one that outlives it would be dead in a forked process.
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda child: self._train(*child), children))

    def _train(self, architecture: Architecture, seed: int) -> Evaluation:
        start = perf_counter()
        data = self.dataset
        child = train_fused(architecture, data, self.recipe, seed)
        ok = child.correct >= 0
        size = None if self.network_size is None else self.network_size(architecture)
        return Evaluation(
            architecture=architecture,
            dataset=data.id,
            recipe=self.recipe.id,
            seed=seed,
            status="ok" if ok else "failed",
            validation_accuracy=child.correct / len(data.validation) if ok else None,
            parameters=len(child.weights),
            seconds=perf_counter() - start,
            reason=None if ok else f"the weights are not finite after epoch {child.epochs}",
            multiply_adds=None if size is None else size.multiply_adds,
        )


class FusedChild(NamedTuple):
    """A child that the kernel has trained, see ``mlp_kernel.train_mlp``.

    Attributes:
        kinds: Codes of the layers.
        widths: Numbers of units.
        correct: Validation samples classified correctly, -1 if training failed.
        epochs: Number of epochs trained.
        weights: Those of the best epoch.
    """

    kinds: NDArray[np.int64]
    widths: NDArray[np.int64]
    correct: int
    epochs: int
    weights: NDArray[np.float32]


def train_fused(
    architecture: Architecture, dataset: Dataset, recipe: TrainingRecipe, seed: int
) -> FusedChild:
    """Train one child of ``mlp-v0`` in the kernel, without Python's lock; the recipe is a checked one."""
    assert recipe.patience is not None
    features = dataset.train.features.shape[1]
    layers = compile_description(MlpDescription.of(architecture), features, dataset.classes)
    result = mlp_kernel.train_mlp(
        *layers,
        dataset.train.features,
        dataset.train.labels,
        dataset.validation.features,
        dataset.validation.labels,
        np.uint64(seed),
        recipe.epochs,
        recipe.batch_size,
        float(recipe.learning_rate),
        recipe.patience,
    )
    return FusedChild(*layers, *result)


def check_kernel_recipe(recipe: TrainingRecipe) -> None:
    """Refuse a recipe that the kernel cannot follow: it knows Adam at a constant rate, and patience.

    Raises:
        InvalidArgumentError: If the recipe asks for more.
    """
    asked = [f"{name}={value!r}" for name, value in recipe.extras().items()]
    asked += ["patience=None"] if recipe.patience is None else []
    if asked:
        raise InvalidArgumentError(
            f"{asked[0]} is unknown to the compiled trainer, which has Adam at a constant rate with early "
            f"stopping alone; evaluator='local' trains such children"
        )


def compile_description(
    description: MlpDescription, features: int, classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Translate a description, with its output layer, into the kernel's ``kinds`` and ``widths``."""
    kinds, widths = [], [features]
    for layer in (*description.layers, Linear(classes)):
        if isinstance(layer, Linear):
            kinds.append(mlp_kernel.LINEAR)
            widths.append(layer.width)
        else:
            kinds.append(KINDS[layer.name])
            widths.append(widths[-1])
    return np.array(kinds, dtype=np.int64), np.array(widths, dtype=np.int64)
