"""Evaluate each architecture once."""

from collections.abc import Iterable, Sequence

from nas_gym.evaluation.base import Evaluator
from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.search_spaces.architecture import Architecture


class CachedEvaluator:
    """Remembers what another evaluator found and asks it only for what is new.

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
        self.remember(fresh.values())
        return [self._known.get(a) or fresh[a] for a in architectures]

    def remember(self, evaluations: Iterable[Evaluation]) -> None:
        """Take evaluations over, for example those of an interrupted run."""
        self._known.update({e.architecture: e for e in evaluations if e.status == "ok"})
