import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from nas_gym.benchmark.censored import reached_curve, summarise_reached

REACHED = [10, 20, None, 30, 80, None, 20]
BUDGET = 100


def test_reached_curve__is_the_estimator_of_kaplan_and_meier() -> None:
    times = [BUDGET if time is None else time for time in REACHED]
    data = CensoredData.right_censored(times, [time is None for time in REACHED])
    children = np.arange(1, BUDGET + 1)
    curve = reached_curve(REACHED, children)
    assert curve["mean"] == pytest.approx(1 - ecdf(data).sf.evaluate(children))
    assert (np.array(curve["low"]) <= curve["mean"]).all()
    assert (np.array(curve["high"]) >= curve["mean"]).all()


def test_reached_curve__knows_that_none_of_six_does_not_mean_never() -> None:
    curve = reached_curve([None] * 6, np.array([BUDGET]))
    assert (curve["mean"], curve["low"]) == ([0.0], [0.0])
    assert curve["high"][0] == pytest.approx(1 - 0.025 ** (1 / 6))
    assert reached_curve([1] * 6, np.array([BUDGET]))["low"][0] == pytest.approx(0.025 ** (1 / 6))


def test_summarise_reached__counts_the_budget_for_censored_runs() -> None:
    summary = summarise_reached(REACHED, BUDGET)
    assert summary["runs"] == 5
    assert summary["restricted_mean"]["value"] == pytest.approx((10 + 20 + 30 + 80 + 20 + 200) / 7)
    assert summary["median"]["value"] == 30
    assert summary["median"]["low"] <= 30
    assert summary["median"]["high"] is None


def test_summarise_reached__knows_no_median_if_fewer_than_half_arrived() -> None:
    assert summarise_reached([5, None, None], BUDGET)["median"]["value"] is None
    assert summarise_reached([5, None], BUDGET)["median"]["value"] == 5
