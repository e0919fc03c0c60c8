"""Items on their way through a pool: sent one by one, received as they are done."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import count
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from nas_gym.pools.fault import Fault

Item = TypeVar("Item")
Result = TypeVar("Result")

_numbers = count()


class Channel(ABC, Generic[Item, Result]):
    """What is sent to one function in a pool, and what comes back, for one thread to drive.

    Channels of a pool do not see one another's items. A subclass says how an item begins and how the next
    result is found.
    """

    def __init__(self) -> None:
        self._error: Exception | None = None

    def send(self, item: Item) -> int:
        """Let an item be worked on when a worker is free; return its number, which no other item has."""
        number = next(_numbers)
        self._begin(number, item)
        return number

    def recv(self, at_least: int = 1, timeout: float | None = None) -> list[tuple[int, Result | Fault]]:
        """Return what is done, with the numbers of the items, in the order in which it was done.

        Args:
            at_least: For how many to wait, of those that are under way; 0 for what is done already.
            timeout: After how many seconds to return fewer; ``None`` for no limit.

        Raises:
            Exception: What the function raised; whatever came before it is returned first.
            KeyboardInterrupt: On Ctrl-C; the pool is closed then.
            WorkerError: If no worker can be started, or the pool is closed meanwhile.
        """
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        until = None if timeout is None else time.monotonic() + timeout
        found: list[tuple[int, Result | Fault]] = []
        try:
            while (came := self._next(len(found) < at_least, until)) is not None:
                found.append(came)
        except Exception as error:
            if not found:
                raise
            self._error = error
        return found

    @abstractmethod
    def _begin(self, number: int, item: Item) -> None:
        """Let an item be worked on."""

    @abstractmethod
    def _next(self, wait: bool, until: float | None) -> tuple[int, Result | Fault] | None:
        """Return the next result, ``None`` if nothing is under way or, without waiting, nothing is done.

        Args:
            wait: Whether to wait for one.
            until: Till when, on the clock ``time.monotonic``.
        """

    @abstractmethod
    def close(self, wait: bool = True) -> None:
        """Give up what is under way.

        Args:
            wait: Whether to wait for what cannot be stopped.
        """


class FutureChannel(Channel[Item, Result]):
    """A channel of a pool that has a future for each item.

    Args:
        submit: Lets an item be worked on.
        give_up: Called at the end with the futures that are not done and not wanted any more, and whether to
            wait for them.
        interrupt: Called on Ctrl-C.
    """

    def __init__(
        self,
        submit: Callable[[Item], "Future[Result | Fault]"],
        give_up: Callable[[Sequence["Future[Result | Fault]"], bool], object],
        interrupt: Callable[[], object],
    ) -> None:
        super().__init__()
        self._submit, self._give_up, self._interrupt = submit, give_up, interrupt
        self._done: SimpleQueue[int] = SimpleQueue()
        self._under_way: dict[int, Future[Result | Fault]] = {}

    def _begin(self, number: int, item: Item) -> None:
        done = self._done
        future = self._under_way[number] = self._submit(item)
        future.add_done_callback(lambda _: done.put(number))

    def _next(self, wait: bool, until: float | None) -> tuple[int, Result | Fault] | None:
        if not self._under_way:
            return None
        try:
            number = self._done.get(wait, None if until is None else max(0.0, until - time.monotonic()))
        except Empty:
            return None
        except KeyboardInterrupt:
            self._interrupt()
            raise
        return number, self._under_way.pop(number).result()

    def close(self, wait: bool = True) -> None:
        """Give up what is under way."""
        futures, self._under_way = list(self._under_way.values()), {}
        self._give_up(futures, wait)
