"""Work in worker processes of this machine."""

import multiprocessing
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.util import Finalize
from threading import RLock
from typing import cast

from joblib import cpu_count

from nas_gym.checks import optional_integer
from nas_gym.pools.base import Pool, Work
from nas_gym.pools.channel import Channel, FutureChannel, Item, Result
from nas_gym.pools.crew import Crew
from nas_gym.pools.fault import Fault
from nas_gym.pools.here import Here
from nas_gym.pools.limit import Limit, checked


class Processes(Pool):
    """Works in worker processes, each with one thread.

    A server process imports what ``preload`` names and forks the workers, as they are needed and in the place
    of those that died or were stopped. All wait for the next call in between. They end with ``close``, when
    the pool is no longer used, and when this process ends in whatever way.

    A function goes by value, with cloudpickle, so it may be defined anywhere; its NumPy arrays are written
    once to a file without a name, which all workers map into memory. An item whose worker dies, for instance
    since memory ran out, is tried once more in a new one. Neither a pickled nor a forked pool has workers.

    Workers are copies of one process: what draws from the global generators of NumPy or PyTorch draws the
    same in each; a function should make its own.

    Where no process may be started, in a daemonic one (those of ``gymnasium.vector.AsyncVectorEnv`` are) or
    without ``os.fork`` (Windows), this process does the work, with equal results but no timeouts, and warns.

    Args:
        workers: Items worked on at the same time; by default one for each core that this process may use.
        timeout_seconds: Longest time an item may take, ``None`` for no limit; or a function that says it of
            an item, asked in some thread, and again while the item is under way. The time that a worker
            takes to start and to warm up does not count.
        preload: Names of modules that functions will need; their import must start no threads.
        start: Whether to start the server now, so that it imports while this process does something else.

    Raises:
        InvalidArgumentError: If ``workers`` or ``timeout_seconds`` is out of range.
    """

    def __init__(
        self,
        workers: int | None = None,
        timeout_seconds: Limit = None,
        preload: Sequence[str] = (),
        start: bool = False,
    ) -> None:
        self.workers = optional_integer("workers", workers, 1) or cpu_count()
        self.timeout_seconds = checked(timeout_seconds)
        self.preload = tuple(preload)
        self._forget()
        if start and not self._must_stay():
            self._have_crew().start()

    def _forget(self) -> None:
        self._owner = os.getpid()
        self._lock = RLock()
        self._here: Here | None = None
        self._crew: Crew | None = None

    def __reduce__(self) -> tuple[type["Processes"], tuple[int, Limit, tuple[str, ...]]]:
        """Leave workers behind."""
        return type(self), (self.workers, self.timeout_seconds, self.preload)

    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel to worker processes."""
        if self._must_stay():
            return self._stay().open(function)
        crew = self._have_crew()

        def submit(item: Item) -> Future[Result | Fault]:
            return cast("Future[Result | Fault]", crew.submit(function, item))

        return FutureChannel(submit, lambda futures, _: crew.give_up(futures), self.close)

    def close(self) -> None:
        """End server and workers at once; what waits for a result gets a ``WorkerError``."""
        if self._owner != os.getpid():
            self._forget()
        crew, self._crew = self._crew, None
        if crew is not None:
            self._finish.cancel()
            crew.close()

    def _must_stay(self) -> bool:
        return multiprocessing.current_process().daemon or not hasattr(os, "fork")

    def _stay(self) -> Here:
        if self._here is None:
            self._here = Here()
            warnings.warn(
                "no worker process can be started from here: this process does the work, item by item",
                stacklevel=3,
            )
        return self._here

    def _have_crew(self) -> Crew:
        if self._owner != os.getpid():
            self._forget()  # the workers are those of the process that this one was forked from
        with self._lock:
            if self._crew is None:
                self._crew = Crew(self.workers, self.timeout_seconds, self.preload)
                # Not weakref.finalize, which does not run at the end of a process of multiprocessing.
                self._finish = Finalize(self, self._crew.end, exitpriority=100)
            return self._crew
