"""Searches that are killed and go on, in each order of learning."""

import csv
import signal
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import torch

from nas_gym.memory.store import EvaluationStore
from tests.scripts.processes import Running, rows

EPISODES, LANES = 120, 12
COUNTING = """
import sys, time
from nas_gym.evaluators.trainers.base import Trainer

path = sys.argv.pop(1)
train = Trainer.__call__

def counted(self, child):
    with open(path, "a") as file:
        file.write(f"{child.architecture}|{child.seed}|{child.rung}\\n")
    time.sleep(0.05 + child.seed % 10 / 100)
    return train(self, child)

Trainer.__call__ = counted

if __name__ == "__main__":
    from nas_gym.cli import main

    main()
"""


def start(path: Path, order: str, *more: str) -> Running:
    """Search with children that take their time, and count the trainings that are begun."""
    script = path.with_suffix(".py")
    script.write_text(COUNTING)
    arguments = ("search", "--episodes", EPISODES, "--order", order, "--lanes", LANES, "--pool", "fused")
    keywords = ("--env-kwargs", "size=300", "evaluator.threads=4", "--run-dir", path, *more)
    return Running(path.with_suffix(".log"), str(script), path.with_suffix(".txt"), *arguments, *keywords)


def begun(path: Path) -> list[str]:
    return path.with_suffix(".txt").read_text().splitlines()


def episodes(path: Path) -> list[tuple[str, ...]]:
    """Return the episodes that are written, without their numbers."""
    with (path / "evaluations.csv").open() as file:
        return [tuple(row.values())[1:] for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.timeout(300)  # processes that search and train networks
@pytest.mark.parametrize("order", ["batch", "arrival", "submission"])
def test_search__killed_in_any_order_goes_on_and_trains_nothing_twice(order: str, tmp_path: Path) -> None:
    path = tmp_path / "killed"
    killed = start(path, order).interrupt(signal.SIGKILL, (path / "checkpoint.pt").exists, 0.3)
    assert killed.code == -signal.SIGKILL and 0 < rows(path) < EPISODES, killed
    first, written = begun(path), episodes(path)
    learned = torch.load(path / "checkpoint.pt", weights_only=True)["num_architectures"]
    assert 0 < learned <= len(written)
    with closing(EvaluationStore(path / "evaluations.sqlite", create=False)) as store:
        finished = {f"{row['architecture']}|{row['seed']}|{row['rung']}" for row in store.rows()}
    assert len(written) <= len(finished) <= len(first)

    ended = start(path, order, "--resume").finish()
    assert (ended.code, ended.err) == (0, ""), ended
    assert "best network" in ended.out and rows(path) == EPISODES
    twice = {child for child, trainings in Counter(begun(path)).items() if trainings > 1}
    assert twice <= set(first) - finished and len(twice) <= LANES, "but those under way were not finished"
    checkpoint = torch.load(path / "checkpoint.pt", weights_only=True)
    assert checkpoint["num_architectures"] == EPISODES and not checkpoint["under_way"]["numbers"]
    if order == "arrival":
        assert episodes(path)[:learned] == written[:learned]
        return
    whole = tmp_path / "whole"
    start(whole, order).interrupt(signal.SIGKILL, lambda: rows(whole) == EPISODES)  # the rest is known
    assert sorted(episodes(path)) == sorted(episodes(whole))
