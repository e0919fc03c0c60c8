"""Simulated workers: any number of them, in virtual time."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import numpy as np

from nas_gym.checks import integer, number
from nas_gym.pools.base import Pool, Warmth, Work
from nas_gym.pools.channel import Channel, Item, Result
from nas_gym.pools.fault import Fault

Seconds: TypeAlias = Callable[[Any], float]
"""Says of a result how long it took."""
TRIES = 2
"""How often an item is tried whose worker dies."""
TRIES_ON_NODES = 10
"""How often an item is tried whose node vanishes, which is not the item's fault."""


@dataclass(frozen=True, slots=True)
class Machines:
    """How many workers there are, and what happens to them. All times are virtual seconds.

    Attributes:
        workers: How many.
        start_seconds: How long a worker takes to start, at the beginning and in the place of a lost one.
        deaths: Share of tries in which the worker dies, at a random moment, 0 to 1.
        workers_per_node: How many live on one node, and vanish with it.
        node_seconds: Mean of a node's lifetime, which is exponential; ``None`` for nodes that stay.
        notice_seconds: How long it takes to notice that a node has vanished.
        seed: Of what is drawn.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    workers: int
    start_seconds: float = 0.0
    deaths: float = 0.0
    workers_per_node: int = 8
    node_seconds: float | None = None
    notice_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        keep = object.__setattr__
        for name, least in (("workers", 1), ("workers_per_node", 1), ("seed", 0)):
            keep(self, name, integer(name, getattr(self, name), least))
        for name in ("start_seconds", "notice_seconds"):
            keep(self, name, number(name, getattr(self, name), "a number from 0", least=0))
        keep(self, "deaths", number("deaths", self.deaths, "a number from 0 to 1", least=0, most=1))
        if self.node_seconds is not None:
            allowed = "a positive number or None"
            keep(self, "node_seconds", number("node_seconds", self.node_seconds, allowed, above=0))


@dataclass(eq=False)
class _Task:
    """An item that waits or is worked on."""

    seconds: float
    done: Callable[[Fault | None], None]
    deaths: int = 0
    losses: int = 0
    spent: float = 0.0
    worker: int | None = None
    started: float = 0.0
    attempt: int = 0
    """What an event must still be about."""


@dataclass(order=True)
class _Event:
    time: float
    order: int
    happen: Callable[[], None] = field(compare=False)


class Virtual(Pool):
    """Applies functions here and at once, and lets each result come when a worker would have been done.

    Only who waits lets time pass; sending and receiving what is there take none. Items are begun in the order
    in which they were sent. One whose worker dies is tried once more, one whose node vanishes up to ten times
    in all, before there is a ``Fault`` instead of a result.

    Args:
        machines: The workers.
        seconds: Returns how long an item takes, from its result.

    Attributes:
        now: The time.
        lost_seconds: Worker seconds so far in tries that came to nothing.
    """

    def __init__(self, machines: Machines, seconds: Seconds) -> None:
        self.machines = machines
        self.seconds = seconds
        self.workers = machines.workers
        self._start()

    def _start(self) -> None:
        self.now = 0.0
        self.lost_seconds = 0.0
        self._ended_seconds = 0.0
        self._warmth = Warmth()
        self._generator = np.random.default_rng(self.machines.seed)
        self._events: list[_Event] = []
        self._order = count()
        self._waiting: deque[_Task] = deque()
        self._running: dict[int, _Task] = {}
        self._lives = [0] * self.workers
        self._idle: list[int] = []
        for worker in range(self.workers):
            self._restart(worker)
        if self.machines.node_seconds is not None:
            for first in range(0, self.workers, self.machines.workers_per_node):
                self._let_vanish(first, 0.0)

    def __getstate__(self) -> tuple[Machines, Seconds]:
        """Leave behind what has happened."""
        return self.machines, self.seconds

    def __setstate__(self, state: tuple[Machines, Seconds]) -> None:
        """Begin at time 0."""
        self.machines, self.seconds = state
        self.workers = self.machines.workers
        self._start()

    @property
    def busy_seconds(self) -> float:
        """Worker seconds so far in which a worker worked, also what came to nothing."""
        return self._ended_seconds + sum(self.now - task.started for task in self._running.values())

    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel whose results come in virtual time."""
        return _VirtualChannel(self, function)

    def close(self) -> None:
        """Give up what is under way; time does not begin anew."""
        for task in [*self._waiting, *self._running.values()]:
            self._drop(task)

    def _begin(
        self, function: Work[Item, Result], item: Item, done: Callable[[Result | Fault], None]
    ) -> _Task:
        """Let an item be worked on when a worker is free."""
        self._warmth.warm_up(function)
        result = function(item)
        task = _Task(self.seconds(result), lambda fault: done(result if fault is None else fault))
        self._waiting.append(task)
        self._assign()
        return task

    def _happen(self) -> None:
        """Let the next event happen."""
        event = heapq.heappop(self._events)
        self.now = max(self.now, event.time)
        event.happen()
        self._assign()

    def _at(self, time: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, _Event(time, next(self._order), happen))

    def _assign(self) -> None:
        while self._waiting and self._idle:
            task, worker = self._waiting.popleft(), self._idle.pop()
            task.worker, task.started = worker, self.now
            self._running[worker] = task
            dies = self.machines.deaths > 0 and self._generator.random() < self.machines.deaths
            share = self._generator.random() if dies else 1.0
            self._at(self.now + share * task.seconds, partial(self._end, task, task.attempt, dies))

    def _end(self, task: _Task, attempt: int, dies: bool) -> None:
        """End a try, unless it was ended before by something else."""
        if task.attempt != attempt:
            return
        worker, seconds = self._take_away(task)
        if not dies:
            self._idle.append(worker)
            task.done(None)
            return
        self.lost_seconds += seconds
        self._restart(worker)
        task.deaths += 1
        if task.deaths == TRIES:
            task.done(Fault("died", f"its worker died {TRIES} times", task.spent))
        else:
            self._waiting.appendleft(task)

    def _take_away(self, task: _Task) -> tuple[int, float]:
        """Return the worker of a task, and how long it has worked on it."""
        assert task.worker is not None
        worker, task.worker = task.worker, None
        del self._running[worker]
        task.attempt += 1
        seconds = self.now - task.started
        task.spent += seconds
        self._ended_seconds += seconds
        return worker, seconds

    def _restart(self, worker: int) -> None:
        """Let a worker start anew."""
        self._lives[worker] += 1
        life = self._lives[worker]

        def be_ready() -> None:
            if self._lives[worker] == life:
                self._idle.append(worker)

        if self.machines.start_seconds > 0:
            self._at(self.now + self.machines.start_seconds, be_ready)
        else:
            be_ready()

    def _let_vanish(self, first: int, time: float) -> None:
        """Let the node with a worker vanish some time, with all its workers."""
        assert self.machines.node_seconds is not None
        lifetime = self._generator.exponential(self.machines.node_seconds)
        self._at(time + self.machines.start_seconds + lifetime, partial(self._vanish, first))

    def _vanish(self, first: int) -> None:
        noticed = self.now + self.machines.notice_seconds
        for worker in range(first, min(first + self.machines.workers_per_node, self.workers)):
            if worker in self._idle:
                self._idle.remove(worker)
            if worker in self._running:
                task = self._running[worker]
                self.lost_seconds += self._take_away(task)[1]
                self._at(noticed, partial(self._try_again, task, task.attempt))
            self._lives[worker] += 1
            self._at(noticed, partial(self._restart, worker))
        self._let_vanish(first, noticed)

    def _try_again(self, task: _Task, attempt: int) -> None:
        if task.attempt != attempt:
            return
        task.losses += 1
        if task.losses == TRIES_ON_NODES:
            task.done(Fault("died", f"its node vanished {TRIES_ON_NODES} times", task.spent))
        else:
            self._waiting.appendleft(task)

    def _drop(self, task: _Task) -> None:
        """Work on a task no more."""
        if task.worker is not None:
            self._idle.append(self._take_away(task)[0])
        elif task in self._waiting:
            self._waiting.remove(task)
        task.attempt += 1


class _VirtualChannel(Channel[Item, Result]):
    def __init__(self, pool: Virtual, function: Work[Item, Result]) -> None:
        super().__init__()
        self._pool, self._function = pool, function
        self._under_way: dict[int, _Task] = {}
        self._done: deque[tuple[int, Result | Fault]] = deque()

    def _begin(self, number: int, item: Item) -> None:
        def done(result: Result | Fault) -> None:
            del self._under_way[number]
            self._done.append((number, result))

        self._under_way[number] = self._pool._begin(self._function, item, done)

    def _next(self, wait: bool, until: float | None) -> tuple[int, Result | Fault] | None:
        while wait and self._under_way and not self._done:
            self._pool._happen()
        return self._done.popleft() if self._done else None

    def close(self, wait: bool = True) -> None:
        for task in self._under_way.values():
            self._pool._drop(task)
        self._under_way.clear()
        self._done.clear()
