"""The interface of everything that can tell what a child is worth."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.search_spaces.architecture import Architecture


class Evaluator(Protocol):
    """Trains children, or knows in another way what they are worth.

    One by one, fused, in processes or from a table: all have this one method, and nobody above it
    knows which it is.
    """

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Evaluate children; a child that fails is a status, a broken machine raises.

        Args:
            architectures: Networks to evaluate; the same one may come twice.
            seeds: One seed a child, each from 0 to 2**63 - 1. By default a child's seed follows from
                the evaluator's own seed and the architecture (``child_seed``), so that its result
                depends neither on the order of evaluation nor on its neighbours.

        Returns:
            One evaluation for each architecture, in order.
        """
        ...


def child_seed(seed: int, architecture: Architecture) -> int:
    """Return a child's seed, from 0 to 2**63 - 1, as a fixed function of both arguments."""
    text = f"{seed}|{architecture.search_space}|{architecture}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
