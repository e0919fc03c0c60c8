import numpy as np
import pytest

from nas_gym.datasets.tables.columns import read_cells
from nas_gym.errors import InvalidDataError
from nas_gym.estimators.rows import folds_of, weighted


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
