import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.nas_gym.studies.episodes import finished_run
from tests.scripts.conftest import Call
from tests.scripts.processes import Running

CELLS: dict[str, Any] = {"evaluator": "local", "space": {"base": 2}}
TAME = (
    "add:tanh add:tanh add:tanh add:tanh node-0 node-1",
    "add:tanh add:relu add:tanh add:tanh node-1 node-0",
)
FULL = ("full.train_tokens=3000", "full.epochs=1", "full.units=4")
RETRAIN = ("--top", "2", "--seeds", "2", "--processes", "1", "--env-kwargs", *FULL)
TRAININGS = 5 * 2


def comparison(run_dir: Path) -> Any:  # noqa: ANN401, any JSON
    """Return what was written, without times."""
    found = json.loads((run_dir / "comparison.json").read_text())
    for model in found["models"]:
        model.pop("seconds", None)
    return found


@pytest.mark.slow  # a process that is killed, and what it left undone
@pytest.mark.timeout(120)
def test_retrain__killed_and_started_again_ends_as_if_nothing_had_happened(
    call: Call, tmp_path: Path
) -> None:
    run_dir, whole = (
        finished_run(tmp_path / name, "NAS-Brackets-v0", CELLS, *TAME) for name in ("run", "whole")
    )
    code, out, err = call("retrain", "--run-dir", whole, *RETRAIN)
    assert (code, err) == (0, "") and "2 networks, 2 seeds each" in out
    assert "3 references of its size, 2 seeds each" in out

    def trained() -> int:
        return len(list((run_dir / "retraining").glob("*.pt")))

    killed = Running(tmp_path / "log", "retrain.py", "--run-dir", run_dir, *RETRAIN)
    assert killed.interrupt(signal.SIGKILL, lambda: trained() > 0).code == -signal.SIGKILL
    there = trained()
    assert 1 <= there < TRAININGS and not (run_dir / "comparison.json").exists()
    code, out, err = call("retrain", "--run-dir", run_dir, *RETRAIN)
    assert (code, err) == (0, "")
    assert f"{min(there, 4)} of 4 trainings are in {run_dir / 'retraining'} already" in out
    assert comparison(run_dir) == comparison(whole)
    file = next((run_dir / "retraining").iterdir())
    file.write_bytes(file.read_bytes()[:100])
    code, _, err = call("retrain", "--run-dir", run_dir, *RETRAIN)
    assert (code, err) == (2, f"error: {file} is damaged; delete it and start again\n")


def test_retrain__says_in_one_line_what_is_wrong(call: Call, tmp_path: Path) -> None:
    code, _, err = call("retrain", "--run-dir", tmp_path, "--processes", "0")
    assert (code, err) == (2, "error: processes must be an integer from 1, got 0\n")
