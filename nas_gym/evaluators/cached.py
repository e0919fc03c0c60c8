"""Evaluate each child once: in this process, and across processes and runs."""

from collections.abc import Sequence

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator, Trainer, child_seed
from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class CachedEvaluator:
    """Remembers in memory what another evaluator found and asks it only for what is new.

    Only evaluations with status ``"ok"`` are remembered, and only those whose seed follows from the
    architecture: a call that names its seeds goes straight through.

    Args:
        evaluator: Who is asked.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._known: dict[Architecture, Evaluation] = {}

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``; equal ones get the same evaluation."""
        if seeds is not None:
            return self.evaluator.evaluate(architectures, seeds)
        new = [a for a in dict.fromkeys(architectures) if a not in self._known]
        fresh = {e.architecture: e for e in self.evaluator.evaluate(new)} if new else {}
        self._known.update({a: e for a, e in fresh.items() if e.status == "ok"})
        return [self._known.get(a) or fresh[a] for a in architectures]


class StoredEvaluator:
    """Keeps every evaluation of a trainer in a store and has it train only what is not there.

    A result is taken from the store only for the same architecture, seed and ``Setting``, which fix it:
    so also calls that name their seeds are stored and looked up, those of a stochastic environment and
    of a confirmation. No draw is undone by that, and a search that is played again finds all its
    children. What failed is recorded and trained again.

    Processes that share a store see one another's children as soon as the call that trained them
    returns. Two that want the same new child at the same moment both train it, with the same result.

    Args:
        trainer: Who is asked.
        store: Where evaluations are kept.

    Raises:
        InvalidArgumentError: If ``trainer`` cannot say what its results depend on.
        StoreError: If the store cannot be written.
    """

    def __init__(self, trainer: Evaluator, store: EvaluationStore) -> None:
        if not isinstance(trainer, Trainer):
            raise InvalidArgumentError(
                f"only an evaluator with id, dataset, recipe and seed can have a store, got {trainer!r}"
            )
        self.trainer = trainer
        self.store = store
        self._setting = Setting.of(trainer)
        store.add(self._setting, [])  # a file that is read-only is refused before a child is trained

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``.

        Raises:
            StoreError: If the store cannot be read or written.
        """
        if seeds is None:
            seeds = [child_seed(self.trainer.seed, architecture) for architecture in architectures]
        children = list(zip(architectures, seeds, strict=True))
        known = self.store.find(self._setting, children)
        new = [child for child in dict.fromkeys(children) if child not in known]
        if new:
            fresh = self.trainer.evaluate([a for a, _ in new], [seed for _, seed in new])
            self.store.add(self._setting, fresh)
            known.update(zip(new, fresh, strict=True))
        return [known[child] for child in children]
