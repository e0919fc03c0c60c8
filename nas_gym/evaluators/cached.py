"""Evaluate each child of a process once."""

from collections.abc import Sequence

from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class CachedEvaluator(Evaluator):
    """Remembers in memory what another evaluator found and asks it only for what is new.

    Only evaluations with status ``"ok"`` are remembered, and only those whose seed follows from the
    architecture: a call that names its seeds goes straight through.

    Args:
        evaluator: Who is asked.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._known: dict[tuple[Architecture, int], Evaluation] = {}

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``; equal ones get the same evaluation."""
        if seeds is not None:
            return self.evaluator.evaluate(architectures, seeds, rung)
        new = [a for a in dict.fromkeys(architectures) if (a, rung) not in self._known]
        fresh = {e.architecture: e for e in self.evaluator.evaluate(new, None, rung)} if new else {}
        self._known.update({(a, rung): e for a, e in fresh.items() if e.status == "ok"})
        return [self._known.get((a, rung)) or fresh[a] for a in architectures]

    def close(self) -> None:
        """Close the other evaluator; what it found stays known."""
        self.evaluator.close()
