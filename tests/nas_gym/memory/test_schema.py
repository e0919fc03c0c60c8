"""Stores of the schema before: ``schema_3.sqlite`` was made by the code of that time, with real trainings."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_gym.errors import StoreError
from nas_gym.memory import schema
from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.search_spaces import Architecture
from tests.nas_gym.memory.made_up import SETTING, trained

OLD = Path(__file__).with_name("schema_3.sqlite")
ADAM = "adam(epochs={}, batch_size=64, learning_rate=0.005, patience=None, schedule=cosine)"
MOONS = Setting(
    "moons-v0(size=1000, noise=0.2, split=700/100/200, seed=0)",
    "e49c9d2ce865fb7243b79ecd774caefcf27da14c80cff63df09642727079338b",
    "fused",
    "adam(epochs=100, batch_size=32, learning_rate=0.01, patience=10)",
)
DIGITS = Setting(
    "digits-v0(split=1258/269/270, seed=0)",
    "53c4c5d529b174c66d5b5fa96069d097162e602b9cde1c86714cd505eab4b506",
    "local(cpu)",
    ADAM.format(3),
)
FEW_DIGITS = Setting(
    "digits-v0(split=1258/269/270, train_samples=100, seed=0)",
    "877966748c6bcf64d3bfc9ff7bdcbadfb1efec245e2ef91978099a7a1b114710",
    "local(cpu)",
    ADAM.format(1),
)
CHILDREN = {
    "fused": (MOONS, "mlp-v0", "ReLU", 7872674090439441111, {"accuracy": 0.9}),
    "chain": (
        DIGITS,
        "chain-v0",
        "conv5x5-16-pool3-drop0.5 conv7x7-32-pool1-drop0",
        7213930954285735177,
        {"accuracy": 0.9405204460966543, "last_epochs_accuracy": 0.9405204460966543},
    ),
    "graph": (
        FEW_DIGITS,
        "graph-v0",
        "conv3x3-24 conv1x3-24 from-1",
        732188535977621276,
        {"accuracy": 0.16356877323420074, "last_epochs_accuracy": 0.16356877323420074},
    ),
    "graph that begins with a pool": (
        FEW_DIGITS,
        "graph-v0",
        "pool2 conv1x1-24",
        7940499247283367330,
        {"accuracy": 0.09665427509293681, "last_epochs_accuracy": 0.09665427509293681},
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(OLD, tmp_path / "store.sqlite"))


def contents(path: Path, columns: str) -> Iterator[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    yield from connection.execute(f"SELECT {columns} FROM evaluations ORDER BY rowid")
    connection.close()


@pytest.mark.parametrize(("setting", "space", "text", "seed", "scores"), CHILDREN.values(), ids=CHILDREN)
def test_old_store__has_its_children_found(
    path: Path, setting: Setting, space: str, text: str, seed: int, scores: dict[str, float]
) -> None:
    child = (Architecture(space, tuple(text.split())), seed)
    store = EvaluationStore(path)
    found = store.find(setting, [child])[child]
    assert (found.status, found.scores, found.rung) == ("ok", scores, 0)
    assert found.parameters and found.multiply_adds and found.seconds
    store.add(setting, [found])
    assert len(store) == 14, "it was there"


def test_old_store__keeps_every_row_and_takes_new_ones(path: Path) -> None:
    kept = "architecture, parameters, multiply_adds, latency_seconds, status, reason, seconds, seed, dataset"
    kept += ", dataset_checksum, evaluator, recipe, fidelity, evaluated_at"
    before = list(contents(path, kept))
    old = contents(path, "coalesce(validation_accuracy, validation_perplexity)")
    scores = list(old)
    store = EvaluationStore(path, create=False)
    assert list(contents(path, kept)) == before and len(before) == 14
    assert list(contents(path, "score")) == scores
    rows = list(store.rows())
    assert all(tuple(row) == tuple(schema.COLUMNS) for row in rows)
    assert {row["search_space"] for row in rows} == {"mlp-v0", "chain-v0", "graph-v0", "cell-v0"}
    assert [row["metric"] for row in rows] == 9 * ["accuracy"] + 2 * ["perplexity"] + [None] + 2 * [
        "accuracy"
    ]
    store.add(SETTING, [trained()])
    assert len(EvaluationStore(path)) == 15


@pytest.mark.parametrize(
    ("version", "unknown"),
    [
        (2, ["validation_perplexity"]),
        (1, ["validation_perplexity", "last_epochs_accuracy", "multiply_adds", "latency_seconds"]),
    ],
)
def test_older_store__is_migrated_too(path: Path, version: int, unknown: list[str]) -> None:
    connection = sqlite3.connect(path)
    for column in unknown:
        connection.execute(f"ALTER TABLE evaluations DROP COLUMN {column}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    store = EvaluationStore(path)
    for setting, space, text, seed, scores in CHILDREN.values():
        child = (Architecture(space, tuple(text.split())), seed)
        known = {name: score for name, score in scores.items() if version == 2 or name == "accuracy"}
        assert store.find(setting, [child])[child].scores == known
    assert len(store) == 14


def test_old_store__keeps_failures_and_lets_them_be_replaced(path: Path) -> None:
    store = EvaluationStore(path)
    (row,) = (row for row in store.rows() if row["status"] == "failed")
    dataset, checksum, evaluator, recipe = (
        str(row[name]) for name in ("dataset", "dataset_checksum", "evaluator", "recipe")
    )
    setting = Setting(dataset, checksum, evaluator, recipe)
    child = (Architecture("cell-v0", tuple(str(row["architecture"]).split())), int(str(row["seed"])))
    assert store.find(setting, [child]) == {}
    failed = store.find(setting, [child], failures=True)[child]
    assert (failed.scores, failed.reason) == ({}, "the weights are not finite after epoch 1")
    store.add(setting, [trained(child[1], child[0], scores={"perplexity": 5.0})])
    assert store.find(setting, [child])[child].score == 5.0 and len(store) == 14


def test_migration__is_done_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(contents(path, "*"))

    def half(connection: sqlite3.Connection) -> None:
        schema._from_3(connection)
        connection.execute("SELECT nonsense")

    with monkeypatch.context() as patch:
        patch.setitem(schema.MIGRATIONS, 3, half)
        with pytest.raises(StoreError, match=r"from schema 3 to 4: no such column: nonsense$"):
            EvaluationStore(path)
    assert list(contents(path, "*")) == before
    assert len(EvaluationStore(path)) == 14
