"""Training again, from scratch, what a search found. Besides ``tabulation`` the only reader of test data."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from statistics import mean
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console

from agents.progress import CountProgress
from nas_gym.checks import integer
from nas_gym.errors import NasGymError
from nas_gym.evaluators.trainers.base import Child, Trainer
from nas_gym.files import write_atomically
from nas_gym.kept.folder import write_folder
from nas_gym.kept.keeping import describe
from nas_gym.pools.base import Pool
from nas_gym.pools.fault import Fault
from nas_gym.problems.problem import Problem
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.studies.comparison import Contender
from nas_gym.tasks.seeds import repeat_seeds

if TYPE_CHECKING:
    from torch import Tensor, nn

FULL = -1
"""The rung of the full training."""


class DamagedTrainingError(NasGymError):
    """A file in a folder of trainings is not what was written there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network to train.

    Attributes:
        architecture: What it is called; its seeds follow from it.
        size: What it costs, ``None`` if unknown.
        build: Makes the module of a hand-designed network; ``None`` if the search found it.
    """

    architecture: Architecture
    size: NetworkSize | None = None
    build: "Callable[[], nn.Module] | None" = None

    @property
    def name(self) -> str:
        """Its text, or the reference's name."""
        return str(self.architecture)


def found_networks(problem: Problem, architectures: Sequence[Architecture]) -> list[Candidate]:
    """Return networks that a search found."""
    task, space = problem.task, problem.search_space
    assert task is not None
    sizes = (
        task.size(space, each, FULL) or task.measure(task.build(space, each, FULL), FULL)
        for each in architectures
    )
    return [Candidate(*known) for known in zip(architectures, sizes, strict=True)]


def hand_designed_networks(problem: Problem, beside: Candidate) -> list[Candidate]:
    """Return hand-designed or published networks to compare with a found one.

    Raises:
        InvalidArgumentError: If one should have as many parameters and cannot have that few.
    """
    task, size = problem.task, beside.size
    assert task is not None and size is not None
    return [
        Candidate(
            # The search space of none: so they have seeds, too.
            Architecture("reference", (each.name,)),
            each.size or task.measure(each.build(), FULL),
            each.build,
        )
        for each in problem.references(size.parameters)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Retraining:
    """What came of training a network once more.

    Attributes:
        seconds: Time of the training, the reading of test data not included.
        validation: Score on validation data of the weights that training kept.
        test: Score of the same weights on test data.
        losses: Mean training loss of each epoch.
        weights: State of the module by name, on the processor.
    """

    seconds: float
    validation: float
    test: float
    losses: tuple[float, ...] = ()
    weights: "Mapping[str, Tensor]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One training, and the file that keeps it."""

    candidate: Candidate
    seed: int
    file: Path


@dataclass(frozen=True, slots=True, eq=False)
class Retrain:
    """What a worker does: it trains once, reads the test data, and writes the file.

    Attributes:
        trainer: That of the search, with the test data.
    """

    trainer: Trainer

    def warm_up(self) -> None:
        """Have everything imported and compiled before the first training is timed."""
        self.trainer.warm_up()

    def __call__(self, job: Job) -> str | None:
        """Return why training failed, ``None`` if it did not."""
        import torch

        start = perf_counter()
        candidate = job.candidate
        trained = self.trainer.train(Child(candidate.architecture, job.seed, FULL), candidate.build)
        seconds = perf_counter() - start
        if trained.outcome.reason is not None:
            return trained.outcome.reason
        metric = self.trainer.task.metric.name
        test = trained.scores("test")[metric]
        if not math.isfinite(test):
            return f"the test {metric} is {test}"
        outcome, weights = trained.outcome, trained.state_dict()
        training = Retraining(seconds, outcome.scores[metric], test, outcome.losses, weights)
        job.file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(job.file, lambda temporary: torch.save(asdict(training), temporary))
        return None


class Trainings:
    """Trains networks with several seeds, and keeps each training that succeeds in a file.

    Results do not depend on where they are made; a training whose file is there already is read instead. One
    that failed is tried again.

    Args:
        path: The folder; made with the first file.
        candidates: The networks, all different.
        trainer: That of the search, with the test data.
        seeds: How many times each of them is trained.

    Raises:
        InvalidArgumentError: If ``seeds`` is not a positive integer.
    """

    def __init__(self, path: Path, candidates: Sequence[Candidate], trainer: Trainer, seeds: int) -> None:
        self.path, self.candidates = path, candidates
        self._train = Retrain(trainer)
        self._sign = trainer.task.metric.sign
        # The name of a file says all that the result depends on.
        setting = trainer.setting(FULL)
        known = f"{setting.dataset}|{setting.dataset_checksum}|{setting.recipe}|{setting.evaluator}"
        self.jobs = [
            Job(each, seed, path / f"{sha256(f'{each.name}|{known}|{seed}'.encode()).hexdigest()[:24]}.pt")
            for each in candidates
            for seed in repeat_seeds("retraining", each.architecture, integer("seeds", seeds, 1))
        ]
        self._reasons: dict[Path, str] = {}

    def missing(self) -> list[Job]:
        """Return the trainings that are not there yet."""
        return [job for job in self.jobs if not job.file.exists()]

    def train(self, pool: Pool, console: Console) -> None:
        """Train what is missing, and show how far it is."""
        missing = self.missing()
        if not missing:
            return
        with CountProgress(console) as bar:
            bar.tell("trainings", 0, len(missing))
            for done, (index, result) in enumerate(pool.map(self._train, missing), 1):
                reason = result.reason if isinstance(result, Fault) else result
                if reason is not None:
                    self._reasons[missing[index].file] = reason
                bar.tell("trainings", done, len(missing))

    def contenders(self) -> list[Contender]:
        """Return what came of each network, in order; all trainings must have ended.

        Raises:
            DamagedTrainingError: If a file is not what was written there.
        """
        return [self._contender(each) for each in self.candidates]

    def keep_best(self, name: str, path: Path, env: str) -> None:
        """Write the training of a found network that is best on validation data to a folder.

        Raises:
            KeptNetworkError: If it could not be loaded again, or the folder cannot be written.
        """
        trainer, (seed, best) = self._train.trainer, self._best(name)
        task, space = trainer.task, trainer.search_space
        metric = task.metric.name
        scores = {"validation": {metric: best.validation}, "test": {metric: best.test}}
        kept = describe(task, space, space.parse(name), scores, env=env, seed=seed, rung=FULL)
        write_folder(path, kept, best.weights)

    def _best(self, name: str) -> tuple[int, Retraining]:
        ended = {
            seed: each
            for candidate in self.candidates
            if candidate.name == name
            for seed, each in self._ended(candidate).items()
        }
        seed = max(ended, key=lambda each: self._sign * ended[each].validation)
        return seed, ended[seed]

    def _contender(self, candidate: Candidate) -> Contender:
        ended = list(self._ended(candidate).values())
        files = [job.file for job in self.jobs if job.candidate is candidate]
        return Contender(
            name=candidate.name,
            found=candidate.build is None,
            validation_scores=tuple(each.validation for each in ended),
            test_scores=tuple(each.test for each in ended),
            parameters=None if candidate.size is None else candidate.size.parameters,
            multiply_adds=None if candidate.size is None else candidate.size.multiply_adds,
            seconds=mean(each.seconds for each in ended) if ended else None,
            losses=ended[0].losses if ended else (),
            failures=tuple(self._reasons[file] for file in files if file in self._reasons),
        )

    def _ended(self, candidate: Candidate) -> dict[int, Retraining]:
        """Return the trainings of a network that did not fail, by their seeds."""
        jobs = [job for job in self.jobs if job.candidate is candidate and job.file not in self._reasons]
        return {job.seed: _read(job.file) for job in jobs}


def _read(file: Path) -> Retraining:
    import torch

    try:
        return Retraining(**torch.load(file, weights_only=True))
    except (RuntimeError, TypeError, EOFError, UnpicklingError):
        raise DamagedTrainingError(f"{file} is damaged; delete it and start again") from None
