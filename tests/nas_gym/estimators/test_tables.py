from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, make_moons

from nas_gym import NASClassifier, NASRegressor
from nas_gym.errors import InvalidDataError, KeptNetworkError
from nas_gym.kept.table_model import TableModel

QUICK: dict[str, Any] = {
    "budget": 4,
    "space": {"widths": [16]},
    "encoding": "standard",
    "validation": 3,
    "random_state": 0,
}


def frame(rows: int = 120) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table of two numbers, one with gaps, and names that tell nothing."""
    points, labels = make_moons(rows, noise=0.1, random_state=0)
    table = pd.DataFrame({"a": points[:, 0], "b": points[:, 1], "name": ["red", "green", None] * (rows // 3)})
    table.loc[::10, "b"] = np.nan
    return table, pd.Series(np.where(labels == 1, "yes", "no"), name="answer")


def test_classifier__learns_strings_and_gaps() -> None:
    X, y = frame()
    model = NASClassifier(**QUICK).fit(X, y)
    assert model.score(X, y) > 0.85  # a coin has 0.5
    assert list(model.classes_) == ["no", "yes"]
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


def test_classifier__same_seed_same_answers_whatever_the_order_of_rows() -> None:
    X, y = frame()
    drawn = np.random.default_rng(0).permutation(len(X))
    first = NASClassifier(**QUICK).fit(X, y).predict_proba(X)
    again = NASClassifier(**QUICK).fit(X.iloc[drawn], y.iloc[drawn]).predict_proba(X)
    np.testing.assert_array_equal(first, again)


def test_model__is_loaded_without_data(tmp_path: Path) -> None:
    X, y = frame()
    model = NASClassifier(**QUICK).fit(X, y)
    model.model_.save(tmp_path / "model")
    loaded = TableModel.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(KeptNetworkError, match="damaged"):
        TableModel.load(tmp_path / "model")


def test_regressor__is_better_than_the_mean() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = NASRegressor(**QUICK).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.3  # the mean has 0


def test_dates__are_refused_by_name() -> None:
    X, y = frame()
    X["day"] = pd.Timestamp("2026-01-01")
    with pytest.raises(InvalidDataError, match="'day' holds dates"):
        NASClassifier(**QUICK).fit(X, y)
