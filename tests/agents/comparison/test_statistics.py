import numpy as np
import pytest
from scipy.stats import bootstrap

from agents.comparison.statistics import bootstrap_interval
from agents.errors import InvalidArgumentError


def test_bootstrap_interval__agrees_with_scipy() -> None:
    values = np.random.default_rng(1).gamma(2.0, size=12)
    low, high = bootstrap_interval(values, resamples=20_000)
    reference = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert low == pytest.approx(reference.low, abs=0.02)
    assert high == pytest.approx(reference.high, abs=0.02)


def test_bootstrap_interval__covers_the_true_mean_of_many_runs() -> None:
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        low, high = bootstrap_interval(generator.normal(size=30), resamples=500)
        hits += bool(low <= 0.0 <= high)
    assert 0.90 <= hits / 400 <= 0.98


def test_bootstrap_interval__works_along_curves_and_repeats() -> None:
    curves = np.random.default_rng(4).normal(size=(6, 50))
    low, high = bootstrap_interval(curves)
    assert low.shape == high.shape == (50,)
    assert (low <= curves.mean(axis=0)).all()
    assert (curves.mean(axis=0) <= high).all()
    assert np.array_equal(low, bootstrap_interval(curves)[0])
    assert not np.array_equal(low, bootstrap_interval(curves, seed=1)[0])


def test_bootstrap_interval__of_equal_runs_is_a_point() -> None:
    low, high = bootstrap_interval([0.5, 0.5, 0.5])
    assert float(low) == float(high) == 0.5


def test_bootstrap_interval__needs_a_run() -> None:
    with pytest.raises(InvalidArgumentError, match="at least one run"):
        bootstrap_interval([])
