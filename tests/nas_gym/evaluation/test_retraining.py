from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.moons import moons
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.base import child_seed
from nas_gym.evaluation.batches import Samples
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.evaluation.retraining import Accuracies, RetrainingError, reference_models, retrain
from nas_gym.evaluation.training import accuracy_of, train_child
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.mlp.network import build

DATA = moons(size=100)
NETWORK = MlpSpace().parse("Linear-8 Tanh")
RECIPE = TrainingRecipe(epochs=5)
MODELS = ("sklearn.linear_model:LogisticRegression", "sklearn.neural_network:MLPClassifier")
BUILD = partial(build, feature_shape=(2,), classes=2)


def test_retrain__reads_validation_and_test_accuracy_of_every_seed() -> None:
    made: list[torch.nn.Module] = []

    def keeping(architecture: Architecture) -> torch.nn.Module:
        made.append(BUILD(architecture))
        return made[-1]

    found = retrain(NETWORK, keeping, DATA, RECIPE, seeds=3)
    assert DATA.test is not None
    for part, accuracies in ((DATA.validation, found.validation), (DATA.test, found.test)):
        assert accuracies == tuple(accuracy_of(module, Samples.of(part)) for module in made)
    assert len(made) == 3
    assert len({module[0].weight.detach().numpy().tobytes() for module in made}) == 3  # type: ignore[index]


def test_retrain__repeats() -> None:
    assert retrain(NETWORK, BUILD, DATA, RECIPE, 2) == retrain(NETWORK, BUILD, DATA, RECIPE, 2)


def test_retrain__does_not_learn_from_test_data() -> None:
    assert DATA.test is not None
    turned = Split(DATA.test.features, 1 - DATA.test.labels)
    other = Dataset("other", DATA.train, DATA.validation, turned, 2, "made up", "none")
    found, opposite = retrain(NETWORK, BUILD, DATA, RECIPE, 2), retrain(NETWORK, BUILD, other, RECIPE, 2)
    assert found.validation == opposite.validation
    assert found.test == pytest.approx([1 - accuracy for accuracy in opposite.test])


def test_retrain__takes_other_seeds_than_the_search() -> None:
    module = BUILD(NETWORK)
    train_child(module, Samples.of(DATA.train), Samples.of(DATA.validation), RECIPE, child_seed(0, NETWORK))
    made: list[torch.nn.Module] = []

    def keeping(architecture: Architecture) -> torch.nn.Module:
        made.append(BUILD(architecture))
        return made[-1]

    retrain(NETWORK, keeping, DATA, RECIPE, seeds=3)
    first = [again[0].weight for again in made]  # type: ignore[index]
    assert not any(torch.equal(weight, module[0].weight) for weight in first)  # type: ignore[arg-type]


def test_retrain__says_why_it_failed() -> None:
    with pytest.raises(RetrainingError, match="Linear-8 Tanh failed when trained again: the weights are not"):
        retrain(NETWORK, BUILD, DATA, TrainingRecipe(learning_rate=1e38))


def test_retrain__needs_the_test_part_and_a_seed() -> None:
    with pytest.raises(InvalidArgumentError, match="came without its test part"):
        retrain(NETWORK, BUILD, DATA.without_test(), RECIPE)
    with pytest.raises(InvalidArgumentError, match="came without its test part"):
        reference_models(DATA.without_test(), MODELS)
    seeds: Any
    for seeds in (0, -1, 1.0, True):
        with pytest.raises(InvalidArgumentError, match="seeds must be a positive integer"):
            retrain(NETWORK, BUILD, DATA, RECIPE, seeds)


def test_accuracies__summarise_mean_and_spread() -> None:
    assert Accuracies((0.5, 0.7), (0.8, 1.0)).as_summary() == {
        "seeds": 2,
        "validation_accuracy_mean": pytest.approx(0.6),
        "test_accuracy_mean": pytest.approx(0.9),
        "test_accuracy_std": pytest.approx(0.02**0.5),
    }
    assert Accuracies((0.5,), (0.8,)).as_summary()["test_accuracy_std"] == 0.0


def test_reference_models__are_those_of_scikit_learn_on_the_same_split() -> None:
    found = reference_models(DATA, MODELS, seeds=2)
    assert list(found) == ["LogisticRegression", "MLPClassifier"]
    assert DATA.test is not None
    model = LogisticRegression().fit(DATA.train.features, DATA.train.labels)
    predicted = model.predict(DATA.test.features)
    assert found["LogisticRegression"].test == (float(np.mean(predicted == DATA.test.labels)),)
    assert len(found["MLPClassifier"].test) == 2
    assert found == reference_models(DATA, MODELS, seeds=2)
