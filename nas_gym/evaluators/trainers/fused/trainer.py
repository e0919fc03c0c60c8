"""One multi-layer perceptron, trained whole inside one compiled function."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from nas_gym.compiling import check_compiler
from nas_gym.datasets.base import Samples, Split
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.trainers.base import AnyTask, Child, Trainer
from nas_gym.evaluators.trainers.fused import mlp_kernel
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.mlp.description import Linear, MlpDescription, describe
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.tasks.base import Outcome, Part, without_test_part
from nas_gym.tasks.supervised.recipe import SampleRecipe
from nas_gym.tasks.supervised.task import SampleTask

if TYPE_CHECKING:
    from torch import Tensor, nn

AnySamples = SampleTask[Samples, SampleRecipe]
OF_TASKS = ("class_weight", "loss")
"""What a recipe may ask for beside Adam and patience: the kernel has the losses of all tasks on samples."""
KINDS = {
    "Sigmoid": mlp_kernel.SIGMOID,
    "Tanh": mlp_kernel.TANH,
    "ReLU": mlp_kernel.RELU,
    "LeakyReLU": mlp_kernel.LEAKY_RELU,
}


class FusedTrainer(Trainer):
    """Trains children of ``mlp-v0`` some hundred times as fast as ``TorchTrainer``, without Python's lock.

    Results are the same on every processor. They agree with those of ``TorchTrainer`` in distribution, not
    child by child: the two draw other random numbers.

    Args:
        task: What is learned, from features of shape ``(samples, features)``.
        search_space: That of ``mlp-v0``.

    Raises:
        InvalidArgumentError: If the kernel does not do what the task or the recipe asks for.
        CompilerError: If Numba was told not to compile.
    """

    id = "fused"

    def __init__(self, task: AnyTask, search_space: SearchSpace) -> None:
        super().__init__(task, search_space)
        check_compiler("evaluator='fused' needs: unset it, or take evaluator='local'")
        if not isinstance(search_space, MlpSpace):
            raise InvalidArgumentError(
                f"the compiled trainer has the search space {MlpSpace.id}, got {search_space.id}"
            )
        check_kernel_recipe(cast(AnySamples, task).recipe_of())
        task.check(search_space, "cpu")

    def train(self, child: Child, build: "Callable[[], nn.Module] | None" = None) -> "TrainedNetwork":
        """Train a network in the kernel, see ``Trainer.train``."""
        assert build is None, "the kernel has no hand-designed networks"
        task = cast(AnySamples, self.task)
        data, recipe = task.data_of(child.rung), task.recipe_of(child.rung)
        check_kernel_recipe(recipe)
        layers = compiled(describe(child.architecture.tokens), data.feature_shape[0], task.outputs)
        return TrainedNetwork(task, child, layers, self._train(layers, child, None, recipe.epochs))

    def warm_up(self) -> None:
        """Compile the kernel for the types of these data, or read it from Numba's cache."""
        task, rung = cast(AnySamples, self.task), 0
        data = task.data_of(rung)
        layers = compiled(MlpDescription(()), data.feature_shape[0], task.outputs)
        trained = self._train(layers, Child(Architecture(MlpSpace.id, ()), 0, rung), 2, 1)
        outputs = mlp_kernel.predict(*layers, trained.weights, _features(data.validation)[:2])
        mlp_kernel.score(outputs, data.validation.labels[:2], mlp_kernel.METRICS[task.metric.name])

    def _train(
        self,
        layers: tuple[NDArray[np.int64], NDArray[np.int64]],
        child: Child,
        rows: int | None,
        epochs: int,
    ) -> mlp_kernel.TrainedMlp:
        """Train a network on the first rows of each part, ``None`` for all."""
        task = cast(AnySamples, self.task)
        data, recipe = task.data_of(child.rung), task.recipe_of(child.rung)
        assert recipe.patience is not None
        weights = data.train.weights
        return mlp_kernel.train_mlp(
            *layers,
            _features(data.train)[:rows],
            data.train.labels[:rows],
            _features(data.validation)[:rows],
            data.validation.labels[:rows],
            child.seed,
            epochs,
            recipe.batch_size,
            recipe.learning_rate,
            recipe.patience,
            loss=mlp_kernel.LOSSES[task.loss_name(child.rung)],
            metric=mlp_kernel.METRICS[task.metric.name],
            class_weights=task.class_weights(child.rung),
            sample_weights=None if weights is None else weights[:rows],
            with_losses=child.rung != 0,  # a search learns nothing from them
        )


class TrainedNetwork:
    """A network that the kernel has trained, see ``Trained``."""

    def __init__(
        self,
        task: AnySamples,
        child: Child,
        layers: tuple[NDArray[np.int64], NDArray[np.int64]],
        trained: mlp_kernel.TrainedMlp,
    ) -> None:
        self._task = task
        self._child = child
        self._network = (*layers, trained.weights)
        self.parameters = len(trained.weights)
        losses = tuple(trained.losses.tolist())
        if np.isnan(trained.score):
            reason = f"the weights are not finite after epoch {trained.epochs}"
            self.outcome = Outcome(reason=reason, losses=losses)
        else:
            self.outcome = Outcome(self._scores_of_search(trained.score), losses=losses)

    def _scores_of_search(self, score: float) -> dict[str, float]:
        """Return the values of all metrics on validation data, given the one that decides, in the kernel."""
        task, validation = self._task, self._task.data_of(self._child.rung).validation
        outputs = mlp_kernel.predict(*self._network, _features(validation))
        others = (metric.name for metric in task.metrics[1:])
        told = {
            name: mlp_kernel.score(outputs, validation.labels, mlp_kernel.METRICS[name]) for name in others
        }
        return task.in_units({task.metric.name: score, **told}, self._child.rung)

    def scores(self, part: Part) -> dict[str, float]:
        """Return the values of all metrics on a part of the data."""
        data = self._task.data_of(self._child.rung)
        split = data.validation if part == "validation" else data.test
        if split is None:
            raise without_test_part(data)
        outputs = mlp_kernel.predict(*self._network, _features(split))
        return self._task.scores(outputs, split.labels, self._child.rung)

    def state_dict(self) -> "dict[str, Tensor]":
        """Return the weights as the module of ``mlp-v0`` has them."""
        import torch

        kinds, widths, weights = self._network
        state, start = {}, 0
        for number in np.flatnonzero(kinds == mlp_kernel.LINEAR).tolist():
            inputs, outputs = int(widths[number]), int(widths[number + 1])
            for name, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
                end = start + int(np.prod(shape))
                state[f"{number}.{name}"] = torch.from_numpy(weights[start:end].reshape(shape).copy())
                start = end
        return state


def _features(split: Split) -> NDArray[np.float32]:
    """Return features as the kernel reads them, without a copy."""
    return np.asarray(split.features, dtype=np.float32)


def check_kernel_recipe(recipe: SampleRecipe) -> None:
    """Refuse a recipe that the kernel cannot follow: it knows Adam at a constant rate, and patience.

    Raises:
        InvalidArgumentError: If the recipe asks for more.
    """
    asked = [f"{name}={value!r}" for name, value in recipe.extras().items() if name not in OF_TASKS]
    asked += ["patience=None"] if recipe.patience is None else []
    if asked:
        raise InvalidArgumentError(
            f"{asked[0]} is unknown to the compiled trainer, which has Adam at a constant rate with early "
            f"stopping alone; evaluator='local' trains such children"
        )


def compiled(
    description: MlpDescription, features: int, outputs: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Translate a description, with its output layer, into the kernel's ``kinds`` and ``widths``."""
    kinds, widths = [], [features]
    for layer in (*description.layers, Linear(outputs)):
        if isinstance(layer, Linear):
            kinds.append(mlp_kernel.LINEAR)
            widths.append(layer.width)
        else:
            kinds.append(KINDS[layer.name])
            widths.append(widths[-1])
    return np.array(kinds, dtype=np.int64), np.array(widths, dtype=np.int64)
