import pickle
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from nas_gym.errors import StoreError
from nas_gym.memory.schema import COLUMNS
from nas_gym.memory.sqlite_file import SqliteFile
from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.search_spaces import Architecture
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.memory.made_up import NETWORK, SETTING, trained

GOOD = trained(
    2**63 - 1,
    scores={"log_loss": 0.1 + 0.2, "accuracy": 0.7 / 3},
    parameters=17,
    seconds=0.25,
    multiply_adds=2**40,
    latency_seconds=1e-3 / 3,
    rung=2,
)


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore(tmp_path / "store.sqlite")


def children(*evaluations: Evaluation) -> list[tuple[Architecture, int]]:
    return [(e.architecture, e.seed or 0) for e in evaluations]


def test_store__returns_exactly_what_was_added(store: EvaluationStore) -> None:
    unknown = trained(0, scores={}, parameters=None)
    store.add(SETTING, [GOOD, unknown])
    again = EvaluationStore(store.path, create=False)
    wanted = children(GOOD, unknown, replace(GOOD, seed=5))
    found = again.find(SETTING, wanted)
    assert found == dict(zip(wanted[:2], [GOOD, unknown], strict=True))
    assert list(found[wanted[0]].scores) == ["log_loss", "accuracy"]
    assert again.find(SETTING, []) == {}
    assert len(again) == 2


def test_store__finds_more_children_than_fit_into_one_query(store: EvaluationStore) -> None:
    many = [replace(GOOD, seed=seed) for seed in range(1201)]
    store.add(SETTING, many)
    assert store.find(SETTING, children(*many)) == dict(zip(children(*many), many, strict=True))
    assert [row["seed"] for row in store.rows()] == list(range(1201))


@pytest.mark.parametrize(
    "other",
    [
        replace(SETTING, dataset="other"),
        replace(SETTING, dataset_checksum="other"),
        replace(SETTING, evaluator="other"),
        replace(SETTING, recipe="other"),
        replace(SETTING, fidelity=0.5),
    ],
    ids=str,
)
def test_store__tells_settings_apart(store: EvaluationStore, other: Setting) -> None:
    store.add(SETTING, [GOOD])
    assert store.find(other, children(GOOD)) == {}
    assert store.find(SETTING, children(GOOD))


@pytest.mark.parametrize(
    "other",
    [
        replace(GOOD, architecture=Architecture("mlp-v0", ("Linear-8",))),
        replace(GOOD, architecture=replace(NETWORK, search_space="mlp-v1")),
        replace(GOOD, seed=2**63 - 2),
    ],
    ids=["architecture", "search_space", "seed"],
)
def test_store__tells_children_apart(store: EvaluationStore, other: Evaluation) -> None:
    store.add(SETTING, [GOOD])
    assert store.find(SETTING, children(other)) == {}
    store.add(SETTING, [other])
    assert len(store) == 2


def test_store__keeps_failures_until_something_better_comes(store: EvaluationStore) -> None:
    failed = replace(GOOD, status="failed", scores={}, reason="no memory")
    store.add(SETTING, [failed])
    assert store.find(SETTING, children(failed)) == {}
    assert store.find(SETTING, children(failed), failures=True) == {children(failed)[0]: failed}
    store.add(SETTING, [replace(failed, status="timed_out", reason="too slow")])
    assert [row["reason"] for row in store.rows()] == ["too slow"]
    store.add(SETTING, [GOOD])
    store.add(SETTING, [failed, replace(GOOD, seconds=9.0, scores={"log_loss": 0.9})])
    assert store.find(SETTING, children(GOOD)) == {children(GOOD)[0]: GOOD}


def test_store__is_a_table_for_any_sqlite_tool(store: EvaluationStore) -> None:
    store.add(SETTING, [GOOD, trained(1, scores={"accuracy": 0.75}), trained(2, status="failed", scores={})])
    connection = sqlite3.connect(store.path)
    query = "select metric, score, json_extract(scores, '$.accuracy'), rung from evaluations"
    assert connection.execute(query).fetchall() == [
        ("log_loss", 0.1 + 0.2, 0.7 / 3, 2),
        ("accuracy", 0.75, 0.75, 0),
        (None, None, None, 0),
    ]
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    connection.close()
    row = next(store.rows())
    assert tuple(row) == tuple(COLUMNS)
    assert (row["search_space"], row["dataset_checksum"], row["fidelity"]) == ("mlp-v0", "ab12", 1.0)
    age = datetime.now(UTC) - datetime.fromisoformat(str(row["evaluated_at"]))
    assert timedelta(seconds=-1) <= age < timedelta(minutes=1)


def test_store__may_be_pickled(store: EvaluationStore) -> None:
    store.add(SETTING, [GOOD])
    assert pickle.loads(pickle.dumps(store)).find(SETTING, children(GOOD)) == {children(GOOD)[0]: GOOD}


def test_rows__may_be_read_by_one_who_writes_meanwhile(store: EvaluationStore) -> None:
    store.add(SETTING, [trained(seed) for seed in range(600)])
    for row in store.rows():
        if row["seed"] == 0:
            store.add(SETTING, [trained(600)])
    assert len(store) == 601


def test_close__leaves_no_open_file_and_a_later_use_opens_anew(store: EvaluationStore) -> None:
    store.add(SETTING, [GOOD])
    for _ in range(2):
        store.close()
        store.close()
        opened = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
        assert not [path for path in opened if path.is_relative_to(store.path.parent)]
        assert list(store.path.parent.iterdir()) == [store.path]
        assert store.find(SETTING, children(GOOD)) == {children(GOOD)[0]: GOOD}


def foreign_text(path: Path) -> None:
    path.write_text("architecture,accuracy\n" * 100)


def foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE evaluations (architecture TEXT)")
    connection.close()


def pragma(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        EvaluationStore(path).add(SETTING, [GOOD])
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.close()

    return change


def truncated(path: Path) -> None:
    EvaluationStore(path).add(SETTING, [GOOD])
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign_text, "file is not a database"),
        (foreign_database, "another program"),
        (pragma("PRAGMA application_id = 7"), "another program"),
        (pragma("PRAGMA user_version = 0"), "has schema 0, this version of nas_gym reads 1 to 4"),
        (pragma("PRAGMA user_version = 5"), "has schema 5, .* reads 1 to 4; give the name of a new file"),
        (truncated, "malformed|not a database"),
        (Path.mkdir, "unable to open database file"),
    ],
)
def test_open__refuses_what_is_no_store_and_leaves_it_alone(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "file.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=message) as error:
        EvaluationStore(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert before is None or path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_open__says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        EvaluationStore(tmp_path / "none.sqlite", create=False)
    with pytest.raises(StoreError, match="there is no folder"):
        EvaluationStore(tmp_path / "none" / "store.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_open__says_in_one_line_that_nothing_can_be_written(
    store: EvaluationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="unable to open database file"):
        EvaluationStore("/proc/store.sqlite")  # a folder in which not even root can make files
    store.add(SETTING, [GOOD])
    store.close()
    connect = sqlite3.connect  # not even root may write through this one, as through a file without rights
    monkeypatch.setattr(
        sqlite3, "connect", lambda name, **how: connect(name.replace("mode=rwc", "mode=ro"), **how)
    )
    with pytest.raises(StoreError, match=r"cannot be opened: attempt to write a readonly database$"):
        EvaluationStore(store.path)


def test_add__survives_a_full_disk_and_writes_all_or_nothing(store: EvaluationStore) -> None:
    store.add(SETTING, [GOOD])
    limit(store, 10)
    many = [trained(seed) for seed in range(1000)]
    with pytest.raises(StoreError, match=r"cannot be written: database or disk is full$"):
        store.add(SETTING, many)
    assert len(store) == 1
    limit(store, 100_000)
    store.add(SETTING, many)
    assert len(store) == 1001


def limit(store: EvaluationStore, pages: int) -> None:
    """Change the store's own connection."""
    with store._file.reading() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages}")


def test_file__keeps_threads_apart(store: EvaluationStore) -> None:
    parts = [[trained(100 * i + j) for j in range(100)] for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: store.add(SETTING, part), parts))
    assert len(store) == 2000


def test_file__is_not_shared_with_a_fork(store: EvaluationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    file: SqliteFile = store._file
    with file.reading() as connection:
        parents = connection
    monkeypatch.setattr("os.getpid", lambda: -1)
    file.close()
    with file.reading() as connection:
        assert connection is not parents
    parents.execute("SELECT 1")  # still open


def test_find__is_fast(store: EvaluationStore) -> None:
    for start in range(0, 20_000, 2_000):
        store.add(SETTING, [trained(seed) for seed in range(start, start + 2_000)])
    seconds = []
    for seed in range(0, 20_000, 97):
        begin = perf_counter()
        assert store.find(SETTING, [(NETWORK, seed)])
        seconds.append(perf_counter() - begin)
    assert median(seconds) < 0.2e-3
