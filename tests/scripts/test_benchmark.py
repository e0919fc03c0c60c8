import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow  # starts processes that import PyTorch
@pytest.mark.timeout(120)
def test_benchmark__compares_agents_over_the_same_seeds_and_repeats(tmp_path: Path) -> None:
    results = []
    for name in ("first", "second"):
        command = [
            "scripts/benchmark.py",
            "--agents",
            "reinforce",
            "random",
            "--episodes",
            "30",
            "--seeds",
            "2",
        ]
        command += ["--out", str(tmp_path / name)]
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert {path.name for path in (tmp_path / name).iterdir()} == {
            "results.json",
            "table.md",
            "comparison.png",
        }
        results.append(json.loads((tmp_path / name / "results.json").read_text()))
    for agent in ("reinforce", "random"):
        first, second = (result["agents"][agent]["runs"] for result in results)
        assert [run["seed"] for run in first] == [0, 1]
        assert [run["rewards"] for run in first] == [run["rewards"] for run in second]
        assert all(len(run["rewards"]) == 30 for run in first)
        assert first[0]["rewards"] != first[1]["rewards"]
    assert "| reinforce | " in (tmp_path / "first" / "table.md").read_text()
