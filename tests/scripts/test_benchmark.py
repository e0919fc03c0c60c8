import csv
import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agents.errors import RunFolderError
from nas_gym.errors import InvalidArgumentError

ROOT = Path(__file__).parent.parent.parent
AGENTS = ["reinforce", "random"]
FEW_TOKENS = [
    f"NAS-Brackets-v0:{value}"
    for value in ("evaluator=local", "base=2", "units=4", "train_tokens=400", "validation_tokens=100")
]
TIMES = ("seconds", "training_seconds", "agent_seconds")


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("benchmark")


def without_times(value: Any) -> Any:  # noqa: ANN401, any JSON
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def results(folder: Path) -> Any:  # noqa: ANN401, any JSON
    return without_times(json.loads((folder / "results.json").read_text()))


@pytest.mark.slow  # starts an interpreter that imports PyTorch, and draws figures
@pytest.mark.timeout(120)
def test_benchmark__killed_and_started_again_ends_as_if_nothing_had_happened(
    benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    budget, seeds = 15, 2
    command = [sys.executable, "scripts/benchmark.py", "--agents", *AGENTS, "--processes", "1"]
    command += ["--budget", str(budget), "--seeds", str(seeds), "--out", str(killed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(killed.glob("runs/*/*/*.json")) and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = len(list(killed.glob("runs/*/*/*.json")))
    assert there >= 1
    for folder in (killed, whole):
        benchmark.main(benchmark.Args(agents=AGENTS, budget=budget, seeds=seeds, processes=1, out=folder))
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

    with pytest.raises(RunFolderError, match="holds runs with budget = 15, asked for is 16"):
        benchmark.main(benchmark.Args(agents=AGENTS, budget=16, seeds=seeds, processes=1, out=whole))


@pytest.mark.slow  # draws figures
@pytest.mark.timeout(60)
def test_benchmark__of_episodes_has_no_budget(
    benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark.main(benchmark.Args(agents=AGENTS, episodes=20, seeds=1, processes=1, out=tmp_path))
    found = results(tmp_path)
    assert (found["budget"], found["episodes"], found["seeds"]) == (None, 20, 1)
    runs = [found["environments"]["NAS-Moons-v0"]["agents"][agent]["runs"] for agent in AGENTS]
    assert [len(run["rewards"]) for (run,) in runs] == [20, 20]
    assert "| reinforce | " in (tmp_path / "table.md").read_text()
    assert "There is one run of each agent" in capsys.readouterr().out


@pytest.mark.slow  # draws figures, after Numba has compiled what computes cells
@pytest.mark.timeout(90)
def test_benchmark__judges_each_environment_by_its_own_metric(
    benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = {"env": ["NAS-Brackets-v0", "NAS-Moons-v0"], "agents": AGENTS, "env_kwargs": FEW_TOKENS}
    benchmark.main(benchmark.Args(**args, budget=4, seeds=1, processes=1, out=tmp_path))
    out = capsys.readouterr().out
    assert "| the grammar's own |  | 3.564 |" in out
    environments = results(tmp_path)["environments"]
    brackets, moons = environments["NAS-Brackets-v0"], environments["NAS-Moons-v0"]
    assert brackets["metrics"] == ["validation_perplexity"] and moons["metrics"] == ["validation"]
    assert brackets["references"]["the grammar's own"] == pytest.approx(3.5636, abs=1e-4)
    for agent in AGENTS:
        (run,) = brackets["agents"][agent]["runs"]
        values = run["curve"]["validation_perplexity"]
        assert (
            values == sorted(values, reverse=True) and values[-1] == run["best_validation_perplexity"] > 3.4
        )
    rows = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    known = {row["env"]: bool(row["best_validation_perplexity"]) for row in rows}
    assert known == {"NAS-Brackets-v0": True, "NAS-Moons-v0": False}


def test_benchmark__knows_the_metric_of_an_environment_where_every_child_fails(benchmark: ModuleType) -> None:
    keywords = {"evaluator": "local", "base": 2, "train_tokens": 400, "max_parameters": 1}
    job = benchmark.Job("NAS-Brackets-v0", "random", 0)
    run = benchmark.play_job({job.env: keywords}, benchmark.Limits(3, 12), job)
    assert (run["distinct_architectures"], run["best_architecture"]) == (3, None)
    assert run["best_validation_perplexity"] == 8.0, "as who takes each of eight tokens for equally likely"
    assert benchmark.find({"random": [run]}, 3, benchmark.perplexity_of(8))["metrics"] == [
        "validation_perplexity"
    ]


def test_benchmark__gives_keywords_to_all_environments_or_to_one(benchmark: ModuleType) -> None:
    keywords = {"size": 100, "nas_gym:A:noise": 0.3}
    assert benchmark.keywords_by_env(["A", "B"], keywords) == {
        "A": {"size": 100, "noise": 0.3},
        "B": {"size": 100},
    }
    with pytest.raises(InvalidArgumentError, match="meant for 'C'; compared are A, B"):
        benchmark.keywords_by_env(["A", "B"], {"C:noise": 0.3})
