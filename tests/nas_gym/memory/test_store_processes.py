"""Many processes on one store, and processes that are killed."""

import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from nas_gym.evaluators.cached import StoredEvaluator
from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.search_spaces import Architecture
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import InstantTrainer

NETWORK = Architecture("mlp-v0", ("Linear-8",))
SETTING = Setting("moons", "ab12", "instant", "adam")
WRITERS = 16
# The promise is 10,000 a process; that takes a minute and has the same conflicts.
EACH = int(os.environ.get("NAS_GYM_TEST_WRITES", "1000"))
BATCH = 100

# A server that has imported everything once: processes begin within milliseconds.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


pytestmark = pytest.mark.xdist_group("store")  # one server for all of them


class QuickTrainer(InstantTrainer):
    """Trains nothing and refuses the seeds that it is told."""

    refused: range = range(0)

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        assert seeds is not None
        assert not [seed for seed in seeds if seed in self.refused], "trained twice"
        return [
            Evaluation(a, "moons", "adam", seed, "ok", 0.5, 3, 0.0)
            for a, seed in zip(architectures, seeds, strict=True)
        ]


def write(path: Path, writer: int, failures: "Connection[str, str]") -> None:
    """Evaluate ``EACH`` children of its own, among them, time and again, some that were there already."""
    try:
        trainer = QuickTrainer()
        trainer.refused = range(BATCH)
        evaluator = StoredEvaluator(trainer, EvaluationStore(path))
        own = range(BATCH + writer * EACH, BATCH + (writer + 1) * EACH)
        for start in range(0, EACH, BATCH):
            seeds = [*own[start : start + BATCH], start // BATCH % BATCH]
            assert [e.seed for e in evaluator.evaluate([NETWORK] * len(seeds), seeds)] == seeds
        trainer.refused = own
        evaluator.evaluate([NETWORK] * EACH, own)
    except BaseException as error:
        failures.send(repr(error))
        raise


@pytest.mark.slow  # sixteen processes share the cores
@pytest.mark.timeout(60)
def test_store__loses_nothing_and_trains_nothing_twice_with_many_writers(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    StoredEvaluator(QuickTrainer(), EvaluationStore(path)).evaluate([NETWORK] * BATCH, range(BATCH))
    failures, sender = CONTEXT.Pipe(duplex=False)
    writers = [CONTEXT.Process(target=write, args=(path, i, sender), daemon=True) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures.poll(), failures.recv()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    rows = list(EvaluationStore(path).rows())
    assert sorted(row["seed"] for row in rows) == list(range(BATCH + WRITERS * EACH))


def open_new(path: Path, gate: "Connection[str, str]") -> None:
    gate.poll(None)
    EvaluationStore(path).add(SETTING, QuickTrainer().evaluate([NETWORK], [os.getpid()]))


@pytest.mark.slow  # eight processes share the cores
@pytest.mark.timeout(60)
def test_store__may_be_made_by_many_at_the_same_moment(tmp_path: Path) -> None:
    for attempt in range(2):
        path = tmp_path / f"{attempt}.sqlite"
        gate, opener = CONTEXT.Pipe(duplex=False)
        makers = [CONTEXT.Process(target=open_new, args=(path, gate), daemon=True) for _ in range(8)]
        for maker in makers:
            maker.start()
        opener.send("go")
        for maker in makers:
            maker.join()
        assert [maker.exitcode for maker in makers] == [0] * 8
        assert len(EvaluationStore(path)) == 8


def write_for_ever(path: Path, done: "Connection[int, int]") -> None:
    store, start = EvaluationStore(path), 0
    while True:
        seeds = range(start, start + BATCH)
        store.add(SETTING, QuickTrainer().evaluate([NETWORK] * BATCH, seeds))
        start += BATCH
        done.send(start)


@pytest.mark.slow  # processes that are killed one after another
@pytest.mark.timeout(60)
@pytest.mark.parametrize("delay_seconds", [0.0, 0.01, 0.05, 0.1, 0.3])
def test_store__lacks_at_most_the_call_under_way_after_a_kill(tmp_path: Path, delay_seconds: float) -> None:
    path = tmp_path / "store.sqlite"
    done, sender = CONTEXT.Pipe(duplex=False)
    writer = CONTEXT.Process(target=write_for_ever, args=(path, sender), daemon=True)
    writer.start()
    written = done.recv()
    deadline = time.monotonic() + delay_seconds
    while time.monotonic() < deadline:
        if done.poll(0.001):
            written = done.recv()
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    while done.poll():
        written = done.recv()
    store = EvaluationStore(path, create=False)
    assert len(store) in (written, written + BATCH), "a batch is there whole or not at all"
    assert sorted(row["seed"] for row in store.rows()) == list(range(len(store)))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store.add(SETTING, QuickTrainer().evaluate([NETWORK], [len(store)]))
