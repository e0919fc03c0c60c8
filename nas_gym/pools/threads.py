"""Work in threads of this process, for functions that release Python's lock."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from joblib import cpu_count

from nas_gym.checks import optional_integer
from nas_gym.pools.base import Fault, Item, Pool, Result, Warmth, Work


class Threads(Pool):
    """Works in threads of this process, which cannot be stopped: a ``close`` waits for the items under way.

    ``map`` makes its threads for each call: any that live longer would be dead in a fork of this process. An
    iterator that is dropped waits for none of them.

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

    def map(
        self, function: Work[Item, Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result | Fault]]:
        """Apply a function to items, see ``Pool.map``."""
        if len(items) == 0:
            return
        self._warmth.warm_up(function)
        threads = ThreadPoolExecutor(min(self.workers, len(items)))
        wait = True
        try:
            indices = {threads.submit(function, item): index for index, item in enumerate(items)}
            for future in as_completed(indices):
                yield indices.pop(future), future.result()
        except GeneratorExit:
            # The garbage collector may drop this in any thread, also in one that is just starting and holds
            # the lock that a thread needs to be joined.
            wait = False
            raise
        finally:
            threads.shutdown(wait, cancel_futures=True)

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
