import pickle

import pytest

from nas_gym.evaluators.remembered.cached import CachedEvaluator
from nas_gym.problems.registration import PROBLEMS
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.seeds import child_seed, repeat_seeds
from nas_gym.testing import check_evaluator
from tests.nas_gym.doubles import (
    IN_PROCESS,
    TRAINED,
    InstantEvaluator,
    pieces_of_data,
    quick,
    random_children,
    random_networks,
)

EVERY_EVALUATOR = [(name, way) for name in TRAINED for way in PROBLEMS[name].evaluators]

pytestmark = pytest.mark.usefixtures("small_data")


@pytest.mark.parametrize(
    ("name", "way"),
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
def test_evaluator__keeps_the_contract(name: str, way: str) -> None:
    problem = quick(name, evaluator=way, recipe={"epochs": 2})
    networks = random_children(problem.search_space, 3)
    with problem.make_evaluator() as evaluator:
        assert isinstance(evaluator, CachedEvaluator)
        check_evaluator(evaluator.evaluator, [*networks, networks[0]])  # without its memory
        check_evaluator(evaluator, [*networks, networks[0]])


@pytest.mark.parametrize(("name", "way"), IN_PROCESS)
def test_evaluator__follows_from_its_seed(name: str, way: str) -> None:
    seeds = []
    for training_seed in (0, 1):
        problem = quick(name, evaluator=way, training_seed=training_seed)
        (network,) = random_children(problem.search_space, 1)
        (evaluation,) = problem.make_evaluator().evaluate([network])
        assert evaluation.seed == child_seed(training_seed, network)
        assert problem.task is not None
        assert (evaluation.task, evaluation.recipe) == (problem.task.id_of(), problem.task.recipe_of().id)
        seeds.append(evaluation.seed)
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize(("name", "way"), IN_PROCESS)
def test_evaluator__tells_the_size_of_the_network(name: str, way: str) -> None:
    problem = quick(name, evaluator=way)
    assert problem.task is not None
    for network in random_children(problem.search_space, 3):
        (evaluation,) = problem.make_evaluator().evaluate([network])
        size = problem.task.size(problem.search_space, network)
        assert size is not None and size.multiply_adds > 0
        assert (evaluation.parameters, evaluation.multiply_adds) == (size.parameters, size.multiply_adds)
        assert evaluation.as_info()["multiply_adds"] == size.multiply_adds


@pytest.mark.parametrize(("name", "way"), EVERY_EVALUATOR)
def test_evaluator__holds_no_test_data(name: str, way: str) -> None:
    held = pickle.dumps(quick(name, evaluator=way, max_parameters=10**6).make_evaluator())
    train, test = pieces_of_data(name)
    assert train in held
    assert not any(piece in held for piece in test)


@pytest.mark.parametrize(("name", "way"), EVERY_EVALUATOR)
def test_evaluator__needs_a_seed_for_each_child(name: str, way: str) -> None:
    problem = quick(name, evaluator=way)
    with pytest.raises(ValueError):
        problem.make_evaluator().evaluate(random_children(problem.search_space, 3), [1, 2])


def test_instant_evaluator__keeps_the_contract_too() -> None:
    check_evaluator(InstantEvaluator(), random_networks(5))


def test_child_seed__is_fixed_for_all_time() -> None:
    assert child_seed(0, MlpSpace().parse("Linear-8 Tanh")) == 615263574636284280


def test_repeat_seeds__are_other_ones_for_each_purpose() -> None:
    network = MlpSpace().parse("Linear-8 Tanh")
    seeds = [*repeat_seeds("a", network, 5), *repeat_seeds("b", network, 5), child_seed(0, network)]
    assert len(set(seeds)) == 11
