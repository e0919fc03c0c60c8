"""Slots of a Ray cluster, each with an actor, and the tasks that wait for them: driven by one thread."""

import math
import pickle
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

import cloudpickle

from nas_gym.errors import WorkerError
from nas_gym.extras import needs
from nas_gym.pools.base import is_same
from nas_gym.pools.fault import Fault
from nas_gym.pools.limit import Limit, seconds_of
from nas_gym.pools.ray.cluster import is_alive, tell
from nas_gym.pools.ray.worker import KNOWN, RayWorker

with needs("ray", "a cluster"):
    import ray

TRIES = 2
"""How often an item is tried whose worker dies alone."""
TRIES_ON_NODES = 10
"""How often in all, where nodes die."""
STARTS = 3
CALL_SECONDS = 0.5
"""How long several items together should take that are given to a worker in one call."""
LOOK_SECONDS = 10.0
"""So often it says what it waits for, and asks how long the tasks under way may take."""
LINE = 200
"""Characters of what Ray says."""

Event: TypeAlias = "tuple[Slot, int, str, Future[Any]]"
"""A call of an actor that has ended: of which slot, in which of its lives, which method, and its answer."""

_numbers = count()


class Errand:
    """A function that was put into the cluster's store once."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.number = next(_numbers)
        self.mean_seconds: float | None = None
        """How long its items take."""
        arrays: list[pickle.PickleBuffer] = []
        pickled = cloudpickle.dumps(function, protocol=5, buffer_callback=arrays.append)
        self.packed = ray.put((pickled, [array.raw().tobytes() for array in arrays]))


@dataclass(eq=False)
class Task:
    """An item that waits or is worked on.

    Attributes:
        errand: The function.
        item: Pickled.
        done: Told the pickled answer, or the fault.
        lost_on: Nodes on which a worker died that worked on it.
        seconds: How long was worked on it in vain.
        alone: Whether it must not be in one call with others, since something happened to such a call.
        allowed: Returns how many seconds it may take, as it is known now.
        is_wanted: Whether anybody waits for it.
    """

    errand: Errand
    item: bytes
    done: Callable[[bytes | Fault], None]
    allowed: Callable[[], float]
    lost_on: list[str] = field(default_factory=list)
    seconds: float = 0.0
    alone: bool = False
    is_wanted: bool = True


class Slot:
    """A place for one actor; another one takes the place of an actor that is lost.

    Attributes:
        node: That of the actor, empty until it has started.
        tasks: What it is given.
        known: Numbers of the functions that it has, the newest last.
        begun: Since when it works on the tasks, on the clock ``time.monotonic``; infinite if it does not.
        deadline: When it is killed, on the same clock, as it was known when it was last asked; infinite if
            never.
    """

    def __init__(self, make: Callable[[], Any], events: "SimpleQueue[Event]") -> None:
        self._make = make
        self._events = events
        self.failures = 0
        self._life = 0
        self.renew()

    def renew(self) -> None:
        """Kill the actor, if there is one, and start another one."""
        self.kill()
        self.node = ""
        self.known: list[int] = []
        self.tasks: list[Task] = []
        self.begun, self.deadline = math.inf, math.inf
        self._actor = self._make()
        self.call("start")

    def call(self, method: str, *arguments: object) -> None:
        """Call a method of the actor; its end will be among the events."""
        life, events = self._life, self._events
        future = getattr(self._actor, method).remote(*arguments).future()
        future.add_done_callback(lambda ended: events.put((self, life, method, ended)))

    def latest(self) -> float:
        """Return when it must have done its tasks, as it is known now; infinite if it has none to do."""
        return self.begun + sum(task.allowed() for task in self.tasks)

    def is_about(self, life: int) -> bool:
        """Say whether an event is about the actor that lives now."""
        return life == self._life

    def kill(self) -> None:
        """Kill the actor, whatever it does."""
        self._life += 1
        if (actor := getattr(self, "_actor", None)) is not None:
            ray.kill(actor, no_restart=True)


class RayCrew:
    """Gives tasks to slots, and replaces actors that are lost.

    Args:
        slots: How many.
        options: Ray's options of an actor: what it needs of a node.
        timeout_seconds: Longest time an item may take, see ``Ray``.
    """

    def __init__(self, slots: int, options: dict[str, object], timeout_seconds: Limit) -> None:
        actor = ray.remote(RayWorker).options(max_restarts=0, max_task_retries=0, **options)
        self._timeout_seconds = timeout_seconds
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._waiting: deque[Task] = deque()
        self._errands: list[Errand] = []
        path = [entry for entry in sys.path if isinstance(entry, str)]
        self._slots = [Slot(lambda: actor.remote(path), self._events) for _ in range(slots)]
        self._idle: list[Slot] = []
        self._told = self._asked = time.monotonic()

    def add(
        self, function: Callable[..., object], item: object, done: Callable[[bytes | Fault], None]
    ) -> Task:
        """Let an item be worked on when a slot is free."""
        errand = next((each for each in self._errands if is_same(each.function, function)), None)
        if errand is None:
            errand = Errand(function)
            self._errands = [*self._errands[1 - KNOWN :], errand]
        allowed = partial(seconds_of, self._timeout_seconds, item)
        task = Task(errand, cloudpickle.dumps(item), done, allowed)
        self._waiting.append(task)
        self._assign()
        return task

    def give_up(self, tasks: Sequence[Task]) -> None:
        """Work on tasks no more."""
        for task in tasks:
            task.is_wanted = False
        for slot in self._slots:
            if slot.tasks and not any(task.is_wanted for task in slot.tasks):
                slot.renew()

    def pump(self, wait: bool, until: float | None) -> bool:
        """Take note of what has happened; return whether anything has.

        Args:
            wait: Whether to wait for it.
            until: Till when, on the clock ``time.monotonic``.

        Raises:
            WorkerError: If no worker can be started.
        """
        now = time.monotonic()
        wake = min([slot.deadline for slot in self._slots] + [now + LOOK_SECONDS])
        try:
            seconds = min(wake, math.inf if until is None else until) - now
            event = self._events.get(wait, max(0.0, seconds))
        except Empty:
            event = None
        while event is not None:
            self._handle(*event)
            try:
                event = self._events.get(block=False)
            except Empty:
                break
        self._enforce_deadlines()
        self._assign()
        if not any(slot.node for slot in self._slots) and time.monotonic() > self._told + LOOK_SECONDS:
            self._told = time.monotonic()
            tell(f"waiting for Ray to start a worker, of {len(self._slots)} none is there yet")
        return event is not None

    def close(self) -> None:
        """Kill all actors."""
        for slot in self._slots:
            slot.kill()

    def _handle(self, slot: Slot, life: int, method: str, ended: Future[Any]) -> None:
        if not slot.is_about(life):
            return
        if (error := ended.exception()) is not None:
            self._lose(slot, error)
        elif method == "start":
            slot.node = ended.result()
            self._idle.append(slot)
        elif method == "take":
            done, result = pickle.loads(ended.result())
            if done:
                slot.failures = 0
                self._do(slot)
            else:
                self._fail(slot, f"{type(result).__name__}: {result}")
        else:
            self._receive(slot, ended.result())

    def _receive(self, slot: Slot, answers: Sequence[tuple[bytes, float]]) -> None:
        tasks, slot.tasks, slot.begun, slot.deadline = slot.tasks, [], math.inf, math.inf
        self._idle.append(slot)
        for task, (answer, seconds) in zip(tasks, answers, strict=True):
            mean = task.errand.mean_seconds
            task.errand.mean_seconds = seconds if mean is None else 0.8 * mean + 0.2 * seconds
            if task.is_wanted:
                task.done(answer)

    def _lose(self, slot: Slot, error: BaseException) -> None:
        """Put another actor in the place of one that died, and try again what it worked on."""
        tasks, node, begun = slot.tasks, slot.node, slot.begun
        if math.isinf(begun) and slot not in self._idle:
            self._fail(slot, str(error))
            return
        if slot in self._idle:
            self._idle.remove(slot)
        slot.renew()
        for task in reversed(tasks):
            task.seconds += time.monotonic() - begun
            if len(tasks) == 1:  # of several nobody knows whose fault it was
                task.lost_on.append(node)
            task.alone = True
            self._try_again(task)

    def _try_again(self, task: Task) -> None:
        """Try a task once more, if it was not too often its own fault, or anybody's."""
        alone = sum(is_alive(node) for node in task.lost_on) if len(task.lost_on) >= TRIES else 0
        if alone >= TRIES or len(task.lost_on) >= TRIES_ON_NODES:
            reason = f"its worker died {len(task.lost_on)} times"
            if task.is_wanted:
                task.done(Fault("died", reason, task.seconds))
        else:
            self._waiting.appendleft(task)

    def _fail(self, slot: Slot, cause: str) -> None:
        """Try again to have a worker ready."""
        slot.failures += 1
        self._waiting.extendleft(reversed(slot.tasks))
        slot.renew()
        if slot.failures == STARTS:
            slot.failures = 0
            line = " ".join(cause.split())[:LINE]
            raise WorkerError(f"no Ray worker was ready after {STARTS} tries, at last because of {line}")

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        if now >= self._asked + LOOK_SECONDS:
            self._asked = now
            for slot in self._slots:
                slot.deadline = slot.latest()
        for slot in self._slots:
            if slot.deadline > now:
                continue
            slot.deadline = slot.latest()
            if slot.deadline > now:  # the others were slower since
                continue
            tasks, seconds = slot.tasks, now - slot.begun
            slot.renew()
            if len(tasks) == 1:
                reason = f"stopped after {tasks[0].allowed():g} seconds"
                if tasks[0].is_wanted:
                    tasks[0].done(Fault("timed_out", reason, seconds))
            else:
                for task in tasks:
                    task.alone = True
                self._waiting.extendleft(reversed(tasks))

    def _assign(self) -> None:
        while self._waiting and self._idle:
            first = self._waiting.popleft()
            if not first.is_wanted:
                continue
            slot = self._idle.pop()
            slot.tasks = [first]
            while len(slot.tasks) < self._at_once(first) and self._waiting:
                if self._waiting[0].errand is not first.errand or self._waiting[0].alone:
                    break
                slot.tasks.append(self._waiting.popleft())
            if first.errand.number in slot.known:
                self._do(slot)
            else:
                slot.known = [*slot.known[1 - KNOWN :], first.errand.number]
                slot.call("take", first.errand.number, first.errand.packed)

    def _at_once(self, task: Task) -> int:
        """Return how many tasks of this kind a slot is given at once, so that others are not left without."""
        mean = task.errand.mean_seconds
        if mean is None or task.alone:
            return 1
        return min(int(CALL_SECONDS / max(mean, 1e-4)), math.ceil(len(self._waiting) / len(self._slots)))

    def _do(self, slot: Slot) -> None:
        """Have a slot's actor do its tasks."""
        slot.begun = time.monotonic()
        slot.deadline = slot.latest()
        slot.call("do", slot.tasks[0].errand.number, [task.item for task in slot.tasks])
