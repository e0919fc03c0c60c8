import numpy as np
import pytest
from numpy.typing import NDArray
from rliable import metrics
from scipy.stats import bootstrap, mannwhitneyu

from nas_gym.benchmark.statistics import (
    bootstrap_interval,
    improvement_intervals,
    interquartile_interval,
    percentile_tail,
    probability_of_improvement,
    share_interval,
)
from nas_gym.errors import InvalidArgumentError

SEEDS = 50
REPETITIONS = 1_000


def scores(seed: int, runs: int, environments: int, mean: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(mean, size=(runs, environments))


@pytest.mark.parametrize("runs", [4, 7, 50])
def test_interquartile_interval__is_about_the_mean_of_rliable(runs: int) -> None:
    values = scores(runs, runs, 1)
    found = interquartile_interval(values.ravel())
    assert found.value == pytest.approx(metrics.aggregate_iqm(values))
    assert found.low < found.value < found.high


def test_share_interval__is_exact() -> None:
    none, every = share_interval(0, 6), share_interval(6, 6)
    assert (none.value, none.low, every.value, every.high) == (0.0, 0.0, 1.0, 1.0)
    assert [none.high, every.low] == pytest.approx([1 - 0.025 ** (1 / 6), 0.025 ** (1 / 6)])


def test_probability_of_improvement__is_that_of_rliable() -> None:
    # Rounded, so that there are ties. A whole column of ties would count as one half in both.
    first, second = scores(1, 12, 3, mean=0.4).round(1), scores(2, 12, 3).round(1)
    expected = metrics.probability_of_improvement(first, second)
    assert probability_of_improvement(first, second) == pytest.approx(expected)
    assert probability_of_improvement(second, first) == pytest.approx(1 - expected)
    statistic = mannwhitneyu(first[:, 0], second[:, 0]).statistic
    assert probability_of_improvement(first[:, 0], second[:, 0]) == pytest.approx(statistic / 144)
    assert probability_of_improvement([1.0, 1.0], [1.0, 1.0]) == 0.5


def test_bootstrap_interval__agrees_with_scipy_at_the_expanded_level() -> None:
    values = np.random.default_rng(1).gamma(2.0, size=12)
    low, high = bootstrap_interval(values, resamples=20_000)
    level = 1 - 2 * percentile_tail(12, 0.95)
    assert 0.95 < level < 0.99
    reference = bootstrap(
        (values,), np.mean, confidence_level=level, n_resamples=20_000, method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    assert low == pytest.approx(reference.low, abs=0.03)
    assert high == pytest.approx(reference.high, abs=0.03)


# Normal scores, as line 8 of the comparison's promises has it: the truth is in 92 to 98 % of intervals.
def test_bootstrap_interval__covers_the_true_mean_of_normal_scores() -> None:
    low, high = bootstrap_interval(scores(4, SEEDS, REPETITIONS), resamples=2_000)
    assert 0.92 <= np.mean((low <= 0) & (0 <= high)) <= 0.98


@pytest.mark.slow  # a thousand repetitions
@pytest.mark.timeout(20)
def test_interquartile_interval__covers_the_true_mean_of_normal_scores() -> None:
    hits = 0
    for seed in range(REPETITIONS):
        found = interquartile_interval(scores(seed, SEEDS, 1)[:, 0], resamples=400, seed=seed)
        hits += found.low <= 0 <= found.high
    assert 0.92 <= hits / REPETITIONS <= 0.98


@pytest.mark.slow  # a thousand repetitions
@pytest.mark.timeout(20)
def test_improvement_intervals__covers_the_true_probability_of_normal_scores() -> None:
    hits = 0
    for seed in range(REPETITIONS):
        first, second = scores(2 * seed, SEEDS, 1, mean=0.5), scores(2 * seed + 1, SEEDS, 1)
        ((low, high),) = improvement_intervals(first, second, (0.95,), resamples=400, seed=seed)
        hits += low <= 0.6382 <= high  # Phi(0.5 / sqrt(2))
    assert 0.92 <= hits / REPETITIONS <= 0.98


def test_percentile_tail__widens_intervals_of_few_runs() -> None:
    values = scores(5, 5, 2_000)
    low, high = bootstrap_interval(values, resamples=2_000)
    expanded = np.mean((low <= 0) & (0 <= high))
    assert 0.88 <= expanded <= 0.97  # the plain percentile interval covers 83 %
    assert percentile_tail(1, 0.95) == 0.0
    assert percentile_tail(1_000, 0.95) == pytest.approx(0.025, abs=0.001)


def test_improvement_intervals__are_no_points_where_all_runs_agree() -> None:
    def interval(first: list[float], second: list[float]) -> tuple[float, float]:
        return improvement_intervals(first, second, (0.95,))[0]

    low, high = interval([2.0] * 5, [1.0] * 5)
    assert (round(low, 2), high) == (0.64, 1.0)
    assert interval([1.0] * 5, [2.0] * 5) == pytest.approx((0.0, 1 - low))
    low, high = interval([1.0] * 5, [1.0] * 5)
    assert low < 0.3 and high == pytest.approx(1 - low)
    # The score interval solves (estimate - bound)^2 = z^2 variance; two runs each do not exclude 1/2.
    assert interval([2.0] * 2, [1.0] * 2)[0] < 0.5


def test_bootstrap_interval__works_along_curves_and_repeats() -> None:
    curves = np.random.default_rng(4).normal(size=(6, 50))
    low, high = bootstrap_interval(curves)
    assert low.shape == high.shape == (50,)
    assert (low <= curves.mean(axis=0)).all()
    assert (curves.mean(axis=0) <= high).all()
    assert np.array_equal(low, bootstrap_interval(curves)[0])
    assert not np.array_equal(low, bootstrap_interval(curves, seed=1)[0])


def test_intervals__need_a_run() -> None:
    with pytest.raises(InvalidArgumentError, match="at least one run"):
        bootstrap_interval([])
    with pytest.raises(InvalidArgumentError, match="shape"):
        improvement_intervals(np.zeros((0, 2)), np.zeros((0, 2)), (0.95,))
