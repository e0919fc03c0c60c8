from dataclasses import replace

import numpy as np
import pytest

from nas_gym.studies.run_folder import Times, known_values
from nas_gym.studies.summary import (
    Choice,
    Network,
    Results,
    last_tenth_mean,
    networks_of,
    pareto_front,
    summarise,
)
from nas_gym.tasks.metric import ACCURACY, PERPLEXITY
from tests.nas_gym.studies.episodes import ILLEGAL, SETTINGS, failed, numbered, trained


@pytest.mark.parametrize(
    ("rewards", "mean"),
    [([3.0], 3.0), (list(range(9)), 8.0), (list(range(10)), 9.0), (list(range(20)), 18.5)],
)
def test_last_tenth_mean__is_of_the_last_tenth_and_of_at_least_one(rewards: list[float], mean: float) -> None:
    assert last_tenth_mean(rewards) == mean


def test_summarise__counts_what_happened() -> None:
    episodes = numbered(
        trained("ReLU", 0.9, 5),
        trained("ReLU", 0.9, 5),
        trained("Tanh", 0.8, 6),
        ILLEGAL,
        failed("Sigmoid", "timed_out"),
        failed("Linear-1"),
    )
    summary = summarise(SETTINGS, ACCURACY, episodes, Times(2.0, 1.0), Choice(episodes[2], 3))
    found = known_values(summary)
    assert found.pop("metric") == known_values(ACCURACY)
    assert found == {
        "env": "NAS-Moons-v0",
        "agent": "reinforce",
        "seed": 7,
        "episodes": 6,
        "distinct_architectures": 4,
        "illegal_episodes": 1,
        "failed_children": 2,
        "mean_reward_last_10_percent": -1.0,
        "best_score": 0.9,
        "times": {"search_seconds": 2.0, "evaluation_seconds": 1.0},
        "best": {"architecture": "Tanh", "score": 0.8, "parameters": 6},
        "pareto_front": {"parameters": [{"architecture": "ReLU", "score": 0.9, "parameters": 5}]},
        "finalists": 3,
        "climbed": (),
        "baselines": {},
    }


def test_summarise__of_language_models_tells_the_lowest_perplexity() -> None:
    episodes = numbered(
        trained("worse", 90.0, metric="perplexity"), trained("best", 10.0, metric="perplexity"), ILLEGAL
    )
    summary = summarise(SETTINGS, PERPLEXITY, episodes, Times(), Choice(episodes[0], 2))
    assert summary.best_score == 10.0
    assert summary.best == Network("worse", 90.0, 5)
    assert summary.pareto_front == {"parameters": [Network("best", 10.0, 5)]}


def test_results__have_no_spread_for_one_seed() -> None:
    assert Results.of([0.5], [0.25]) == Results(1, 0.5, 0.25, 0.0)
    assert Results.of([0.25, 0.75], [0.0, 1.0]) == Results(2, 0.5, 0.5, 0.5**0.5)


def front(*networks: Network, cost: str = "parameters", larger_is_better: bool = True) -> list[str]:
    metric = replace(ACCURACY, larger_is_better=larger_is_better)
    return [each.architecture for each in pareto_front(networks, cost, metric)]


def test_pareto_front__is_what_no_other_beats_cheapest_first() -> None:
    networks = [
        Network("large", 0.9, 100, 10),
        Network("beaten", 0.8, 90, 95),
        Network("small", 0.8, 20, 90),
        Network("same", 0.8, 20, 90),
        Network("as good but larger", 0.9, 101, 11),
        Network("worse at the same size", 0.7, 20, 12),
        Network("smallest", 0.1, 1, 1),
    ]
    assert front(*networks) == ["smallest", "small", "large"]
    assert front(*networks, cost="multiply_adds") == ["smallest", "large"]


@pytest.mark.parametrize("sign", [1, -1])
def test_pareto_front__agrees_with_the_definition(sign: int) -> None:
    generator = np.random.default_rng(0)
    networks = [
        Network(str(i), sign * float(a) / 10, int(p))
        for i, (a, p) in enumerate(generator.integers(10, size=(60, 2)))
    ]
    metric = replace(ACCURACY, larger_is_better=sign > 0)
    found = {(each.score, each.parameters) for each in pareto_front(networks, "parameters", metric)}
    points = {(each.score, each.parameters or 0) for each in networks}
    assert found == {
        (a, p)
        for a, p in points
        if not any(sign * b >= sign * a and q <= p and (b, q) != (a, p) for b, q in points)
    }


def test_networks__have_the_mean_of_several_trainings_without_rounding() -> None:
    episodes = [
        trained("lucky once", 1.0),
        trained("steady", 0.8),
        failed("none"),
        trained("lucky once", 0.5),
    ]
    assert networks_of(episodes, ACCURACY) == [Network("lucky once", 0.75, 5), Network("steady", 0.8, 5)]
    (often,) = networks_of([trained("a", 0.98)] * 10, ACCURACY)
    assert often.score == 0.98
