import numpy as np

from nas_gym.benchmark.curves import POINTS, best_so_far, grid, on_grid, rewards_so_far
from tests.nas_gym.benchmark.results import make_run


def test_on_grid__keeps_each_answer_until_the_next() -> None:
    run = {"curve": {"children": [2, 5], "validation": [0.5, 0.9]}}
    assert on_grid(run, "validation", np.arange(1, 8)).tolist() == [0.0, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9]


def test_grid__has_both_ends_and_few_points() -> None:
    assert grid(5).tolist() == [1, 2, 3, 4, 5]
    assert (grid(100_000)[0], grid(100_000)[-1], len(grid(100_000))) == (1, 100_000, POINTS)


def test_best_so_far__is_the_mean_in_its_band() -> None:
    runs = [make_run(seed, accuracy) for seed, accuracy in enumerate((0.7, 0.8, 0.9))]
    band = best_so_far(runs, "validation", np.array([1, 20]))
    assert np.allclose(band["mean"], [0.7, 0.8])
    assert all(
        low < mean < high for low, mean, high in zip(band["low"], band["mean"], band["high"], strict=True)
    )


def test_rewards_so_far__ends_with_the_shortest_run() -> None:
    runs = [{"rewards": [0.0, 1.0, 1.0]}, {"rewards": [0.0, 0.5]}]
    curve = rewards_so_far(runs, window=1)
    assert (curve["episodes"], curve["mean"]) == ([1, 2], [0.0, 0.75])
