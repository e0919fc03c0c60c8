"""One training from scratch after the search. Besides ``tabulation`` the only reader of test data."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import Tensor, nn

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.corpus import Corpus
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.local import one_line
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.studies.comparison import Contender
from nas_gym.studies.sklearn_models import estimator_accuracies, estimator_name, has_random_start
from nas_gym.tasks.base import CLASSIFICATION, Task
from nas_gym.tasks.device import check_device, one_thread
from nas_gym.tasks.initialisation import UnknownLayerError
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.supervised.recipe import TrainingRecipe

REFERENCE = "reference"
"""What stands for the search space in the architecture of a reference; its name is the only token."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network to train.

    Attributes:
        architecture: Its description; its seeds follow from it.
        build: Makes its module, the parameters not yet initialised.
        size: What it costs, ``None`` if unknown.
    """

    architecture: Architecture
    build: Callable[[], nn.Module]
    size: NetworkSize | None = None

    @property
    def name(self) -> str:
        """Its text, or the reference's name."""
        return str(self.architecture)

    @property
    def found(self) -> bool:
        """Whether the search found it."""
        return self.architecture.search_space != REFERENCE


@dataclass(frozen=True, slots=True)
class Schooling:
    """What networks are trained with again, all of them with the same.

    Attributes:
        data: What to learn, the test part included.
        recipe: How to train.
        task: What data and recipe are for.
        device: PyTorch's name of the device to train on.

    Raises:
        InvalidArgumentError: If there is no test part or no such device, or the recipe suits neither it nor
            the data.
    """

    data: Dataset | Corpus
    recipe: TrainingRecipe | LanguageRecipe
    task: Task = CLASSIFICATION
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        check_device(self.device)
        self.task.check(self.recipe, self.data, self.device)
        if self.data.test is None:
            raise InvalidArgumentError(f"{self.data.id} came without its test part, retraining needs it")


@dataclass(frozen=True, slots=True, eq=False)
class Retraining:
    """What came of training a network once more.

    Attributes:
        seconds: Time of the training, the reading of test data not included.
        validation: Validation result of the weights that training kept; ``None`` if it failed.
        test: Test result of the same weights; ``None`` if training failed.
        losses: Mean training loss of each epoch.
        weights: State of the module by name, on the processor.
        reason: Why training failed, ``None`` if it did not.
    """

    seconds: float
    validation: float | None = None
    test: float | None = None
    losses: tuple[float, ...] = ()
    weights: dict[str, Tensor] = field(default_factory=dict)
    reason: str | None = None

    @property
    def results(self) -> tuple[float, float]:
        """Validation and test result of a training that did not fail."""
        assert self.validation is not None and self.test is not None
        return self.validation, self.test


def retrain(model: Model, schooling: Schooling, seed: int) -> Retraining:
    """Train a network from scratch with one seed, on one thread, then read the test data.

    Raises:
        UnknownLayerError: If it holds a layer whose weights nobody knows how to draw.
        torch.AcceleratorError: If the device fails.
    """
    data, recipe, task, device = schooling.data, schooling.recipe, schooling.task, schooling.device
    start = perf_counter()
    with one_thread():
        try:
            module = model.build()
            outcome = task.train(module, task.prepare(data, device), recipe, seed)
            seconds = perf_counter() - start
            if outcome.reason is not None:
                return Retraining(seconds, reason=outcome.reason)
            test = task.judge(module, data, data.test, recipe, device)
        except (UnknownLayerError, torch.AcceleratorError):
            raise  # every other network would end the same way
        except Exception as error:
            return Retraining(perf_counter() - start, reason=one_line(error))
    if not math.isfinite(test):
        return Retraining(seconds, reason=f"the test {task.metric.name} is {test}")
    validation: float = getattr(outcome, f"validation_{task.metric.name}")
    weights = {name: value.detach().cpu() for name, value in module.state_dict().items()}
    return Retraining(seconds, validation, test, outcome.losses, weights)


def retrain_estimators(dataset: Dataset, estimators: Sequence[str], seeds: int) -> list[Contender]:
    """Train scikit-learn's models on the same split, then read the test data.

    Args:
        dataset: With its test part.
        estimators: Import paths of their classes, ``module:class``.
        seeds: How many times to train those that have a random start.
    """
    assert dataset.test is not None
    parts = (dataset.validation, dataset.test)
    contenders = []
    for estimator in estimators:
        (validation, test), seconds = estimator_accuracies(estimator, dataset.train, parts, seeds)
        name, certain = estimator_name(estimator), not has_random_start(estimator)
        contenders.append(Contender(name, False, validation, test, seconds=seconds, certain=certain))
    return contenders
