"""Work in this process, one item after another."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from nas_gym.pools.base import Fault, Item, Pool, Result, Warmth, Work


class Here(Pool):
    """Works in this process, one item after another; nothing is started and nobody is stopped."""

    workers = 1

    def __init__(self) -> None:
        self._warmth = Warmth()

    def map(
        self, function: Work[Item, Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result | Fault]]:
        """Apply a function to items in order, see ``Pool.map``."""
        if len(items) > 0:
            self._warmth.warm_up(function)
        for index, item in enumerate(items):
            yield index, function(item)

    def submit(self, function: Work[Item, Result], item: Item) -> Future[Result | Fault]:
        """Apply a function to one item at once; the future is done."""
        future: Future[Result | Fault] = Future()
        try:
            self._warmth.warm_up(function)
            future.set_result(function(item))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Do nothing: nothing was started."""
