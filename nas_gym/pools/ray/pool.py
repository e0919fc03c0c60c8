"""Work on the machines of a Ray cluster."""

import os
import pickle
import time
from collections import deque
from multiprocessing.util import Finalize
from typing import cast

from nas_gym.checks import number, optional_integer
from nas_gym.errors import InvalidArgumentError, WorkerError
from nas_gym.pools.base import Pool, Work
from nas_gym.pools.channel import Channel, Item, Result
from nas_gym.pools.fault import Fault
from nas_gym.pools.limit import Limit, checked
from nas_gym.pools.ray.cluster import LOCAL, connect, cpus, disconnect
from nas_gym.pools.ray.crew import RayCrew, Task


class Ray(Pool):
    """Works in actors of a Ray cluster, one a slot, each with one thread; one thread of the driver leads all.

    A function is put into the cluster's store once, and its arrays are copied in each worker. Several items
    that take less than half a second go to a worker in one call. One whose worker dies is tried once more;
    what dies with a node counts for nothing, up to ten tries in all. At the deadline a worker is killed,
    whatever it does. A worker that is lost is replaced as soon as there is room for one.

    Nodes must have the package installed; a cluster is started, and ended, by Ray's own commands. A local one
    is started here, and ended by ``close`` or with this process.

    Args:
        workers: Items worked on at the same time; by default as many as the cluster has CPUs for.
        address: Of the cluster's head, or ``"local"``. No other cluster is ever joined.
        cpus_per_child: CPUs that Ray reserves for a worker.
        gpus_per_child: GPUs, also parts of one.
        timeout_seconds: Longest time an item may take, ``None`` for no limit; or a function that says it of
            an item, and may say less later. The time that a worker takes to start and to warm up does not
            count.

    Raises:
        InvalidArgumentError: If an argument is out of range, or Ray is not installed.
    """

    def __init__(
        self,
        workers: int | None = None,
        address: str = LOCAL,
        cpus_per_child: float = 1,
        gpus_per_child: float = 0,
        timeout_seconds: Limit = None,
    ) -> None:
        self._asked_for = optional_integer("workers", workers, 1)
        if not isinstance(address, str) or not address:
            raise InvalidArgumentError(f"address must be that of a Ray cluster or 'local', got {address!r}")
        self.address = address
        self.cpus_per_child = number("cpus_per_child", cpus_per_child, "a positive number", above=0)
        self.gpus_per_child = number("gpus_per_child", gpus_per_child, "a number from 0", least=0)
        self.timeout_seconds = checked(timeout_seconds)
        self._owner = os.getpid()
        self._crew: RayCrew | None = None

    def __reduce__(self) -> tuple[type["Ray"], tuple[object, ...]]:
        """Leave workers behind."""
        settings = (
            self._asked_for,
            self.address,
            self.cpus_per_child,
            self.gpus_per_child,
            self.timeout_seconds,
        )
        return type(self), settings

    @property
    def workers(self) -> int:  # type: ignore[override] # known for certain when the cluster is
        """How many items are worked on at the same time."""
        if self._asked_for is None:
            self._have_crew()
            return max(1, int(cpus() / self.cpus_per_child))
        return self._asked_for

    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel to the workers."""
        return _RayChannel(self, function)

    def close(self) -> None:
        """Kill the workers at once, and end the connection and what was started for it."""
        crew, self._crew = self._crew, None
        if crew is not None and self._owner == os.getpid():
            self._finish.cancel()
            _end(crew, self.address)

    def _have_crew(self) -> RayCrew:
        if self._owner != os.getpid():
            raise WorkerError("a connection to Ray does not cross a fork: make the pool in this process")
        if self._crew is None:
            wanted = self._asked_for
            connect(self.address, None if wanted is None else -int(-wanted * self.cpus_per_child // 1))
            options = {
                "num_cpus": self.cpus_per_child,
                "num_gpus": self.gpus_per_child,
                "scheduling_strategy": "SPREAD",
            }
            slots = max(1, int(cpus() / self.cpus_per_child)) if wanted is None else wanted
            self._crew = RayCrew(slots, options, self.timeout_seconds)
            self._finish = Finalize(self, _end, (self._crew, self.address), exitpriority=100)
        return self._crew


def _end(crew: RayCrew, address: str) -> None:
    try:
        crew.close()
    finally:
        disconnect(address)


class _RayChannel(Channel[Item, Result]):
    def __init__(self, pool: Ray, function: Work[Item, Result]) -> None:
        super().__init__()
        self._pool, self._function = pool, function
        self._tasks: dict[int, Task] = {}
        self._done: deque[tuple[int, bytes | Fault]] = deque()
        self._crew: RayCrew | None = None

    def _begin(self, number: int, item: Item) -> None:
        def done(answer: bytes | Fault) -> None:
            del self._tasks[number]
            self._done.append((number, answer))

        self._crew = self._crew or self._pool._have_crew()
        self._tasks[number] = self._crew.add(self._function, item, done)

    def _next(self, wait: bool, until: float | None) -> tuple[int, Result | Fault] | None:
        if self._crew is not None and self._crew is not self._pool._crew:
            raise WorkerError("the pool was closed")
        try:
            while self._tasks and not self._done and self._crew is not None:
                if not self._crew.pump(wait, until) and not wait:
                    break
                if until is not None and time.monotonic() >= until:
                    break
        except KeyboardInterrupt:
            self._pool.close()
            raise
        if not self._done:
            return None
        number, answer = self._done.popleft()
        if isinstance(answer, Fault):
            return number, answer
        done, result = pickle.loads(answer)
        if not done:
            raise result
        return number, cast("Result", result)

    def close(self, wait: bool = True) -> None:
        tasks, self._tasks = list(self._tasks.values()), {}
        self._done.clear()
        if self._crew is not None and self._crew is self._pool._crew:
            self._crew.give_up(tasks)
