"""The course of a fit: try settings, search, train the best on all folds, choose those that answer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from statistics import fmean
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from agents import agent_spec, make_agent
from nas_gym.datasets.base import Samples
from nas_gym.datasets.tables.encoding import Numeric
from nas_gym.envs.episode import Episode
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidDataError
from nas_gym.estimators.ensemble import select
from nas_gym.estimators.splits import Fold, Rehearsal
from nas_gym.evaluators.fused.trainer import FusedTrainer
from nas_gym.evaluators.over_folds import OverFolds
from nas_gym.evaluators.trainer import Child
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.kept.table_model import Member, probabilities
from nas_gym.pools.threads import Threads
from nas_gym.problems.problem import Problem
from nas_gym.problems.table_regression import TASKS
from nas_gym.rewards import ScoreReward, likelihood
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.tasks.base import Rung, Source
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import repeat_seeds
from nas_gym.tasks.supervised.recipe import SampleRecipe
from nas_gym.tasks.supervised.task import SampleTask

Answers = NDArray[np.float64]
RATES = (1e-3, 4e-3)
REHEARSED_ROWS = 5_000
"""At most so many training rows of a fold are learned from while it is not yet about the final networks."""
JUDGED_ROWS = 2_000
"""A search judges a child on as many folds as it takes to have so many rows judged, one at least."""
FINALISTS = 12
SECOND = 4
"""Of the finalists so many are trained with the second-best setting, too."""
EXPLORING, SEARCHING = 0.2, 0.55
"""When exploring settings, and when searching has to end, as a share of the time there is."""
BATCHES = ((4_000, 32), (12_000, 64), (40_000, 128))
LARGEST_BATCH = 256
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True, slots=True)
class Setting:
    """How a network reads numbers and is trained."""

    numeric: Numeric
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fit is asked for.

    Attributes:
        space: What may be built.
        agent: Who searches, a key of ``agents.AGENTS``.
        settings: Those that are tried.
        budget: Architectures to propose; 0 for no search.
        seconds: How long it may take; ``None`` for no limit.
        ensemble: How many different networks answer together at most.
        seed: From it follows all that is drawn.
        threads: Trainings at a time.
    """

    space: MlpSpace
    agent: str
    settings: tuple[Setting, ...]
    budget: int
    seconds: float | None
    ensemble: int
    seed: int
    threads: int


@dataclass(frozen=True, slots=True)
class Job:
    """A network to train on each fold, and the how-many-th time that is."""

    architecture: Architecture
    setting: Setting
    repeat: int = 0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that was trained on each fold.

    Attributes:
        architecture: Which one.
        setting: How.
        members: What was trained, one a fold.
        answers: For the validation rows, fold after fold: probabilities ``(rows, classes)``, or numbers
            ``(rows, 1)``. No row was learned from by the network that answers for it.
        loss: Mean negative log-likelihood, or mean squared error, of these.
    """

    architecture: Architecture
    setting: Setting
    members: tuple[Member, ...]
    answers: Answers
    loss: float


@dataclass(frozen=True, eq=False)
class Found:
    """What a fit comes to.

    Attributes:
        candidates: All that were trained on each fold, the best first.
        shares: How much each of them counts.
        episodes: What the search played.
        loss: That of the ensemble.
    """

    candidates: tuple[Candidate, ...]
    shares: tuple[float, ...]
    episodes: tuple[Episode, ...]
    loss: float

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks that answer together, with their shares."""
        return tuple(
            replace(member, share=share / len(candidate.members))
            for candidate, share in zip(self.candidates, self.shares, strict=True)
            if share
            for member in candidate.members
        )

    @property
    def answers(self) -> Answers:
        """What the ensemble says of the validation rows."""
        pairs = zip(self.candidates, self.shares, strict=True)
        return np.asarray(sum(share * candidate.answers for candidate, share in pairs if share))


class Course:
    """Leads from a table to networks that answer together.

    Args:
        rehearsal: The table and its folds.
        plan: What is asked for.
        say: Told what is being done, a line at a time.
    """

    def __init__(self, rehearsal: Rehearsal, plan: Plan, say: Callable[[str], None]) -> None:
        self.rehearsal, self.plan, self._say = rehearsal, plan, say
        self._started = perf_counter()
        self._pool = Threads(plan.threads)
        self._small = tuple(fold.at_most(REHEARSED_ROWS) for fold in rehearsal.folds)
        self._trainers: dict[Setting, FusedTrainer] = {}
        self._rows = np.concatenate([fold.validation for fold in rehearsal.folds])

    def run(self) -> Found:
        """Return what was found."""
        widest = self._widest()
        settings = self._explore(widest)
        episodes = self._search(settings[0])
        candidates = list(self._finish(widest, settings, episodes))
        if not candidates:
            raise InvalidDataError("no network could be trained on this table: all weights became infinite")
        candidates.sort(key=lambda each: each.loss)
        shares = select([each.answers for each in candidates], self.loss, self.plan.ensemble)
        found = Found(tuple(candidates), tuple(shares), tuple(episodes), 0.0)
        return replace(found, loss=self.loss(found.answers))

    def loss(self, answers: Answers) -> float:
        """Return the mean loss of answers for the validation rows, fold after fold."""
        truth = self.rehearsal.answers[self._rows]
        weights = None if self.rehearsal.weights is None else self.rehearsal.weights[self._rows]
        if self.rehearsal.task == "classification":
            known = answers[np.arange(len(truth)), truth.astype(np.int64)]
            losses = -np.log(np.maximum(known, SMALLEST_PROBABILITY))
        else:
            losses = (answers[:, 0] - truth) ** 2
        return float(np.average(losses, weights=weights))

    def _explore(self, widest: Architecture) -> list[Setting]:
        """Return the settings, the best first, as told by the widest network on a part of the rows."""
        if len(self.plan.settings) == 1:
            return list(self.plan.settings)
        judged = self._folds_judged()
        losses: dict[Setting, float] = {}
        for setting in self.plan.settings:
            if losses and self._is_over(EXPLORING):
                break
            trainer = self._trainer(setting)
            seeds = self._seeds(widest)
            children = [Child(widest, seeds[fold], fold) for fold in range(judged)]
            metric = trainer.task.metric.name
            found = [each for _, each in self._pool.map(trainer, children) if isinstance(each, Evaluation)]
            scores = [each.scores.get(metric, np.nan) for each in found]
            loss = fmean(scores) * -trainer.task.metric.sign
            losses[setting] = np.inf if np.isnan(loss) else loss
            self._say(f"numbers as {setting.numeric}, rate {setting.learning_rate:g}: {loss:.4f}")
        return sorted(losses, key=lambda each: losses[each])

    def _search(self, setting: Setting) -> list[Episode]:
        """Return what an agent proposed, and what came of it."""
        if not self.plan.budget:
            return []
        trainer = self._trainer(setting)
        evaluator = OverFolds(TrainingEvaluator(trainer, self._pool, self.plan.seed), self._folds_judged())
        metric = trainer.task.metric
        classes = self.rehearsal.task == "classification"
        reward = likelihood if classes else ScoreReward(metric.larger_is_better, metric.unit)
        problem = Problem(self.plan.space, metric, own=evaluator, reward=reward)
        spec = agent_spec(self.plan.agent)
        with closing(problem.make_vector_env(spec.num_envs)) as env:
            recorder = RecordEvaluations(env)
            agent = make_agent(spec, recorder, self.plan.seed % 2**32)
            if not self._is_over(SEARCHING):
                agent.learn(self.plan.budget, False, lambda _: not self._is_over(SEARCHING))
        best = max((episode.reward for episode in recorder.episodes), default=float("nan"))
        self._say(f"searched: {len(recorder.episodes)} architectures, best reward {best:.4f}")
        return recorder.episodes

    def _finish(
        self, widest: Architecture, settings: Sequence[Setting], episodes: Sequence[Episode]
    ) -> Iterator[Candidate]:
        """Yield networks trained on all folds while there is time, one at least."""
        ranked = sorted(episodes, key=lambda each: -each.reward)
        texts = dict.fromkeys(
            each.architecture for each in ranked if each.status == "ok" and each.architecture
        )
        best = [self.plan.space.parse(text) for text in list(texts)[:FINALISTS]]
        if not best:  # without a search, the widest with several seeds
            best = [widest] * self.plan.ensemble
        jobs = [Job(each, settings[0], best[:place].count(each)) for place, each in enumerate(best)]
        if len(settings) > 1:
            jobs += [replace(each, setting=settings[1]) for each in jobs[:SECOND]]
        jobs.insert(1, Job(widest, settings[0]))
        longest = 0.0
        for count, job in enumerate(dict.fromkeys(jobs)):
            start = perf_counter()
            if count and self._left() < longest:
                break
            candidate = self._train(job)
            longest = max(longest, perf_counter() - start)
            if candidate is not None:
                self._say(f"{candidate.loss:.4f} on all folds: {job.architecture}")
                yield candidate

    def _train(self, job: Job) -> Candidate | None:
        """Train a network on each fold; ``None`` if that fails."""
        folds = self.rehearsal.folds
        seeds = self._seeds(job.architecture, job.repeat)
        children = [Child(job.architecture, seeds[index], len(folds) + index) for index in range(len(folds))]
        members = dict(self._pool.map(partial(self._member, job.setting), children))
        known = [members[index] for index in range(len(folds))]
        trained = [member for member in known if isinstance(member, Member)]
        if len(trained) < len(folds):
            return None
        parts = [
            member.outputs(self.rehearsal.cells.of(fold.validation))
            for member, fold in zip(trained, folds, strict=True)
        ]
        answers = np.concatenate(parts)
        if self.rehearsal.task == "classification":
            answers = probabilities(answers)
        return Candidate(job.architecture, job.setting, tuple(trained), answers, self.loss(answers))

    def _member(self, setting: Setting, child: Child) -> Member | None:
        trained = self._trainer(setting).train(child)
        if trained.outcome.reason is not None:
            return None
        fold = self.rehearsal.folds[child.rung - len(self.rehearsal.folds)]
        mean, unit = self.rehearsal.scale(fold)
        weights = {name: values.numpy() for name, values in trained.state_dict().items()}
        encoding = self.rehearsal.encoding(fold, setting.numeric)
        return Member(child.architecture, encoding, weights, mean, unit)

    def _trainer(self, setting: Setting) -> FusedTrainer:
        """Return who trains: on a part of each fold's rows, then, as further rungs, on all of them."""
        if setting not in self._trainers:
            kind = TASKS[self.rehearsal.task]
            rungs = [
                Rung(
                    self._recipe(setting, fold),
                    Source[Samples](partial(self.rehearsal.data, fold, setting.numeric)),
                )
                for fold in (*self._small, *self.rehearsal.folds)
            ]
            metric = "log_loss" if self.rehearsal.task == "classification" else kind.usual
            task: SampleTask[Samples, SampleRecipe] = kind.task(rungs, metric)
            self._trainers[setting] = FusedTrainer(task, self.plan.space)
        return self._trainers[setting]

    def _recipe(self, setting: Setting, fold: Fold) -> SampleRecipe:
        rows = len(fold.train)
        batch = next((size for most, size in BATCHES if rows <= most), LARGEST_BATCH)
        kind = TASKS[self.rehearsal.task]
        return kind.recipe(learning_rate=setting.learning_rate, batch_size=batch)

    def _widest(self) -> Architecture:
        """Return two layers of the largest width, as the space allows: what one takes without a search."""
        space = self.plan.space
        layers = ([f"Linear-{max(space.widths)}"] if space.widths else []) + list(space.activations[:1])
        return space.parse(" ".join((layers * 2)[: space.max_length]))

    def _folds_judged(self) -> int:
        judged = len(self._small[0].validation)
        return max(1, min(len(self._small), -(-JUDGED_ROWS // judged) if judged < JUDGED_ROWS else 1))

    def _seeds(self, architecture: Architecture, repeat: int = 0) -> list[int]:
        """Return a seed a fold."""
        purpose = f"folds {self.plan.seed}"
        count = len(self.rehearsal.folds)
        return repeat_seeds(purpose, architecture, count * (repeat + 1))[-count:]

    def _left(self) -> float:
        seconds = self.plan.seconds
        return np.inf if seconds is None else seconds - (perf_counter() - self._started)

    def _is_over(self, share: float) -> bool:
        seconds = self.plan.seconds
        return seconds is not None and perf_counter() - self._started >= share * seconds


def settings_of(encoding: Numeric | None, encodings: Sequence[Numeric]) -> tuple[Setting, ...]:
    """Return the settings to try, those of one encoding if it is asked for; the usual ones first."""
    named = encodings if encoding is None else (encoding,)
    return tuple(Setting(numeric, rate) for numeric, rate in product(named, RATES))
