"""Many processes on one store, and processes that are killed."""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from nas_gym.errors import StoreError
from nas_gym.memory import schema
from nas_gym.memory.store import EvaluationStore
from tests.nas_gym.memory.made_up import NETWORK, SETTING, trained

WRITERS = 16
# The promise is 10,000 a process; that takes a minute and has the same conflicts.
EACH = int(os.environ.get("NAS_GYM_TEST_WRITES", "1000"))
BATCH = 100
OLD = Path(__file__).with_name("schema_3.sqlite")

# A server that has imported everything once: processes begin within milliseconds.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])

pytestmark = pytest.mark.xdist_group("store")  # one server for all of them


def add(store: EvaluationStore, seeds: range) -> None:
    store.add(SETTING, [trained(seed) for seed in seeds])


def all_exit_well(count: int, target: Callable[..., None], *arguments: object) -> None:
    """Run processes that get the arguments and a pipe on which they are told to begin."""
    gate, opener = CONTEXT.Pipe(duplex=False)
    processes = [
        CONTEXT.Process(target=target, args=(number, *arguments, gate), daemon=True)
        for number in range(count)
    ]
    for process in processes:
        process.start()
    opener.send("go")
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count


def write(writer: int, path: Path, gate: "Connection[str, str]") -> None:
    """Write ``EACH`` children of its own; among them, time and again, one that others write, too."""
    store = EvaluationStore(path)
    own = range(BATCH + writer * EACH, BATCH + (writer + 1) * EACH)
    for start in range(0, EACH, BATCH):
        common = start // BATCH % BATCH
        add(store, own[start : start + BATCH])
        add(store, range(common, common + 1))
    assert len(store.find(SETTING, [(NETWORK, seed) for seed in own])) == EACH


@pytest.mark.slow  # sixteen processes share the cores
@pytest.mark.timeout(60)
def test_store__loses_nothing_with_many_writers(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    add(EvaluationStore(path), range(BATCH))
    all_exit_well(WRITERS, write, path)
    rows = list(EvaluationStore(path).rows())
    assert sorted(int(str(row["seed"])) for row in rows) == list(range(BATCH + WRITERS * EACH))


def open_and_write(number: int, path: Path, gate: "Connection[str, str]") -> None:
    gate.poll(None)
    add(EvaluationStore(path), range(number, number + 1))


@pytest.mark.slow  # eight processes share the cores
@pytest.mark.timeout(60)
@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_store__may_be_made_or_migrated_by_many_at_the_same_moment(tmp_path: Path, old: bool) -> None:
    for attempt in range(2):
        path = tmp_path / f"{attempt}.sqlite"
        if old:
            shutil.copy(OLD, path)
        all_exit_well(8, open_and_write, path)
        assert len(EvaluationStore(path)) == 8 + 14 * old


def write_for_ever(path: Path, done: "Connection[int, int]") -> None:
    store, start = EvaluationStore(path), 0
    while True:
        add(store, range(start, start + BATCH))
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
    kill(writer)
    while done.poll():
        written = done.recv()
    store = EvaluationStore(path, create=False)
    assert len(store) in (written, written + BATCH), "a batch is there whole or not at all"
    assert [row["seed"] for row in store.rows()] == list(range(len(store)))


def migrate_and_wait(path: Path, done: "Connection[str, str]") -> None:
    """Stop before the transaction ends."""
    migrate = schema.MIGRATIONS[3]

    def slowly(connection: sqlite3.Connection) -> None:
        migrate(connection)
        done.send("migrated")
        time.sleep(60)

    schema.MIGRATIONS[3] = slowly
    EvaluationStore(path)


@pytest.mark.timeout(60)
def test_migration__that_is_killed_leaves_the_old_store(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD, tmp_path / "store.sqlite"))
    done, sender = CONTEXT.Pipe(duplex=False)
    migrator = CONTEXT.Process(target=migrate_and_wait, args=(path, sender), daemon=True)
    migrator.start()
    assert done.recv() == "migrated"
    kill(migrator)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    connection.close()
    assert len(EvaluationStore(path)) == 14


def kill(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def open_without_rights(path: Path, answers: "Connection[str, str]") -> None:
    """Open a store for writing and for reading, as somebody whom permissions bind; tell what came."""
    if os.geteuid() == 0:
        os.setuid(65534)
    for create in (True, False):
        try:
            store = EvaluationStore(path, create)
            answers.send(f"{len(store)} rows")
            add(store, range(1))
        except StoreError as error:
            answers.send(str(error).partition(path.name)[2])
    answers.close()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "rights", [(0o777, 0o444), (0o555, 0o444), (0o555, 0o666)], ids=["file", "both", "folder"]
)
@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_store__without_permission_to_write_is_refused_at_once_or_read(
    old: bool, journal: str, rights: tuple[int, int]
) -> None:
    readonly = "attempt to write a readonly database"
    with TemporaryDirectory() as folder:  # unlike pytest's one that others may enter
        path = Path(shutil.copy(OLD, Path(folder, "store.sqlite")))
        if not old:
            EvaluationStore(path).close()
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.close()
        path.chmod(rights[1])
        Path(folder).chmod(rights[0])
        answers, sender = CONTEXT.Pipe(duplex=False)
        opener = CONTEXT.Process(target=open_without_rights, args=(path, sender), daemon=True)
        opener.start()
        sender.close()
        opener.join()
        Path(folder).chmod(0o700)
        said = [answers.recv() for _ in range(2 if old else 3)]
    if old:
        assert said[0].endswith(readonly)
        assert said[1] == f" cannot be brought from schema 3 to 4: {readonly}"
    else:
        assert said == [f" cannot be opened: {readonly}", "14 rows", f" cannot be written: {readonly}"]
