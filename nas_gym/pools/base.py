"""What a pool is: a place where a function is applied to items."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import MethodType, TracebackType
from typing import Self

from nas_gym.pools.channel import Channel, Item, Result
from nas_gym.pools.fault import Fault

Work = Callable[[Item], Result]


class Pool(ABC):
    """A place where a function is applied to items; as a context manager it closes itself.

    A function may have a method ``warm_up()``, which is called before its first item, in each process that
    works; its time is no item's. Where work leaves this process, a function is handed over by value, once:
    what is changed in it later is not seen.

    Attributes:
        workers: How many items are worked on at the same time.
    """

    workers: int

    @abstractmethod
    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel to a function; whoever opens it closes it."""

    def map(
        self, function: Work[Item, Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result | Fault]]:
        """Apply a function to items; yield each result, in any order, with its item's index.

        The work begins with the first ``next``. Who gives the iterator up, gives up the rest of the items.

        Raises:
            Exception: What the function raises; the rest of the items is given up.
            KeyboardInterrupt: On Ctrl-C; the pool is closed then.
            WorkerError: If no worker can be started, or the pool is closed meanwhile.
        """
        if len(items) == 0:
            return
        channel = self.open(function)
        wait = True
        try:
            indices = {channel.send(item): index for index, item in enumerate(items)}
            while indices:
                for number, result in channel.recv():
                    yield indices.pop(number), result
        except GeneratorExit:
            # The garbage collector may drop this in any thread, also in one that is just starting and holds
            # the lock that a thread needs to be joined.
            wait = False
            raise
        finally:
            channel.close(wait)

    @abstractmethod
    def close(self) -> None:
        """End everything that was started, at once; what is asked for later starts it anew."""

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the pool."""
        self.close()


class Warmth:
    """Remembers which function has been warmed up last in this process."""

    _warm: object = None

    def warm_up(self, function: object) -> None:
        """Call the function's method ``warm_up``, if it has one and was not the last one."""
        if not is_same(function, self._warm):
            warm_up(function)
            self._warm = function

    def __getstate__(self) -> None:
        """Take nothing along: another process is cold."""


def warm_up(function: object) -> None:
    """Call the function's method ``warm_up``, if it has one."""
    method: object = getattr(function, "warm_up", None)
    if callable(method):
        method()


def is_same(function: object, other: object) -> bool:
    """Say whether two functions are the same object; a bound method is a new one each time it is named."""
    return function is other or (isinstance(function, MethodType) and function == other)
