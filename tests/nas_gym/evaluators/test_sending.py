import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.limits import LimitedEvaluator, SpaceLimit
from nas_gym.evaluators.remembered.cached import CachedEvaluator
from nas_gym.evaluators.remembered.stored import StoredEvaluator
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.memory.store import EvaluationStore
from nas_gym.pools import Here, Pool, Threads
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import InstantEvaluator, InstantTrainer, SlowEvaluator, quick, random_networks

A, B, C, D = random_networks(4)


def stored(inner: Evaluator, folder: Path) -> StoredEvaluator:
    return StoredEvaluator(inner, EvaluationStore(folder / "store.sqlite"))


def trained(pool: Pool) -> TrainingEvaluator:
    problem = quick("NAS-Moons-v0", recipe={"epochs": 1})
    return TrainingEvaluator(problem.make_trainer(), pool)


@pytest.mark.parametrize("at_once", [InstantEvaluator, lambda: CachedEvaluator(InstantEvaluator())])
def test_evaluator__that_answers_at_once_gives_it_out_once(at_once: Callable[[], Evaluator]) -> None:
    evaluator = at_once()
    first, second = evaluator.send([A, B]), evaluator.send([C])
    assert len({*first, *second}) == 3
    answers = dict(evaluator.recv())
    assert [answers[ticket] for ticket in (*first, *second)] == InstantEvaluator().evaluate([A, B, C])
    assert evaluator.recv() == []


def test_relay__receives_in_the_order_in_which_children_are_done() -> None:
    cached = CachedEvaluator(SlowEvaluator())
    a, b, c = cached.send([A, B, C])
    assert cached.recv(0) == []
    assert [ticket for ticket, _ in cached.recv()] == [c]
    assert [ticket for ticket, _ in cached.recv(5)] == [b, a]
    assert cached.recv() == []


def test_equal_children_under_way__are_trained_once(tmp_path: Path) -> None:
    inner = SlowEvaluator()
    for evaluator in (CachedEvaluator(inner), stored(inner, tmp_path)):
        inner.calls.clear()
        first = evaluator.send([A, B, A])
        second = evaluator.send([A])
        assert inner.calls == [(A, B)]
        assert [t for t, _ in evaluator.recv()] == [first[1]]
        answers = evaluator.recv()
        assert [t for t, _ in answers] == [first[0], first[2], *second]
        assert all(e == InstantTrainer().evaluate([A])[0] for _, e in answers)


def test_evaluate__leaves_alone_what_is_under_way() -> None:
    cached = CachedEvaluator(SlowEvaluator())
    (before,) = cached.send([A])
    assert [e.architecture for e in cached.evaluate([B, C])] == [B, C]
    (found,) = cached.recv()
    assert found == (before, InstantTrainer().evaluate([A])[0])


def test_refused_children__are_there_at_once() -> None:
    limited = LimitedEvaluator(SlowEvaluator(), [SpaceLimit({B: "not wanted"}.get)], "data", "recipe")
    a, b = limited.send([A, B])
    assert [(ticket, e.status) for ticket, e in limited.recv(0)] == [(b, "failed")]
    assert [ticket for ticket, _ in limited.recv()] == [a]


def test_stored__has_a_child_as_soon_as_it_is_received(tmp_path: Path) -> None:
    evaluator = stored(SlowEvaluator(), tmp_path)
    evaluator.send([A, B, C])
    for count in (1, 2, 3):
        evaluator.recv()
        assert len(evaluator.store) == count


class Interrupted:
    """Stands for Ctrl-C in the third child."""

    def __init__(self, trainer: Callable[[Child], Evaluation]) -> None:
        self.trainer, self.children = trainer, 0

    def __call__(self, child: Child) -> Evaluation:
        self.children += 1
        if self.children == 3:
            raise KeyboardInterrupt
        return self.trainer(child)


def test_stored__keeps_what_was_done_when_a_batch_is_interrupted(tmp_path: Path) -> None:
    training = trained(Here())
    evaluator = stored(training, tmp_path)
    call = training.trainer
    interrupted = Interrupted(call)
    training.trainer = type("Trainer", (), {"__call__": lambda _, child: interrupted(child)})()
    training.setting = call.setting  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        evaluator.evaluate([A, B, C, D])
    assert [row["architecture"] for row in evaluator.store.rows()] == [str(A), str(B)]
    assert evaluator.recv() == []
    training.trainer = call
    assert [e.architecture for e in evaluator.evaluate([C, A])] == [C, A]


@pytest.mark.parametrize("pool", [Here(), Threads(2)], ids=["here", "threads"])
def test_training__sent_and_received_is_as_evaluated(pool: Pool) -> None:
    with trained(pool) as evaluator:
        expected = [e.as_info() for e in evaluator.evaluate([A, B, C])]
        tickets = [*evaluator.send([A]), *evaluator.send([B, C])]
        found: dict[int, Evaluation] = {}
        while len(found) < 3:
            found |= dict(evaluator.recv(timeout=10))
        assert [found[ticket].as_info() for ticket in tickets] == expected
        assert evaluator.recv() == []


def test_training__leaves_behind_what_is_under_way_when_it_is_copied() -> None:
    evaluator = trained(Here())
    evaluator.send([A])
    copy = pickle.loads(pickle.dumps(evaluator))
    assert copy.recv() == []
    assert copy.evaluate([B])[0].as_info() == evaluator.evaluate([B])[0].as_info()
    evaluator.close()
    assert evaluator.recv() == []
