from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nas_gym
from nas_gym.errors import InvalidArgumentError, InvalidDataError, KeptNetworkError, NasGymError
from nas_gym.estimators.command import Fit, Predict, read_table
from nas_gym.kept.table_model import TableModel


def passengers(rows: int = 90) -> pd.DataFrame:
    """Return numbers with gaps, names with gaps, and whether they survived, which follows from the names."""
    drawn = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": drawn.normal(40.0, 10.0, rows).round(),
            "sex": drawn.choice(["m", "f"], rows),
            "port": drawn.choice(np.array(["S", "C", None], dtype=object), rows),
        }
    )
    table.loc[::9, "age"] = np.nan
    table["survived"] = np.where(table["sex"] == "f", "yes", "no")
    return table


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    passengers().to_csv(folder / "table.csv", index=False)
    Fit(folder / "table.csv", "survived", folder / "model", budget=1, references=False).run()
    return folder


def test_predict__writes_a_line_for_each_row(fitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = passengers().drop(columns="survived")
    rows.loc[0, "port"] = "a port that was never seen"
    rows.to_csv(fitted / "new.csv", index=False)
    Predict(fitted / "model", fitted / "new.csv", probabilities=True).run()
    capsys.readouterr()
    Predict(fitted / "model", fitted / "new.csv", fitted / "answers.csv", probabilities=True).run()
    answers = pd.read_csv(fitted / "answers.csv")
    assert answers.columns.tolist() == ["survived", "probability of no", "probability of yes"]
    assert (answers["survived"] == passengers()["survived"]).mean() > 0.95
    loaded = nas_gym.load(fitted / "model")
    assert isinstance(loaded, TableModel)
    expected = loaded.predict_proba(rows)
    np.testing.assert_allclose(answers.iloc[:, 1:], expected, rtol=1e-12)


@pytest.mark.timeout(60)
def test_fit__says_what_it_understood_and_how_the_references_fare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passengers(30).to_csv(tmp_path / "table.csv", index=False)
    Fit(tmp_path / "table.csv", "survived", tmp_path / "model", budget=0, drop=("port",)).run()
    said = capsys.readouterr().out
    assert "age" in said and "numbers" in said
    assert "30 rows, to predict survived, one of 2 classes" in said
    assert "HistGradientBoosting" in said and "RandomForest" in said
    assert " port " not in said
    page = (tmp_path / "model" / "report.html").read_text()
    assert "Networks that predict survived" in page and "RandomForest" in page
    command = f"nas-gym fit {tmp_path / 'table.csv'} --target survived --out {tmp_path / 'model'}"
    assert f"{command} --budget 0 --drop port" in page


def test_fit__numbers_with_many_values_are_regressed(tmp_path: Path) -> None:
    table = passengers(60)
    table["age"] = table["age"].fillna(40.0) * 1.5
    table.to_csv(tmp_path / "table.csv", index=False)
    Fit(tmp_path / "table.csv", "age", tmp_path / "model", budget=0, references=False).run()
    assert TableModel.load(tmp_path / "model").classes is None
    with pytest.raises(InvalidArgumentError, match="no probabilities"):
        Predict(tmp_path / "model", tmp_path / "table.csv", probabilities=True).run()


def test_fit__unknown_target_is_answered_with_the_columns(fitted: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="no column 'survivd'; there are age, sex, port, survived"):
        Fit(fitted / "table.csv", "survivd").run()


def test_fit__dates_are_refused_by_name(tmp_path: Path) -> None:
    passengers().assign(day="2026-01-31").to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InvalidDataError, match="'day' holds dates, such as 2026-01-31"):
        Fit(tmp_path / "table.csv", "survived").run()


def test_read_table__parquet_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    passengers().to_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "table.parquet"), passengers())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "age;sex\n1;m\n", "--separator ';'"),
        ("b.csv", "", "cannot be read"),
        ("c.csv", "age,sex\n", "has no rows"),
        ("d.csv", "age,sex\n1,m\n2,f,3\n", "cannot be read"),
        ("e.xlsx", "", "ending of"),
    ],
)
def test_read_table__other_files_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(NasGymError, match=message):
        read_table(tmp_path / name)


def test_predict__missing_columns_and_foreign_folders_are_named(fitted: Path, tmp_path: Path) -> None:
    passengers().drop(columns=["age", "survived"]).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(InvalidDataError, match="lacks the column 'age'"):
        Predict(fitted / "model", tmp_path / "new.csv").run()
    with pytest.raises(KeptNetworkError, match="holds no model of a table"):
        Predict(tmp_path, fitted / "table.csv").run()
    with pytest.raises(InvalidDataError, match="there is no file"):
        Predict(fitted / "model", tmp_path / "absent.csv").run()
