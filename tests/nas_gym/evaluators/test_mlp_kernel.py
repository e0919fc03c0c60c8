import warnings
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
import torch
from numba import njit
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn import metrics as sklearn_metrics
from torch import nn
from torch.nn.functional import cross_entropy, huber_loss, mse_loss
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.tables.moons import moons
from nas_gym.datasets.tables.tabular import tabular
from nas_gym.evaluators.trainers.fused import mlp_kernel, trainer
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.memory.tables.nas_bench_moons import moons_table
from nas_gym.problems.registration import problem
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.mlp.description import describe
from nas_gym.search_spaces.mlp.network import build
from nas_gym.tasks.classification import TrainingRecipe
from nas_gym.tasks.seeds import child_seed
from tests.nas_gym.doubles import blobs, random_networks
from tests.nas_gym.tasks.images import classification

Floats = NDArray[np.float32]
Targets = NDArray[np.int64] | NDArray[np.float32]
EVERY_LAYER = MlpSpace().parse("Linear-16 Sigmoid Tanh Linear-8 LeakyReLU ReLU")


@pytest.fixture(scope="module", autouse=True)
def compiled_functions() -> None:
    """Compile what only these tests call from Python, so that no test's time holds it."""
    kinds, widths = compiled(EVERY_LAYER, 2, 2)
    weights = initial_weights(kinds, widths, 0)
    mlp_kernel.shuffle(np.arange(2), np.uint64(0))
    mlp_kernel.exponential(np.float32(0))
    mlp_kernel.hyperbolic_tangent(np.float32(0))
    features, labels = np.zeros((2, 2), np.float32), np.arange(2)
    for targets, outputs, codes in ((labels, 2, (0, 0)), (labels.astype(np.float32), 1, (1, 5))):
        layers = compiled(EVERY_LAYER, 2, outputs)
        loss_and_gradients(*layers, weights[: mlp_kernel.count_weights(*layers)], features, targets, codes[0])
        mlp_kernel.train_mlp(*layers, features, targets, features, targets, 0, 1, 2, 0.01, 1, *codes)
        mlp_kernel.score(mlp_kernel.predict(*layers, weights, features), targets, codes[1])


def samples_of(data: Dataset) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    train, validation = data.train, data.validation
    return (
        floats(train.features),
        train.labels.astype(np.int64),
        floats(validation.features),
        validation.labels.astype(np.int64),
    )


def floats(features: NDArray[Any]) -> Floats:
    return np.asarray(features, np.float32)


def compiled(
    network: Architecture, features: int, classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return trainer.compiled(describe(network.tokens), features, classes)


def train(
    network: Architecture, data: Dataset, recipe: TrainingRecipe, seed: int = 0
) -> tuple[int, int, Floats]:
    """Return validation hits (-1 after a failure), epochs and weights."""
    assert recipe.patience is not None
    trained = mlp_kernel.train_mlp(
        *compiled(network, data.train.features.shape[1], data.classes),
        *samples_of(data),
        seed,
        recipe.epochs,
        recipe.batch_size,
        recipe.learning_rate,
        recipe.patience,
    )
    correct = -1 if np.isnan(trained.score) else round(trained.score * len(data.validation))
    return correct, trained.epochs, trained.weights


def initial_weights(kinds: NDArray[np.int64], widths: NDArray[np.int64], seed: int) -> Floats:
    weights = np.empty(mlp_kernel.count_weights(kinds, widths), np.float32)
    mlp_kernel.draw_weights(kinds, widths, weights, np.uint64(seed))
    return weights


def module_with(weights: Floats, network: Architecture, features: int, classes: int) -> nn.Module:
    module = build(network, (features,), classes)
    vector_to_parameters(torch.from_numpy(weights.copy()), module.parameters())
    return module


def loss_and_gradients(
    kinds: NDArray[np.int64],
    widths: NDArray[np.int64],
    weights: Floats,
    features: Floats,
    targets: Targets,
    loss: int = mlp_kernel.CROSS_ENTROPY,
    sample_weights: Floats | None = None,
) -> tuple[float, Floats]:
    """Return the mean loss over all samples and its gradients, by the function that training uses."""
    units = mlp_kernel.new_units(widths)
    gradients, scratch = np.empty_like(weights), np.ones((5, mlp_kernel.LANES), np.float32)
    value = mlp_kernel.batch_gradients(
        kinds,
        widths,
        weights,
        features,
        targets,
        np.empty(0, np.float32) if sample_weights is None else sample_weights,
        np.arange(len(targets)),
        loss,
        True,
        units,
        np.zeros_like(units),
        scratch,
        gradients,
    )
    return value, gradients


def autograd(
    weights: Floats,
    network: Architecture,
    features: Floats,
    targets: Targets,
    outputs: int,
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = cross_entropy,
) -> tuple[float, NDArray[np.float64]]:
    """Return loss and gradients in double precision."""
    module = module_with(weights, network, features.shape[1], outputs).double()
    found = module(torch.from_numpy(features).double())
    loss = loss_of(found, torch.from_numpy(targets))
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
        loss, gradients = loss_and_gradients(kinds, widths, weights, x, y)
        true_loss, true_gradients = autograd(weights, network, x, y, classes)
        assert loss == pytest.approx(true_loss, rel=1e-4)
        assert_close(gradients, true_gradients, 1e-4)


def test_gradients__stay_right_where_units_saturate() -> None:
    generator = np.random.default_rng(0)
    for network in random_networks(20):
        kinds, widths = compiled(network, 2, 2)
        weights = generator.normal(0, 5, mlp_kernel.count_weights(kinds, widths)).astype(np.float32)
        x, y = generator.normal(0, 3, (50, 2)).astype(np.float32), generator.integers(2, size=50)
        loss, gradients = loss_and_gradients(kinds, widths, weights, x, y)
        true_loss, true_gradients = autograd(weights, network, x, y, 2)
        assert loss == pytest.approx(true_loss, rel=1e-4)
        assert np.linalg.norm(gradients - true_gradients) <= 1e-3 * np.linalg.norm(true_gradients) + 1e-5


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
@pytest.mark.parametrize("scale", [0.1, 30])  # of 100 or more, most then have less than 1e-25
def test_gradients__of_many_classes_are_those_of_autograd(classes: int, scale: float) -> None:
    generator = np.random.default_rng(classes)
    network = MlpSpace().parse("Linear-16 Tanh Linear-8 ReLU")
    layers = compiled(network, 7, classes)
    weights = initial_weights(*layers, seed=1)
    weights[-classes:] = generator.normal(0, scale, classes)
    x = generator.normal(size=(100, 7)).astype(np.float32)
    y = generator.integers(classes, size=100)
    _, gradients = loss_and_gradients(*layers, weights, x, y)
    _, true_gradients = autograd(weights, network, x, y, classes)
    assert np.abs(gradients - true_gradients).max() <= 1e-5 * np.abs(true_gradients).max()


@pytest.mark.parametrize("samples", [1, 33, 100])
@pytest.mark.parametrize(
    ("loss", "reference"), [(mlp_kernel.SQUARED_ERROR, mse_loss), (mlp_kernel.HUBER, huber_loss)]
)
def test_gradients__of_values_are_those_of_autograd(
    samples: int, loss: int, reference: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> None:
    generator = np.random.default_rng(samples)
    for network in [EVERY_LAYER, *random_networks(12)]:
        kinds, widths = compiled(network, 7, 1)
        weights = initial_weights(kinds, widths, seed=samples)
        x = generator.normal(size=(samples, 7)).astype(np.float32)
        y = generator.normal(scale=2, size=samples).astype(np.float32)  # some errors above Huber's delta

        def loss_of(found: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            return reference(found[:, 0], values.double())

        value, gradients = loss_and_gradients(kinds, widths, weights, x, y, loss)
        true_value, true_gradients = autograd(weights, network, x, y, 1, loss_of)
        assert value == pytest.approx(true_value, rel=1e-5)
        assert_close(gradients, true_gradients, 1e-4)


@pytest.mark.parametrize("samples", [2, 33, 100])
def test_gradients__with_class_weights_are_those_of_autograd(samples: int) -> None:
    generator = np.random.default_rng(samples)
    by_class = np.array([0.2, 1.0, 7.5], np.float32)
    for network in [EVERY_LAYER, *random_networks(12)]:
        kinds, widths = compiled(network, 2, 3)
        weights = initial_weights(kinds, widths, seed=samples)
        x = generator.normal(size=(samples, 2)).astype(np.float32)
        y = generator.integers(3, size=samples)
        weighted = partial(cross_entropy, weight=torch.from_numpy(by_class).double())
        loss, gradients = loss_and_gradients(kinds, widths, weights, x, y, sample_weights=by_class[y])
        true_loss, true_gradients = autograd(weights, network, x, y, 3, weighted)
        assert loss == pytest.approx(true_loss, rel=1e-5)
        assert_close(gradients, true_gradients, 1e-4)


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


def test_logarithm__is_exact_to_double_precision() -> None:
    inputs = np.concatenate(
        [np.linspace(1, 3, 2001), 1 + np.logspace(-15, 0, 500), np.logspace(-300, 300, 600)]
    )
    ours = np.array([mlp_kernel.logarithm(x) for x in inputs])
    assert ours == pytest.approx(np.log(inputs), rel=1e-14, abs=1e-15)
    assert mlp_kernel.logarithm(1.0) == 0.0


CLASS_SCORES: dict[str, Callable[[NDArray[np.int64], Floats], float]] = {
    "accuracy": lambda y, z: sklearn_metrics.accuracy_score(y, z.argmax(axis=1)),
    "balanced_accuracy": lambda y, z: sklearn_metrics.balanced_accuracy_score(y, z.argmax(axis=1)),
    "f1_macro": lambda y, z: sklearn_metrics.f1_score(y, z.argmax(axis=1), average="macro", zero_division=0),
    "roc_auc": lambda y, z: sklearn_metrics.roc_auc_score(
        y, probabilities(z)[:, 1] if z.shape[1] == 2 else probabilities(z), multi_class="ovr"
    ),
    "log_loss": lambda y, z: sklearn_metrics.log_loss(y, probabilities(z), labels=range(z.shape[1])),
}
VALUE_SCORES: dict[str, Callable[[Floats, Floats], float]] = {
    "r2": lambda y, z: sklearn_metrics.r2_score(y.astype(np.float64), z),
    "rmse": lambda y, z: sklearn_metrics.root_mean_squared_error(y.astype(np.float64), z),
    "mae": lambda y, z: sklearn_metrics.mean_absolute_error(y.astype(np.float64), z),
}


def probabilities(logits: Floats) -> NDArray[np.float64]:
    result: NDArray[np.float64] = softmax(logits.astype(np.float64), axis=1)
    return result


def test_metrics__are_all_compared() -> None:
    assert [*CLASS_SCORES, *VALUE_SCORES] == list(mlp_kernel.METRICS)
    assert list(mlp_kernel.METRICS.values()) == list(range(len(mlp_kernel.METRICS)))


@pytest.mark.parametrize("metric", CLASS_SCORES)
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("samples", [20, 33, 400])
def test_score__of_classes_is_that_of_scikit_learn(metric: str, classes: int, samples: int) -> None:
    generator = np.random.default_rng(samples + classes)
    labels = np.concatenate([np.arange(classes), generator.integers(classes, size=samples - classes)])
    for scale in (1, 3):
        logits = generator.normal(scale=scale, size=(samples, classes)).astype(np.float32)
        logits[np.arange(samples), labels] += np.float32(scale)
        logits[samples // 2 :] = logits[: samples - samples // 2]  # ties
        ours = mlp_kernel.score(logits, labels, mlp_kernel.METRICS[metric])
        assert ours == pytest.approx(CLASS_SCORES[metric](labels, logits), abs=1e-6), scale


@pytest.mark.parametrize("classes", [2, 5])
def test_score__orders_samples_of_which_the_network_is_very_sure(classes: int) -> None:
    # Their probabilities all round to 1, so scikit-learn gets the logarithms of the odds.
    generator = np.random.default_rng(classes)
    labels = generator.integers(classes, size=300)
    logits = generator.normal(scale=100, size=(300, classes)).astype(np.float32)
    exact = logits.astype(np.float64)
    areas = [
        sklearn_metrics.roc_auc_score(
            labels == c, exact[:, c] - logsumexp(np.delete(exact, c, axis=1), axis=1)
        )
        for c in range(1 if classes == 2 else 0, classes)
    ]
    assert mlp_kernel.score(logits, labels, mlp_kernel.ROC_AUC) == pytest.approx(np.mean(areas), abs=1e-6)
    log_loss = mlp_kernel.score(logits, labels, mlp_kernel.LOG_LOSS)
    assert log_loss == pytest.approx(CLASS_SCORES["log_loss"](labels, logits), abs=1e-6)


def test_score__where_classes_are_missing_or_never_predicted() -> None:
    labels = np.array([0, 0, 1, 1, 3])
    logits = np.eye(5, dtype=np.float32)[[0, 2, 1, 0, 0]]
    for metric in ("balanced_accuracy", "f1_macro"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn tells that class 2 does not occur
            expected = CLASS_SCORES[metric](labels, logits)
        assert mlp_kernel.score(logits, labels, mlp_kernel.METRICS[metric]) == pytest.approx(expected)
    areas = [sklearn_metrics.roc_auc_score(labels == c, probabilities(logits)[:, c]) for c in (0, 1, 3)]
    assert mlp_kernel.score(logits, labels, mlp_kernel.ROC_AUC) == pytest.approx(np.mean(areas))
    assert np.isnan(mlp_kernel.score(logits, np.zeros(5, np.int64), mlp_kernel.ROC_AUC))
    sure = np.array([[0, 1000], [1000, 0]], dtype=np.float32)
    found = mlp_kernel.score(sure, np.array([0, 0]), mlp_kernel.LOG_LOSS)
    assert found == pytest.approx(sklearn_metrics.log_loss([0, 0], probabilities(sure), labels=[0, 1]))


@pytest.mark.parametrize("metric", VALUE_SCORES)
@pytest.mark.parametrize("samples", [2, 33, 400])
def test_score__of_values_is_that_of_scikit_learn(metric: str, samples: int) -> None:
    generator = np.random.default_rng(samples)
    values = generator.normal(size=samples).astype(np.float32)
    noise = generator.normal(size=(samples, 1)).astype(np.float32)
    constant = np.ones(samples, np.float32)
    for y, outputs in ((values, values[:, None] + noise), (constant, noise), (constant, constant[:, None])):
        ours = mlp_kernel.score(outputs, y, mlp_kernel.METRICS[metric])
        assert ours == pytest.approx(VALUE_SCORES[metric](y, outputs[:, 0]), rel=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 2), (2, 16), (16, 8), (9, 11), (8, 1), (1, 8)])
def test_add_products__adds_every_dot_to_the_last_bit(rows: int, columns: int) -> None:
    generator = np.random.default_rng(rows)
    a, b = generator.normal(size=(2, 20 * mlp_kernel.LANES)).astype(np.float32)
    sums = generator.normal(size=rows * columns + 5).astype(np.float32)
    expected = sums.copy()
    for row in range(rows):
        for column in range(columns):
            expected[3 + row * columns + column] += _dot(a, 2 + row, b, 1 + column)
    _add_products(a, 2, rows, b, 1, columns, sums, 3)
    assert np.array_equal(sums, expected)


@njit(error_model="numpy")
def _dot(a: Floats, a_row: int, b: Floats, b_row: int) -> np.float32:
    return mlp_kernel.dot(a, a_row, b, b_row)  # type: ignore[call-arg] # an intrinsic


@njit(error_model="numpy")
def _add_products(
    a: Floats, a_row: int, a_count: int, b: Floats, b_row: int, b_count: int, sums: Floats, first: int
) -> None:
    mlp_kernel.add_products(a, a_row, a_count, b, b_row, b_count, sums, first)


def test_shuffle__gives_every_order_as_often() -> None:
    counter = np.uint64(7)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(6000):
        order = np.arange(3)
        counter = np.uint64(mlp_kernel.shuffle(order, counter))
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


def test_training__gives_the_weights_of_version_0_to_the_last_bit() -> None:
    digest = sha256()
    for seed in range(3):
        digest.update(train(EVERY_LAYER, moons(), TrainingRecipe(), seed)[2].tobytes())
    assert digest.hexdigest() == "e3e1e339335d6a77da9c9e249b7d8f638b9fa8e3c975cd4395e69d0bf7983b7a"


def test_training__has_the_hits_of_the_shipped_table() -> None:
    table, data = moons_table(), moons()
    assert table.test is not None and data.test is not None
    for row in np.random.default_rng(0).choice(len(table.validation), size=400, replace=False).tolist():
        network = table.search_space.unrank(row)
        for seed in range(3):
            correct, _, weights = train(network, data, TrainingRecipe(), child_seed(seed, network))
            outputs = mlp_kernel.predict(*compiled(network, 2, 2), weights, floats(data.test.features))
            hits = int((outputs.argmax(axis=1) == data.test.labels).sum())
            assert (correct, hits) == (table.validation[row, seed], table.test[row, seed]), (network, seed)


def noisy_samples(targets: str, outputs: int) -> tuple[Floats, Targets, Floats, Targets]:
    """Return training and validation samples with 5 features, on which no score is ever perfect."""
    generator = np.random.default_rng(outputs)
    x = generator.normal(size=(300, 5)).astype(np.float32)
    noise = generator.normal(scale=0.5, size=(300, outputs)) - 0.5 * np.arange(outputs)  # class 0 is frequent
    hidden = np.tanh(x @ generator.normal(size=(5, outputs))) + noise
    y = hidden.argmax(axis=1) if targets == "labels" else hidden[:, 0].astype(np.float32)
    return x[:200], y[:200], x[200:], y[200:]


RESTLESS = (32, 0.03)  # batch size and a learning rate with which scores go up and down


@pytest.mark.parametrize(
    ("metric", "loss", "outputs"),
    [(metric, "cross_entropy", classes) for metric in CLASS_SCORES for classes in (2, 3)]
    + [(metric, loss, 1) for metric in VALUE_SCORES for loss in ("squared_error", "huber")],
)
def test_training__follows_the_metric(metric: str, loss: str, outputs: int) -> None:
    samples = noisy_samples("labels" if loss == "cross_entropy" else "values", outputs)
    layers = compiled(MlpSpace().parse("Linear-8 Tanh"), 5, outputs)
    codes = mlp_kernel.LOSSES[loss], mlp_kernel.METRICS[metric]
    best = [mlp_kernel.train_mlp(*layers, *samples, 3, n, *RESTLESS, 99, *codes) for n in range(1, 41)]
    reference: Callable[[Any, Floats], float] = (CLASS_SCORES | VALUE_SCORES)[metric]
    for trained in best:  # what is said of the kept weights is true
        found = mlp_kernel.predict(*layers, trained.weights, samples[2])
        assert trained.score == mlp_kernel.score(found, samples[3], codes[1])
        assert trained.score == pytest.approx(
            reference(samples[3], found if outputs > 1 else found[:, 0]), abs=1e-6
        )
    scores = np.array([trained.score for trained in best])
    steps = np.diff(scores) * (-1 if metric in ("log_loss", "rmse", "mae") else 1)
    assert (steps >= 0).all() and (steps > 0).any() and (steps == 0).any()
    stopped = mlp_kernel.train_mlp(*layers, *samples, 3, 40, *RESTLESS, 2, *codes)
    waits = [epoch for epoch in range(2, 40) if not steps[epoch - 2] and not steps[epoch - 1]]
    assert stopped.epochs == waits[0] + 1
    assert stopped.score == scores[waits[0]]


def test_prediction__is_pytorchs() -> None:
    x = np.random.default_rng(0).normal(size=(70, 5)).astype(np.float32)
    for network in [EVERY_LAYER, *random_networks(10)]:
        layers = compiled(network, 5, 3)
        weights = initial_weights(*layers, seed=1)
        found = mlp_kernel.predict(*layers, weights, x)
        assert found.dtype == np.float32 and found.shape == (70, 3)
        with torch.inference_mode():
            assert_close(found, module_with(weights, network, 5, 3)(torch.from_numpy(x)).numpy(), 1e-5)


@pytest.mark.parametrize(
    ("targets", "loss", "outputs"), [("labels", 0, 3), ("values", 1, 1), ("values", 2, 1)]
)
def test_losses__are_recorded_and_change_nothing(targets: str, loss: int, outputs: int) -> None:
    samples = noisy_samples(targets, outputs)
    layers = compiled(EVERY_LAYER, 5, outputs)
    metric = mlp_kernel.ACCURACY if targets == "labels" else mlp_kernel.R2
    without, recorded = (
        mlp_kernel.train_mlp(*layers, *samples, 1, 30, 32, 0.01, 5, loss, metric, with_losses=record)
        for record in (False, True)
    )
    assert without[:2] == recorded[:2] and np.array_equal(without.weights, recorded.weights)
    assert without.losses.shape == (0,) and recorded.losses.shape == (recorded.epochs,)
    assert recorded.losses[-1] < recorded.losses[0]
    one_step = mlp_kernel.train_mlp(*layers, *samples, 1, 1, 200, 0.01, 5, loss, metric, with_losses=True)
    first, _ = loss_and_gradients(*layers, initial_weights(*layers, seed=1), *samples[:2], loss)
    assert one_step.losses == pytest.approx([first], rel=1e-6)


def test_class_weights__of_one_change_no_bit_and_others_find_the_rare_class() -> None:
    generator = np.random.default_rng(0)
    y = (generator.random(600) < 0.05).astype(np.int64)
    x = (generator.normal(size=(600, 2)) + y[:, None]).astype(np.float32)
    arguments = (*compiled(MlpSpace().parse("Linear-8 Tanh"), 2, 2), x[:400], y[:400], x[400:], y[400:])

    def trained(class_weights: Floats | None) -> mlp_kernel.TrainedMlp:
        metric = mlp_kernel.BALANCED_ACCURACY
        return mlp_kernel.train_mlp(
            *arguments, 0, 30, 32, 0.01, 99, metric=metric, class_weights=class_weights
        )

    plain, ones = trained(None), trained(np.ones(2, np.float32))
    assert plain[:2] == ones[:2] and np.array_equal(plain.weights, ones.weights)
    balanced = (400 / (2 * np.bincount(y[:400]))).astype(np.float32)
    assert trained(balanced).score > 0.7 > plain.score


def test_training__learns_values() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 3)).astype(np.float32)
    y = (np.sin(2 * x[:, 0]) * x[:, 1]).astype(np.float32)
    layers = compiled(MlpSpace().parse("Linear-16 Tanh Linear-16 Tanh"), 3, 1)
    for loss in (mlp_kernel.SQUARED_ERROR, mlp_kernel.HUBER):
        samples = x[:300], y[:300], x[300:], y[300:]
        found = mlp_kernel.train_mlp(*layers, *samples, 1, 100, 32, 0.01, 20, loss, mlp_kernel.R2)
        assert found.score > 0.8  # the mean has 0


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
    arguments = (*compiled(network, 3, 2), x, y, x, y, 5, 1, batch_size)
    start = mlp_kernel.train_mlp(*arguments, 1e-30, 1).weights
    trained = mlp_kernel.train_mlp(*arguments, 1e-2, 1).weights
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
        accuracy = classification(data, TrainingRecipe()).judge(module, "validation")["accuracy"]
        assert accuracy == pytest.approx(correct / len(data.validation), abs=1e-12)


def test_training__learns() -> None:
    data = tabular(**blobs(samples=300, classes=5, features=7))
    correct, _, weights = train(MlpSpace().parse("Linear-16 ReLU"), data, TrainingRecipe())
    assert correct / len(data.validation) > 0.9  # the largest class has 0.2
    assert data.test is not None
    module = module_with(weights, MlpSpace().parse("Linear-16 ReLU"), 7, 5)
    assert classification(data, TrainingRecipe()).judge(module, "test")["accuracy"] > 0.9


def test_evaluator__gives_the_same_for_any_number_of_threads() -> None:
    networks = random_networks(12)
    ways = [{"name": "fused", "threads": threads} for threads in (1, 2, 5, None)]
    evaluators = [evaluator(way, epochs=3) for way in ways]
    results = [[e.as_info() for e in evaluator.evaluate(networks)] for evaluator in evaluators]
    assert results[0] == results[1] == results[2] == results[3]


def evaluator(way: Any, **recipe: int) -> TrainingEvaluator:  # noqa: ANN401
    made = problem("NAS-Moons-v0", evaluator=way, recipe=recipe)
    assert made.choice is not None
    return TrainingEvaluator(made.make_trainer(), made.choice.pool())


def accuracies(evaluator: TrainingEvaluator, networks: list[Architecture], seeds: list[int]) -> list[float]:
    values = [evaluation.score for evaluation in evaluator.evaluate(networks, seeds)]
    assert None not in values
    return [value for value in values if value is not None]


@pytest.mark.slow  # PyTorch, the reference, trains less than ten networks a second
@pytest.mark.timeout(600)
def test_evaluator__agrees_with_the_reference_over_300_networks() -> None:
    networks = random_networks(300)
    local = accuracies(evaluator("local", epochs=10), networks, list(range(300)))
    # The mean of 300 single trainings has a standard error of 0.003 (0.055 a network), so the fast
    # evaluator trains each one ten times.
    fused_evaluator = evaluator("fused", epochs=10)
    repeats = [
        accuracies(fused_evaluator, networks, list(range(start, start + 300)))
        for start in range(1000, 4000, 300)
    ]
    fused = np.mean(repeats, axis=0)
    assert abs(np.mean(fused) - np.mean(local)) < 0.005
    # That the means agree is not because all networks are alike.
    assert np.std(fused) > 0.02
    assert np.corrcoef(fused, local)[0, 1] > 0.5
