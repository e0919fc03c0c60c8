from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, make_moons

from nas_gym import NASClassifier, NASRegressor
from nas_gym.errors import InvalidDataError, KeptNetworkError
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.fused.trainer import FusedTrainer
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


def test_folder__an_interrupted_fit_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = frame()
    whole = NASClassifier(**QUICK).fit(X, y)
    trained: list[object] = []
    train = FusedTrainer.train

    def stop_after_some(trainer: FusedTrainer, child: Child, build: None = None) -> object:
        trained.append(child)
        if len(trained) == 14:  # six settings of three folds are tried first, then the widest is trained
            raise KeyboardInterrupt
        return train(trainer, child, build)

    stopped = NASClassifier(**QUICK, folder=tmp_path, n_jobs=1)
    monkeypatch.setattr(FusedTrainer, "train", stop_after_some)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, y)
    first = trained.copy()
    resumed = stopped.fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    np.testing.assert_array_equal(TableModel.load(tmp_path).predict_proba(X), whole.predict_proba(X))
    assert len(first) == 14
    trained.clear()
    again = stopped.fit(X, y)
    assert len(trained) == 6, "the settings alone are tried again"
    np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


def test_minutes__too_few_still_answer() -> None:
    X, y = frame()
    model = NASClassifier(**{**QUICK, "budget": None}, minutes=1e-4).fit(X, y)
    assert model.score(X, y) > 0.6
    assert not model.study_


def test_references__are_judged_on_the_same_rows() -> None:
    X, y = frame()
    model = NASClassifier(**QUICK, references=True).fit(X, y)
    assert {"no search", "LogisticRegression", "HistGradientBoosting"} <= {
        each.name for each in model.comparisons_
    }
    for each in model.comparisons_:
        assert each.low <= each.gap <= each.high
        assert each.gap == pytest.approx(model.validation_score_ - each.score)


def test_empty_column__is_named_and_tells_nothing() -> None:
    X, y = frame()
    with pytest.warns(UserWarning, match="column 'void' holds no value"):
        model = NASClassifier(**QUICK).fit(X.assign(void=np.nan), y)
    assert model.score(X.assign(void=np.nan), y) > 0.85
