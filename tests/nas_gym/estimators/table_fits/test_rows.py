import numpy as np
import pytest

from nas_gym.datasets.tables.columns import read_cells
from nas_gym.errors import InvalidDataError
from nas_gym.estimators.table_fits.rows import folds_of, groups_of, weighted


def test_weighted__whole_weights_are_equal_rows_and_others_stay() -> None:
    cells, y = read_cells([[1.0], [2.0], [3.0]]), np.array([0, 1, 0])
    repeated, answers, weights = weighted(cells, y, [2, 0, 1])
    assert (repeated.numbers[:, 0].tolist(), answers.tolist(), weights) == ([1.0, 1.0, 3.0], [0, 0, 0], None)
    kept, _, weights = weighted(cells, y, [0.5, 0.0, 1.5])
    assert weights is not None
    assert (kept.numbers[:, 0].tolist(), weights.tolist()) == ([1.0, 3.0], [0.5, 1.5])


def test_folds__judge_each_row_once_and_learn_from_every_class() -> None:
    y = np.array([0] * 9 + [1] * 3 + [2])
    folds = folds_of(y, 3, 5, seed=0)
    judged = np.concatenate([fold.validation for fold in folds])
    assert sorted(judged.tolist()) == list(range(12))  # the only row of a class is never judged on
    for fold in folds:
        assert set(y[fold.train]) == {0, 1, 2}
        assert not set(fold.train) & set(fold.validation)


def test_folds__classes_of_one_row_each_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="each of the 3 classes has 1 row"):
        folds_of(np.arange(3), 3, 5, seed=0)


def test_groups__are_rows_that_hold_the_same_counted_as_they_come() -> None:
    rows = [[2.0, "b"], [0.0, "a"], [None, "a"], [-0.0, "a"], [2.0, "b"], [float("nan"), "a"], [2.0, None]]
    assert groups_of(read_cells(np.array(rows, dtype=object))).tolist() == [0, 1, 2, 1, 0, 2, 3]


@pytest.mark.parametrize(("classes", "asked"), [(2, 4), (0, 4), (2, 0.25), (0, 0.25)])
def test_folds__keep_equal_rows_on_one_side(classes: int, asked: object) -> None:
    X = np.repeat(np.arange(20.0), 3)[:, None]
    y = np.arange(60) // 3 % 2
    folds = folds_of(y, classes, asked, 0, groups_of(read_cells(X)))
    for fold in folds:
        assert not set(X[fold.train, 0]) & set(X[fold.validation, 0])
        assert sorted([*fold.train, *fold.validation]) == list(range(60))
        assert len(fold.validation) == 15
    plain = folds_of(y, classes, asked, 0)
    assert any(set(X[fold.train, 0]) & set(X[fold.validation, 0]) for fold in plain)


def test_folds__of_rows_that_are_all_different_are_what_they_were() -> None:
    y = np.arange(30) % 3
    for plain, grouped in zip(folds_of(y, 3, 5, 1), folds_of(y, 3, 5, 1, np.arange(30)), strict=True):
        assert np.array_equal(plain.train, grouped.train)
        assert np.array_equal(plain.validation, grouped.validation)


def test_folds__of_rows_that_are_all_the_same_split_them_all_the_same() -> None:
    folds = folds_of(np.array([0, 1] * 5), 2, 5, 0, np.zeros(10, np.int64))
    assert sorted(np.concatenate([fold.validation for fold in folds]).tolist()) == list(range(10))
