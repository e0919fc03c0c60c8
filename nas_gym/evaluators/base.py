"""The interface of everything that can tell what a child is worth."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class Evaluator(ABC):
    """Trains children, or knows in another way what they are worth; a context manager that closes itself.

    One by one, fused, in processes, on a cluster or from a table: all have this one face, and nobody above it
    knows which it is. Whoever makes an evaluator closes it.
    """

    @abstractmethod
    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children; a child that fails is a status, a broken machine raises.

        Args:
            architectures: Networks to evaluate; the same one may come twice.
            seeds: One seed a child, each from 0 to 2**63 - 1. By default a child's seed follows from
                the evaluator's own seed and the architecture (``child_seed``), so that its result
                depends neither on the order of evaluation nor on its neighbours.
            rung: Fidelity, a position in the task's ladder: 0 is what a search trains with.

        Returns:
            One evaluation for each architecture, in order.
        """

    def close(self) -> None:
        """End whatever was started; evaluating again starts it anew."""
        return

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
