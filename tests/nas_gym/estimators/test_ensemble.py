import numpy as np
import pytest

from nas_gym.estimators.ensemble import select

TRUTH = np.array([0.0, 1.0, 2.0, 3.0])


def loss(answers: np.ndarray) -> float:
    return float(((answers - TRUTH) ** 2).mean())


def test_select__takes_networks_whose_errors_cancel() -> None:
    good = TRUTH + 0.1
    above, below = TRUTH + 1.0, TRUTH - 1.0
    shares = select([above, below], loss, most=2)
    assert shares == [0.5, 0.5]
    assert select([above, good, below], loss, most=1) == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_select__takes_no_more_than_allowed_and_shares_sum_to_one(most: int) -> None:
    answers = [TRUTH + noise for noise in np.random.default_rng(0).normal(size=(10, 4))]
    shares = select(answers, loss, most)
    assert 1 <= sum(share > 0 for share in shares) <= most
    assert sum(shares) == pytest.approx(1.0)
    assert loss(sum(s * a for s, a in zip(shares, answers, strict=True))) <= min(map(loss, answers))
