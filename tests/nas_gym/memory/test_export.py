import csv
from dataclasses import replace
from pathlib import Path

import pytest

from nas_gym.errors import StoreError
from nas_gym.evaluators.base import child_seed
from nas_gym.evaluators.lookup import TableEvaluator
from nas_gym.memory.export import table_of, write_csv
from nas_gym.memory.store import COLUMNS, EvaluationStore, Setting
from nas_gym.search_spaces import MlpSpace
from tests.nas_gym.doubles import InstantTrainer

SPACE = MlpSpace(max_length=2)
NETWORKS = list(SPACE.enumerate())


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    """A store with two trainings of each network, in which some children failed."""
    store = EvaluationStore(tmp_path / "store.sqlite")
    for seed in (0, 1):
        store.add(Setting.of(InstantTrainer()), InstantTrainer(seed=seed, failing=9).evaluate(NETWORKS))
    return store


def test_csv__holds_every_row(store: EvaluationStore, tmp_path: Path) -> None:
    write_csv(store, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    known = list(store.rows())
    assert len(rows) == 2 * len(NETWORKS) and {row["status"] for row in rows} == {"ok", "failed"}
    assert rows == [{name: "" if v is None else str(v) for name, v in row.items()} for row in known]
    assert tuple(rows[0]) == tuple(COLUMNS)


def test_table__holds_what_the_evaluator_would_say(store: EvaluationStore) -> None:
    trainer = InstantTrainer(failing=9)
    table = table_of(store, SPACE, trainer, 2)
    assert (table.dataset, table.recipe, table.seeds) == (trainer.dataset.id, trainer.recipe.id, 2)
    assert table.test is None
    for seed in (0, 1):
        looked_up = TableEvaluator(table).evaluate(NETWORKS, [seed] * len(NETWORKS))
        trained = InstantTrainer(seed=seed, failing=9).evaluate(NETWORKS)
        assert [e.status for e in looked_up] == [e.status for e in trained]
        assert [e.parameters for e in looked_up] == [e.parameters for e in trained]
        assert [e.validation_accuracy for e in looked_up] == [e.validation_accuracy for e in trained]


def test_table__is_refused_if_a_training_is_missing(store: EvaluationStore) -> None:
    with pytest.raises(
        StoreError, match=rf"lacks {len(NETWORKS)} of {3 * len(NETWORKS)} trainings of mlp-v0"
    ):
        table_of(store, SPACE, InstantTrainer(), 3)
    gap = EvaluationStore(store.path.with_name("gap.sqlite"))
    kept = [e for e in InstantTrainer().evaluate(NETWORKS) if e.architecture != NETWORKS[7]]
    gap.add(Setting.of(InstantTrainer()), [*kept, replace(kept[7], seed=child_seed(1, kept[7].architecture))])
    with pytest.raises(StoreError, match=f"lacks 1 of .* for example {NETWORKS[7]} with training seed 0$"):
        table_of(gap, SPACE, InstantTrainer(), 1)
