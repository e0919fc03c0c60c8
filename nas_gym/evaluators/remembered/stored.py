"""Evaluate each child once, across processes and runs."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.lent import LentEvaluator
from nas_gym.evaluators.sending import Relay, Request
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


class StoredEvaluator(Relay):
    """Keeps every evaluation in a store and has only those trained that are not there.

    A result is taken from the store only for the same architecture, seed and ``Setting``, which fix it:
    so also calls that name their seeds are stored and looked up, those of a stochastic environment and
    of a confirmation. No draw is undone by that, and a search that is played again finds all its
    children. What failed is recorded and trained again.

    A child is in the store as soon as it is received, before anybody is told of it: a search that is
    killed loses only what was under way. Processes that share a store see one another's children. Two that
    want the same new child at the same moment both train it, with the same result.

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
        super().__init__(evaluator)
        self.store = store
        self._said_by = said_by
        store.add(said_by.setting(), [])  # a file that is read-only is refused before a child is trained

    def _seeds(self, architectures: Sequence[Architecture]) -> Sequence[int]:
        return [child_seed(self._said_by.seed, architecture) for architecture in architectures]

    def _known(self, requests: Sequence[Request]) -> dict[Request, Evaluation]:
        found: dict[Request, Evaluation] = {}
        for rung, of_rung in _by_rung(requests):
            children = [(request.architecture, _seed(request)) for request in of_rung]
            stored = self.store.find(self._said_by.setting(rung), children)
            found |= {Request(*child, rung): evaluation for child, evaluation in stored.items()}
        return found

    def _keep(self, came: Sequence[tuple[Request, Evaluation]]) -> None:
        evaluations = dict(came)
        for rung, of_rung in _by_rung(list(evaluations)):
            self.store.add(self._said_by.setting(rung), [evaluations[request] for request in of_rung])

    def close(self) -> None:
        """Close the other evaluator and the file."""
        super().close()
        self.store.close()


def _by_rung(requests: Sequence[Request]) -> list[tuple[int, list[Request]]]:
    """Return the requests of each rung: each has a setting of its own."""
    rungs = sorted({request.rung for request in requests})
    return [(rung, [request for request in requests if request.rung == rung]) for rung in rungs]


def _seed(request: Request) -> int:
    assert request.seed is not None, "a store names all seeds"
    return request.seed
