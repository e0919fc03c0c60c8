"""One worker process, seen from its pool."""

import math
import os
import pickle
import signal
import sys
import time
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from itertools import count
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from tempfile import TemporaryFile
from threading import RLock

import cloudpickle

from nas_gym.errors import WorkerDiedError, WorkerError
from nas_gym.pools.fault import Fault
from nas_gym.pools.fork_server import ForkServer, read_number
from nas_gym.pools.limit import Limit, seconds_of

TRIES = 2
STARTS = 3
KNOWN = 4
"""Functions that a worker remembers."""
ALIGNMENT = 64
ASK_SECONDS = 1.0
"""So often it is asked how long an item may take."""

_numbers = count()


class Errand:
    """A function, written once to a file that all workers map into memory.

    The file has no name, so it is gone with the last process that has opened it, in whatever way that ends.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.number = next(_numbers)
        arrays: list[pickle.PickleBuffer] = []
        pickled = cloudpickle.dumps(function, protocol=5, buffer_callback=arrays.append)
        self.parts: list[tuple[int, int]] = []
        with TemporaryFile(prefix="nas_gym-") as file:
            for part in (memoryview(pickled), *(array.raw() for array in arrays)):
                file.seek(-file.tell() % ALIGNMENT, os.SEEK_CUR)
                self.parts.append((file.tell(), part.nbytes))
                file.write(part)
            file.flush()
            self.fd = os.dup(file.fileno())
        self.close = weakref.finalize(self, os.close, self.fd)


class Job(Future[object]):
    """An item that waits for its result."""

    def __init__(self, errand: Errand, item: object) -> None:
        super().__init__()
        self.errand = errand
        self.item = item
        self.given_up = False


class Worker:
    """A process that applies functions, started when it is first needed and again when it has died.

    Args:
        server: Starts the process.
        timeout_seconds: Longest time an item may take, see ``Processes``.
    """

    def __init__(self, server: ForkServer, timeout_seconds: Limit) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._lock = RLock()
        self._job: Job | None = None
        self._process: _Process | None = None

    def do(self, job: Job) -> object:
        """Return the result of a job, or a ``Fault``; a process has all the time it takes to be ready.

        Raises:
            CancelledError: If the job was given up meanwhile.
            WorkerError: If no process can be made ready.
            Exception: What the function raises.
        """
        message = cloudpickle.dumps(("do", job.errand.number, cloudpickle.dumps(job.item)))
        seconds = 0.0
        for _ in range(TRIES):
            process = self._make_ready(job)
            start = time.monotonic()
            try:
                answer = process.ask(message, partial(seconds_of, self._timeout_seconds, job.item))
            except TimeoutError:
                self._end()
                reason = f"stopped after {seconds_of(self._timeout_seconds, job.item):g} seconds"
                return Fault("timed_out", reason, time.monotonic() - start)
            except WorkerDiedError as error:
                self._end()
                cause = str(error)
                seconds += time.monotonic() - start
            else:
                done, result = pickle.loads(answer)
                if done:
                    return result
                raise result
            finally:
                with self._lock:
                    self._job = None
        return Fault("died", f"its worker process died {TRIES} times, at last of {cause}", seconds)

    def give_up(self, job: Job) -> None:
        """Stop the process if it works on this job."""
        with self._lock:
            if self._job is job and self._process is not None:
                self._process.kill()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.end()

    close = _end

    def _make_ready(self, job: Job) -> "_Process":
        """Return a process that knows the job's function, from now on at work on the job."""
        for _ in range(STARTS):
            if job.given_up:
                raise CancelledError
            try:
                if self._process is None or self._process.has_ended():
                    self._end()
                    self._process = _Process(*self._server.fork())
                process = self._process
                process.take(job.errand)
            except (WorkerDiedError, OSError, EOFError) as error:
                self._end()
                cause = " ".join(f"{error}".split())
                continue
            with self._lock:
                if not job.given_up:
                    self._job = job
                    return process
            raise CancelledError
        raise WorkerError(f"no worker process was ready after {STARTS} tries, at last because of {cause}")


class _Process:
    """A process that runs, or did.

    Args:
        number: Its process id.
        connection: What it is told, and answers.
        told: Where the server tells its exit code.
    """

    def __init__(self, number: int, connection: Connection, told: Connection) -> None:
        self._number = number
        self._connection = connection
        self._told = told
        self._known: list[int] = []
        self._killed = False

    def has_ended(self) -> bool:
        """Say whether it has, as far as is known, or will at once."""
        return self._killed or self._told.poll()

    def take(self, errand: Errand) -> None:
        """Hand over a function, if the process does not know it.

        Raises:
            WorkerDiedError: If it died, or cannot load the function or warm it up.
        """
        if errand.number in self._known:
            return
        self._known.append(errand.number)
        forget, self._known = self._known[:-KNOWN], self._known[-KNOWN:]
        message = pickle.dumps(("take", errand.number, forget, errand.parts, sys.path))
        done, error = pickle.loads(self.ask(message, lambda: math.inf, errand.fd))
        if not done:
            raise WorkerDiedError(f"{type(error).__name__}: {error}")

    def ask(self, message: bytes, allowed: Callable[[], float], fd: int | None = None) -> bytes:
        """Send a message, with a file descriptor if there is one, and return the answer.

        Args:
            message: What to say.
            allowed: Returns how many seconds it may take, and is asked again and again.
            fd: The file descriptor.

        Raises:
            TimeoutError: If there is none in time.
            WorkerDiedError: If the process died, in the words of how it did.
        """
        try:
            self._connection.send_bytes(message)
            if fd is not None:
                send_handle(self._connection, fd, self._number)
            start = time.monotonic()
            while self._connection not in wait([self._connection, self._told], _at_most(start + allowed())):
                if self.has_ended() and not self._connection.poll():
                    raise EOFError
                if time.monotonic() >= start + allowed():
                    raise TimeoutError
            return self._connection.recv_bytes()
        except TimeoutError:
            raise
        except (EOFError, OSError):
            raise WorkerDiedError(self._cause()) from None

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        if not self.has_ended():
            self._killed = True
            with suppress(ProcessLookupError):
                os.kill(self._number, signal.SIGKILL)

    def end(self) -> None:
        """Kill it, wait for its end, and close what leads to it."""
        self._cause()
        self._connection.close()
        self._told.close()

    def _cause(self) -> str:
        """Have it killed, unless it has ended, and return how it did, for example ``"SIGKILL(-9)"``."""
        self.kill()
        try:
            code = read_number(self._told)
        except (EOFError, OSError):  # the server died too, or was asked before
            return "unknown"
        return f"{signal.Signals(-code).name}({code})" if code < 0 else f"EXIT({code})"


def _at_most(until: float) -> float:
    """Return how long to wait before the limit is asked for again."""
    return max(0.0, min(until - time.monotonic(), ASK_SECONDS))
