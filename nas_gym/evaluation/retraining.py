"""After the search: training from scratch with several seeds. The only reader of test data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import mean, stdev
from time import perf_counter
from typing import Any
from warnings import catch_warnings, simplefilter

from torch import Tensor, nn

from nas_gym.datasets.base import Dataset, Split
from nas_gym.errors import InvalidArgumentError, NasGymError
from nas_gym.evaluation.base import repeat_seeds
from nas_gym.evaluation.batches import Samples, channel_statistics, training_samples
from nas_gym.evaluation.local import check_device, check_recipe
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.evaluation.training import accuracy_of, is_mixed, train_child
from nas_gym.search_spaces.architecture import Architecture


class RetrainingError(NasGymError):
    """A network that was trained in the search could not be trained again."""


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Accuracies of one model over seeds.

    Attributes:
        validation: One validation accuracy a seed.
        test: One test accuracy a seed.
        seconds: Time of each training, the reading of test data not included; empty if unknown.
        weights: State of the module that did best on validation data, by name, on the processor; ``None``
            unless asked for.
    """

    validation: tuple[float, ...]
    test: tuple[float, ...]
    seconds: tuple[float, ...] = field(default=(), compare=False)
    weights: dict[str, Tensor] | None = field(default=None, compare=False, repr=False)

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
    keep_weights: bool = False,
) -> Accuracies:
    """Train a network from scratch in PyTorch, and read the test data at the end of each training.

    The seeds are not those of the search. All of PyTorch's threads are used; with their number, results
    may differ in the last digits.

    Args:
        architecture: The network.
        build: Makes its module, the parameters not yet initialised.
        dataset: With its test part.
        recipe: How to train.
        seeds: How many times.
        device: PyTorch's name of the device to train on.
        keep_weights: Whether to return the weights of the training that was best on validation data.

    Raises:
        InvalidArgumentError: If ``seeds`` is not a positive integer, there is no such device here, or the
            recipe suits neither it nor the data.
        RetrainingError: If a training fails.
    """
    if type(seeds) is not int or seeds < 1:
        raise InvalidArgumentError(f"seeds must be a positive integer, got {seeds!r}")
    check_device(device)
    check_recipe(recipe, dataset, device)
    train, validation = training_samples(dataset, device)
    test = Samples.of(_test_part(dataset), channel_statistics(dataset.train.features), device)
    validation_accuracies: list[float] = []
    test_accuracies, seconds, weights = [], [], None
    for seed in repeat_seeds("retraining", architecture, seeds):
        start = perf_counter()
        module = build(architecture)
        result = train_child(module, train, validation, recipe, seed)
        if result.validation_accuracy is None:
            raise RetrainingError(f"{architecture} failed when trained again: {result.reason}")
        seconds.append(perf_counter() - start)
        if keep_weights and result.validation_accuracy > max(validation_accuracies, default=-1.0):
            weights = {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}
        validation_accuracies.append(result.validation_accuracy)
        test_accuracies.append(accuracy_of(module, test, is_mixed(recipe, train)))
    return Accuracies(tuple(validation_accuracies), tuple(test_accuracies), tuple(seconds), weights)


def reference_models(dataset: Dataset, seeds: int = 10) -> dict[str, Accuracies]:
    """Train scikit-learn's models with their default settings on the same split.

    Args:
        dataset: With its test part.
        seeds: How many times to train the model that has a random start.

    Returns:
        Accuracies by the model's name.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    test = _test_part(dataset)
    trials = {
        "LogisticRegression": [LogisticRegression()],
        "MLPClassifier": [MLPClassifier(random_state=seed) for seed in range(seeds)],
    }
    results = {}
    for name, models in trials.items():
        with catch_warnings():
            # The default number of iterations is part of the default settings.
            simplefilter("ignore", ConvergenceWarning)
            for model in models:
                model.fit(_flat(dataset.train), dataset.train.labels)
        on_validation, on_test = (
            tuple(float(model.score(_flat(part), part.labels)) for model in models)
            for part in (dataset.validation, test)
        )
        results[name] = Accuracies(on_validation, on_test)
    return results


def _test_part(dataset: Dataset) -> Split:
    if dataset.test is None:
        raise InvalidArgumentError(f"{dataset.id} came without its test part, retraining needs it")
    return dataset.test


def _flat(split: Split) -> Any:  # noqa: ANN401, what scikit-learn takes
    return split.features.reshape(len(split), -1)
