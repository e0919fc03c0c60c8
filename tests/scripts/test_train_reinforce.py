import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.scripts.processes import ROOT, Running, check_run_folder, rows, summary_without_times

EPISODES = 160
# Children that take their time, so that the signals meet a search that is under way.
ARGUMENTS = ("--episodes", EPISODES, "--env-kwargs", "size=300", "evaluator=local", "recipe.epochs=2")


def start(path: Path, *more: str) -> Running:
    log = path.with_suffix(".log")
    return Running(log, "train_reinforce.py", *ARGUMENTS, "--run-dir", path, *more)


def check_table(whole: Path, out: str) -> None:
    for text in ("best network", "validation accuracy", "test accuracy", "LogisticRegression", "MLPClass"):
        assert text in out
    assert summary_without_times(whole)["best"]["architecture"] in out


@pytest.mark.slow
@pytest.mark.timeout(400)  # six processes that train networks in PyTorch
def test_train_reinforce__killed_stopped_and_resumed_ends_as_if_it_never_was(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "interrupted"
    command = [sys.executable, "scripts/train_reinforce.py", *map(str, ARGUMENTS), "--run-dir", str(whole)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    check_run_folder(whole, "reinforce", EPISODES)
    check_table(whole, done.stdout)
    assert torch.load(whole / "checkpoint.pt", weights_only=True)["num_architectures"] == EPISODES

    early = start(path).interrupt(signal.SIGKILL, (path / "config.json").exists)
    assert early.code == -signal.SIGKILL and rows(path) == 0
    middle = start(path, "--resume").interrupt(signal.SIGKILL, (path / "evaluations.csv").exists)
    killed = rows(path)
    assert middle.code == -signal.SIGKILL and 0 < killed < EPISODES

    running = start(path, "--resume")
    stopped = running.interrupt(signal.SIGINT, running.searches, 0.1)  # Ctrl-C
    assert (stopped.code, stopped.err) == (130, "")
    known = torch.load(path / "checkpoint.pt", weights_only=True)["num_architectures"]
    assert 0 < known <= rows(path) < EPISODES and killed <= rows(path)
    assert f"interrupted after {known} of {EPISODES}" in " ".join(stopped.out.split())

    late = start(path, "--resume").interrupt(signal.SIGKILL, lambda: rows(path) == EPISODES)
    assert late.code == -signal.SIGKILL and not (path / "summary.json").exists()
    ended = start(path, "--resume").finish()
    assert (ended.code, ended.err) == (0, "")
    assert (path / "evaluations.csv").read_bytes() == (whole / "evaluations.csv").read_bytes()
    assert summary_without_times(path) == summary_without_times(whole)
