import csv
import json
from pathlib import Path
from typing import Any

import pytest

import nas_gym
from nas_gym.memory.tables.table_file import read_table
from tests.scripts.conftest import Call

SMALL: dict[str, Any] = {"space": {"max_length": 2, "widths": [1, 2]}, "recipe": {"epochs": 1}}
KEYWORDS = [f"{name}={json.dumps(value)}" for name, value in SMALL.items()]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one training of every network of a small space."""
    path = tmp_path / "store.sqlite"
    problem = nas_gym.problem("NAS-Moons-v0", **SMALL)
    with problem.make_evaluator(path) as evaluator:
        evaluator.evaluate(list(problem.search_space.enumerate()))
    return path


def test_export__writes_csv(store: Path, call: Call) -> None:
    out = store.with_name("out.csv")
    assert call("export_store", "--store", store, "--out", out)[0] == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["architecture"] for row in rows} >= {"Linear-1", "Linear-2 Tanh", "ReLU ReLU"}
    assert all(row["evaluator"] == "fused" and 0 <= float(row["score"]) <= 1 for row in rows)


def test_export__writes_a_table(store: Path, call: Call) -> None:
    out = store.with_name("out.npz")
    assert call("export_store", "--store", store, "--out", out, "--env-kwargs", *KEYWORDS)[0] == 0
    table = read_table(out)
    networks = list(table.search_space.enumerate())
    with nas_gym.problem("NAS-Moons-v0", **SMALL).make_evaluator() as evaluator:
        trained = [evaluation.score for evaluation in evaluator.evaluate(networks)]
    assert [table.validation_score(network) for network in networks] == trained


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "out.npz", "--env-kwargs", *KEYWORDS, "--seeds", "2"], "lacks "),
        (["--out", "out.npz", "--env-kwargs", 'space={"max_length": 1}', 'recipe={"epochs": 2}'], "lacks "),
        (["--out", "out.npz", "--seeds", "0"], "seeds must be an integer from 1, got 0"),
        (["--out", "out.npz", "--env", "NAS-Bench-Moons-v0"], "trains no classifiers"),
        (["--out", "out.txt"], "out must end with .csv or .npz, got "),
        (["--out", "out.csv", "--store", "none.sqlite"], "none.sqlite"),
    ],
)
def test_export__says_in_one_line_what_is_wrong(
    store: Path, monkeypatch: pytest.MonkeyPatch, call: Call, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(store.parent)
    code, _, error = call("export_store", "--store", store, *arguments)
    assert code == 2 and error.startswith("error: ") and message in error and error.count("\n") == 1
    assert not Path(arguments[1]).exists() and not Path("none.sqlite").exists()
