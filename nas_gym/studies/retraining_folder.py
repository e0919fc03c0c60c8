"""Many trainings after the search: each network with several seeds, in processes, each kept in a file."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from statistics import mean
from tempfile import TemporaryDirectory

import joblib
import torch
from joblib.externals.loky import BrokenProcessPool

from nas_gym.errors import InvalidArgumentError, NasGymError
from nas_gym.evaluators.base import repeat_seeds
from nas_gym.evaluators.worker import WorkerDiedError, end_with
from nas_gym.studies.comparison import Contender
from nas_gym.studies.retraining import Model, Retraining, Schooling, retrain


class DamagedTrainingError(NasGymError):
    """A file in a folder of trainings is not what was written there."""


class RetrainingFolder:
    """Trains networks with several seeds, and keeps each training that succeeds in a file.

    The seeds are not those of the search. Results do not depend on the number of processes; a training
    whose file is there already is read instead. One that failed is tried again.

    Args:
        path: The folder; made with the first file.
        models: The networks, all different.
        schooling: What they are trained with.
        seeds: How many times each of them is trained.

    Raises:
        InvalidArgumentError: If ``seeds`` is not a positive integer.
    """

    def __init__(self, path: Path, models: Sequence[Model], schooling: Schooling, seeds: int) -> None:
        if type(seeds) is not int or seeds < 1:
            raise InvalidArgumentError(f"seeds must be a positive integer, got {seeds!r}")
        self.path = path
        self.models = models
        self.schooling = schooling
        self._jobs = [
            (model, seed)
            for model in models
            for seed in repeat_seeds("retraining", model.architecture, seeds)
        ]
        self._reasons: dict[Path, str] = {}

    def __len__(self) -> int:
        """Return the number of trainings."""
        return len(self._jobs)

    def missing(self) -> list[tuple[Model, int, Path]]:
        """Return the trainings that are not there yet: network, seed and file."""
        jobs = ((model, seed, self._file(model, seed)) for model, seed in self._jobs)
        return [job for job in jobs if not job[2].exists()]

    def train(self, processes: int = 1) -> Iterator[None]:
        """Train what is missing and yield after each training.

        Args:
            processes: Trainings at the same time, with one thread each; 1 is this process.

        Raises:
            WorkerDiedError: If a process is killed, for instance since there is too little memory.
        """
        missing = self.missing()
        here = processes == 1 or not missing
        train = self._in_this_process(missing) if here else self._in_workers(missing, processes)
        for file, reason in train:
            if reason is not None:
                self._reasons[file] = reason
            yield

    def _in_this_process(self, jobs: Sequence[tuple[Model, int, Path]]) -> Iterator[tuple[Path, str | None]]:
        """Train one after another; yield as ``_train_and_keep`` returns."""
        return (_train_and_keep(self.schooling, *job) for job in jobs)

    def _in_workers(
        self, jobs: Sequence[tuple[Model, int, Path]], processes: int
    ) -> Iterator[tuple[Path, str | None]]:
        """Train in worker processes; yield as ``_train_and_keep`` returns."""
        with TemporaryDirectory(prefix="nas_gym-") as folder:
            shared = Path(folder) / "schooling.joblib"  # its arrays are mapped into memory by all workers
            joblib.dump(self.schooling, shared)
            work = partial(_work, os.getpid(), shared)
            try:
                yield from joblib.Parallel(processes, return_as="generator_unordered")(
                    joblib.delayed(work)(*job) for job in jobs
                )
            except BrokenProcessPool:
                raise WorkerDiedError(
                    f"a process was killed, perhaps for want of memory; {self.path} keeps what had ended, "
                    "start again, with fewer processes at the same time"
                ) from None

    def contenders(self) -> list[Contender]:
        """Return what came of each network, in order; all trainings must have ended."""
        return [self._contender(model) for model in self.models]

    def best_weights(self, name: str) -> tuple[int, dict[str, torch.Tensor]]:
        """Return seed and weights of the training of a network that is best on validation data."""
        ended = {
            seed: each for model in self.models if model.name == name for seed, each in self._ended(model)
        }
        sign = 1 if self.schooling.task.metric.larger_is_better else -1
        seed = max(ended, key=lambda each: sign * ended[each].results[0])
        return seed, ended[seed].weights

    def _contender(self, model: Model) -> Contender:
        ended = [each for _, each in self._ended(model)]
        results = [each.results for each in ended]
        files = [self._file(each, seed) for each, seed in self._jobs if each is model]
        return Contender(
            name=model.name,
            found=model.found,
            validation_results=tuple(validation for validation, _ in results),
            test_results=tuple(test for _, test in results),
            parameters=None if model.size is None else model.size.parameters,
            multiply_adds=None if model.size is None else model.size.multiply_adds,
            seconds=mean(each.seconds for each in ended) if ended else None,
            losses=ended[0].losses if ended else (),
            failures=tuple(self._reasons[file] for file in files if file in self._reasons),
        )

    def _ended(self, model: Model) -> list[tuple[int, Retraining]]:
        """Return seed and result of the trainings of a network that did not fail."""
        files = {seed: self._file(model, seed) for each, seed in self._jobs if each is model}
        return [(seed, _read(file)) for seed, file in files.items() if file not in self._reasons]

    def _file(self, model: Model, seed: int) -> Path:
        """Return the file of one training; its name says all that the result depends on."""
        schooling = self.schooling
        known = (model.name, schooling.data.checksum, schooling.recipe.id, schooling.device, str(seed))
        return self.path / f"{sha256('|'.join(known).encode()).hexdigest()[:24]}.pt"


def _work(parent: int, shared: Path, model: Model, seed: int, file: Path) -> tuple[Path, str | None]:
    """Train once in a worker process."""
    end_with(parent, shared.parent)
    return _train_and_keep(joblib.load(shared, mmap_mode="c"), model, seed, file)  # never written, so no copy


def _train_and_keep(schooling: Schooling, model: Model, seed: int, file: Path) -> tuple[Path, str | None]:
    """Train once and keep the result; return the file, and why there is none."""
    training = retrain(model, schooling, seed)
    if training.reason is None:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        try:
            torch.save(asdict(training), temporary)
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
    return file, training.reason


def _read(file: Path) -> Retraining:
    try:
        return Retraining(**torch.load(file, weights_only=True))
    except (RuntimeError, TypeError, EOFError, UnpicklingError):
        raise DamagedTrainingError(f"{file} is damaged; delete it and start again") from None
