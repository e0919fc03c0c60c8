"""Evaluate each child once, across processes and runs."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.lent import LentEvaluator
from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import child_seed


@runtime_checkable
class Repeatable(Protocol):
    """An evaluator whose results follow from what it can say.

    Attributes:
        seed: From it and the architecture follows a child's seed, by ``child_seed``.
    """

    seed: int

    def setting(self, rung: int = 0) -> Setting:
        """Say what a child's result depends on, beside its architecture and seed."""


class StoredEvaluator(Evaluator):
    """Keeps every evaluation in a store and has only those trained that are not there.

    A result is taken from the store only for the same architecture, seed and ``Setting``, which fix it:
    so also calls that name their seeds are stored and looked up, those of a stochastic environment and
    of a confirmation. No draw is undone by that, and a search that is played again finds all its
    children. What failed is recorded and trained again.

    Processes that share a store see one another's children as soon as the call that trained them
    returns. Two that want the same new child at the same moment both train it, with the same result.

    Args:
        evaluator: Who trains what is new.
        store: Where evaluations are kept; closed with the evaluator.

    Raises:
        InvalidArgumentError: If ``evaluator`` cannot say what its results depend on.
        StoreError: If the store cannot be written.
    """

    def __init__(self, evaluator: Evaluator, store: EvaluationStore) -> None:
        said_by = evaluator.lender if isinstance(evaluator, LentEvaluator) else evaluator
        if not isinstance(said_by, Repeatable):
            raise InvalidArgumentError(
                f"only an evaluator with a seed and a setting can have a store, got {said_by!r}"
            )
        self.evaluator = evaluator
        self.store = store
        self._said_by = said_by
        store.add(said_by.setting(), [])  # a file that is read-only is refused before a child is trained

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``.

        Raises:
            StoreError: If the store cannot be read or written.
        """
        if seeds is None:
            seeds = [child_seed(self._said_by.seed, architecture) for architecture in architectures]
        setting = self._said_by.setting(rung)
        children = list(zip(architectures, seeds, strict=True))
        known = self.store.find(setting, children)
        new = [child for child in dict.fromkeys(children) if child not in known]
        if new:
            fresh = self.evaluator.evaluate([a for a, _ in new], [seed for _, seed in new], rung)
            self.store.add(setting, fresh)
            known.update(zip(new, fresh, strict=True))
        return [known[child] for child in children]

    def close(self) -> None:
        """Close the other evaluator and the file."""
        self.evaluator.close()
        self.store.close()
