"""Tables as they are: nothing is lost silently, and a refusal names the column and the cause."""

from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from nas_gym.errors import InvalidDataError

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
FAR = np.where(np.arange(180).reshape(60, 3) == 0, 1e300, X)


def trained(table: Any, y: Any = Y, **keywords: Any) -> dict[str, Any]:  # noqa: ANN401
    env = gym.make("nas_gym:NAS-Tabular-v0", X=table, y=y, recipe={"epochs": 2}, **keywords)
    env.reset()
    env.step(3)
    info = env.step(9)[4]
    assert info["evaluation"]["status"] == "ok"
    scores: dict[str, Any] = info["evaluation"]["scores"]
    return scores


def refusal(table: Any, y: Any = Y, **keywords: Any) -> str:  # noqa: ANN401
    with pytest.raises(InvalidDataError) as error:
        trained(table, y, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (X + 1j, "X holds complex numbers in column 0, all must be real"),
        (FRAME.assign(b=X[:, 1] + 1j), "X holds complex numbers in column 'b'"),
        (np.ma.masked_array(X, X > 1), "values of X are masked; fill them or leave these rows out"),
        (scipy.sparse.csr_matrix(X), "X is a sparse matrix; X.toarray() is one of numbers"),
        (FRAME.assign(a=["x", "y"] * 30), "; column 'a' holds text, such as 'x'"),
        (FRAME.assign(c=pd.Categorical(["u", "v"] * 30)), "; column 'c' holds text, such as 'u'"),
        (
            FRAME.assign(b=pd.date_range("2026", periods=60)),
            "; column 'b' holds dates or times, such as '2026",
        ),
        (FRAME.assign(b=pd.to_timedelta(range(60))), "; column 'b' holds dates or times"),
        (FRAME.assign(a=pd.array([1, None] * 30, dtype="Int64")), "; column 'a' holds missing values"),
        (np.array([["a", 1.0, None]] * 60, dtype=object), "; column 0 holds text, such as 'a'"),
        (np.array([[1, 10**400]] * 60, dtype=object), "; column 1 holds numbers that are too large"),
        (FRAME.assign(c=[np.nan] + [1.0] * 59), "all must be finite; the first in column 'c'"),
        (FAR, "column 0 holds 1e+300, too far from what the training part holds"),
    ],
)
def test_columns__that_cannot_be_learned_from_are_named(table: Any, says: str) -> None:  # noqa: ANN401
    assert says in refusal(table)


@pytest.mark.parametrize("task", [None, "regression"])
def test_answers__lose_nothing_silently(task: str | None) -> None:
    y = Y if task is None else X[:, 0]
    assert "values of y are masked" in refusal(X, np.ma.masked_array(y, X[:, 0] > 1), task=task)
    assert "y holds complex numbers, all must be real" in refusal(X, y + 1j, task=task)
    assert "y is a sparse matrix" in refusal(X, scipy.sparse.csr_matrix(y), task=task)


@pytest.mark.parametrize(
    "table",
    [
        X * 1e200,
        X * 1e-200,
        X + 0j,
        np.ma.masked_array(X),
        FRAME.astype(object),
        X.astype(np.longdouble),
        X.astype(str),
    ],
    ids=["large", "small", "real", "unmasked", "objects", "long", "written"],
)
def test_tables__that_hold_the_same_are_learned_the_same(table: Any) -> None:  # noqa: ANN401
    assert trained(table) == trained(X)
