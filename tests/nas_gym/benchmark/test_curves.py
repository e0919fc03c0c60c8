from dataclasses import replace

import numpy as np

from nas_gym.benchmark.curves import POINTS, best_so_far, grid, on_grid, rewards_so_far
from nas_gym.benchmark.runs import Curve
from tests.nas_gym.benchmark.made_up import make_run


def test_on_grid__keeps_each_answer_until_the_next() -> None:
    run = replace(make_run(0, 0.9), curve=Curve([2, 5], [0.5, 0.9], [0.4, 0.7]))
    assert on_grid(run, "validation", np.arange(1, 8), 0.1).tolist() == [0.1, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9]
    assert on_grid(run, "test", np.arange(4, 6), 0.1).tolist() == [0.4, 0.7]


def test_grid__has_both_ends_and_few_points() -> None:
    assert grid(5).tolist() == [1, 2, 3, 4, 5]
    assert (grid(100_000)[0], grid(100_000)[-1], len(grid(100_000))) == (1, 100_000, POINTS)


def test_best_so_far__is_the_mean_in_its_band() -> None:
    runs = [make_run(seed, score) for seed, score in enumerate((0.7, 0.8, 0.9))]
    band = best_so_far(runs, "validation", np.array([1, 20]), 0.0)
    assert np.allclose(band.mean, [0.7, 0.8])
    assert all(point.low < point.value < point.high for point in band.points())


def test_rewards_so_far__ends_with_the_shortest_run() -> None:
    runs = [replace(make_run(0, 0.9), rewards=rewards) for rewards in ([0.0, 1.0, 1.0], [0.0, 0.5])]
    curve = rewards_so_far(runs, window=1)
    assert (curve.episodes, curve.rewards.mean) == ([1, 2], [0.0, 0.75])
