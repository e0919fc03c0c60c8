import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_moons
from sklearn.exceptions import NotFittedError

from nas_gym import NASClassifier, NASRegressor
from nas_gym.datasets.tables.columns import read_cells
from nas_gym.estimators.table_fits.findings import ColumnFacts, facts_of
from nas_gym.estimators.table_fits.references import Comparison
from nas_gym.estimators.table_fits.report import html_page, verdict
from tests.nas_gym.estimators.table_fits.test_estimators import QUICK, frame


def test_facts__say_what_columns_were_taken_for() -> None:
    table = pd.DataFrame({"n": [1.0, None, 3.0], "s": ["b", None, "a"], "e": [None, None, None]})
    assert facts_of(read_cells(table)) == [
        ColumnFacts("n", "numbers", 1, "1 to 3"),
        ColumnFacts("s", "names", 1, "a, b"),
        ColumnFacts("e", "numbers", 3, "none at all"),
    ]


@pytest.mark.parametrize(
    ("values", "apart"),
    [
        (np.arange(30), True),
        (np.arange(30) + 0.5, False),
        (np.arange(30) // 2, False),
        ([f"row {row}" for row in range(30)], True),
        (np.where(np.arange(30) < 29, np.arange(30), np.nan), False),
    ],
)
def test_facts__say_what_tells_rows_apart(values: object, apart: bool) -> None:
    (known,) = facts_of(read_cells(pd.DataFrame({"id": values})))
    assert known.tells_rows_apart is apart


def test_verdict__says_whether_the_search_paid() -> None:
    better = Comparison("no search", 0.8, 0.1, 0.05, 0.15)
    worse = Comparison("Ridge", 0.9, -0.1, -0.2, -0.05)
    undecided = Comparison("no search", 0.9, 0.0, -0.1, 0.1)
    assert "better than no search; worse than Ridge. So the search paid" in verdict([better, worse])
    assert "not to be told apart from no search. That the search paid is not shown" in verdict([undecided])
    assert "references=True" in verdict([])


def test_page__of_two_features_has_regions_and_needs_no_network(tmp_path: Path) -> None:
    points, labels = make_moons(100, noise=0.1, random_state=0)
    NASClassifier(**QUICK, folder=tmp_path).fit(points, labels)
    page = (tmp_path / "report.html").read_text()
    for words in ("Decision regions", "Confusion matrix", "Calibration", "Reward of each architecture"):
        assert words in page
    assert f"nas_gym.load(&#34;{tmp_path.as_posix()}&#34;)" in page
    assert "NASClassifier(budget=4" in page
    assert "<script src" not in page and "<link" not in page


def test_page__of_numbers_shows_said_against_true() -> None:
    X, _ = frame(60)
    model = NASRegressor(**QUICK).fit(X, X["a"] * 2.0)
    page = html_page(model.findings_, "again", "use")
    assert "What it says against what is true" in page and "Confusion matrix" not in page


def test_pickle__leaves_the_rows_behind(tmp_path: Path) -> None:
    X, y = frame(60)
    model = NASClassifier(**QUICK).fit(X, y)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    with pytest.raises(NotFittedError):
        other.write_page(tmp_path / "page.html")
