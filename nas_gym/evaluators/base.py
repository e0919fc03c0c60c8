"""The interface of everything that can tell what a child is worth."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import Self

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation

Answer = tuple[int, Evaluation]
"""The ticket of a child that was sent, and what came of it."""

_tickets = count()


class Evaluator(ABC):
    """Trains children, or knows in another way what they are worth; a context manager that closes itself.

    One by one, fused, in processes, on a cluster or from a table: all have this one face, and nobody above it
    knows which it is. Whoever makes an evaluator closes it.

    Beneath ``evaluate`` stand ``send`` and ``recv``, for whoever has something else to do meanwhile. They are
    for one thread. Whoever answers at once implements ``evaluate``; for others see ``SendingEvaluator``.
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

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be evaluated; arguments as of ``evaluate``.

        Returns:
            A ticket for each, which no other child has.
        """
        evaluations = self.evaluate(architectures, seeds, rung)
        tickets = new_tickets(len(evaluations))
        self._answers.extend(zip(tickets, evaluations, strict=True))
        return tickets

    def recv(self, at_least: int = 1, timeout: float | None = None) -> list[Answer]:
        """Return what came of children that were sent, in the order in which they were done.

        Args:
            at_least: For how many to wait, of those that are under way; 0 for what is there already.
            timeout: After how many seconds to return fewer; ``None`` for no limit.

        Raises:
            NasGymError: As ``evaluate``; what is under way is given up then.
        """
        answers = list(self._answers)
        self._answers.clear()
        return answers

    @cached_property
    def _answers(self) -> list[Answer]:
        """What is not received yet."""
        return []

    def close(self) -> None:
        """End whatever was started; evaluating again starts it anew."""
        return

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


class AtOnce(Evaluator):
    """Gives any object with ``evaluate`` the whole face of an evaluator.

    Args:
        asked: The object.
    """

    def __init__(self, asked: Evaluator) -> None:
        self.asked = asked

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``; evaluators of users need not know of rungs."""
        return self.asked.evaluate(architectures, seeds, **({"rung": rung} if rung else {}))


def new_tickets(number: int) -> list[int]:
    """Return so many tickets that nobody has."""
    return [next(_tickets) for _ in range(number)]
