import numpy as np
import pytest

from nas_gym.datasets.tables.numbers import numbers
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from tests.nas_gym.doubles import values

GOOD = values()
X, Y = GOOD["X"], GOOD["y"]


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.where(np.arange(90) == 5, np.nan, Y), "1 values of y are NaN or infinite"),
        (np.where(np.arange(90) < 2, np.inf, Y), "2 values of y are NaN or infinite"),
        (Y[:80], "90 rows of X, got shape (80,)"),
        (Y[:, None], "got shape (90, 1)"),
        (["a"] * 90, "one real number for each row"),
        (np.full(90, 7.5), "all numbers of the training part are 7.5"),
    ],
)
def test_numbers__refuse_what_cannot_be_learned(y: object, says: str) -> None:
    with pytest.raises(InvalidDataError) as error:
        numbers(X, y)  # type: ignore[arg-type]
    assert says in str(error.value) and "\n" not in str(error.value)


def test_numbers__need_two_samples_in_each_part() -> None:
    with pytest.raises(InvalidArgumentError) as error:
        numbers(X[:4], Y[:4], split=(2, 1, 1))
    assert str(error.value) == "split leaves 2, 1, 1 samples, each part needs at least 2"


@pytest.mark.parametrize("factor", [1.0, -1e200, 1e-200])
def test_numbers__are_standardised_on_the_training_part_alone(factor: float) -> None:
    data = numbers(X, factor * Y, split=(40, 25, 25), seed=3)
    assert data.test is not None and (len(data.validation), len(data.test)) == (25, 25)
    assert abs(data.train.labels.mean()) < 1e-6 and abs(data.train.labels.std() - 1) < 1e-6
    assert abs(data.validation.labels.std() - 1) > 1e-3
    turned_back = np.concatenate(
        [
            data.mean + data.unit * part.labels.astype(float)
            for part in (data.train, data.validation, data.test)
        ]
    )
    np.testing.assert_allclose(np.sort(turned_back), np.sort(factor * Y), rtol=1e-5)
