from dataclasses import replace
from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.cached import CachedEvaluator
from nas_gym.evaluation.confirmation import confirm
from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.search_spaces import Architecture
from tests.nas_gym.doubles import InstantEvaluator, random_networks


def test_confirm__returns_each_networks_mean_over_seeds() -> None:
    networks, inner = random_networks(4), InstantEvaluator()
    means = confirm(networks, CachedEvaluator(inner), seeds=5)
    assert len(inner.calls) == 1
    assert len(set(inner.seeds)) == 20
    for index, (network, found) in enumerate(zip(networks, means, strict=True)):
        alone = InstantEvaluator().evaluate([network] * 5, inner.seeds[5 * index : 5 * index + 5])
        assert found == pytest.approx(sum(e.validation_accuracy or 0 for e in alone) / 5)


def test_confirm__prefers_the_lower_perplexity() -> None:
    class Perplexities(InstantEvaluator):
        def _evaluate(self, architecture: Architecture, seed: int) -> Evaluation:
            evaluation = super()._evaluate(architecture, seed)
            perplexity = 4.0 if architecture == networks[0] else 5.0
            return replace(evaluation, validation_accuracy=None, validation_perplexity=perplexity)

    networks = random_networks(2)
    assert confirm(networks, Perplexities(), seeds=3) == pytest.approx([0.25, 0.2])


def test_confirm__counts_a_failure_as_nothing() -> None:
    networks, inner = random_networks(6), InstantEvaluator(failing=2)
    means = confirm(networks, inner, seeds=4)
    evaluations = inner.evaluate([n for n in networks for _ in range(4)], inner.seeds[:24])
    assert {e.status for e in evaluations} == {"ok", "failed"}
    for index, found in enumerate(means):
        repeats = evaluations[4 * index : 4 * index + 4]
        assert found == pytest.approx(sum(e.validation_accuracy or 0.0 for e in repeats) / 4)


def test_confirm__uses_other_seeds_than_the_search() -> None:
    networks, inner = random_networks(4), InstantEvaluator()
    searched = {e.seed for e in inner.evaluate(networks)}
    confirm(networks, inner)
    assert not searched & set(inner.seeds[4:])


@pytest.mark.parametrize("seeds", [0, -1, 1.0, True, "3"])
def test_confirm__refuses_a_bad_number_of_seeds(seeds: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="seeds must be a positive integer"):
        confirm(random_networks(1), InstantEvaluator(), seeds)
