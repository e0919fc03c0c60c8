from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.moons import moons
from nas_gym.datasets.tabular import tabular
from nas_gym.evaluators.fused import mlp_kernel
from nas_gym.evaluators.fused.evaluator import FusedMlpEvaluator, compile_description
from nas_gym.evaluators.local import LocalEvaluator
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.mlp.grammar import MlpDescription
from nas_gym.search_spaces.mlp.network import build
from nas_gym.tasks.supervised.batches import Samples
from nas_gym.tasks.supervised.recipe import TrainingRecipe
from nas_gym.tasks.supervised.training import accuracy_of
from tests.nas_gym.doubles import blobs, random_networks

Floats = NDArray[np.float32]
EVERY_LAYER = MlpSpace().parse("Linear-16 Sigmoid Tanh Linear-8 LeakyReLU ReLU")


@pytest.fixture(scope="module", autouse=True)
def compiled_functions() -> None:
    """Compile what only these tests call from Python, so that no test's time holds it."""
    kinds, widths = compiled(EVERY_LAYER, 2, 2)
    weights, state = np.zeros(mlp_kernel.count_weights(kinds, widths), np.float32), np.zeros(1, np.uint64)
    mlp_kernel.draw_weights(kinds, widths, weights, state)
    mlp_kernel.shuffle(np.arange(2), state)
    mlp_kernel.exponential(np.float32(0))
    mlp_kernel.hyperbolic_tangent(np.float32(0))
    sample = np.zeros((1, 2), np.float32), np.zeros(1, np.int64)
    mlp_kernel.loss_and_gradients(kinds, widths, weights, *sample)


def compiled(
    network: Architecture, features: int, classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return compile_description(MlpDescription.of(network), features, classes)


def train(
    network: Architecture, data: Dataset, recipe: TrainingRecipe, seed: int = 0
) -> tuple[int, int, Floats]:
    correct, epochs, weights = mlp_kernel.train_mlp(
        *compiled(network, data.train.features.shape[1], data.classes),
        data.train.features,
        data.train.labels,
        data.validation.features,
        data.validation.labels,
        np.uint64(seed),
        recipe.epochs,
        recipe.batch_size,
        float(recipe.learning_rate),
        recipe.patience,
    )
    return correct, epochs, weights


def initial_weights(kinds: NDArray[np.int64], widths: NDArray[np.int64], seed: int) -> Floats:
    weights = np.empty(mlp_kernel.count_weights(kinds, widths), np.float32)
    mlp_kernel.draw_weights(kinds, widths, weights, np.full(1, seed, np.uint64))
    return weights


def module_with(weights: Floats, network: Architecture, features: int, classes: int) -> nn.Module:
    module = build(network, (features,), classes)
    vector_to_parameters(torch.from_numpy(weights.copy()), module.parameters())
    return module


def autograd(
    weights: Floats, network: Architecture, features: Floats, labels: NDArray[np.int64], classes: int
) -> tuple[float, NDArray[np.float64]]:
    """Return loss and gradients in double precision."""
    module = module_with(weights, network, features.shape[1], classes).double()
    loss = cross_entropy(module(torch.from_numpy(features).double()), torch.from_numpy(labels))
    loss.backward()
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    return loss.item(), parameters_to_vector(gradients).numpy()


def assert_close(ours: NDArray[Any], theirs: NDArray[Any], relative: float) -> None:
    assert np.linalg.norm(ours - theirs) <= relative * np.linalg.norm(theirs) + 1e-12


@pytest.mark.parametrize("samples", [1, 31, 32, 33, 100])
@pytest.mark.parametrize(("features", "classes"), [(2, 2), (1, 5), (20, 3), (33, 40)])
def test_gradients__are_those_of_autograd(samples: int, features: int, classes: int) -> None:
    generator = np.random.default_rng(samples * features)
    space = MlpSpace(widths=(1, 3, 16, 40))
    networks = [
        space.parse(" ".join(generator.choice(space.tokens[:-1], size=generator.integers(1, 7))))
        for _ in range(12)
    ]
    for network in [EVERY_LAYER, *networks]:
        kinds, widths = compiled(network, features, classes)
        weights = initial_weights(kinds, widths, seed=samples)
        x = generator.normal(size=(samples, features)).astype(np.float32)
        y = generator.integers(classes, size=samples)
        loss, gradients = mlp_kernel.loss_and_gradients(kinds, widths, weights, x, y)
        true_loss, true_gradients = autograd(weights, network, x, y, classes)
        assert loss == pytest.approx(true_loss, rel=1e-4)
        assert_close(gradients, true_gradients, 1e-4)


def test_gradients__stay_right_where_units_saturate() -> None:
    generator = np.random.default_rng(0)
    for network in random_networks(20):
        kinds, widths = compiled(network, 2, 2)
        weights = generator.normal(0, 5, mlp_kernel.count_weights(kinds, widths)).astype(np.float32)
        x, y = generator.normal(0, 3, (50, 2)).astype(np.float32), generator.integers(2, size=50)
        loss, gradients = mlp_kernel.loss_and_gradients(kinds, widths, weights, x, y)
        true_loss, true_gradients = autograd(weights, network, x, y, 2)
        assert loss == pytest.approx(true_loss, rel=1e-4)
        assert np.linalg.norm(gradients - true_gradients) <= 1e-3 * np.linalg.norm(true_gradients) + 1e-5


def relative_error(function: Any, reference: Any, inputs: NDArray[np.float64]) -> float:  # noqa: ANN401
    x = inputs.astype(np.float32)
    ours = np.array([function(value) for value in x], dtype=np.float64)
    theirs = reference(x.astype(np.float64))
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))


def test_exponential__is_exact_to_single_precision() -> None:
    assert relative_error(mlp_kernel.exponential, np.exp, np.linspace(-86.9, 87.9, 4001)) < 1.5e-7
    assert mlp_kernel.exponential(np.float32(0)) == 1.0
    assert 0 < mlp_kernel.exponential(np.float32(-1e30)) < 1e-37
    assert np.isfinite(mlp_kernel.exponential(np.float32(1e30)))


def test_hyperbolic_tangent__is_exact_to_single_precision() -> None:
    inputs = np.concatenate([np.linspace(-12, 12, 4000), np.logspace(-30, 0, 500)])
    assert relative_error(mlp_kernel.hyperbolic_tangent, np.tanh, inputs) < 4e-7
    assert mlp_kernel.hyperbolic_tangent(np.float32(0)) == 0.0
    assert mlp_kernel.hyperbolic_tangent(np.float32(1e30)) == pytest.approx(1.0)
    assert mlp_kernel.hyperbolic_tangent(np.float32(-1e30)) == pytest.approx(-1.0)


def test_shuffle__gives_every_order_as_often() -> None:
    state = np.full(1, 7, np.uint64)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(6000):
        order = np.arange(3)
        mlp_kernel.shuffle(order, state)
        counts[tuple(order.tolist())] = counts.get(tuple(order.tolist()), 0) + 1
    assert len(counts) == 6
    assert all(880 < count < 1120 for count in counts.values()), counts  # four standard deviations


def test_initial_weights__are_uniform_within_the_bounds_of_pytorch() -> None:
    network = MlpSpace(widths=(512,)).parse("Linear-512")
    kinds, widths = compiled(network, 100, 2)
    weights = initial_weights(kinds, widths, seed=7)
    first, last = weights[: 101 * 512], weights[101 * 512 :]
    for layer, inputs in ((first, 100), (last, 512)):
        scaled = layer.astype(np.float64) * inputs**0.5
        assert np.abs(scaled).max() <= 1.0 + 1e-6
        assert abs(scaled.mean()) < 5 * (1 / 3 / len(scaled)) ** 0.5
        assert scaled.var() == pytest.approx(1 / 3, rel=0.1)


def test_training__repeats_for_a_seed_and_differs_for_another() -> None:
    data, recipe = moons(), TrainingRecipe(epochs=5)
    first, again, other = (train(EVERY_LAYER, data, recipe, seed) for seed in (1, 1, 2))
    assert first[:2] == again[:2]
    assert np.array_equal(first[2], again[2])
    assert not np.array_equal(first[2], other[2])


def test_training__tells_large_seeds_apart() -> None:
    data, recipe = moons(size=50), TrainingRecipe(epochs=1)
    weights = [train(EVERY_LAYER, data, recipe, seed)[2].tobytes() for seed in (0, 1, 2**62, 2**63 - 1)]
    assert len(set(weights)) == 4


@pytest.mark.parametrize("batch_size", [1, 7, 32, 50, 64, 10_000])
def test_training__takes_the_steps_of_pytorchs_adam(batch_size: int) -> None:
    # All samples are alike, so that their order does not matter, but the number of steps does.
    network, samples = MlpSpace().parse("Linear-8 Tanh Linear-4 Sigmoid"), 120
    x = np.tile(np.array([[0.5, -1.5, 2.0]], dtype=np.float32), (samples, 1))
    y = np.ones(samples, dtype=np.int64)
    arguments = (*compiled(network, 3, 2), x, y, x, y, np.uint64(5), 1, batch_size)
    start = mlp_kernel.train_mlp(*arguments, 1e-30, 1)[2]
    trained = mlp_kernel.train_mlp(*arguments, 1e-2, 1)[2]
    module = module_with(start, network, 3, 2).double()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(-(-samples // batch_size)):
        optimizer.zero_grad()
        cross_entropy(module(torch.from_numpy(x[:1]).double()), torch.from_numpy(y[:1])).backward()
        optimizer.step()
    moved = parameters_to_vector(module.parameters()).detach().numpy() - start
    assert_close(trained - start, moved, 1e-3)


@pytest.mark.parametrize("data", [moons(), tabular(**blobs(classes=5, features=7))], ids=["moons", "blobs"])
@pytest.mark.parametrize("batch_size", [32, 50, 1000])
def test_training__returns_the_weights_of_the_accuracy(data: Dataset, batch_size: int) -> None:
    features = data.train.features.shape[1]
    for network in random_networks(15, seed=batch_size):
        correct, _, weights = train(network, data, TrainingRecipe(epochs=8, batch_size=batch_size))
        module = module_with(weights, network, features, data.classes)
        accuracy = accuracy_of(module, Samples.of(data.validation))
        assert accuracy == pytest.approx(correct / len(data.validation), abs=1e-12)


def test_training__learns() -> None:
    data = tabular(**blobs(samples=300, classes=5, features=7))
    correct, _, weights = train(MlpSpace().parse("Linear-16 ReLU"), data, TrainingRecipe())
    assert correct / len(data.validation) > 0.9  # the largest class has 0.2
    assert data.test is not None
    module = module_with(weights, MlpSpace().parse("Linear-16 ReLU"), 7, 5)
    assert accuracy_of(module, Samples.of(data.test)) > 0.9


def test_training__ends_on_weights_that_are_not_finite() -> None:
    correct, epoch, _ = train(EVERY_LAYER, moons(), TrainingRecipe(learning_rate=1e38))
    assert correct == -1
    assert epoch == 1


def test_evaluator__gives_the_same_for_any_number_of_threads() -> None:
    networks = random_networks(12)
    evaluators = [FusedMlpEvaluator(moons(), TrainingRecipe(epochs=3), threads=n) for n in (1, 2, 5, None)]
    results = [[e.as_info() for e in evaluator.evaluate(networks)] for evaluator in evaluators]
    assert results[0] == results[1] == results[2] == results[3]


def accuracies(
    evaluator: FusedMlpEvaluator | LocalEvaluator, networks: list[Architecture], seeds: list[int]
) -> list[float]:
    values = [evaluation.validation_accuracy for evaluation in evaluator.evaluate(networks, seeds)]
    assert None not in values
    return [value for value in values if value is not None]


@pytest.mark.slow  # PyTorch, the reference, trains less than ten networks a second
@pytest.mark.timeout(600)
def test_evaluator__agrees_with_the_reference_over_300_networks() -> None:
    networks, data, recipe = random_networks(300), moons(), TrainingRecipe()
    local_evaluator = LocalEvaluator(partial(build, feature_shape=(2,), classes=2), data, recipe)
    local = accuracies(local_evaluator, networks, list(range(300)))
    # The mean of 300 single trainings has a standard error of 0.003 (0.09 a network), so the fast
    # evaluator trains each one ten times.
    fused_evaluator = FusedMlpEvaluator(data, recipe)
    repeats = [
        accuracies(fused_evaluator, networks, list(range(start, start + 300)))
        for start in range(1000, 4000, 300)
    ]
    fused = np.mean(repeats, axis=0)
    assert abs(np.mean(fused) - np.mean(local)) < 0.005
    # That the means agree is not because all networks are alike.
    assert np.std(fused) > 0.02
    assert np.corrcoef(fused, local)[0, 1] > 0.5
