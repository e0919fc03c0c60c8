from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.cached import CachedEvaluator
from nas_gym.rewards import validation_accuracy
from nas_gym.studies.confirmation import confirm
from tests.nas_gym.doubles import InstantEvaluator, random_networks


def test_confirm__returns_each_networks_mean_over_seeds() -> None:
    networks, inner = random_networks(4), InstantEvaluator()
    means = confirm(networks, CachedEvaluator(inner), validation_accuracy, seeds=5)
    assert len(inner.calls) == 1
    assert len(set(inner.seeds)) == 20
    for index, (network, found) in enumerate(zip(networks, means, strict=True)):
        alone = InstantEvaluator().evaluate([network] * 5, inner.seeds[5 * index : 5 * index + 5])
        assert found == pytest.approx(sum(e.validation_accuracy or 0 for e in alone) / 5)


def test_confirm__asks_for_what_the_search_was_rewarded_for() -> None:
    networks, inner = random_networks(3), InstantEvaluator()
    means = confirm(networks, inner, lambda evaluation: -float(evaluation.parameters or 0), seeds=2)
    assert means == [-float(e.parameters or 0) for e in inner.evaluate(networks)]


def test_confirm__counts_a_failure_as_nothing() -> None:
    networks, inner = random_networks(6), InstantEvaluator(failing=2)
    means = confirm(networks, inner, validation_accuracy, seeds=4)
    evaluations = inner.evaluate([n for n in networks for _ in range(4)], inner.seeds[:24])
    assert {e.status for e in evaluations} == {"ok", "failed"}
    for index, found in enumerate(means):
        repeats = evaluations[4 * index : 4 * index + 4]
        assert found == pytest.approx(sum(e.validation_accuracy or 0.0 for e in repeats) / 4)


def test_confirm__uses_other_seeds_than_the_search() -> None:
    networks, inner = random_networks(4), InstantEvaluator()
    searched = {e.seed for e in inner.evaluate(networks)}
    confirm(networks, inner, validation_accuracy)
    assert not searched & set(inner.seeds[4:])


@pytest.mark.parametrize("seeds", [0, -1, 1.0, True, "3"])
def test_confirm__refuses_a_bad_number_of_seeds(seeds: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="seeds must be a positive integer"):
        confirm(random_networks(1), InstantEvaluator(), validation_accuracy, seeds)
