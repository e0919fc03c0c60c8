from dataclasses import replace
from typing import Any

import pytest

import nas_gym
from nas_gym.envs.episode import Episode
from nas_gym.errors import InvalidArgumentError, RunFolderError
from nas_gym.evaluators.remembered.cached import CachedEvaluator
from nas_gym.rewards import validation_accuracy
from nas_gym.studies.choosing import affordable, confirm, finalists
from nas_gym.studies.run_folder import Times
from tests.nas_gym.doubles import InstantEvaluator, random_networks
from tests.nas_gym.studies.episodes import ILLEGAL, failed, numbered, trained


def test_finalists__ties_go_to_often_proposed_then_small_then_early() -> None:
    found = finalists(
        numbered(
            trained("early", 0.9, 5),
            trained("late", 0.9, 5),
            trained("small", 0.9, 4),
            trained("often", 0.9, 9),
            trained("worse", 0.8, 1),
            trained("best", 0.95, 99),
            trained("often", 0.9, 9),
            trained("worse", 0.8, 1),
            failed("failed"),
            ILLEGAL,
        ),
        5,
    )
    assert [each.architecture for each in found] == ["best", "often", "small", "early", "late"]
    assert found[1].number == 4  # the first proposal


def test_finalists__are_those_with_the_highest_rewards() -> None:
    episodes = numbered(
        trained("accurate", 0.9),
        replace(trained("rewarded", 0.8), reward=1.2),
        replace(failed("no"), reward=5),
    )
    assert [each.architecture for each in finalists(episodes, 3)] == ["rewarded", "accurate"]


def test_finalists__of_unknown_size_are_ranked_too() -> None:
    assert [each.architecture for each in finalists(numbered(*(trained(n, 0.5, None) for n in "ab")), 2)] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(("episodes", "count"), [(10, 3), (400, 4), (9000, 50)])
def test_finalists__are_a_hundredth_of_the_episodes(episodes: int, count: int) -> None:
    assert len(finalists(numbered(*(trained(str(i), 0.5) for i in range(episodes))))) == count


def test_finalists__none_trained_is_one_line() -> None:
    with pytest.raises(RunFolderError, match="none of 2 episodes ended with a trained network"):
        finalists(numbered(ILLEGAL, failed("ReLU")))
    with pytest.raises(RunFolderError, match=r"there is no best one; ValueError: too small$"):
        finalists(numbered(ILLEGAL, failed("ReLU", reason="ValueError: too small")))


def test_confirm__returns_each_networks_mean_over_seeds() -> None:
    networks, inner = random_networks(4), InstantEvaluator()
    means = confirm(networks, CachedEvaluator(inner), validation_accuracy, seeds=5)
    assert len(inner.calls) == 1
    assert len(set(inner.seeds)) == 20
    for index, (network, found) in enumerate(zip(networks, means, strict=True)):
        alone = InstantEvaluator().evaluate([network] * 5, inner.seeds[5 * index : 5 * index + 5])
        assert found == pytest.approx(sum(e.score or 0 for e in alone) / 5)


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
        assert found == pytest.approx(sum(e.score or 0.0 for e in repeats) / 4)


def test_confirm__uses_other_seeds_than_the_search() -> None:
    networks, inner = random_networks(4), InstantEvaluator()
    searched = {e.seed for e in inner.evaluate(networks)}
    confirm(networks, inner, validation_accuracy)
    assert not searched & set(inner.seeds[4:])


@pytest.mark.parametrize("seeds", [0, -1, 1.0, True, "3"])
def test_confirm__refuses_a_bad_number_of_seeds(seeds: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="seeds must be an integer from 1"):
        confirm(random_networks(1), InstantEvaluator(), validation_accuracy, seeds)


def test_affordable__is_what_the_time_left_is_worth() -> None:
    ladder = {"recipe": {"epochs": 1}, "middle": {"epochs": 4}, "full": {"epochs": 9}}
    task = nas_gym.problem("NAS-Digits-v0", **ladder).task
    assert task is not None
    rows = [Episode(number, f"network-{number}", 0.5, "ok") for number in range(1, 11)]
    # A child of the search took 2 seconds, so one of the next rung takes 8.
    assert affordable(task, range(1, 2), rows, Times(30.0, 20.0), 80.0) == 10
    assert affordable(task, range(1, 2), rows, Times(30.0, 20.0), 3.0) == 1, "one at least"
