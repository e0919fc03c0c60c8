"""Evaluators that do not answer at once: beneath their ``evaluate`` children are sent and received."""

import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from nas_gym.evaluators.base import Answer, Evaluator, new_tickets
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class SendingEvaluator(Evaluator):
    """One whose children are under way for a while."""

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``: send them, then receive all."""
        tickets = self.send(architectures, seeds, rung)
        found: dict[int, Evaluation] = {}
        others: list[Answer] = []
        missing = set(tickets)
        while missing:
            answers = self.recv()
            assert answers, "what was sent is under way until it is received"
            for ticket, evaluation in answers:
                if ticket in missing:
                    missing.remove(ticket)
                    found[ticket] = evaluation
                else:
                    others.append((ticket, evaluation))
        self._answers.extend(others)
        return [found[ticket] for ticket in tickets]

    @abstractmethod
    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be evaluated, see ``Evaluator.send``."""

    def recv(self, at_least: int = 1, timeout: float | None = None) -> list[Answer]:
        """Return what came of children, see ``Evaluator.recv``."""
        until = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                wait = len(self._answers) < at_least
                left = None if until is None else max(0.0, until - time.monotonic())
                answers = self._come(wait, left)
                self._answers.extend(answers)
                if not answers or len(self._answers) >= at_least:
                    return super().recv()
        except BaseException:
            SendingEvaluator.close(self)
            raise

    @abstractmethod
    def _come(self, wait: bool, timeout: float | None) -> list[Answer]:
        """Return what has come since; nothing if nothing is under way, or nothing came in time.

        Args:
            wait: Whether to wait for one at least.
            timeout: How many seconds at most, ``None`` for no limit.
        """

    @abstractmethod
    def _give_up(self) -> None:
        """Forget what is under way."""

    def close(self) -> None:
        """Give up what is under way, and forget what nobody has received."""
        self._answers.clear()
        self._give_up()


class Request(NamedTuple):
    """A child that is asked for; without a seed it has the evaluator's."""

    architecture: Architecture
    seed: int | None
    rung: int


class Relay(SendingEvaluator):
    """Answers some children itself and has another evaluator answer the others.

    A subclass says which by ``_known``, and may keep by ``_keep`` what came.

    Args:
        evaluator: The other one, whose answers nobody else receives; closed with this one.
    """

    joins = True
    """Whether equal children that are under way at the same time are asked for once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._sent: dict[int, Request] = {}
        self._waiting: dict[Request, list[int]] = {}

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be evaluated, see ``Evaluator.send``."""
        given = self._seeds(architectures) if seeds is None else seeds
        requests = [Request(*pair, rung) for pair in zip(architectures, given, strict=True)]
        tickets = new_tickets(len(requests))
        known = self._known(requests)
        new: list[Request] = []
        asked: set[Request] = set()
        waiting: list[tuple[int, Request]] = []
        for ticket, request in zip(tickets, requests, strict=True):
            if request in known:
                self._answers.append((ticket, known[request]))
                continue
            if not (self.joins and (request in self._waiting or request in asked)):
                new.append(request)
                asked.add(request)
            waiting.append((ticket, request))
        if new:
            with_seeds = [request.seed for request in new if request.seed is not None]
            sent = self.evaluator.send([request.architecture for request in new], with_seeds or None, rung)
            self._sent.update(zip(sent, new, strict=True))
        for ticket, request in waiting:
            self._waiting.setdefault(request, []).append(ticket)
        return tickets

    def _come(self, wait: bool, timeout: float | None) -> list[Answer]:
        if not self._sent:
            return []
        came: list[tuple[Request, Evaluation]] = []
        for ticket, evaluation in self.evaluator.recv(int(wait), timeout):
            if ticket in self._sent:  # not what was given up
                came.append((self._sent.pop(ticket), evaluation))
        self._keep(came)
        answers: list[Answer] = []
        for request, evaluation in came:
            tickets = self._waiting[request]
            done = len(tickets) if self.joins else 1
            answers += [(ticket, evaluation) for ticket in tickets[:done]]
            del tickets[:done]
            if not tickets:
                del self._waiting[request]
        return answers

    def _give_up(self) -> None:
        self._sent, self._waiting = {}, {}

    def _seeds(self, architectures: Sequence[Architecture]) -> Sequence[int | None]:
        """Return the seeds of children that come without: by default the other evaluator gives them one."""
        return [None] * len(architectures)

    @abstractmethod
    def _known(self, requests: Sequence[Request]) -> dict[Request, Evaluation]:
        """Return what need not be asked for."""

    def _keep(self, came: Sequence[tuple[Request, Evaluation]]) -> None:
        """Take note of what came of children, before anybody is told."""
        return

    def close(self) -> None:
        """Close the other evaluator; what is under way is given up."""
        super().close()
        self.evaluator.close()
