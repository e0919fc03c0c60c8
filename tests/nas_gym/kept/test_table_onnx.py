from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from nas_gym.cli import Export
from nas_gym.datasets.tables.columns import read_cells
from nas_gym.datasets.tables.encoding import NUMERIC, Encoding, Numeric
from nas_gym.errors import ExportError
from nas_gym.kept import table_onnx
from nas_gym.kept.table_model import Member, TableModel
from nas_gym.kept.table_onnx import export_table
from nas_gym.search_spaces import MlpSpace
from nas_gym.search_spaces.mlp.network import build

onnx = pytest.importorskip("onnx", reason="ONNX needs the extra export")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX needs the extra export")
SENTENCE = "Linear-4 LeakyReLU Tanh Linear-3 ReLU Sigmoid"


def table(rows: int = 60) -> pd.DataFrame:
    drawn = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "wide": drawn.lognormal(0.0, 3.0, rows),
            "tied": drawn.integers(0, 3, rows).astype(float),
            "constant": np.ones(rows),
            "name": drawn.choice(np.array(["red", "green", ""], dtype=object), rows),
        }
    )
    frame.loc[::5, "wide"] = np.nan
    return frame


def model_of(frame: pd.DataFrame, numeric: Numeric, classes: tuple[object, ...] | None) -> TableModel:
    """Return two networks with random weights that have seen different rows."""
    cells = read_cells(frame)
    members = []
    for seed, rows in enumerate((np.arange(0, 40), np.arange(20, 60))):
        encoding = Encoding.fitted(cells.of(rows), numeric)
        drawn = np.random.default_rng(seed)
        architecture = MlpSpace([3, 4], max_length=8).parse(SENTENCE)
        module = build(architecture, (encoding.width,), len(classes or "1"))
        weights = {
            name: drawn.normal(size=tuple(value.shape)).astype(np.float32)
            for name, value in module.state_dict().items()
        }
        mean, unit = (0.0, 1.0) if classes else (1000.0, 50.0)
        members.append(Member(architecture, encoding, weights, mean, unit, 0.25 + 0.5 * seed))
    return TableModel(cells.columns, tuple(members), classes, (1.0, 1.0), "answer", "accuracy", {})


@pytest.mark.parametrize("classes", [("no", "yes"), None])
@pytest.mark.parametrize("numeric", NUMERIC)
def test_export__says_the_same(numeric: Numeric, classes: tuple[object, ...] | None, tmp_path: Path) -> None:
    frame = table()
    model = model_of(frame, numeric, classes)
    assert export_table(model, tmp_path / "random.onnx") < 1e-5
    frame.loc[0, "name"] = "never seen"
    frame.loc[1, "wide"] = 1e12
    cells = read_cells(frame)
    assert export_table(model, tmp_path / "model.onnx", cells) < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    said = session.run(None, {"numbers": cells.numbers[:1], "names": cells.names[:1]})[0]
    expected = model.predict_proba(frame[:1]) if classes else np.asarray(model.predict(frame[:1]))[:, None]
    np.testing.assert_allclose(said, expected, rtol=1e-5)
    known = session.get_modelmeta().custom_metadata_map
    assert known["columns"] == '{"numbers": ["wide", "tied", "constant"], "names": ["name"]}'


@pytest.mark.parametrize("columns", [["wide", "tied"], ["name"]])
def test_export__one_kind_of_columns(columns: list[str], tmp_path: Path) -> None:
    model = model_of(table()[columns], "standard", ("no", "yes"))
    assert export_table(model, tmp_path / "model.onnx") < 1e-5


def test_normal_quantile__is_scipys() -> None:
    shares = np.linspace(1e-3, 1.0 - 1e-3, 4001)
    square = (shares - 0.5) ** 2
    ratio = np.polyval(table_onnx.CENTRE_OVER, square) / np.polyval(table_onnx.CENTRE_UNDER, square)
    nearest = np.minimum(shares, 1.0 - shares)
    far = np.sqrt(-2.0 * np.log(nearest))
    tail = np.polyval(table_onnx.TAIL_OVER, far) / np.polyval(table_onnx.TAIL_UNDER, far)
    central = (shares - 0.5) * ratio
    said = np.where(nearest < table_onnx.CENTRAL, -np.sign(shares - 0.5) * tail, central)
    np.testing.assert_allclose(said, ndtri(shares), atol=5e-9)


def test_export__writes_nothing_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(table(), "standard", ("no", "yes"))
    monkeypatch.setattr(table_onnx, "LEAKY", 0.5)
    with pytest.raises(ExportError, match="differ by"):
        export_table(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_command__compares_on_the_rows_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_of(table(), "quantile", ("no", "yes"))
    model.save(tmp_path / "fit" / "winner")
    table().to_csv(tmp_path / "rows.csv", index=False)
    Export(tmp_path / "fit", tmp_path / "model.onnx", tmp_path / "rows.csv").run()
    assert "2 networks\nlargest difference from PyTorch" in capsys.readouterr().out
