"""What runs in the processes of a pool: a server that has imported what is needed, and its workers.

The server has no threads and has run nothing in parallel, so a fork of it is sound.
"""

import gc
import importlib
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from mmap import ACCESS_COPY, mmap
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import NoReturn

import cloudpickle

from nas_gym.errors import WorkerError
from nas_gym.pools.base import warm_up

WATCH_SECONDS = 0.2
NUMBER = struct.Struct("q")
"""How the server tells a worker's process id, and at its end its exit code, negative for a signal."""


def serve(control: int, parent: int, preload: Sequence[str]) -> NoReturn:
    """Import modules, then fork a worker at each request, until SIGTERM or the end of the parent.

    Args:
        control: File descriptor of a socket: a byte asks for a worker, two file descriptors come with it:
            the worker's connection, and one that stays here, to tell the worker's process id and exit code.
        parent: Its process id.
        preload: Names of modules.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, signal.SIGTERM])
    gc.disable()  # a fifth of the time of importing PyTorch
    for name in preload:
        importlib.import_module(name)
    sys.stdout.flush()  # or each worker would print it again
    gc.freeze()  # or collecting in a worker would copy every page
    gc.enable()
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(alarm)
    workers: dict[int, int] = {}  # process ids, and where their exit codes are told
    with socket.socket(fileno=control) as requests:
        while os.getppid() == parent:  # the socket's end would not tell if a copy of the parent lives on
            watched: list[socket.socket | int] = [requests, wake]
            ready, _, _ = select.select(watched, [], [], WATCH_SECONDS)
            if wake in ready:
                if signal.SIGTERM in os.read(wake, 4096):
                    break
                _bury(workers, os.WNOHANG)
            if requests in ready:
                _, fds, _, _ = socket.recv_fds(requests, 1, 2)
                if len(fds) < 2:
                    break
                _fork(fds[0], fds[1], workers, [control, wake, alarm])
    for process in workers:
        os.kill(process, signal.SIGKILL)
    _bury(workers, 0)
    os._exit(0)


def _fork(connection: int, told: int, workers: dict[int, int], private: Sequence[int]) -> None:
    server = os.getpid()
    try:
        process = os.fork()
    except OSError:
        traceback.print_exc()  # whoever asked sees the end of the connection
        os.close(told)
    else:
        if process == 0:
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for fd in (told, *workers.values(), *private):
                    os.close(fd)
                end_with(server)
                work(Connection(connection))
            except (EOFError, BrokenPipeError):
                pass  # nobody wants anything any more
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        workers[process] = told
        os.write(told, NUMBER.pack(process))
    os.close(connection)


def _bury(workers: dict[int, int], options: int) -> None:
    """Tell the exit codes of workers that have ended."""
    for process in list(workers):
        ended, status = os.waitpid(process, options)
        if ended:
            told = workers.pop(process)
            with suppress(BrokenPipeError):  # nobody wants to know any more
                os.write(told, NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os.close(told)


def end_with(parent: int) -> None:
    """Let this process end as soon as its parent has, in whatever way."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def work(connection: Connection) -> NoReturn:
    """Do what a worker is told, a message after another, until the connection ends.

    Messages are pickled: ``("take", number, numbers to forget, parts of the file, sys.path)``, with a file
    descriptor after it, or ``("do", number, pickled item)``. The answer is ``(done?, result or exception)``.
    """
    functions: dict[int, Callable[[object], object]] = {}
    while True:
        what, number, *rest = pickle.loads(connection.recv_bytes())
        try:
            if what == "take":
                forget, parts, path = rest
                for old in forget:
                    functions.pop(old, None)
                sys.path[:] = path
                functions[number] = _load(recv_handle(connection), parts)
                answer = pickled_answer(True, None)
            else:
                answer = pickled_answer(True, functions[number](pickle.loads(*rest)))
        except Exception as error:
            answer = pickled_answer(False, error)
        sys.stdout.flush()
        connection.send_bytes(answer)
        del answer, rest


def _load(fd: int, parts: Sequence[tuple[int, int]]) -> Callable[[object], object]:
    """Return the function in a file, its arrays mapped into memory, and warmed up."""
    with open(fd, "rb") as file:
        # Copied on write, that is, hardly ever: all workers read the same memory.
        content = memoryview(mmap(file.fileno(), 0, access=ACCESS_COPY))
    pickled, *arrays = [content[start : start + size] for start, size in parts]
    function: Callable[[object], object] = pickle.loads(pickled, buffers=arrays)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
    warm_up(function)
    return function


def pickled_answer(done: bool, result: object) -> bytes:
    """Pickle an answer; an exception that cannot be pickled is replaced by one that says so."""
    try:
        if isinstance(result, Exception):
            result.add_note("".join(["In a worker process:\n", *traceback.format_exception(result)]))
            pickled = cloudpickle.dumps((done, result))
            pickle.loads(pickled)  # the constructor of some exceptions wants other arguments
        else:
            pickled = cloudpickle.dumps((done, result))
    except Exception as error:
        wrong = result if isinstance(result, Exception) else error
        text = " ".join(f"{type(wrong).__name__}: {wrong}".split())
        pickled = pickle.dumps((False, WorkerError(f"what a worker process found cannot be pickled: {text}")))
    return bytes(pickled)
