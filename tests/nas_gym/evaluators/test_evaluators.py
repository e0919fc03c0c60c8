import pickle
from typing import Any

import pytest

from nas_gym.evaluators.base import child_seed, repeat_seeds
from nas_gym.evaluators.cached import CachedEvaluator
from nas_gym.problems.assembly import Parts, assemble
from nas_gym.problems.specs import PROBLEMS
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.tasks.language_modelling.size import language_model_size
from nas_gym.testing import check_evaluator
from tests.nas_gym.doubles import (
    IN_PROCESS,
    QUICK,
    TRAINED,
    InstantEvaluator,
    ids_of,
    pieces_of_data,
    random_children,
    random_networks,
)

EVERY_EVALUATOR = [(problem, name) for problem in TRAINED for name in PROBLEMS[problem].evaluators]

pytestmark = pytest.mark.usefixtures("small_data")


def assembled(problem: str, name: str, **keywords: Any) -> Parts:  # noqa: ANN401
    return assemble(problem, **{**QUICK[problem], "evaluator": name, **keywords})


def size_of(parts: Parts, network: Architecture) -> NetworkSize | None:
    if parts.corpus is None:
        assert parts.dataset is not None
        features = parts.dataset.train.features
        return parts.search_space.size(network, features.shape[1:], parts.dataset.classes)
    assert parts.language_recipe is not None
    return language_model_size(network, len(parts.corpus.vocabulary), parts.language_recipe.units)


@pytest.mark.parametrize(
    ("problem", "name"),
    [
        *IN_PROCESS,
        pytest.param(
            "NAS-Digits-v0",
            "processes",
            # Workers import PyTorch first; they are the same for every problem.
            marks=[pytest.mark.slow, pytest.mark.timeout(120)],
        ),
    ],
)
def test_evaluator__keeps_the_contract(problem: str, name: str) -> None:
    parts = assembled(problem, name, epochs=2)
    assert isinstance(parts.evaluator, CachedEvaluator)
    evaluator = parts.evaluator.evaluator  # without its memory
    networks = random_children(parts.search_space, 3)
    check_evaluator(evaluator, [*networks, networks[0]])
    check_evaluator(parts.evaluator, [*networks, networks[0]])


@pytest.mark.parametrize(("problem", "name"), IN_PROCESS)
def test_evaluator__follows_from_its_seed(problem: str, name: str) -> None:
    seeds = []
    for training_seed in (0, 1):
        parts = assembled(problem, name, training_seed=training_seed)
        (network,) = random_children(parts.search_space, 1)
        (evaluation,) = parts.evaluator.evaluate([network])
        assert evaluation.seed == child_seed(training_seed, network)
        assert (evaluation.dataset, evaluation.recipe) == ids_of(parts)
        seeds.append(evaluation.seed)
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize(("problem", "name"), IN_PROCESS)
def test_evaluator__tells_the_size_of_the_network(problem: str, name: str) -> None:
    parts = assembled(problem, name)
    for network in random_children(parts.search_space, 3):
        (evaluation,) = parts.evaluator.evaluate([network])
        size = size_of(parts, network)
        assert size is not None and size.multiply_adds > 0
        assert (evaluation.parameters, evaluation.multiply_adds) == (size.parameters, size.multiply_adds)
        assert evaluation.as_info()["multiply_adds"] == size.multiply_adds


@pytest.mark.parametrize(("problem", "name"), EVERY_EVALUATOR)
def test_evaluator__holds_no_test_data(problem: str, name: str) -> None:
    parts = assembled(problem, name)
    held = pickle.dumps(parts.evaluator)
    train, test = pieces_of_data(parts)
    assert train in held
    assert not any(piece in held for piece in test)


@pytest.mark.parametrize(("problem", "name"), EVERY_EVALUATOR)
def test_evaluator__needs_a_seed_for_each_child(problem: str, name: str) -> None:
    parts = assembled(problem, name)
    with pytest.raises(ValueError):
        parts.evaluator.evaluate(random_children(parts.search_space, 3), [1, 2])


def test_instant_evaluator__keeps_the_contract_too() -> None:
    check_evaluator(InstantEvaluator(), random_networks(5))


def test_seeds__differ_by_everything_they_follow_from() -> None:
    first, second = MlpSpace().parse("Linear-8 Tanh"), MlpSpace().parse("Linear-8 ReLU")
    elsewhere = Architecture("mlp-v1", first.tokens)
    seeds = [child_seed(0, first), child_seed(1, first), child_seed(0, second), child_seed(0, elsewhere)]
    for purpose in ("confirmation", "retraining"):
        for network in (first, second):
            assert repeat_seeds(purpose, network, 3) == repeat_seeds(purpose, network, 5)[:3]
            seeds += repeat_seeds(purpose, network, 5)
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_child_seed__is_fixed_for_all_time() -> None:
    assert child_seed(0, MlpSpace().parse("Linear-8 Tanh")) == 615263574636284280
