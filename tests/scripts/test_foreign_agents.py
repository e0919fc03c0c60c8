import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "nas-gym search": ["-m", "nas_gym.cli", "search", "--episodes", "1", "--run-dir", "{out}"],
    "nas-gym fit": [
        "-m",
        "nas_gym.cli",
        "fit",
        "table.csv",
        "--target",
        "y",
        "--budget",
        "0",
        "--out",
        "{out}",
    ],
    "nas-gym benchmark": [
        "-m",
        "nas_gym.cli",
        "benchmark",
        "--budget",
        "1",
        "--seeds",
        "1",
        "--out",
        "{out}",
    ],
    "nas-gym envs": ["-m", "nas_gym.cli", "envs"],
    "train_reinforce": ["train_reinforce.py", "--episodes", "1", "--run-dir", "{out}"],
    "train_sb3": ["train_sb3.py", "--episodes", "1", "--run-dir", "{out}"],
    "benchmark": ["benchmark.py", "--budget", "1", "--seeds", "1", "--out", "{out}"],
    "tune": ["tune.py", "--out", "{out}"],
    "draw_learning": ["draw_learning.py", "--episodes", "20", "--out", "{out}"],
    "simulate_workers": ["simulate_workers.py", "--seeds", "1", "--workers", "1", "--out", "{out}"],
}
"""Commands that need no agent, ``envs``, and those that do."""
ALL_OF_THEM = """
import contextlib, io, json, runpy, sys

import gymnasium

commands, scripts = json.loads(sys.argv[1]), sys.argv[2]
sys.path.insert(0, scripts)
# An editable installation finds modules of ours within any package of that name.
sys.meta_path[:] = [finder for finder in sys.meta_path if "Editable" not in repr(finder)]
found = {}
for name, (first, *words) in commands.items():
    gymnasium.registry.clear()  # or it would warn of ids that are registered twice
    for module in [m for m in sys.modules if m.partition(".")[0] in ("agents", "nas_gym")]:
        del sys.modules[module]
    out, err, code = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if first == "-m":
                from nas_gym.cli import main

                sys.argv[:] = ["nas-gym", *words[1:]]
                main()
            else:
                sys.argv[:] = [first, *words]
                runpy.run_path(f"{scripts}/{first}", run_name="__main__")
        except SystemExit as end:
            code = end.code
        except Exception as error:
            err.write(f"{type(error).__name__}: {error}")
    found[name] = code, err.getvalue(), out.getvalue()
print(json.dumps(found))
"""


def foreign(folder: Path, content: str) -> Path:
    """Write another package named agents."""
    package = folder / "site" / "agents"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(content)
    return package


def play(folder: Path, *names: str) -> dict[str, tuple[int | None, str, str]]:
    """Call commands where the other package stands first."""
    commands = {name: [w.format(out=folder / f"{name}.out") for w in COMMANDS[name]] for name in names}
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "site"), str(ROOT)])}
    pd.DataFrame({"a": range(40), "y": ["x", "z"] * 20}).to_csv(folder / "table.csv", index=False)
    program = [sys.executable, "-c", ALL_OF_THEM, json.dumps(commands), str(ROOT / "scripts")]
    ended = subprocess.run(program, env=env, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, tuple[int | None, str, str]] = json.loads(ended.stdout)
    return found


@pytest.mark.slow  # imports PyTorch and then nas_gym once for each command
@pytest.mark.timeout(120)
def test_foreign_agents__are_told_in_one_line_by_whatever_needs_ours(tmp_path: Path) -> None:
    package = foreign(tmp_path, "class Agent:\n    pass\n")
    ended = play(tmp_path, *COMMANDS)
    code, error, out = ended.pop("nas-gym envs")
    assert (code, error) == (0, "") and "NAS-Moons-v0" in out, "what needs no agents goes on"
    line = (
        f"error: the package agents in {package} is not that of nas_gym and stands before it: install "
        "nas_gym in an environment without the other one\n"
    )
    assert {name: (code, error) for name, (code, error, _) in ended.items()} == {
        name: (2, line) for name in ended
    }


@pytest.mark.slow  # imports PyTorch
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("content", "files"),
    [
        ("import a_package_that_nobody_has\n", ()),
        ("from agents.theirs import Agent\n", ("theirs.py", "errors.py")),
    ],
)
def test_foreign_agents__are_told_in_one_line_whatever_they_hold(
    content: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    package = foreign(tmp_path, content)
    for file in files:  # some of ours are left where theirs were written over them
        (package / file).write_text("class Agent:\n    pass\n")
    code, error, _ = play(tmp_path, "nas-gym search")["nas-gym search"]
    assert code == 2
    assert error.startswith(f"error: the package agents in {package} is not that of nas_gym")
    assert error.count("\n") == 1
