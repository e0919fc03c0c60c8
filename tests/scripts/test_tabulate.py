import importlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nas_gym
from nas_gym.pools.threads import Threads
from nas_gym.studies.tabulation import tabulate
from tests.scripts.conftest import Call

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0
KEYWORDS = ("space.max_length=3", "recipe.epochs=20")
"""819 networks."""


def start(out: Path) -> subprocess.Popen[str]:
    command = ["scripts/tabulate.py", "--seeds", "2", "--block", "40", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, *command, "--env-kwargs", *KEYWORDS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def blocks(out: Path) -> int:
    return len(list(out.with_name(f"{out.name}.partial").glob("0*.npz")))


@pytest.mark.slow  # two processes that import PyTorch first
@pytest.mark.timeout(300)
def test_tabulate__killed_and_resumed_writes_the_same_bytes(tmp_path: Path) -> None:
    keywords = {"space": {"max_length": 3}, "recipe": {"epochs": 20}}
    problem = nas_gym.problem("NAS-Moons-v0", training_seed=1, **keywords)
    whole, killed = tmp_path / "whole.npz", tmp_path / "killed.npz"
    table = tabulate(problem.make_trainer(), whole, Threads(), seeds=2)
    process = start(killed)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while blocks(killed) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 3 <= blocks(killed) < 21 and not killed.exists()
    process = start(killed)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (0, "")
    assert "819 architectures, 2 trainings each" in out
    assert killed.read_bytes() == whole.read_bytes()
    networks = [table.search_space.unrank(rank) for rank in range(0, 819, 50)]
    for network, evaluation in zip(networks, problem.make_evaluator().evaluate(networks), strict=True):
        assert table.validation_scores(network)[1] == evaluation.score


def test_tabulate__is_not_taken_for_the_package_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    with pytest.raises(ImportError, match="is a command, not the package tabulate"):
        importlib.import_module("tabulate")


def test_import__says_in_one_line_what_is_wrong(call: Call, tmp_path: Path) -> None:
    code, _, err = call("import_nas_bench_201", tmp_path / "nowhere", "--out", tmp_path)
    assert code == 2
    assert err == f"error: there is no file or folder {tmp_path / 'nowhere'}\n"
    assert list(tmp_path.iterdir()) == []
