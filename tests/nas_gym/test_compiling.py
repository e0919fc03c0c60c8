import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = {
    "tables": (
        "import nas_gym; p = nas_gym.problem('NAS-Moons-v0', recipe={'epochs': 1}); text = 'Linear-1'",
        "from nas_gym.evaluators.trainers.fused.mlp_kernel import _train as function",
    ),
    "cells": (
        "import nas_gym; text = 'elem_mult:tanh add:tanh add:tanh add:sigmoid node-0 node-0'; "
        "p = nas_gym.problem('NAS-Brackets-v0', space={'base': 2}, recipe={'epochs': 1, "
        "'units': 4, 'max_batches': 1}, evaluator='local')",
        "from nas_gym.search_spaces.cell.kernel import forward as function",
    ),
}
"""What trains a child with each kernel, and one of its functions."""
FAULTS = {
    "no folder": ("", {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}),
    "a full disk": ("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))", {}),
    "a damaged file": ("open(function._cache._cache_file._index_path, 'wb').write(b'no index')", {}),
}
SENTENCE = "compiled code cannot be kept and is compiled anew in each process"


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program],
        env=env,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(120)  # compiles a kernel without a cache
@pytest.mark.parametrize(
    ("kernel", "fault"),
    [("tables", "no folder"), ("cells", "a full disk"), ("cells", "a damaged file")],
)
def test_children__are_trained_where_nothing_can_be_cached(kernel: str, fault: str, tmp_path: Path) -> None:
    make, function = TRAIN[kernel]
    break_it, environment = FAULTS[fault]
    folder = tmp_path / "cache"
    if fault == "no folder":
        folder.write_text("")  # a file, in which there can be no folder, also for root
    program = "\n".join(
        [
            function,
            break_it,
            make,
            "e, = p.make_evaluator().evaluate([p.search_space.parse(text)])",
            "print(e.status, sorted(e.scores))",
        ]
    )
    ended = run(program, NUMBA_CACHE_DIR=str(folder), **environment)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("ok ")
    assert ended.stderr.count(SENTENCE) == 1
    assert "NUMBA_CACHE_DIR names a folder for it" in ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(60)  # each starts an interpreter
@pytest.mark.parametrize(
    ("env_id", "line"),
    [
        ("NAS-Moons-v0", "evaluator='fused' needs: unset it, or take evaluator='local'"),
        ("NAS-Brackets-v0", "recurrent cells need on the processor: unset it"),
    ],
)
def test_no_compiler__is_said_in_one_line(env_id: str, line: str, tmp_path: Path) -> None:
    command = ["search", "--env", env_id, "--episodes", "2", "--run-dir", str(tmp_path / "run")]
    program = f"import sys; sys.argv[1:] = {command!r}; from nas_gym.cli import main; main()"
    ended = run(program, NUMBA_DISABLE_JIT="1")
    assert ended.returncode == 2
    assert ended.stderr == f"error: NUMBA_DISABLE_JIT switches off the compiler that {line}\n"


@pytest.mark.slow
@pytest.mark.timeout(60)  # starts an interpreter
def test_no_compiler__is_needed_in_pytorch() -> None:
    make = TRAIN["tables"][0].replace("recipe=", "evaluator='local', recipe=")
    ended = run(
        f"{make}\ne, = p.make_evaluator().evaluate([p.search_space.parse(text)]); print(e.status)",
        NUMBA_DISABLE_JIT="1",
    )
    assert ended.stdout == "ok\n", ended.stderr
