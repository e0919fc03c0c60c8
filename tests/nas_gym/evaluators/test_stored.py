from pathlib import Path

import pytest

from nas_gym.errors import InvalidArgumentError, StoreError
from nas_gym.evaluators.remembered.stored import StoredEvaluator
from nas_gym.memory.store import EvaluationStore
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import child_seed
from tests.nas_gym.doubles import InstantEvaluator, InstantTrainer, random_networks

A, B, C = random_networks(3)


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore(tmp_path / "store.sqlite")


def test_stored__trains_nothing_that_another_one_trained(store: EvaluationStore) -> None:
    first, second = InstantTrainer(), InstantTrainer()
    trained = StoredEvaluator(first, store).evaluate([A, B, A])
    assert first.calls == [(A, B)]
    assert trained == InstantTrainer().evaluate([A, B, A])
    other_process = EvaluationStore(store.path)
    assert StoredEvaluator(second, other_process).evaluate([B, C, A, C]) == InstantTrainer().evaluate(
        [B, C, A, C]
    )
    assert second.calls == [(C,)]
    assert StoredEvaluator(second, store).evaluate([C, A, B]) == InstantTrainer().evaluate([C, A, B])
    assert len(second.calls) == 1


def test_stored__knows_a_child_by_its_seed_whoever_names_it(store: EvaluationStore) -> None:
    trainer = InstantTrainer(seed=5)
    stored = StoredEvaluator(trainer, store)
    stored.evaluate([A])
    assert stored.evaluate([A, A, A], [1, child_seed(5, A), 1]) == trainer.evaluate(
        [A, A, A], [1, child_seed(5, A), 1]
    )
    assert trainer.calls[:2] == [(A,), (A,)]
    assert stored.evaluate([A], [2])[0].seed == 2
    assert {row["seed"] for row in store.rows()} == {1, 2, child_seed(5, A)}


def test_stored__trains_a_failed_child_again(store: EvaluationStore) -> None:
    trainer = InstantTrainer(failing=1)
    stored = StoredEvaluator(trainer, store)
    assert [e.status for e in stored.evaluate([A, A])] == ["failed", "failed"]
    assert [row["reason"] for row in store.rows()] == ["it is one of those that fail"]
    trainer.failing = 0
    assert [e.status for e in stored.evaluate([A])] == ["ok"]
    assert [(row["status"], row["reason"]) for row in store.rows()] == [("ok", None)]
    stored.evaluate([A])
    assert trainer.calls == [(A,), (A,)]


@pytest.mark.parametrize(
    "other",
    [
        InstantTrainer(id="other"),
        InstantTrainer(seed=1),
        InstantTrainer(recipe="longer"),
        InstantTrainer(task="another"),
    ],
    ids=["evaluator", "seed", "recipe", "dataset"],
)
def test_stored__takes_nothing_from_another_setting(store: EvaluationStore, other: InstantTrainer) -> None:
    StoredEvaluator(InstantTrainer(), store).evaluate([A])
    other.calls.clear()
    StoredEvaluator(other, store).evaluate([A])
    assert other.calls == [(A,)]
    assert len(store) == 2


def test_stored__needs_to_know_what_results_depend_on(store: EvaluationStore) -> None:
    with pytest.raises(InvalidArgumentError, match="only an evaluator with a seed and a setting can"):
        StoredEvaluator(InstantEvaluator(), store)


def test_stored__keeps_nothing_of_a_call_that_broke(store: EvaluationStore) -> None:
    class Broken(InstantTrainer):
        def evaluate(self, *_: object) -> list[Evaluation]:
            raise RuntimeError("the machine broke")

    with pytest.raises(RuntimeError, match="the machine broke"):
        StoredEvaluator(Broken(), store).evaluate([A])
    assert len(store) == 0


def test_stored__refuses_a_read_only_store_before_it_trains(store: EvaluationStore) -> None:
    with store._file.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="attempt to write a readonly database"):
        StoredEvaluator(InstantTrainer(), store)
