from statistics import mean

import pytest
from scipy.stats import ttest_1samp, ttest_ind

from nas_gym.evaluation.comparison import Contender, gap, interval, markdown, verdict, winner

FOUND, HAND_MADE = (0.981, 0.985, 0.984), (0.970, 0.975, 0.974)


def contender(name: str, found: bool, test: tuple[float, ...], validation: float = 0.9) -> Contender:
    return Contender(name, found, (validation,) * len(test), test, 1234, None, 2.5)


def test_interval__is_student_s() -> None:
    bounds = ttest_1samp(FOUND, 0.0).confidence_interval(0.95)
    assert interval(FOUND) == pytest.approx((bounds.low, bounds.high))
    assert interval((0.9,)) is None


def test_gap__is_welch_s() -> None:
    bounds = ttest_ind(FOUND, HAND_MADE, equal_var=False).confidence_interval(0.95)
    assert gap(FOUND, HAND_MADE) == pytest.approx((mean(FOUND) - mean(HAND_MADE), bounds.low, bounds.high))
    assert gap(FOUND, (0.9,)) is None
    assert gap((0.9, 0.9), (0.8, 0.8)) is None


def test_gap__to_a_model_without_randomness_is_the_other_s_interval() -> None:
    difference = gap(FOUND, (0.97, 0.97, 0.97))
    bounds = interval(FOUND)
    assert difference is not None and bounds is not None
    assert difference[1:] == pytest.approx((bounds[0] - 0.97, bounds[1] - 0.97))


def test_winner__is_chosen_on_validation_data() -> None:
    better, lucky = contender("a", True, (0.7, 0.7), 0.95), contender("b", True, (0.9, 0.9), 0.94)
    assert winner([lucky, better, contender("hand-made", False, (0.9, 0.9), 0.99)]) is better


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (HAND_MADE, "exceeds the noise between seeds, net is better"),
        ((0.99, 0.992, 0.991), "exceeds the noise between seeds, hand-made is better"),
        ((0.95, 0.99, 0.97), "the gap does not exceed the noise"),
        ((0.98,), "cannot be told"),
    ],
)
def test_verdict__says_whether_the_gap_exceeds_the_noise(reference: tuple[float, ...], words: str) -> None:
    text = verdict([contender("net", True, FOUND), contender("hand-made", False, reference)])
    assert words in text
    assert f"{100 * (mean(FOUND) - mean(reference)):+.2f} points" in text


def test_verdict__without_a_reference() -> None:
    assert "no reference" in verdict([contender("net", True, FOUND)])


def test_markdown__has_a_row_for_each_contender() -> None:
    rows = markdown([contender("hand-made", False, (0.8,)), contender("net", True, FOUND, 0.95)]).splitlines()
    assert len(rows) == 4
    assert rows[2].startswith("| `net` | 0.9833 [") and "| 1,234 |  | 2.5 |" in rows[2]
    assert rows[3].startswith("| hand-made | 0.8000 | 0.9000 |")
