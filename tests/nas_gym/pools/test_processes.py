import gc
import multiprocessing
import multiprocessing.queues
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch

from nas_gym.errors import WorkerError
from nas_gym.pools import Fault, Processes
from tests.nas_gym.pools.work import (
    CannotStart,
    Large,
    SlowToStart,
    TwoArgumentsError,
    die,
    pid,
    sleep_or_pid,
    threads_and_loss,
)

# Two seconds on an idle machine; the processes have to come and go on a busy one, too.
pytestmark = pytest.mark.timeout(30)


def family(process: int | None = None) -> set[psutil.Process]:
    """Return the processes that a process has started, without those that have ended."""
    children = psutil.Process(process).children(recursive=True)
    return {child for child in children if child.status() != psutil.STATUS_ZOMBIE}


def files() -> set[tuple[str, str]]:
    """Return what this process has open."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        if os.path.exists(f"/proc/self/fd/{fd}"):  # not that of listdir
            found.add((fd, os.readlink(f"/proc/self/fd/{fd}")))
    return found


@pytest.fixture
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at the operating system: no process, no file, no thread more than before."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def present() -> set[object]:
        return {*family(), *(name for _, name in files()), *threading.enumerate()}

    before = present()
    yield
    until = time.monotonic() + 5  # the threads of a pool that was collected end by themselves
    while present() - before and time.monotonic() < until:
        time.sleep(0.01)
    assert present() - before == set()
    assert [path for path in tmp_path.iterdir() if "torch" not in path.name] == []  # PyTorch leaves one


def test_workers__end_with_their_server_whatever_they_do(nothing_is_left: None) -> None:
    with Processes(1) as pool:
        ((_, worker),) = pool.map(pid, [0])
        assert isinstance(worker, int)
        process = psutil.Process(worker)
        channel = pool.open(sleep_or_pid)
        channel.send(1e6)
        time.sleep(0.2)  # now it has begun
        psutil.Process(process.ppid()).kill()
        process.wait(5)
        assert channel.recv(timeout=0.2) == []  # it is tried once more, by a worker of a new server


def test_processes__give_an_item_two_tries(tmp_path: Path, nothing_is_left: None) -> None:
    def die_once(item: int) -> int:
        if item == 3 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with Processes(2) as pool:
        assert sorted(pool.map(die_once, range(6))) == [(i, i) for i in range(6)]
        for code, cause in (
            (-signal.SIGKILL, "SIGKILL(-9)"),
            (-signal.SIGSEGV, "SIGSEGV(-11)"),
            (3, "EXIT(3)"),
        ):
            ((_, fault),) = pool.map(die, [code])
            assert isinstance(fault, Fault) and fault.kind == "died" and fault.seconds > 0
            assert fault.reason == f"its worker process died 2 times, at last of {cause}"
        found = dict(pool.map(lambda item: die(-9) if item == 1 else item, range(4)))
        assert [isinstance(found[i], Fault) for i in range(4)] == [False, True, False, False]
    (tmp_path / "died").unlink()


def test_processes__lose_nothing_when_a_worker_or_the_server_is_killed_between_items(
    nothing_is_left: None,
) -> None:
    with Processes(1) as pool:
        ((_, worker),) = pool.map(pid, [0])
        assert isinstance(worker, int)
        server = psutil.Process(worker).parent()
        assert server is not None and server.ppid() == os.getpid()
        os.kill(worker, signal.SIGKILL)
        ((_, other),) = pool.map(pid, [0])
        assert isinstance(other, int) and other != worker
        old = psutil.Process(other)
        server.kill()
        server.wait(5)
        ((_, last),) = pool.map(pid, [0])
        assert isinstance(last, int) and last != other
        old.wait(5)


def test_processes__stop_what_takes_too_long(nothing_is_left: None) -> None:
    with Processes(2, timeout_seconds=0.5) as pool:
        found = dict(pool.map(sleep_or_pid, [0.0, 1e6, 0.0]))
        fault = found[1]
        assert isinstance(fault, Fault) and (fault.kind, fault.reason) == (
            "timed_out",
            "stopped after 0.5 seconds",
        )
        assert 0.5 <= fault.seconds < 5
        assert isinstance(found[0], int) and isinstance(found[2], int)
        ((_, worker),) = pool.map(sleep_or_pid, [0.0])
        assert isinstance(worker, int)


def test_processes__do_not_count_the_time_to_start() -> None:
    with Processes(1, timeout_seconds=0.4) as pool:
        assert list(pool.map(SlowToStart(0.3), [7])) == [(0, 7)]


@pytest.mark.parametrize(("how", "cause"), [("dies", r"SIGKILL\(-9\)"), ("raises", "LookupError: two lines")])
def test_processes__say_in_one_line_that_no_worker_can_be_started(
    how: str, cause: str, nothing_is_left: None
) -> None:
    with Processes(2) as pool:
        with pytest.raises(WorkerError, match=rf"^no worker process was ready after 3 tries, .* of {cause}$"):
            list(pool.map(CannotStart(how), [1, 2]))
        assert list(pool.map(abs, [-1])) == [(0, 1)]


def test_processes__say_that_a_module_is_missing(
    nothing_is_left: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with Processes(1, preload=["no_such_module"]) as pool, pytest.raises(WorkerError, match="after 3 tries"):
        list(pool.map(abs, [-1]))
    assert "No module named 'no_such_module'" in capfd.readouterr().err


def test_processes__raise_what_a_function_raises_with_its_traceback(nothing_is_left: None) -> None:
    def lock(_: int) -> object:
        return threading.Lock()

    def two_arguments(_: int) -> None:
        raise TwoArgumentsError(1, 2)

    def timeout(_: int) -> None:
        raise TimeoutError("of the function")

    with Processes(1) as pool:
        with pytest.raises(TimeoutError) as error:
            list(pool.map(timeout, [0]))
        assert str(error.value) == "of the function"
        assert "in timeout" in error.value.__notes__[0]
        with pytest.raises(WorkerError, match=r"cannot be pickled: TwoArgumentsError: 1 2$"):
            list(pool.map(two_arguments, [0]))
        with pytest.raises(WorkerError, match=r"cannot pickle '_thread.lock' object"):
            list(pool.map(lock, [0]))
        with pytest.raises(TypeError, match=r"cannot pickle '_thread.lock' object"):
            list(pool.map(lambda _: 0, [threading.Lock()]))


def test_processes__give_up_what_runs_when_a_map_ends(nothing_is_left: None) -> None:
    def work(item: float) -> float:
        if item < 0:
            raise LookupError
        time.sleep(item)
        return item

    with Processes(2) as pool:
        list(pool.map(pid, [0, 1]))
        start = time.monotonic()
        with pytest.raises(LookupError):
            list(pool.map(work, [1e6, -1, 1e6, 1e6]))
        given_up = pool.map(work, [0.0, 1e6, 1e6])
        assert next(given_up) == (0, 0.0)
        given_up.close()  # type: ignore[attr-defined]
        assert sorted(pool.map(work, [0.0, 0.1])) == [(0, 0.0), (1, 0.1)]
        assert time.monotonic() - start < 10


def test_processes__map_large_arrays_into_memory_and_send_them_once(nothing_is_left: None) -> None:
    large = Large()
    total = int(large.array.sum())
    with Processes(2) as pool:
        found = {index: result for index, result in pool.map(large, range(4))}
        for result in found.values():
            assert isinstance(result, tuple)
            _, aligned, writeable, mapped, _ = result
            assert aligned and not writeable and mapped
        for _ in range(2):  # the worker knows it, and has written in it
            ((_, again),) = pool.map(large, [5])
        assert isinstance(again, tuple) and again[0] < total - 5
    assert int(large.array.sum()) == total  # the parent's is as it was


@pytest.mark.slow  # the server imports PyTorch
@pytest.mark.timeout(90)
def test_processes__train_with_one_thread_whatever_the_parent_has(
    nothing_is_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    expected = threads_and_loss(512)[-1]
    torch.set_num_threads(4)
    try:
        threads_and_loss(512)  # many threads, in this process
        with Processes(2, preload=["torch._dynamo"], start=True) as pool:
            found = dict(pool.map(threads_and_loss, [512, 512, 512]))
            for result in found.values():
                assert isinstance(result, tuple)
                threads, environment, server, loss = result
                assert threads == 1
                assert environment == {"OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
                assert loss == expected
                assert psutil.Process(server).num_threads() == 1  # what makes forking sound
    finally:
        torch.set_num_threads(1)


def test_processes__leave_nothing_when_they_are_collected(nothing_is_left: None) -> None:
    pool = Processes(2)
    list(pool.map(pid, range(4)))
    assert len(family()) >= 3
    del pool
    gc.collect()


def test_processes__close_at_once_what_is_starting_or_never_ends(nothing_is_left: None) -> None:
    Processes(1, preload=["torch"], start=True).close()
    pool = Processes(1)
    channel = pool.open(sleep_or_pid)
    for _ in range(2):  # one runs, the other one waits
        channel.send(1e6)
    time.sleep(0.3)
    start = time.monotonic()
    pool.close()
    assert time.monotonic() - start < 5
    for _ in range(2):
        with pytest.raises(WorkerError, match="the pool was closed"):
            channel.recv()
    results = pool.map(sleep_or_pid, [0.0, 1e6])
    next(results)
    pool.close()
    with pytest.raises(WorkerError, match="the pool was closed"):
        next(results)


def test_processes__have_no_worker_before_the_first_item_nor_more_than_items(nothing_is_left: None) -> None:
    before = family()
    with Processes(3) as pool:
        assert family() == before
        list(pool.map(pid, [0]))
        assert len(family() - before) == 2  # a server and a worker
        copy = pickle.loads(pickle.dumps(pool))
        assert (copy.workers, copy.timeout_seconds, copy.preload) == (3, None, ())
        assert len(family() - before) == 2


Answer = tuple[list[tuple[int, int | Fault]], int | Fault, list[str], int]


def use_in_copy(pool: Processes, results: multiprocessing.queues.SimpleQueue[Answer]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = [list(pool.map(abs, [-1, -2])) for _ in range(2)]
        ((_, other),) = pool.map(abs, [-3])
        pool.close()
    texts = [str(each.message) for each in caught if "this process does the work" in str(each.message)]
    results.put((sorted(found[1]), other, texts, len(family())))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("daemon", [True, False])
def test_processes__work_in_a_fork_with_workers_of_its_own_or_none(
    daemon: bool, nothing_is_left: None
) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.queues.SimpleQueue[Answer] = context.SimpleQueue()
    with Processes(2) as pool:
        before = sorted(pool.map(pid, [0, 1]))
        child = context.Process(target=use_in_copy, args=(pool, results), daemon=daemon)
        child.start()
        found, future, texts, left = results.get()
        child.join(10)
        assert child.exitcode == 0
        assert (found, future, left) == ([(0, 1), (1, 2)], 3, 0)
        assert len(texts) == (1 if daemon else 0)
        workers = {process for _, process in before}
        assert {process for _, process in pool.map(pid, range(4))} <= workers  # ours lived on
    child.close()
    results.close()


PROGRAM = """
import os, signal, sys, time
from nas_gym.pools import Processes
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it

def work(seconds):
    time.sleep(seconds)
    return os.getpid()

if __name__ == "__main__":
    pool = Processes(2)
    print(*[worker for _, worker in pool.map(work, [0.1, 0.1])], flush=True)
    if "--copy" in sys.argv and os.fork() == 0:
        os.closerange(1, 3)
        time.sleep(60)  # with all that it inherited
        os._exit(0)
    try:
        list(pool.map(work, [1e6] * 3))
    except KeyboardInterrupt:
        print(len(list(pool.map(work, [0.0, 0.0]))), flush=True)
        unfinished = pool.open(work)
        unfinished.send(1e6)
"""


@pytest.mark.parametrize(
    ("end", "arguments"),
    [(signal.SIGKILL, []), (signal.SIGKILL, ["--copy"]), (signal.SIGTERM, []), (signal.SIGINT, [])],
)
def test_processes__do_not_outlive_their_parent(
    end: signal.Signals, arguments: list[str], tmp_path: Path
) -> None:
    """Killed in the middle; and interrupted by Ctrl-C, after which it works and ends without ``close``."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    folder = tmp_path / "temporary"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-W", "ignore:.*fork", str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as parent:
        assert parent.stdout is not None and parent.stderr is not None
        processes: set[psutil.Process] = set()
        try:
            workers = {psutil.Process(int(worker)) for worker in parent.stdout.readline().split()}
            time.sleep(0.2)  # now the items that never end have begun
            processes = family(parent.pid)
            ours = workers | {psutil.Process(worker.ppid()) for worker in workers}
            assert len(ours) == 3 and ours <= processes
            # As a terminal does: the signal reaches the workers too; others are for the parent alone.
            (os.killpg if end == signal.SIGINT else os.kill)(parent.pid, end)
            assert end != signal.SIGINT or parent.stdout.readline() == "2\n"
            errors = parent.stderr.read()  # ends with the last process
            assert parent.wait(10) == (0 if end == signal.SIGINT else -end)
            _, alive = psutil.wait_procs(ours, timeout=2)
            assert alive == []
        finally:
            parent.kill()
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
    assert list(folder.iterdir()) == []
    assert errors == ""
