"""After the search: training from scratch with several seeds. The only reader of test data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from statistics import mean, stdev
from time import perf_counter
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nas_gym.datasets.base import Dataset, Split
from nas_gym.errors import InvalidArgumentError, NasGymError
from nas_gym.evaluation.base import repeat_seeds
from nas_gym.evaluation.batches import Samples, training_samples
from nas_gym.evaluation.local import check_device
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.evaluation.task import check_recipe
from nas_gym.evaluation.training import accuracy_of, is_mixed, train_child
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize

RANDOM_START = ("MLPClassifier",)
"""Models that come out differently with another seed."""


class RetrainingError(NasGymError):
    """A network that was trained in the search could not be trained again."""


@dataclass(frozen=True, slots=True, eq=False)
class Retraining:
    """What came of training a network once more.

    Attributes:
        validation: Validation accuracy of the best epoch.
        test: Test accuracy of the same weights.
        seconds: Time of the training, the reading of test data not included.
        losses: Mean training loss of each epoch.
        weights: State of the module by name, on the processor.
    """

    validation: float
    test: float
    seconds: float
    losses: tuple[float, ...]
    weights: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Accuracies of one model over seeds.

    Attributes:
        validation: One validation accuracy a seed.
        test: One test accuracy a seed.
    """

    validation: tuple[float, ...]
    test: tuple[float, ...]

    def as_summary(self) -> dict[str, Any]:
        """Return number of seeds, means, and standard deviation over seeds (0 for one seed)."""
        return {
            "seeds": len(self.test),
            "validation_accuracy_mean": mean(self.validation),
            "test_accuracy_mean": mean(self.test),
            "test_accuracy_std": stdev(self.test) if len(self.test) > 1 else 0.0,
        }


def retrain(
    architecture: Architecture,
    build: Callable[[Architecture], nn.Module],
    dataset: Dataset,
    recipe: TrainingRecipe,
    seeds: int = 10,
    device: str = "cpu",
) -> Accuracies:
    """Train a network from scratch in PyTorch, and read the test data at the end of each training.

    The seeds are not those of the search. As many threads are used as PyTorch is set to; with their number,
    results may differ in the last digits.

    Args:
        architecture: The network.
        build: Makes its module, the parameters not yet initialised.
        dataset: With its test part.
        recipe: How to train.
        seeds: How many times.
        device: PyTorch's name of the device to train on.

    Raises:
        InvalidArgumentError: If ``seeds`` is not a positive integer, there is no such device here, or the
            recipe suits neither it nor the data.
        RetrainingError: If a training fails.
    """
    if type(seeds) is not int or seeds < 1:
        raise InvalidArgumentError(f"seeds must be a positive integer, got {seeds!r}")
    trainings = [
        retrain_once(architecture, build, dataset, recipe, seed, device)
        for seed in repeat_seeds("retraining", architecture, seeds)
    ]
    return Accuracies(
        tuple(training.validation for training in trainings),
        tuple(training.test for training in trainings),
    )


def retrain_once(
    architecture: Architecture,
    build: Callable[[Architecture], nn.Module],
    dataset: Dataset,
    recipe: TrainingRecipe,
    seed: int,
    device: str = "cpu",
) -> Retraining:
    """Train a network from scratch with one seed, then read the test data; as ``retrain``."""
    check_device(device)
    check_recipe(recipe, dataset, device)
    train, validation = training_samples(dataset, device)
    test = Samples.of(_test_part(dataset), dataset.channel_statistics, device)
    start = perf_counter()
    module = build(architecture)
    result = train_child(module, train, validation, recipe, seed)
    if result.validation_accuracy is None:
        raise RetrainingError(f"{architecture} failed when trained again: {result.reason}")
    seconds = perf_counter() - start
    weights = {name: value.detach().cpu() for name, value in module.state_dict().items()}
    return Retraining(
        result.validation_accuracy,
        accuracy_of(module, test, is_mixed(recipe, train)),
        seconds,
        result.losses,
        weights,
    )


def module_size(module: nn.Module, feature_shape: tuple[int, ...]) -> NetworkSize:
    """Count what a module costs by running it once; its weights do not matter."""
    module.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *feature_shape))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return NetworkSize(parameters, counter.get_total_flops() // 2)


def reference_models(dataset: Dataset, names: Sequence[str], seeds: int = 10) -> dict[str, Accuracies]:
    """Train scikit-learn's models with their default settings on the same split.

    Args:
        dataset: With its test part.
        names: Import paths of the models' classes, ``module:class``.
        seeds: How many times to train a model that has a random start. The others are trained once.

    Returns:
        Accuracies by the name of the model's class.
    """
    from sklearn.exceptions import ConvergenceWarning

    test = _test_part(dataset)
    results = {}
    for name in names:
        make = resolve_name(name)
        random_start = make.__name__ in RANDOM_START
        models = [make(random_state=seed) for seed in range(seeds)] if random_start else [make()]
        with catch_warnings():
            # The default number of iterations is part of the default settings.
            simplefilter("ignore", ConvergenceWarning)
            for model in models:
                model.fit(_flat(dataset.train), dataset.train.labels)
        results[make.__name__] = Accuracies(
            *(
                tuple(float(model.score(_flat(part), part.labels)) for model in models)
                for part in (dataset.validation, test)
            )
        )
    return results


def _test_part(dataset: Dataset) -> Split:
    if dataset.test is None:
        raise InvalidArgumentError(f"{dataset.id} came without its test part, retraining needs it")
    return dataset.test


def _flat(split: Split) -> Any:  # noqa: ANN401, what scikit-learn takes
    return split.features.reshape(len(split), -1)
