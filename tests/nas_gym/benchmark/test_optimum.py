import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from nas_gym.benchmark.optimum import Median, find_optimum

REACHED = [10, 20, None, 30, 80, None, 20]
BUDGET = 100
CHILDREN = np.arange(1, BUDGET + 1)


def test_find_optimum__has_the_curve_of_kaplan_and_meier() -> None:
    times = [BUDGET if time is None else time for time in REACHED]
    data = CensoredData.right_censored(times, [time is None for time in REACHED])
    curve = find_optimum(REACHED, CHILDREN).curve
    assert curve.mean == pytest.approx(1 - ecdf(data).sf.evaluate(CHILDREN))
    assert all(point.low <= point.value <= point.high for point in curve.points())


def test_find_optimum__counts_the_budget_for_censored_runs() -> None:
    optimum = find_optimum(REACHED, CHILDREN)
    assert optimum.runs == 5 and optimum.share.value == pytest.approx(5 / 7)
    assert optimum.restricted_mean.value == pytest.approx((10 + 20 + 30 + 80 + 20 + 200) / 7)
    assert optimum.median == Median(30, 10, None)


def test_find_optimum__knows_no_median_if_fewer_than_half_arrived() -> None:
    assert find_optimum([5, None, None], CHILDREN).median.value is None
    assert find_optimum([5, None], CHILDREN).median.value == 5
