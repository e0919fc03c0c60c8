import pickle

import pytest

from nas_gym.envs.registration import PROBLEMS, assemble
from nas_gym.evaluation.base import child_seed, repeat_seeds
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.testing import check_evaluator
from tests.nas_gym.doubles import REQUIRED, InstantEvaluator, random_networks

EVERY_EVALUATOR = [(problem, name) for problem, spec in PROBLEMS.items() for name in spec.evaluators]


@pytest.mark.parametrize(("problem", "name"), EVERY_EVALUATOR)
def test_evaluator__keeps_the_contract(problem: str, name: str) -> None:
    parts = assemble(problem, evaluator=name, epochs=2, **REQUIRED.get(problem, {}))
    evaluator = getattr(parts.evaluator, "evaluator", parts.evaluator)  # without its memory
    assert type(evaluator) is not type(parts.evaluator)
    networks = random_networks(3)
    check_evaluator(evaluator, [*networks, networks[0]])
    check_evaluator(parts.evaluator, [*networks, networks[0]])


@pytest.mark.parametrize(("problem", "name"), EVERY_EVALUATOR)
def test_evaluator__follows_from_its_seed(problem: str, name: str) -> None:
    network = random_networks(1)[0]
    seeds = []
    for training_seed in (0, 1):
        parts = assemble(
            problem, evaluator=name, epochs=1, training_seed=training_seed, **REQUIRED.get(problem, {})
        )
        (evaluation,) = parts.evaluator.evaluate([network])
        assert evaluation.seed == child_seed(training_seed, network)
        assert parts.dataset is not None and parts.recipe is not None
        assert evaluation.dataset == parts.dataset.id
        assert evaluation.recipe == parts.recipe.id
        seeds.append(evaluation.seed)
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize(("problem", "name"), EVERY_EVALUATOR)
def test_evaluator__holds_no_test_data(problem: str, name: str) -> None:
    parts = assemble(problem, evaluator=name, epochs=1, **REQUIRED.get(problem, {}))
    held = pickle.dumps(parts.evaluator)
    assert parts.dataset is not None and parts.dataset.test is not None
    assert parts.dataset.train.features[:3].tobytes() in held
    assert not any(row.tobytes() in held for row in parts.dataset.test.features)


@pytest.mark.parametrize(("problem", "name"), EVERY_EVALUATOR)
def test_evaluator__needs_a_seed_for_each_child(problem: str, name: str) -> None:
    parts = assemble(problem, evaluator=name, epochs=1, **REQUIRED.get(problem, {}))
    with pytest.raises(ValueError):
        parts.evaluator.evaluate(random_networks(3), [1, 2])


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
