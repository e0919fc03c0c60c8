import csv
from dataclasses import replace
from pathlib import Path

import pytest

from nas_gym.errors import StoreError
from nas_gym.memory.export import table_of, write_csv
from nas_gym.memory.schema import COLUMNS
from nas_gym.memory.store import EvaluationStore
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import child_seed
from tests.nas_gym.memory.made_up import SETTING, trained

SPACE = MlpSpace(max_length=2)
NETWORKS = list(SPACE.enumerate())
SAMPLES = 70


def trainings(seed: int) -> list[Evaluation]:
    """Return one training of each network, of which every ninth failed."""
    good = [
        trained(
            child_seed(seed, network),
            network,
            scores={"accuracy": (rank + seed) % 71 / SAMPLES},
            parameters=rank,
        )
        for rank, network in enumerate(NETWORKS)
    ]
    return [replace(e, status="failed", scores={}) if rank % 9 == 8 else e for rank, e in enumerate(good)]


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    """A store with two trainings of each network."""
    store = EvaluationStore(tmp_path / "store.sqlite")
    store.add(SETTING, trainings(0) + trainings(1))
    return store


def test_csv__holds_every_row(store: EvaluationStore, tmp_path: Path) -> None:
    write_csv(store, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    known = list(store.rows())
    assert len(rows) == 2 * len(NETWORKS) and {row["status"] for row in rows} == {"ok", "failed"}
    assert rows == [{name: "" if v is None else str(v) for name, v in row.items()} for row in known]
    assert tuple(rows[0]) == tuple(COLUMNS)


def test_table__holds_what_was_trained(store: EvaluationStore) -> None:
    table = table_of(store, SPACE, SETTING, SAMPLES, 2)
    assert (table.dataset, table.recipe, table.seeds) == (SETTING.dataset, SETTING.recipe, 2)
    assert table.test is None and table.failed is not None and table.parameters is not None
    for seed in (0, 1):
        for rank, e in enumerate(trainings(seed)):
            assert table.failed[rank, seed] == (e.status == "failed")
            assert table.parameters[rank] == e.parameters
            assert table.validation_scores(e.architecture)[seed] == (e.score or 0.0)


def test_table__is_refused_if_a_training_is_missing(store: EvaluationStore) -> None:
    with pytest.raises(
        StoreError, match=rf"lacks {len(NETWORKS)} of {3 * len(NETWORKS)} trainings of mlp-v0"
    ):
        table_of(store, SPACE, SETTING, SAMPLES, 3)
    gap = EvaluationStore(store.path.with_name("gap.sqlite"))
    gap.add(SETTING, [e for e in trainings(0) if e.architecture != NETWORKS[7]] + trainings(1)[7:8])
    with pytest.raises(StoreError, match=f"lacks 1 of .* for example {NETWORKS[7]} with training seed 0$"):
        table_of(gap, SPACE, SETTING, SAMPLES, 1)


def test_table__is_refused_if_children_have_no_accuracy(store: EvaluationStore) -> None:
    other = replace(SETTING, dataset="brackets")
    store.add(other, [replace(e, scores={"perplexity": 3.0}) for e in trainings(0) if e.status == "ok"])
    with pytest.raises(StoreError, match=r"holds accuracies, the children of .* have perplexity$"):
        table_of(store, SPACE, other, SAMPLES, 1)
