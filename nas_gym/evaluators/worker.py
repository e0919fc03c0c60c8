"""One worker process that trains a child at a time, seen from both sides.

PyTorch is imported by a worker alone, once it no longer listens to Ctrl-C.
"""

import os
import shutil
import signal
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from loky import BrokenProcessPool, ProcessPoolExecutor

from nas_gym.errors import NasGymError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation

if TYPE_CHECKING:
    from nas_gym.evaluators.local import LocalEvaluator

DATASET = "dataset.joblib"
STARTS = 3
WATCH_SECONDS = 0.5
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
    # Children differ in size, which loky would take for a leak.
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e15",
}


class WorkerError(NasGymError):
    """A worker process cannot be started, or was told to stop."""


class WorkerDiedError(NasGymError):
    """A worker process died while it trained a child."""


class Worker:
    """A process that trains, started when it is first needed and again when it has died.

    It is a pool of one: so a process that dies says which child it had, and takes no other with it.

    Args:
        folder: Holds the data set as the file ``DATASET``; a worker that outlives its parent removes it.
        trainer: Arguments of ``LocalEvaluator`` but the data set.
    """

    def __init__(self, folder: Path, trainer: dict[str, Any]) -> None:
        self._arguments = os.getpid(), folder, trainer
        self._executor: ProcessPoolExecutor | None = None
        self._closed = False
        self._lock = threading.Lock()

    def train(self, architecture: Architecture, seed: int, timeout_seconds: float | None) -> Evaluation:
        """Train one child; the time that a process takes to start does not count.

        Raises:
            TimeoutError: If it took too long; the process is killed.
            WorkerDiedError: If the process died.
            WorkerError: If no process can be started.
        """
        self._start()
        try:
            evaluation: Evaluation = self._submit(_train, architecture, seed).result(timeout_seconds)
            return evaluation
        except TimeoutError:
            self.kill()
            raise
        except BrokenProcessPool as error:
            self.kill()
            raise WorkerDiedError(_cause(error)) from None

    def kill(self) -> None:
        """End the process at once; a later ``train`` starts another."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(kill_workers=True)

    def close(self) -> None:
        """End the process at once and for good; a ``train`` under way in another thread raises."""
        self._closed = True
        self.kill()

    def _start(self) -> None:
        """Have a process that is ready to train."""
        for _ in range(STARTS):
            try:
                self._submit(_wait).result()
                return
            except BrokenProcessPool:  # or it died since its last child
                self.kill()
        raise WorkerError(
            f"a worker process ended {STARTS} times before it was ready; it wrote why to stderr"
        )

    def _submit(self, function: Any, *arguments: Any) -> Any:  # noqa: ANN401, loky has no types
        with self._lock:
            if self._closed:
                raise WorkerError("the worker was told to stop")
            if self._executor is None:
                self._executor = ProcessPoolExecutor(
                    1, initializer=_prepare, initargs=self._arguments, env=ENVIRONMENT
                )
            return self._executor.submit(function, *arguments)


def _cause(error: BaseException) -> str:
    """Return how a process ended, from loky's message, for example ``"SIGKILL(-9)"``."""
    _, found, rest = str(error).partition("exit codes of the workers are {")
    return rest.partition("}")[0] if found else "unknown"


# What follows runs in the worker process.

_trainer: "LocalEvaluator"


def _prepare(parent: int, folder: Path, trainer: dict[str, Any]) -> None:
    """Leave Ctrl-C to the parent, do not outlive it, and map the data set into memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent, folder)
    import torch

    from nas_gym.evaluators.local import LocalEvaluator

    torch.set_num_threads(1)
    global _trainer
    # Copied on write, that is, never: all workers read the same memory.
    _trainer = LocalEvaluator(dataset=joblib.load(folder / DATASET, mmap_mode="c"), **trainer)
    _trainer.task.warm_up(_trainer.device)


@cache
def end_with(parent: int, folder: Path) -> None:
    """Let this process end as soon as its parent has, in whatever way; nothing to do in the parent itself.

    Args:
        parent: Its process id.
        folder: What to remove then.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    if os.getpid() != parent:
        threading.Thread(target=watch, daemon=True).start()


def _wait() -> None:
    """Return as soon as the process is prepared."""


def _train(architecture: Architecture, seed: int) -> Evaluation:
    return _trainer.evaluate([architecture], [seed])[0]
