"""Children in parallel worker processes: as ``LocalEvaluator``, over all cores."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.util import Finalize
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import joblib
from torch import nn

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.corpus import Corpus
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import NetworkSizeOf, child_seed
from nas_gym.evaluators.local import LocalEvaluator
from nas_gym.evaluators.worker import DATASET, Worker, WorkerDiedError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.base import CLASSIFICATION, Task
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.supervised.recipe import TrainingRecipe

TRIES = 2


class ProcessEvaluator:
    """Trains children in worker processes, each with one thread; results are those of ``LocalEvaluator``.

    The workers start at the first ``evaluate`` and wait for the next one in between. The data set is
    written once to a temporary file that all of them map into memory. They end with ``close``, when the
    evaluator is no longer used, and, on POSIX systems, when this process ends in whatever way.

    A child that raises is ``"failed"``. One that takes longer than ``timeout_seconds`` is stopped, with its
    worker, and ``"timed_out"``. One whose worker dies, for instance since memory ran out, is tried once
    more in a new one, then ``"failed"``. A pickled evaluator takes no workers along.

    Args:
        build: Makes the module of an architecture, its parameters not yet initialised; it is pickled once
            for each worker, with cloudpickle, so it may be defined anywhere.
        dataset: What to learn; its test part is not kept.
        recipe: How to train.
        seed: From it and the architecture follows a child's seed.
        device: PyTorch's name of the device, the same one for all workers.
        workers: Children trained at the same time; by default one for each core this process may use.
        timeout_seconds: Longest time a child may take, ``None`` for no limit. A child close to the limit
            depends on the speed of the machine.
        network_size: What a network costs, computed from its description, for the records.
        measure_latency: Whether to measure how long a trained network takes for one sample, see
            ``LocalEvaluator``.
        task: What the data and the recipe are for, as in ``LocalEvaluator``.

    Raises:
        InvalidArgumentError: If there is no such device here, the recipe suits neither it nor the data, or
            ``workers`` or ``timeout_seconds`` is out of range.
    """

    def __init__(
        self,
        build: Callable[[Architecture], nn.Module],
        dataset: Dataset | Corpus,
        recipe: TrainingRecipe | LanguageRecipe,
        seed: int = 0,
        device: str = "cpu",
        workers: int | None = None,
        timeout_seconds: float | None = None,
        network_size: NetworkSizeOf | None = None,
        measure_latency: bool = False,
        task: Task = CLASSIFICATION,
    ) -> None:
        if workers is not None and (type(workers) is not int or workers < 1):
            raise InvalidArgumentError(f"workers must be a positive integer or None, got {workers!r}")
        number = isinstance(timeout_seconds, (int, float)) and not isinstance(timeout_seconds, bool)
        if timeout_seconds is not None and not (number and 0 < timeout_seconds < threading.TIMEOUT_MAX):
            raise InvalidArgumentError(
                f"timeout_seconds must be a positive number or None, got {timeout_seconds!r}"
            )
        same = LocalEvaluator(build, dataset, recipe, seed, device, network_size, measure_latency, task)
        self.id = same.id  # equal results, which may stand for one another in a store
        self.build = build
        self.dataset = same.dataset
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.network_size = network_size
        self.measure_latency = measure_latency
        self.task = task
        self.workers = workers or joblib.cpu_count()
        self.timeout_seconds = timeout_seconds
        self._forget_workers()

    def _forget_workers(self) -> None:
        self._workers: list[Worker] = []
        self._folder: Path | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._finish: Callable[[], object] = lambda: None

    def __getstate__(self) -> dict[str, Any]:
        """Leave workers and temporary file behind."""
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start without workers."""
        self.__dict__.update(state)
        self._forget_workers()

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Train children, see ``Evaluator.evaluate``.

        Raises:
            UnknownLayerError: If a network holds a layer whose weights nobody knows how to draw.
            WorkerError: If no worker can be started.
        """
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        children = list(zip(architectures, seeds, strict=True))
        if not children:
            return []
        if self._owner != os.getpid():
            self._forget_workers()  # they are those of the process that this one was forked from
        with self._lock:
            workers = self._have_workers(min(self.workers, len(children)))
            idle: SimpleQueue[Worker] = SimpleQueue()
            for worker in workers:
                idle.put(worker)
            with ThreadPoolExecutor(len(workers)) as threads:
                futures = [threads.submit(self._train, idle, *child) for child in children]
                try:
                    return [future.result() for future in futures]
                except BaseException:  # Ctrl-C as well: nobody wants the rest
                    threads.shutdown(wait=False, cancel_futures=True)
                    self.close()
                    raise

    def close(self) -> None:
        """End all workers; a later ``evaluate`` starts new ones."""
        self._finish()
        self._workers, self._folder, self._finish = [], None, lambda: None

    def _have_workers(self, count: int) -> list[Worker]:
        if self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix="nas_gym-"))
            # Not weakref.finalize: a child of multiprocessing waits for its own children before that runs.
            self._finish = Finalize(self, _finish, (self._workers, folder), exitpriority=100)
            joblib.dump(self.dataset, folder / DATASET)
            self._folder = folder
        names = ("build", "recipe", "seed", "device", "network_size", "measure_latency", "task")
        trainer = {name: getattr(self, name) for name in names}
        while len(self._workers) < count:
            self._workers.append(Worker(self._folder, trainer))
        return self._workers[:count]

    def _train(self, idle: "SimpleQueue[Worker]", architecture: Architecture, seed: int) -> Evaluation:
        worker = idle.get()
        try:
            for _ in range(TRIES):
                try:
                    return worker.train(architecture, seed, self.timeout_seconds)
                except TimeoutError:
                    assert self.timeout_seconds is not None
                    return Evaluation(
                        architecture,
                        self.dataset.id,
                        self.recipe.id,
                        seed,
                        "timed_out",
                        None,
                        None,
                        self.timeout_seconds,
                        f"stopped after {self.timeout_seconds:g} seconds",
                    )
                except WorkerDiedError as error:
                    cause = str(error)
            return Evaluation(
                architecture,
                self.dataset.id,
                self.recipe.id,
                seed,
                "failed",
                None,
                None,
                0.0,
                f"its worker process died {TRIES} times, at last of {cause}",
            )
        finally:
            idle.put(worker)


def _finish(workers: list[Worker], folder: Path) -> None:
    for worker in workers:
        worker.close()
    shutil.rmtree(folder, ignore_errors=True)
