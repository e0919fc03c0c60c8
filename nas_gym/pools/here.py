"""Work in this process, one item after another."""

import time
from collections import deque

from nas_gym.pools.base import Pool, Warmth, Work
from nas_gym.pools.channel import Channel, Item, Result
from nas_gym.pools.fault import Fault


class Here(Pool):
    """Works in this process, one item after another; nothing is started and nobody is stopped."""

    workers = 1

    def __init__(self) -> None:
        self._warmth = Warmth()

    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel that works on an item when its result is waited for."""
        return _Line(function, self._warmth)

    def close(self) -> None:
        """Do nothing: nothing was started."""


class _Line(Channel[Item, Result]):
    def __init__(self, function: Work[Item, Result], warmth: Warmth) -> None:
        super().__init__()
        self._function, self._warmth = function, warmth
        self._waiting: deque[tuple[int, Item]] = deque()

    def _begin(self, number: int, item: Item) -> None:
        self._waiting.append((number, item))

    def _next(self, wait: bool, until: float | None) -> tuple[int, Result | Fault] | None:
        if not (wait and self._waiting) or (until is not None and time.monotonic() >= until):
            return None
        self._warmth.warm_up(self._function)
        number, item = self._waiting.popleft()
        return number, self._function(item)

    def close(self, wait: bool = True) -> None:
        self._waiting.clear()
