import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, make_classification
from sklearn.metrics import accuracy_score, r2_score

from nas_gym.datasets.tables.columns import read_cells
from nas_gym.estimators.table_fits.plan import Answers
from nas_gym.estimators.table_fits.references import answers_of_references, compare
from nas_gym.estimators.table_fits.rows import folds_of
from nas_gym.estimators.table_fits.splits import Rehearsal, Rows, TaskName


def rehearsal_of(task: TaskName, X: object, y: np.ndarray, classes: int) -> Rehearsal:
    """Return a table with three folds."""
    return Rehearsal(task, read_cells(X), y, None, classes, folds_of(y, classes, 3, 0))


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_compare__tells_apart_what_is_apart(gap: float) -> None:
    truth = np.zeros(400)
    ours, theirs = np.zeros((400, 1)), np.zeros((400, 1))
    ours[:40] = 1.0
    theirs[100 : 140 + int(gap * 400)] = 1.0

    def score(rows: Rows, answers: Answers) -> float:
        return accuracy_score(truth[rows], answers[:, 0])  # type: ignore[no-any-return]

    found = compare("other", ours, theirs, score, sign=1, seed=0)
    assert found.gap == pytest.approx(gap)
    assert found.low < gap < found.high
    assert found.verdict == ("better" if gap else "undecided")
    turned = compare("other", ours, theirs, score, sign=-1, seed=0)
    assert turned.verdict == ("worse" if gap else "undecided")


def test_classifiers__have_not_seen_what_they_answer() -> None:
    X, y = make_classification(240, 6, n_informative=4, random_state=0)
    table = pd.DataFrame(X).assign(name=np.where(X[:, 0] > 0.0, "a", ""))
    table.iloc[::7, 1] = np.nan
    rehearsal = rehearsal_of("classification", table, y.astype(np.int64), 2)
    for name, answers in answers_of_references(rehearsal, 0):
        np.testing.assert_allclose(answers.sum(axis=1), 1.0, err_msg=name)
        accuracy = accuracy_score(y[rehearsal.validation], answers.argmax(axis=1))
        assert 0.6 < accuracy < 1.0, name  # a coin has 0.5, who has seen the rows 1


def test_regressors__answer_in_units() -> None:
    X, y = load_diabetes(return_X_y=True)
    rehearsal = rehearsal_of("regression", X, y, 0)
    for name, answers in answers_of_references(rehearsal, 0):
        assert r2_score(y[rehearsal.validation], answers[:, 0]) > 0.2, name
