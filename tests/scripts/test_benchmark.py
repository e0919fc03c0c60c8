import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
AGENTS = ["--agents", "reinforce", "random"]
SMALL = [*AGENTS, "--budget", "15", "--seeds", "2", "--processes", "1"]
TIMES = ("seconds", "training_seconds", "agent_seconds")


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/benchmark.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def without_times(value: Any) -> Any:  # noqa: ANN401, any JSON
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def results(folder: Path) -> Any:  # noqa: ANN401, any JSON
    return without_times(json.loads((folder / "results.json").read_text()))


@pytest.mark.slow  # starts interpreters that import PyTorch
@pytest.mark.timeout(180)
def test_benchmark__killed_and_started_again_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = benchmark(*SMALL, "--out", str(whole))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in whole.iterdir()} == {
        "figures",
        "report.html",
        "results.csv",
        "results.json",
        "runs",
        "settings.json",
        "table.md",
    }

    command = [sys.executable, "scripts/benchmark.py", *SMALL, "--out", str(killed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(killed.glob("runs/*/*/*.json")) and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = len(list(killed.glob("runs/*/*/*.json")))
    assert there >= 1
    done = benchmark(*SMALL, "--out", str(killed))
    assert done.returncode == 0, done.stderr
    assert f"{there} of 4 runs are in" in done.stdout
    assert results(killed) == results(whole)

    found = results(whole)["environments"]["NAS-Moons-v0"]["agents"]
    for agent in ("reinforce", "random"):
        first, second = found[agent]["runs"]
        assert (first["seed"], second["seed"]) == (0, 1)
        assert first["rewards"] != second["rewards"]
        assert first["distinct_architectures"] == 15 and first["ended_by"] == "budget"
    lines = list(csv.DictReader((whole / "results.csv").open()))
    assert len(lines) == 4

    refused = benchmark(*SMALL[:-2], "--budget", "16", "--out", str(whole))
    assert refused.returncode == 2
    assert "holds runs with budget = 15, asked for is 16" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.slow  # starts processes that import PyTorch
@pytest.mark.timeout(180)
def test_benchmark__of_episodes_compares_over_the_same_seeds(tmp_path: Path) -> None:
    done = benchmark(*AGENTS, "--episodes", "20", "--seeds", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = results(tmp_path)
    assert (found["budget"], found["episodes"], found["seeds"]) == (None, 20, 1)
    runs = [
        found["environments"]["NAS-Moons-v0"]["agents"][agent]["runs"] for agent in ("reinforce", "random")
    ]
    assert [len(run["rewards"]) for (run,) in runs] == [20, 20]
    assert "| reinforce | " in (tmp_path / "table.md").read_text()
    assert "There is one run of each agent" in done.stdout
