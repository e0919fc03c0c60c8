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

from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.errors import RunFolderError

ROOT = Path(__file__).parent.parent.parent
AGENTS = ["reinforce", "random"]
FEW_TOKENS = [
    f"NAS-Brackets-v0:{value}"
    for value in ("space.base=2", "recipe.units=4", "train_tokens=400", "validation_tokens=100")
]
TIMES = ("seconds", "training_seconds", "agent_seconds")


def without_times(value: Any) -> Any:  # noqa: ANN401, any JSON
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def results(folder: Path) -> Any:  # noqa: ANN401, any JSON
    return without_times(json.loads((folder / "results.json").read_text()))


@pytest.mark.slow  # starts an interpreter that imports PyTorch, and draws figures
@pytest.mark.timeout(120)
def test_benchmark__killed_and_started_again_ends_as_if_nothing_had_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "scripts/benchmark.py", "--agents", *AGENTS, "--processes", "1"]
    command += ["--budget", "15", "--seeds", "2", "--out", str(killed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(killed.glob("runs/*/*/*.json")) and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = len(list(killed.glob("runs/*/*/*.json")))
    assert there >= 1
    for folder in (killed, whole):
        assert BenchmarkArguments(agents=AGENTS, budget=15, seeds=2, processes=1, out=folder).run() == 0
    assert f"{there} of 4 runs are in {killed} already" in " ".join(capsys.readouterr().out.split("\n"))
    assert results(killed) == results(whole)

    found = results(whole)["environments"]["NAS-Moons-v0"]["agents"]
    for agent in AGENTS:
        first, second = found[agent]["runs"]
        assert (first["seed"], second["seed"]) == (0, 1)
        assert first["rewards"] != second["rewards"]
        assert first["distinct_architectures"] == 15 and first["ended_by"] == "budget"
    assert len(list(csv.DictReader((whole / "results.csv").read_text().splitlines()))) == 4
    files = {"figures", "report.html", "results.csv", "results.json", "runs", "settings.json", "table.md"}
    assert {path.name for path in whole.iterdir()} == files
    pictures = {f"NAS-Moons-v0_{name}.png" for name in ("curves", "rewards")}
    assert {path.name for path in (whole / "figures").iterdir()} == pictures

    with pytest.raises(RunFolderError, match="holds runs with budget = 15, asked for is 16"):
        BenchmarkArguments(agents=AGENTS, budget=16, seeds=2, processes=1, out=whole).run()


@pytest.mark.slow  # draws figures, after Numba has compiled what computes cells
@pytest.mark.timeout(90)
def test_benchmark__of_episodes_judges_each_environment_by_its_own_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    envs = ["NAS-Brackets-v0", "NAS-Moons-v0"]
    arguments = BenchmarkArguments(
        env=envs, agents=AGENTS, episodes=12, seeds=1, processes=1, out=tmp_path, env_kwargs=FEW_TOKENS
    )
    arguments.run()
    out = capsys.readouterr().out
    assert "| the grammar's own |  | 3.564 |" in out and "There is one run of each agent" in out
    found = results(tmp_path)
    assert (found["budget"], found["episodes"]) == (None, 12)
    brackets, moons = (found["environments"][env] for env in envs)
    assert (brackets["metric"]["name"], moons["metric"]["name"]) == ("perplexity", "accuracy")
    for agent in AGENTS:
        (run,) = brackets["agents"][agent]["runs"]
        scores = run["curve"]["validation_scores"]
        assert scores == sorted(scores, reverse=True) and scores[-1] == run["validation_score"] > 3.4
        assert len(run["rewards"]) == 12
    assert (tmp_path / "table.md").read_text().count("| reinforce | ") == 6
