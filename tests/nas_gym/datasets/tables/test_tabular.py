from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.tables.tabular import tabular
from nas_gym.errors import InvalidArgumentError, InvalidDataError, NasGymError
from tests.nas_gym.doubles import blobs


def parts_of(data: Dataset) -> list[Split]:
    assert data.test is not None
    return [data.train, data.validation, data.test]


def with_value(value: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    features = np.zeros((90, 4))
    features[7, 2] = value
    return features


GOOD = blobs()
ONE_CLASS_RARE = np.array([0] * 88 + [1] * 2)


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (with_value(np.nan), GOOD["y"], "1 values of X are NaN or infinite"),
        (with_value(np.inf), GOOD["y"], "1 values of X are NaN or infinite"),
        (with_value(-np.inf), GOOD["y"], "1 values of X are NaN or infinite"),
        (GOOD["X"], np.where(np.arange(90) == 5, np.nan, 1.0 * GOOD["y"]), "y holds NaN"),
        (GOOD["X"], np.zeros(90, dtype=int), "y holds 1 class, at least 2 are needed"),
        (GOOD["X"], GOOD["y"][:80], "90 rows of X, got shape (80,)"),
        (GOOD["X"], GOOD["y"][:, None], "got shape (90, 1)"),
        (GOOD["X"][:, 0], GOOD["y"], "got (90,)"),
        (GOOD["X"][:, :0], GOOD["y"], "got (90, 0)"),
        (GOOD["X"][:0], GOOD["y"][:0], "0"),
        (GOOD["X"], ONE_CLASS_RARE, "class 1 has 2 samples, at least 3 are needed"),
        ([["a", "b"]] * 90, GOOD["y"], "real numbers"),
        ([[1.0], [1.0, 2.0]], [0, 1], "real numbers"),
        (GOOD["X"], [[0, 1], [0]], "y"),
        (GOOD["X"], [None, "a", 1] * 30, "y"),
    ],
)
def test_tabular__refuses_data_that_cannot_be_learned_from(X: object, y: object, says: str) -> None:
    with pytest.raises(InvalidDataError) as error:
        tabular(X, y)  # type: ignore[arg-type]
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("split", [(1, 1), (0.99, 0.005, 0.005), (100, 1, 1)])
def test_tabular__refuses_a_split_that_leaves_a_part_without_samples(split: tuple[float, ...]) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        tabular(**GOOD, split=split)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("largest", [4, 10, 30, 100])
@pytest.mark.parametrize("smallest", [3, 4, 5])
@pytest.mark.parametrize("split", [(0.7, 0.1, 0.2), (1, 1, 1), (0.1, 0.1, 0.8)])
def test_tabular__has_every_class_in_training_or_says_in_one_line_why_not(
    smallest: int, largest: int, split: tuple[float, float, float]
) -> None:
    y = np.array([0] * largest + [1] * smallest)
    X = np.arange(len(y) * 2.0).reshape(-1, 2)
    try:
        data = tabular(X, y, split=split)
    except NasGymError as error:
        assert "\n" not in str(error)
    else:
        assert set(data.train.labels.tolist()) == {0, 1}
        assert sum(len(part) for part in parts_of(data)) == len(y)


def test_tabular__standardises_on_the_training_part_alone() -> None:
    generator = np.random.default_rng(1)
    X = generator.normal(loc=(5, -100, 7, 0), scale=(1, 30, 1e-3, 1), size=(300, 4))
    X[:, 3] = 42.0
    train, validation, test = parts_of(tabular(X, np.arange(300) % 2))
    np.testing.assert_allclose(train.features[:, :3].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.features[:, :3].std(axis=0), 1, atol=1e-5)
    assert abs(float(validation.features[:, :3].mean())) > 1e-3
    for part in (train, validation, test):
        assert not part.features[:, 3].any(), "a constant feature becomes 0"


@pytest.mark.parametrize("constant", [0.1, 1e8 / 3, 1e-20, -7.7])
def test_tabular__turns_a_constant_feature_into_zeros(constant: float) -> None:
    X = np.column_stack([np.arange(70.0), np.full(70, constant)])
    for part in parts_of(tabular(X, np.arange(70) % 2)):
        assert not part.features[:, 1].any()


def test_tabular__splits_every_class_alike() -> None:
    y = np.array([0] * 600 + [1] * 300 + [2] * 100)
    data = tabular(np.arange(1000.0)[:, None], y)
    for part, size in zip(parts_of(data), (700, 100, 200), strict=True):
        assert len(part) == size
        assert np.bincount(part.labels).tolist() == [0.6 * size, 0.3 * size, 0.1 * size]


def test_tabular__keeps_each_row_with_its_label_and_loses_none() -> None:
    y = np.arange(200) % 2
    X = np.arange(200.0)[:, None]
    data = tabular(X, y)
    scaled = np.concatenate([part.features[:, 0] for part in parts_of(data)])
    labels = np.concatenate([part.labels for part in parts_of(data)])
    order = np.argsort(scaled)
    assert len(set(scaled.tolist())) == 200
    assert np.array_equal(labels[order], y)


def test_tabular__numbers_the_classes_in_sorted_order() -> None:
    names = ["b", "c", "a"] * 30
    data = tabular(np.tile(np.eye(3), (30, 1)), names)
    assert data.classes == 3
    for part in parts_of(data):
        columns = part.features.argmax(axis=1)  # row i of X has its one at i % 3, as names has its name
        assert part.labels.tolist() == [(1, 2, 0)[column] for column in columns]


def test_tabular__leaves_the_arrays_of_the_user_alone() -> None:
    X, y = GOOD["X"].copy(), GOOD["y"].copy()
    tabular(X, y)
    assert np.array_equal(X, GOOD["X"])
    assert np.array_equal(y, GOOD["y"])


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_tabular__is_the_same_in_any_unit(factor: float) -> None:
    usual, other = tabular(**GOOD), tabular(GOOD["X"] * factor, GOOD["y"])
    for expected, part in zip(parts_of(usual), parts_of(other), strict=True):
        np.testing.assert_allclose(part.features, expected.features, atol=1e-5)
