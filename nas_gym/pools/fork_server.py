"""The server that forks workers, seen from the process that starts it.

Much as multiprocessing's, but each pool has one of its own, which ends with it and takes the workers along;
it needs neither a resource tracker nor a socket in a temporary folder, and does not import the main module.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import RLock

from nas_gym.errors import WorkerError
from nas_gym.pools.forked import NUMBER

ENVIRONMENT = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
}
CLOSE_SECONDS = 5.0
POLL_SECONDS = 0.002


class ForkServer:
    """A process that imports modules and then forks workers in milliseconds; it ends with this process.

    Args:
        preload: Names of the modules.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._preload = tuple(preload)
        self._lock = RLock()
        self._closed = False
        self._process: int | None = None
        self._control: Connection | None = None

    def start(self) -> None:
        """Start the process if there is none; it need not be waited for."""
        with self._lock:
            if self._closed:
                raise WorkerError("the pool was closed")
            # It writes nothing there, so something to read is its end, known sooner than by waiting for it.
            if self._control is not None and self._control.poll():
                self._end()
            if self._process is None:
                self._launch()

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            path = [entry for entry in sys.path if isinstance(entry, str)]
            program = (
                f"import sys; sys.path[:] = {path!r}; from nas_gym.pools.forked import serve; "
                f"serve({theirs.fileno()}, {os.getpid()}, {self._preload!r})"
            )
            # Until it knows better, Ctrl-C must not reach it; it inherits what is blocked here.
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            try:
                process = subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, **ENVIRONMENT},
                    pass_fds=[theirs.fileno()],
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            process.returncode = 0  # so that nobody warns of it, a forked copy least; we wait for its id
            self._process, self._control = process.pid, Connection(os.dup(ours.fileno()))

    def fork(self) -> tuple[int, Connection, Connection]:
        """Return a new worker's process id, the connection to it, and that which tells its exit code.

        Raises:
            EOFError, OSError: If it ended before there was one.
            WorkerError: If the server was closed.
        """
        connection, theirs = Pipe()
        told, tell = Pipe(duplex=False)
        try:
            with theirs, tell, self._lock:
                self.start()
                assert self._control is not None
                with socket.fromfd(self._control.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as control:
                    socket.send_fds(control, [b"+"], [theirs.fileno(), tell.fileno()])
            return read_number(told), connection, told
        except BaseException:
            connection.close()
            told.close()
            raise

    def close(self) -> None:
        """End the process and all workers at once, and for good."""
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        control, self._control = self._control, None
        if control is not None:
            control.close()
        if process is None:
            return
        until = time.monotonic() + CLOSE_SECONDS
        while not _has_ended(process):
            in_time = time.monotonic() < until  # or somebody has stopped it
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM if in_time else signal.SIGKILL)
            time.sleep(POLL_SECONDS)


def read_number(told: Connection) -> int:
    """Return the next number that the server tells.

    Raises:
        EOFError: If there is none.
    """
    text = os.read(told.fileno(), NUMBER.size)
    if len(text) < NUMBER.size:
        raise EOFError("the server has ended")
    number: int = NUMBER.unpack(text)[0]
    return number


def _has_ended(process: int) -> bool:
    """Say whether a child of this process has ended, and bury it."""
    try:
        return os.waitpid(process, os.WNOHANG)[0] != 0
    except ChildProcessError:  # somebody else has
        return True
