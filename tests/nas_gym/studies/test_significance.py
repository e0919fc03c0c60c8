from statistics import mean

import pytest
from scipy.stats import ttest_1samp, ttest_ind

from nas_gym.studies.significance import gap, interval

FOUND, HAND_MADE = (0.981, 0.985, 0.984), (0.970, 0.975, 0.974)


def test_interval__is_student_s() -> None:
    bounds = ttest_1samp(FOUND, 0.0).confidence_interval(0.95)
    assert interval(FOUND) == pytest.approx((bounds.low, bounds.high))
    assert interval((0.9,)) is None
    assert interval((0.9, 0.9)) == (0.9, 0.9)


def test_gap__is_welch_s() -> None:
    bounds = ttest_ind(FOUND, HAND_MADE, equal_var=False).confidence_interval(0.95)
    assert gap(FOUND, HAND_MADE) == pytest.approx((bounds.low, bounds.high))
    assert gap(FOUND, (0.9,)) is None
    assert gap((0.9, 0.9), (0.8, 0.8)) is None


def test_gap__to_a_model_without_randomness_is_the_other_s_interval() -> None:
    found, bounds = gap(FOUND, (0.97,), second_is_certain=True), interval(FOUND)
    assert found is not None and bounds is not None
    assert found == pytest.approx((bounds[0] - 0.97, bounds[1] - 0.97))
    assert found == pytest.approx(gap(FOUND, (0.97, 0.97, 0.97)))
    assert mean(found) == pytest.approx(mean(FOUND) - 0.97)
