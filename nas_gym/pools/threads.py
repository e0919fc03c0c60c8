"""Work in threads of this process, for functions that release Python's lock."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

from joblib import cpu_count

from nas_gym.checks import optional_integer
from nas_gym.pools.base import Pool, Warmth, Work
from nas_gym.pools.channel import Channel, FutureChannel, Item, Result
from nas_gym.pools.fault import Fault


class Threads(Pool):
    """Works in threads of this process, which cannot be stopped: a ``close`` waits for the items under way.

    A channel, and so each ``map``, has its own threads, which end with it: any that live longer would be dead
    in a fork of this process. What is dropped waits for none of them.

    Args:
        workers: Number of threads; by default one for each core that this process may use.

    Raises:
        InvalidArgumentError: If ``workers`` is not a positive integer.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = optional_integer("workers", workers, 1) or cpu_count()
        self._forget()

    def _forget(self) -> None:
        self._warmth = Warmth()
        self._owner = os.getpid()
        self._threads: ThreadPoolExecutor | None = None

    def __getstate__(self) -> int:
        """Leave threads behind."""
        return self.workers

    def __setstate__(self, workers: int) -> None:
        """Start without threads."""
        self.workers = workers
        self._forget()

    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel with threads of its own."""
        self._warmth.warm_up(function)
        threads = ThreadPoolExecutor(self.workers)

        def end(_: object, wait: bool) -> None:
            threads.shutdown(wait, cancel_futures=True)

        return FutureChannel(lambda item: threads.submit(function, item), end, lambda: None)

    def submit(self, function: Work[Item, Result], item: Item) -> Future[Result | Fault]:
        """Apply a function to one item, see ``Pool.submit``."""
        if self._owner != os.getpid():
            self._forget()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.workers)
        self._warmth.warm_up(function)
        return self._threads.submit(function, item)

    def close(self) -> None:
        """Drop what has not begun, and wait for what has."""
        threads, self._threads = self._threads, None
        if threads is not None and self._owner == os.getpid():
            threads.shutdown(cancel_futures=True)
