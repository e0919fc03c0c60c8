import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas_gym.memory.store import EvaluationStore
from nas_gym.problems.specs import PROBLEMS

SCRIPTS = Path(__file__).parents[2] / "scripts"


def search(monkeypatch: pytest.MonkeyPatch, *arguments: object, keywords: Sequence[str] = ()) -> int:
    """Call the script in this process."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script: Any = importlib.import_module("train_reinforce")
    command_line: Any = importlib.import_module("command_line")
    small = ["--episodes", "40", "--env-kwargs", "epochs=1", *keywords]
    monkeypatch.setattr("sys.argv", ["train_reinforce.py", *small, *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.run(script.Args, script.main, script.__doc__)
    return int(stop.value.code or 0)


@pytest.mark.slow  # two runs, each with trainings in PyTorch at its end
@pytest.mark.timeout(60)
def test_store__spares_another_run_all_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setitem(PROBLEMS, "NAS-Moons-v0", replace(PROBLEMS["NAS-Moons-v0"], trainings=1))
    assert search(monkeypatch, "--run-dir", first) == 0
    store = EvaluationStore(first / "evaluations.sqlite")
    rows = list(store.rows())
    assert len(rows) == 3 + len({row["architecture"] for row in rows}) > 10, "finalists were trained again"
    assert search(monkeypatch, "--run-dir", second, "--store", store.path) == 0
    assert list(store.rows()) == rows
    assert not (second / "evaluations.sqlite").exists()
    assert (first / "evaluations.csv").read_bytes() == (second / "evaluations.csv").read_bytes()


@pytest.mark.slow  # a run with trainings in PyTorch, after Numba has compiled what computes cells
@pytest.mark.timeout(60)
def test_brackets__end_beside_the_grammars_own_perplexity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["evaluator=local", "base=2", "units=8", "train_tokens=2000", "validation_tokens=500"]
    arguments = ("--env", "NAS-Brackets-v0", "--cell", "nascell", "--run-dir", tmp_path)
    assert search(monkeypatch, *arguments, keywords=few) == 0
    out = " ".join(capsys.readouterr().out.split())
    summary = json.loads((tmp_path / "summary.json").read_text())
    settings = json.loads((tmp_path / "config.json").read_text())["settings"]
    assert settings["agent_arguments"]["cell"] == "nascell"
    best, limit = summary["best"], summary["corpus"]["best_possible_perplexity"]
    assert limit == pytest.approx(3.5636, abs=1e-4)
    assert summary["lowest_validation_perplexity"] <= best["validation_perplexity"]
    assert summary["lowest_validation_perplexity"] > 0.98 * limit, "but for chance, none is below the limit"
    assert f"perplexity {best['validation_perplexity']:.4f} (the grammar's own is {limit:.4f})" in out
    assert f"python scripts/retrain.py --run-dir {tmp_path} trains the best" in out
    assert not (tmp_path / "pareto_front.png").exists(), "all cells of a base have one size"


def test_store__is_checked_before_a_run_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"something": "else"}))
    run_dir = tmp_path / "run"
    assert search(monkeypatch, "--run-dir", run_dir, "--store", tmp_path / "settings.json") == 2
    assert "settings.json cannot be opened: file is not a database\n" in capsys.readouterr().err
    assert search(monkeypatch, "--run-dir", run_dir, "--env-kwargs", "store=other.sqlite") == 2
    assert "the store is given as --store FILE" in capsys.readouterr().err
    assert not run_dir.exists()
