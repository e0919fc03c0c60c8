from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector

from nas_gym.datasets.tables.moons import moons
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.choices import Fused, Local
from nas_gym.evaluators.trainers.fused.trainer import FusedTrainer
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.pools.here import Here
from nas_gym.search_spaces import MlpSpace
from nas_gym.search_spaces.mlp.network import build
from nas_gym.tasks.base import Outcome
from nas_gym.tasks.classification import TrainingRecipe
from nas_gym.tasks.initialisation import initialise
from tests.nas_gym.evaluators.test_mlp_kernel import train as train_compiled
from tests.nas_gym.tasks.images import classification

DATA = moons(size=150, split=(50, 50, 50))
NETWORK = MlpSpace().parse("Linear-4 Tanh")
# Steps so large that the accuracy goes up and down from epoch to epoch.
RESTLESS: dict[str, Any] = {"learning_rate": 0.3, "batch_size": 25}


def train(recipe: TrainingRecipe, seed: int = 0) -> tuple[Outcome, torch.nn.Module]:
    module = build(NETWORK, (2,), 2)
    return classification(DATA, recipe).train(module, seed), module


def in_pytorch(recipe: TrainingRecipe, seed: int) -> tuple[float, int]:
    result, _ = train(recipe, seed)
    return result.scores["accuracy"], len(result.losses)


def in_kernel(recipe: TrainingRecipe, seed: int) -> tuple[float, int]:
    correct, epochs, _ = train_compiled(NETWORK, DATA, recipe, seed)
    return correct / len(DATA.validation), epochs


@pytest.mark.parametrize("trainer", [in_pytorch, in_kernel])
@pytest.mark.parametrize("patience", [1, 2, 4])
def test_training__stops_when_patience_is_used_up(
    trainer: Callable[[TrainingRecipe, int], tuple[float, int]], patience: int
) -> None:
    stops_early = False
    for seed in (0, 1):
        # The best accuracy so far after each epoch, from runs that end there.
        best = [trainer(TrainingRecipe(epochs=n, patience=99, **RESTLESS), seed)[0] for n in range(1, 13)]
        waited, expected = 0, 12
        for epoch in range(1, 12):
            waited = 0 if best[epoch] > best[epoch - 1] else waited + 1
            if waited == patience:
                expected = epoch + 1
                break
        found = trainer(TrainingRecipe(epochs=12, patience=patience, **RESTLESS), seed)
        assert found == (best[expected - 1], expected)
        stops_early |= expected < 12
    assert stops_early


def test_training__ends_with_the_weights_of_the_first_best_epoch() -> None:
    ends_elsewhere = False
    for seed in range(3):
        result, module = train(TrainingRecipe(epochs=10, patience=99, **RESTLESS), seed)
        assert (
            classification(DATA, TrainingRecipe()).judge(module, "validation")["accuracy"]
            == result.scores["accuracy"]
        )
        for epochs in range(1, 11):
            shorter, other = train(TrainingRecipe(epochs=epochs, patience=99, **RESTLESS), seed)
            if shorter.scores["accuracy"] == result.scores["accuracy"]:
                assert torch.equal(weights_of(other), weights_of(module))
                ends_elsewhere |= epochs < 10
                break
    assert ends_elsewhere


def weights_of(module: torch.nn.Module) -> torch.Tensor:
    return parameters_to_vector(module.parameters()).detach()


def test_training__repeats_for_a_seed_and_differs_for_another() -> None:
    recipe = TrainingRecipe(epochs=2)
    (first, a), (again, b), (_, c) = train(recipe, 1), train(recipe, 1), train(recipe, 2)
    assert first == again
    assert torch.equal(weights_of(a), weights_of(b))
    assert not torch.equal(weights_of(a), weights_of(c))


def test_training__leaves_global_generators_alone() -> None:
    before, before_numpy = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"]
    train(TrainingRecipe(epochs=2))
    evaluators(TrainingRecipe(epochs=2))[0].evaluate([NETWORK])
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before_numpy)


def test_training__does_not_depend_on_the_global_generator() -> None:
    state = torch.get_rng_state()
    try:
        results = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            results.append(weights_of(train(TrainingRecipe(epochs=1))[1]))
    finally:
        torch.set_rng_state(state)
    assert torch.equal(*results)


def test_initialise__draws_every_parameter_within_its_bound() -> None:
    module = build(MlpSpace().parse("Linear-16 Tanh"), (100,), 2)
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 77.0)
    initialise(module, torch.Generator().manual_seed(0))
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            for values in (layer.weight, layer.bias):
                assert values.abs().max() <= layer.in_features**-0.5
                assert len(values.unique()) == values.numel()
    assert next(module.parameters()).std().item() == pytest.approx(0.1 / 3**0.5, rel=0.1)


def test_initialise__draws_an_embedding_within_the_bound_of_a_linear_layer_that_shares_it() -> None:
    embedding = torch.nn.Embedding(500, 25)
    torch.nn.init.constant_(embedding.weight, 77.0)
    initialise(embedding, torch.Generator().manual_seed(0))
    assert 0.19 < embedding.weight.abs().max() <= 0.2
    assert embedding.weight.std().item() == pytest.approx(0.2 / 3**0.5, rel=0.05)


def evaluators(recipe: TrainingRecipe) -> list[TrainingEvaluator]:
    task, space = classification(DATA, recipe), MlpSpace()
    return [TrainingEvaluator(make(task, space), Here()) for make in (FusedTrainer, TorchTrainer)]


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("learning_rate", [1e38, 1e300])
def test_evaluator__calls_a_child_whose_weights_explode_failed(index: int, learning_rate: float) -> None:
    evaluator = evaluators(TrainingRecipe(epochs=3, learning_rate=learning_rate))[index]
    (evaluation,) = evaluator.evaluate([NETWORK])
    assert evaluation.status == "failed"
    assert evaluation.score is None
    assert evaluation.reason == "the weights are not finite after epoch 1"
    assert evaluation.parameters == 22
    assert set(evaluation.as_info()) == {"status", "parameters", "multiply_adds", "seed", "reason"}


@pytest.mark.parametrize("index", [0, 1])
def test_evaluator__works_on_several_features_and_batch_sizes(index: int) -> None:
    infos = [
        evaluators(TrainingRecipe(epochs=2, batch_size=size))[index].evaluate([NETWORK])[0].as_info()
        for size in (7, 50, 10_000)
    ]
    assert all(info["status"] == "ok" for info in infos)


def test_trainer__refuses_a_device_that_is_not_there() -> None:
    for device in ("abacus", "cuda:99", ""):
        with pytest.raises(InvalidArgumentError, match="cannot be used here") as error:
            Local(device).trainer(classification(DATA, TrainingRecipe()), MlpSpace())
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_fused__refuses_a_bad_number_of_threads(threads: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="threads must be None or an integer from 1"):
        Fused(threads)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"epochs": 0}, "epochs must be an integer from 1 to 1000000, got 0"),
        ({"batch_size": 1.0}, "batch_size must be an integer from 1 to 1000000, got 1.0"),
        ({"patience": -3}, "patience"),
        ({"epochs": True}, "got True"),
        ({"learning_rate": 0}, "learning_rate must be a positive number, got 0"),
        ({"learning_rate": float("inf")}, "got inf"),
        ({"learning_rate": float("nan")}, "got nan"),
        ({"learning_rate": "1e-2"}, "got '1e-2'"),
    ],
)
def test_recipe__refuses_values_out_of_range(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        TrainingRecipe(**keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_losses__are_those_of_each_epoch_and_fall() -> None:
    result, _ = train(TrainingRecipe(epochs=15, patience=None))
    assert len(result.losses) == 15
    assert 0 < result.losses[-1] < 0.7 * result.losses[0] < 1
    shorter, _ = train(TrainingRecipe(epochs=4, patience=None))
    assert shorter.losses == result.losses[:4]
    # One batch, so the first loss is that of the untrained network.
    whole, _ = train(TrainingRecipe(epochs=1, batch_size=1000))
    module = build(NETWORK, (2,), 2)
    initialise(module, torch.Generator().manual_seed(0))
    features, labels = torch.from_numpy(DATA.train.features), torch.from_numpy(DATA.train.labels)
    assert whole.losses == pytest.approx([cross_entropy(module(features), labels).item()])
