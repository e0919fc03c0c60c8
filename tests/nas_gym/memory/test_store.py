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
from nas_gym.memory.sqlite_file import SqliteFile
from nas_gym.memory.store import COLUMNS, EvaluationStore, Setting
from nas_gym.search_spaces import Architecture
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import random_networks

SETTING = Setting("moons", "ab12", "instant", "adam")
NETWORKS = list(dict.fromkeys(random_networks(40)))
GOOD = Evaluation(NETWORKS[0], "moons", "adam", 2**63 - 1, "ok", 0.1 + 0.2, 17, 0.25)
GOOD = replace(GOOD, last_epochs_accuracy=0.7 / 3, multiply_adds=2**40, latency_seconds=1e-3 / 3)
GOOD = replace(GOOD, validation_perplexity=10 / 3)


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore(tmp_path / "store.sqlite")


def children(*evaluations: Evaluation) -> list[tuple[Architecture, int]]:
    return [(e.architecture, e.seed or 0) for e in evaluations]


def test_store__returns_exactly_what_was_added(store: EvaluationStore) -> None:
    unknown = replace(GOOD, seed=0, validation_accuracy=None, parameters=None)
    unknown = replace(unknown, last_epochs_accuracy=None, multiply_adds=None, latency_seconds=None)
    unknown = replace(unknown, validation_perplexity=None)
    store.add(SETTING, [GOOD, unknown])
    again = EvaluationStore(store.path, create=False)
    wanted = children(GOOD, unknown, replace(GOOD, seed=5))
    assert again.find(SETTING, wanted) == dict(zip(wanted[:2], [GOOD, unknown], strict=True))
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
    ids=lambda setting: str(setting.as_row()),
)
def test_store__tells_settings_apart(store: EvaluationStore, other: Setting) -> None:
    store.add(SETTING, [GOOD])
    assert store.find(other, children(GOOD)) == {}
    assert store.find(SETTING, children(GOOD))


@pytest.mark.parametrize(
    "other",
    [
        replace(GOOD, architecture=NETWORKS[1]),
        replace(GOOD, architecture=replace(GOOD.architecture, search_space="mlp-v1")),
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
    failed = replace(GOOD, status="failed", validation_accuracy=None, reason="no memory")
    store.add(SETTING, [failed])
    assert store.find(SETTING, children(failed)) == {}
    assert store.find(SETTING, children(failed), failures=True) == {children(failed)[0]: failed}
    store.add(SETTING, [replace(failed, status="timed_out", reason="too slow")])
    assert [row["reason"] for row in store.rows()] == ["too slow"]
    store.add(SETTING, [GOOD])
    store.add(SETTING, [failed, replace(GOOD, seconds=9.0, validation_accuracy=0.9)])
    assert store.find(SETTING, children(GOOD)) == {children(GOOD)[0]: GOOD}


def test_store__is_a_table_for_any_sqlite_tool(store: EvaluationStore) -> None:
    accuracies = {str(network): index / 100 for index, network in enumerate(NETWORKS)}
    store.add(
        SETTING, [replace(GOOD, architecture=a, validation_accuracy=accuracies[str(a)]) for a in NETWORKS]
    )
    connection = sqlite3.connect(store.path)
    query = "select architecture, validation_accuracy from evaluations order by 2 desc"
    assert connection.execute(query).fetchall() == list(reversed(accuracies.items()))
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    connection.close()
    row = next(store.rows())
    assert tuple(row) == tuple(COLUMNS)
    assert (row["search_space"], row["dataset_checksum"], row["fidelity"]) == ("mlp-v0", "ab12", 1.0)
    age = datetime.now(UTC) - datetime.fromisoformat(row["evaluated_at"])
    assert timedelta(seconds=-1) <= age < timedelta(minutes=1)


def test_store__may_be_pickled(store: EvaluationStore) -> None:
    store.add(SETTING, [GOOD])
    assert pickle.loads(pickle.dumps(store)).find(SETTING, children(GOOD)) == store.find(
        SETTING, children(GOOD)
    )


def test_rows__may_be_read_by_one_who_writes_meanwhile(store: EvaluationStore) -> None:
    store.add(SETTING, [replace(GOOD, seed=seed) for seed in range(600)])
    for row in store.rows():
        if row["seed"] == 0:
            store.add(SETTING, [replace(GOOD, seed=600)])
    assert len(store) == 601


def foreign_text(path: Path) -> None:
    path.write_text("architecture,validation_accuracy\n" * 100)


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
        (pragma("PRAGMA user_version = 0"), "has schema 0, this version of nas_gym needs 3"),
        (pragma("PRAGMA user_version = 1"), "has schema 1, .* needs 3; give the name of a new file"),
        (pragma("PRAGMA user_version = 4"), "has schema 4, this version of nas_gym needs 3"),
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
    with pytest.raises(StoreError, match="unable to open database file"):
        EvaluationStore("/proc/store.sqlite")  # a folder in which not even root can make files
    assert list(tmp_path.iterdir()) == []


def test_add__says_in_one_line_that_the_file_is_read_only(
    store: EvaluationStore,
) -> None:
    limit(store, "query_only = ON")
    with pytest.raises(StoreError, match=r"cannot be written: attempt to write a readonly database$"):
        store.add(SETTING, [GOOD])


def test_add__survives_a_full_disk_and_writes_all_or_nothing(store: EvaluationStore) -> None:
    store.add(SETTING, [GOOD])
    limit(store, "max_page_count = 10")
    many = [replace(GOOD, seed=seed) for seed in range(1000)]
    with pytest.raises(StoreError, match=r"cannot be written: database or disk is full$"):
        store.add(SETTING, many)
    assert len(store) == 1
    limit(store, "max_page_count = 100000")
    store.add(SETTING, many)
    assert len(store) == 1001


def limit(store: EvaluationStore, pragma: str) -> None:
    """Change the store's own connection."""
    with store._file.reading() as connection:
        connection.execute(f"PRAGMA {pragma}")


def test_file__keeps_threads_apart(store: EvaluationStore) -> None:
    parts = [[replace(GOOD, seed=100 * i + j) for j in range(100)] for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: store.add(SETTING, part), parts))
    assert len(store) == 2000


def test_file__is_not_shared_with_a_fork(store: EvaluationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    file: SqliteFile = store._file
    with file.reading() as connection:
        parents = connection
    monkeypatch.setattr("os.getpid", lambda: -1)
    with file.reading() as connection:
        assert connection is not parents
    parents.execute("SELECT 1")  # still open


def test_find__is_fast(store: EvaluationStore) -> None:
    for start in range(0, 20_000, 2_000):
        store.add(SETTING, [replace(GOOD, seed=seed) for seed in range(start, start + 2_000)])
    seconds = []
    for seed in range(0, 20_000, 97):
        child = children(replace(GOOD, seed=seed))
        begin = perf_counter()
        assert store.find(SETTING, child)
        seconds.append(perf_counter() - begin)
    assert median(seconds) < 0.2e-3
