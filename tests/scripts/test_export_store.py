import csv
import importlib
from pathlib import Path
from typing import Any

import pytest

from nas_gym.memory.tables.table_file import read_table
from nas_gym.problems.assembly import assemble

SCRIPTS = Path(__file__).parents[2] / "scripts"
SMALL: dict[str, Any] = {"max_length": 2, "widths": [1, 2], "epochs": 1}
KEYWORDS = ["max_length=2", "widths=[1,2]", "epochs=1"]


def export(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Call the script in this process."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script: Any = importlib.import_module("export_store")
    command_line: Any = importlib.import_module("command_line")
    monkeypatch.setattr("sys.argv", ["export_store.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.run(script.Args, script.main, script.__doc__)
    return int(stop.value.code or 0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one training of every network of a small space."""
    path = tmp_path / "store.sqlite"
    parts = assemble("NAS-Moons-v0", **SMALL, store=path)
    parts.evaluator.evaluate(list(parts.search_space.enumerate()))
    return path


def test_export__writes_csv(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = store.with_name("out.csv")
    assert export(monkeypatch, "--store", store, "--out", out) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["architecture"] for row in rows} >= {"Linear-1", "Linear-2 Tanh", "ReLU ReLU"}
    assert all(row["evaluator"] == "fused" and 0 <= float(row["validation_accuracy"]) <= 1 for row in rows)


def test_export__writes_a_table(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = store.with_name("out.npz")
    assert export(monkeypatch, "--store", store, "--out", out, "--env-kwargs", *KEYWORDS) == 0
    parts, table = assemble("NAS-Moons-v0", **SMALL), read_table(out)
    networks = list(table.search_space.enumerate())
    trained = [evaluation.validation_accuracy for evaluation in parts.evaluator.evaluate(networks)]
    assert [table.validation_accuracy(network) for network in networks] == trained


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "out.npz", "--env-kwargs", *KEYWORDS, "--seeds", "2"], "lacks "),
        (["--out", "out.npz", "--env-kwargs", "max_length=1", "epochs=2"], "lacks "),
        (["--out", "out.npz", "--seeds", "0"], "seeds must be a positive integer, got 0"),
        (["--out", "out.npz", "--env", "NAS-Bench-201-v0"], "error: "),
        (["--out", "out.txt"], "out must end with .csv or .npz, got "),
        (["--out", "out.csv", "--store", "none.sqlite"], "there is no store none.sqlite"),
    ],
)
def test_export__says_in_one_line_what_is_wrong(
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(store.parent)
    assert export(monkeypatch, "--store", store, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1
    assert not Path(arguments[1]).exists() and not Path("none.sqlite").exists()
