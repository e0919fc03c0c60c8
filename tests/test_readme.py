import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

README = PAGES["README.md"]
LONGEST = 130
COMMANDS = re.findall(r"^\| `python (scripts/[^`]*)`", PAGES["docs/guides/commands.md"], flags=re.MULTILINE)
SMALL = {
    "scripts/train_reinforce.py": ["--episodes", "40", "--env-kwargs", "size=200"],
    "scripts/train_sb3.py": ["--episodes", "40", "--env-kwargs", "size=200"],
    "scripts/benchmark.py": ["--episodes", "20", "--seeds", "1"],
    "scripts/tabulate.py": ["--env-kwargs", "space.max_length=1", "recipe.epochs=2"],
    "scripts/benchmark_tables.py": [
        "--tables",
        "regression",
        "--only",
        "diabetes",
        "--budget",
        "2",
        "--splits",
        "1",
        "--rows",
        "200",
    ],
    "scripts/draw_learning.py": ["--episodes", "60", "--frames", "2"],
    "scripts/simulate_workers.py": [
        *["--env", "NAS-Bench-Moons-v0", "--workers", "4", "--seeds", "2"],
        *["--episodes", "60", "--target", "0.5"],
    ],
    "scripts/benchmark_speed.py": [
        "--children",
        "20",
        "--image-children",
        "2",
        "--local-children",
        "2",
        "--steps",
        "2000",
        "--cell-rounds",
        "1",
        "--pool-rounds",
        "1",
    ],
}
# The official files, a store, a finished run, hours: tests/scripts makes small ones.
NEED_FILES = {
    "scripts/import_nas_bench_201.py",
    "scripts/export_store.py",
    "scripts/retrain.py",
    "scripts/tune.py",
}
MODULES = {"cell_speed.py", "pool_start.py"}  # of benchmark_speed.py
TARGETS = {
    "scripts/benchmark.py": "--out",
    "scripts/tabulate.py": "--out",
    "scripts/draw_learning.py": "--out",
    "scripts/benchmark_speed.py": "--out",
    "scripts/benchmark_tables.py": "--out",
    "scripts/simulate_workers.py": "--out",
}


def test_readme__fits_a_screen_or_two() -> None:
    assert len(README.splitlines()) <= LONGEST


def test_readme__has_the_two_set_up_commands() -> None:
    assert "\n    pip install -e '.[report]' && python scripts/train_reinforce.py\n" in README
    assert "\n    pip install -e '.[dev]' && pytest\n" in README


def test_readme__says_how_the_site_is_built() -> None:
    assert "\n    pip install -e '.[docs]' && sphinx-build -W docs docs/_build\n" in README


def test_commands__name_every_script() -> None:
    named = {Path(command.split()[0]).name for command in COMMANDS}
    assert named == {path.name for path in (ROOT / "scripts").glob("*.py")} - MODULES


@pytest.mark.slow  # each starts a new interpreter, which imports PyTorch
@pytest.mark.timeout(120)
@pytest.mark.parametrize("command", [c for c in COMMANDS if c.split()[0] not in NEED_FILES])
def test_command__runs(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)
    script = words[0]
    target = [TARGETS.get(script, "--run-dir"), str(tmp_path / "out")]
    result = subprocess.run(
        [sys.executable, *words, *SMALL[script], *target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
