"""Evaluators whose children are under way in a pool."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from nas_gym.evaluators.base import Answer, new_tickets
from nas_gym.evaluators.sending import SendingEvaluator
from nas_gym.pools.base import Pool
from nas_gym.pools.channel import Channel
from nas_gym.pools.fault import Fault
from nas_gym.tasks.evaluation import Evaluation

Item = TypeVar("Item")


class PooledEvaluator(SendingEvaluator, Generic[Item]):
    """Keeps the books of children in a pool; a subclass says what an item is and what is done to it.

    Args:
        pool: It is closed with the evaluator.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._forget()

    def _forget(self) -> None:
        self._channel: Channel[Item, Evaluation] | None = None
        self._under_way: dict[int, tuple[int, Item]] = {}

    def __getstate__(self) -> dict[str, object]:
        """Leave behind what is under way."""
        left = ("_channel", "_under_way", "_answers")
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Start with nothing under way."""
        self.__dict__.update(state)
        self._forget()

    @abstractmethod
    def _open(self) -> Channel[Item, Evaluation]:
        """Return a channel to what evaluates an item."""

    @abstractmethod
    def _lost(self, item: Item, fault: Fault) -> Evaluation:
        """Return the record of a child whose worker was lost."""

    def _send(self, items: Sequence[Item]) -> list[int]:
        tickets = new_tickets(len(items))
        for ticket, item in zip(tickets, items, strict=True):
            if self._channel is None:
                self._channel = self._open()
            self._under_way[self._channel.send(item)] = ticket, item
        return tickets

    def _come(self, wait: bool, timeout: float | None) -> list[Answer]:
        if self._channel is None:
            return []
        answers: list[Answer] = []
        for number, result in self._channel.recv(int(wait), timeout):
            ticket, item = self._under_way.pop(number)
            answers.append((ticket, self._lost(item, result) if isinstance(result, Fault) else result))
        if not self._under_way:
            self._give_up()  # threads that live on would be dead in a fork of this process
        return answers

    def _give_up(self) -> None:
        channel = self._channel
        self._forget()
        if channel is not None:
            channel.close()

    def close(self) -> None:
        """Close the pool; what is under way is given up."""
        super().close()
        self.pool.close()
