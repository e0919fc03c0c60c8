"""Server, workers and the jobs that wait for them: what a pool of processes has while it is open."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import RLock, Thread, current_thread
from typing import Any

from nas_gym.errors import WorkerError
from nas_gym.pools.base import Work, is_same
from nas_gym.pools.channel import Item, Result
from nas_gym.pools.fork_server import ForkServer
from nas_gym.pools.limit import Limit
from nas_gym.pools.worker import KNOWN, Errand, Job, Worker


class Crew:
    """Workers, each led by a thread that waits for it; started as they are needed, closed once and for good.

    Args:
        workers: How many there may be.
        timeout_seconds: Longest time an item may take, see ``Processes``.
        preload: Names of modules that the workers' server imports.
    """

    def __init__(self, workers: int, timeout_seconds: Limit, preload: Sequence[str]) -> None:
        self._most = workers
        self._timeout_seconds = timeout_seconds
        self._server = ForkServer(preload)
        self._lock = RLock()
        self._closed = False
        self._errands: list[Errand] = []
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._open = 0
        """Jobs that wait or are worked on."""
        self._workers: dict[Worker, Thread] = {}

    def start(self) -> None:
        """Start the server; it need not be waited for."""
        self._server.start()

    def submit(self, function: Work[Item, Result], item: Item) -> Job:
        """Return a job, to be done by the next worker that is free.

        Raises:
            WorkerError: If this was closed.
        """
        with self._lock:
            if self._closed:
                raise WorkerError("the pool was closed")
            job = Job(self._errand(function), item)
            self._open += 1
            job.add_done_callback(self._count)
            self._jobs.put(job)
            if len(self._workers) < min(self._open, self._most):
                worker = Worker(self._server, self._timeout_seconds)
                # A daemon: the interpreter's end waits for no other, and closes this before it ends.
                thread = self._workers[worker] = Thread(target=self._lead, args=(worker,), daemon=True)
                thread.start()
            return job

    def _count(self, _: object) -> None:
        with self._lock:
            self._open -= 1

    def _errand(self, function: Work[Item, Result]) -> Errand:
        for errand in self._errands:
            if is_same(errand.function, function):
                return errand
        errand = Errand(function)
        self._errands = [*self._errands[1 - KNOWN :], errand]
        return errand

    def _lead(self, worker: Worker) -> None:
        while (job := self._jobs.get()) is not None:
            if job.set_running_or_notify_cancel():
                try:
                    result = worker.do(job)
                except BaseException as error:
                    job.set_exception(WorkerError("the pool was closed") if self._closed else error)
                else:
                    job.set_result(result)
                    del result
            del job
        worker.close()

    def give_up(self, jobs: Sequence[Future[Any]]) -> None:
        """Let jobs that have not ended end without a result."""
        for job in jobs:
            assert isinstance(job, Job)
            job.given_up = True
            if not job.done() and not job.cancel():
                for worker in list(self._workers):
                    worker.give_up(job)

    def close(self) -> None:
        """End server, workers and threads, and wait for their end; the jobs raise ``WorkerError``."""
        self.end()
        for thread in self._workers.values():
            if thread is not current_thread():  # a job's callback may close this
                thread.join()
        for errand in self._errands:
            errand.close()

    def end(self) -> None:
        """End server and workers, and let the threads end by themselves.

        For the garbage collector, which may call this in any thread: were one waited for, it might wait for
        a lock of that very thread.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        with suppress(Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None and job.set_running_or_notify_cancel():
                    job.set_exception(WorkerError("the pool was closed"))
        self._server.close()
        for _ in self._workers:
            self._jobs.put(None)
