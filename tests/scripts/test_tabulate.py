import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas_gym.envs.registration import assemble
from nas_gym.evaluation.table_file import read_table

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0
KEYWORDS = ("max_length=3", "epochs=20")
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


@pytest.mark.slow  # trains 3,000 children in processes that import first
@pytest.mark.timeout(300)
def test_tabulate__killed_and_resumed_writes_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole.npz", tmp_path / "killed.npz"
    process = start(whole)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (0, "")
    assert "819 architectures, 2 trainings each" in out
    process = start(killed)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while blocks(killed) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = blocks(killed)
    assert 3 <= done < 20 and not killed.exists()
    process = start(killed)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert killed.read_bytes() == whole.read_bytes()
    table = read_table(killed)
    live = assemble("NAS-Moons-v0", training_seed=1, max_length=3, epochs=20)
    networks = [table.search_space.unrank(rank) for rank in range(0, 819, 50)]
    for network, evaluation in zip(networks, live.evaluator.evaluate(networks), strict=True):
        assert table.validation_accuracies(network)[1] == evaluation.validation_accuracy


@pytest.mark.slow  # a process imports PyTorch first
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["tabulate.py", "--env", "NAS-Bench-Moons-v0", "--out", "table.npz"], "error: "),
        (["tabulate.py", "--seeds", "0", "--out", "table.npz"], "error: seeds must be a positive integer"),
        (["import_nas_bench_201.py", "nowhere"], "error: there is no file or folder nowhere"),
    ],
)
def test_command__says_in_one_line_what_is_wrong(command: list[str], says: str, tmp_path: Path) -> None:
    script, *arguments = command
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(says) and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # a process imports PyTorch first
@pytest.mark.timeout(60)
def test_tabulate__is_not_taken_for_the_package_of_that_name() -> None:
    code = "import sys; sys.path.insert(0, 'scripts')\ntry:\n    import tabulate\nexcept ImportError: print('no')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "no\n"
