"""An evaluator of the user's own: its answers are checked, and it is the user who closes it."""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import get_args

from nas_gym.checks import choice
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Answer, AtOnce, Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation, Status


class LentEvaluator(AtOnce):
    """Asks any object with ``evaluate`` of architectures and seeds.

    If the object has ``send`` and ``recv`` of its own, its children are under way as those of ours are.

    Args:
        lender: The object.
    """

    def __init__(self, lender: Evaluator) -> None:
        super().__init__(lender)
        self.lender = lender
        own = getattr(type(lender), "send", Evaluator.send) is not Evaluator.send
        self._sends = own and hasattr(lender, "recv")
        self._sent: dict[int, Architecture] = {}

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``; evaluators of users need not know of rungs.

        Raises:
            InvalidArgumentError: If what comes back is not one evaluation for each architecture, in order.
        """
        came = super().evaluate(architectures, seeds, rung)
        answers = list(came) if isinstance(came, Iterable) else [came]  # a user's may be anything
        for answer in answers:
            self._check("evaluate", answer)
        if [answer.architecture for answer in answers] != list(architectures):
            raise InvalidArgumentError(
                f"evaluate of {self.lender!r} must return one evaluation for each of {len(architectures)} "
                f"architectures, in order, got {len(answers)}"
            )
        return answers

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be evaluated, see ``Evaluator.send``.

        Raises:
            InvalidArgumentError: If what comes back is not a new ticket for each architecture.
        """
        if not self._sends:
            return super().send(architectures, seeds, rung)
        came = self.lender.send(architectures, seeds, **({"rung": rung} if rung else {}))
        tickets = list(came) if isinstance(came, Iterable) else []
        whole = all(isinstance(each, Integral) for each in tickets)
        if not whole or len({*tickets} - {*self._sent}) != len(architectures):
            raise InvalidArgumentError(
                f"send of {self.lender!r} must return a new ticket for each of {len(architectures)} "
                f"architectures, whole numbers, got {came!r}"
            )
        self._sent.update(zip(tickets, architectures, strict=True))
        return tickets

    def recv(self, at_least: int = 1, timeout: float | None = None) -> list[Answer]:
        """Return what came of children, see ``Evaluator.recv``.

        Raises:
            InvalidArgumentError: If what comes back is not tickets that were sent, each with the evaluation
                of its architecture.
        """
        if not self._sends:
            return super().recv(at_least, timeout)
        came = self.lender.recv(at_least, timeout)
        answers = list(came) if isinstance(came, Iterable) else [came]
        if not all(
            isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], Integral) for each in answers
        ):
            raise InvalidArgumentError(
                f"recv of {self.lender!r} must return pairs of a ticket and an evaluation, got {came!r}"
            )
        for ticket, answer in answers:
            self._check("recv", answer)
            if self._sent.pop(ticket, None) != answer.architecture:
                raise InvalidArgumentError(
                    f"recv of {self.lender!r} returned {answer.architecture} for the ticket of another "
                    f"child, or for one that nobody has, {ticket!r}"
                )
        return answers

    def _check(self, method: str, answer: object) -> None:
        if not isinstance(answer, Evaluation):
            raise InvalidArgumentError(
                f"{method} of {self.lender!r} must return Evaluation records, got {answer!r}"
            )
        choice(f"the status of {answer.architecture}", answer.status, get_args(Status))
        if answer.status == "ok" and not answer.scores:
            raise InvalidArgumentError(
                f"{method} of {self.lender!r} returned no score of {answer.architecture}, which is ok"
            )
