import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import gymnasium as gym
import pytest

from nas_gym.memory import file_system
from nas_gym.memory.file_system import file_system_of
from nas_gym.memory.store import EvaluationStore
from tests.nas_gym.memory.made_up import SETTING, trained

CONTEXT = multiprocessing.get_context("forkserver")
WRITERS, EACH = 4, 25


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that Linux says is on NFS."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    mount(folder, "nfs4", "rw,local_lock=none", tmp_path, monkeypatch)
    return folder


def mount(folder: Path, kind: str, options: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = place / "mounts"
    name = str(folder).replace(" ", r"\040")
    mounts.write_text(
        f"/dev/sda / ext4 rw 0 0\nhost:/x {name} {kind} {options} 0 0\nnone {name}/deeper tmpfs rw 0 0\n\n"
    )
    monkeypatch.setattr(file_system, "MOUNTS", mounts)


def journal_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    return str(journal)


def test_file_system__is_that_of_the_deepest_mount(shared: Path) -> None:
    assert (file_system_of(shared / "x").type, file_system_of(shared.parent / "x").type) == ("nfs4", "ext4")
    assert file_system_of(shared / "deeper" / "x").type == "tmpfs"


def test_file_system__is_unknown_where_nothing_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(file_system, "MOUNTS", tmp_path / "none")
    assert not file_system_of(tmp_path).is_shared


@pytest.mark.parametrize("kind", ["nfs", "cifs", "lustre", "fuse.sshfs", "9p"])
def test_store__on_a_network_has_a_journal_that_machines_may_share(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount(tmp_path, kind, "rw", tmp_path, monkeypatch)
    env = gym.make("NAS-Moons-v0", store=tmp_path / "store.sqlite", recipe={"epochs": 1})
    with closing(env):
        env.reset()
        env.step(0)
        assert env.step(9)[4]["evaluation"]["status"] == "ok"
        assert not list(tmp_path.glob("store.sqlite-*")), "no memory beside it that others would not see"
    assert journal_of(tmp_path / "store.sqlite") == "delete"


def test_store__on_this_machine_has_a_log_as_before(shared: Path) -> None:
    gym.make("NAS-Moons-v0", store=shared.parent / "store.sqlite").close()
    assert journal_of(shared.parent / "store.sqlite") == "wal"


def test_store__of_before_is_brought_along(shared: Path) -> None:
    file = shared / "store.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_system, "MOUNTS", shared / "none")
        store = EvaluationStore(file)
        store.add(SETTING, [trained(0)])
        store.close()
    assert journal_of(file) == "wal"
    assert len(EvaluationStore(file)) == 1
    assert journal_of(file) == "delete"


def write(file: Path, number: int, mounts: Path) -> None:
    file_system.MOUNTS = mounts
    store = EvaluationStore(file)
    for seed in range(number * EACH, (number + 1) * EACH):
        store.add(SETTING, [trained(seed)])


@pytest.mark.slow  # four processes share the cores
@pytest.mark.timeout(60)
def test_store__on_a_network_loses_nothing_with_many_writers(shared: Path) -> None:
    file = shared / "store.sqlite"
    writers = [
        CONTEXT.Process(target=write, args=(file, number, file_system.MOUNTS)) for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert sorted(int(str(row["seed"])) for row in EvaluationStore(file).rows()) == list(
        range(WRITERS * EACH)
    )


@pytest.mark.parametrize("options", ["rw,nolock", "rw,local_lock=all", "rw,nobrl"])
def test_store__where_locks_are_not_shared_says_so(
    options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount(tmp_path, "nfs", options, tmp_path, monkeypatch)
    with pytest.warns(UserWarning) as told:
        gym.make("NAS-Moons-v0", store=tmp_path / "store.sqlite").close()
    assert [str(each.message) for each in told] == [
        f"{tmp_path / 'store.sqlite'} is on nfs, mounted so that other machines see no locks: only one "
        "machine at a time may use this store"
    ]
