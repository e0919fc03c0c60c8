import signal
from pathlib import Path

import pytest

from agents import AGENTS, ALIASES
from tests.scripts.conftest import Call
from tests.scripts.processes import Running, check_run_folder, rows, summary_without_times

EPISODES = 160
# Children that take their time, so that the signals meet a search that is under way.
ARGUMENTS = (
    "--algorithm",
    "ppo",
    "--episodes",
    EPISODES,
    "--env-kwargs",
    "size=300",
    "evaluator=local",
    "recipe.epochs=2",
)


def start(path: Path, *more: str) -> Running:
    return Running(path.with_suffix(".log"), "train_sb3.py", *ARGUMENTS, "--run-dir", path, *more)


@pytest.mark.slow
@pytest.mark.timeout(400)  # five processes that train networks in PyTorch
def test_train_sb3__killed_and_resumed_ends_as_if_it_never_was(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "interrupted"
    ended = start(whole).finish()
    assert (ended.code, ended.err) == (0, "")
    assert "best network" in ended.out and "MLPClassifier" in ended.out
    check_run_folder(whole, "ppo", EPISODES)
    assert (whole / "model.zip").exists()

    early = start(path).interrupt(signal.SIGKILL, (path / "config.json").exists)
    assert early.code == -signal.SIGKILL and rows(path) == 0
    middle = start(path, "--resume").interrupt(signal.SIGKILL, (path / "evaluations.csv").exists)
    killed = rows(path)
    assert middle.code == -signal.SIGKILL and 0 < killed < EPISODES
    again = start(path, "--resume").interrupt(signal.SIGKILL, lambda: rows(path) > killed, 0.1)
    assert again.code == -signal.SIGKILL and killed < rows(path) <= EPISODES

    ended = start(path, "--resume").finish()
    assert (ended.code, ended.err) == (0, "")
    assert (path / "evaluations.csv").read_bytes() == (whole / "evaluations.csv").read_bytes()
    assert summary_without_times(path) == summary_without_times(whole)


def test_train_sb3__offers_every_agent_but_our_own(call: Call) -> None:
    code, out, err = call("train_sb3", "--algorithm", "sac")
    assert code == 2 and "sac" in err and "Traceback" not in out + err
    assert all(name in err for name in {*AGENTS, *ALIASES} - {"reinforce", "reinforce_surrogate"}), err
