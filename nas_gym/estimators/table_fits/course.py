"""The course of a fit: try settings, search, train the best on all folds, choose those that answer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from statistics import fmean

import numpy as np

from agents import agent_spec, make_agent
from nas_gym.datasets.base import Samples
from nas_gym.envs.episode import Episode
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidDataError
from nas_gym.estimators.clock import Clock
from nas_gym.estimators.ensemble import cross_fitted, select
from nas_gym.estimators.final_weights import EVALUATIONS, TRAININGS, FinalWeights
from nas_gym.estimators.table_fits.plan import Answers, Candidate, Found, Job, Plan, Setting
from nas_gym.estimators.table_fits.splits import Fold, Rehearsal, Rows
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.over_folds import OverFolds
from nas_gym.evaluators.remembered.stored import StoredEvaluator
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.fused.trainer import FusedTrainer
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.kept.table_model import Member, probabilities
from nas_gym.memory.store import EvaluationStore
from nas_gym.pools.threads import Threads
from nas_gym.problems.problem import Problem
from nas_gym.problems.table_regression import TASKS
from nas_gym.rewards import ScoreReward, likelihood
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.base import Rung, Source
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import repeat_seeds
from nas_gym.tasks.supervised.recipe import SampleRecipe
from nas_gym.tasks.supervised.task import SampleTask

REHEARSED_ROWS = 5_000
"""At most so many training rows of a fold are learned from while it is not yet about the final networks."""
JUDGED_ROWS = 2_000
"""A search judges a child on as many folds as it takes to have so many rows judged, one at least."""
FINALISTS, MOST_FINALISTS = 12, 48
"""How many networks of a search are trained on all folds, and how many if there is time left."""
SECOND = 4
"""Of the finalists so many are trained with the second-best setting, too."""
EXPLORING, FINISHING = 0.2, 0.4
"""At most so much of the time there is goes into settings, and is kept from the search for finalists."""
FINAL = 0.1
"""At most so much of that time a training on all folds may take, or it learns from fewer rows."""
MORE_EPOCHS = 2.0
"""A training may need so many times the epochs that it needed on other rows."""
BATCHES = ((4_000, 32), (12_000, 64), (40_000, 128))
LARGEST_BATCH = 256
SMALLEST_PROBABILITY = 1e-15


class Course:
    """Leads from a table to networks that answer together.

    Args:
        rehearsal: The table and its folds.
        plan: What is asked for.
        clock: How long there is.
        say: Told what is being done, a line at a time.

    Attributes:
        rehearsal: The same, with those folds alone that there is time for.
    """

    def __init__(self, rehearsal: Rehearsal, plan: Plan, clock: Clock, say: Callable[[str], None]) -> None:
        self.rehearsal, self.plan, self.clock, self._say = rehearsal, plan, clock, say
        self._pool = Threads(plan.threads)
        self._small = tuple(fold.at_most(REHEARSED_ROWS) for fold in rehearsal.folds)
        self._weights = FinalWeights(None if plan.folder is None else plan.folder / TRAININGS)
        self._settings: list[Setting] = []
        self._trainers: dict[tuple[Setting, bool], FusedTrainer] = {}

    def run(self) -> Found:
        """Return what was found.

        Raises:
            InvalidDataError: If no network at all can be trained.
        """
        self._settings = self._settings or self._explore()
        before = self.clock.passed
        widest = self._train(Job(self._widest(), self._settings[0]))
        took = self.clock.passed - before
        episodes = self._search(self._settings[0], took) if self.plan.budget else []
        others = self._finish(self._finalists(episodes), took)
        return self._answer([*([] if widest is None else [widest]), *others], episodes)

    def without_search(self) -> Found:
        """Return what the widest network comes to, trained several times and ensembled alike.

        Raises:
            InvalidDataError: If it cannot be trained.
        """
        same = Course(self.rehearsal, replace(self.plan, budget=0), Clock(), lambda _: None)
        same._settings = self._settings
        return same.run()

    def loss(self, answers: Answers) -> float:
        """Return the mean loss of answers for the validation rows, fold after fold."""
        return self._loss(self.rehearsal.validation, answers)

    def _loss(self, rows: Rows, answers: Answers) -> float:
        truth = self.rehearsal.answers[rows]
        weights = None if self.rehearsal.weights is None else self.rehearsal.weights[rows]
        if self.rehearsal.task == "classification":
            known = answers[np.arange(len(truth)), truth.astype(np.int64)]
            losses = -np.log(np.maximum(known, SMALLEST_PROBABILITY))
        else:
            losses = (answers[:, 0] - truth) ** 2
        return float(np.average(losses, weights=weights))

    def _explore(self) -> list[Setting]:
        """Return the settings, the best first, as told by the widest network on a part of the rows.

        What that took tells how many rows the final networks can learn from.
        """
        widest, judged, losses = self._widest(), self._folds_judged(), dict[Setting, float]()
        seconds_a_row = 0.0
        for setting in self.plan.settings:
            if losses and self.clock.passed > EXPLORING * self.clock.seconds:
                break
            trainer = self._trainer(setting)
            seeds = self._seeds(widest)
            children = [Child(widest, seeds[fold], fold) for fold in range(judged)]
            metric = trainer.task.metric
            found = [each for _, each in self._pool.map(trainer, children) if isinstance(each, Evaluation)]
            score = fmean(each.scores.get(metric.name, np.nan) for each in found)
            losses[setting] = np.inf if np.isnan(score) else -metric.sign * score
            slowest = max((each.seconds or 0.0) / len(self._small[each.rung].train) for each in found)
            seconds_a_row = max(seconds_a_row, slowest)
            self._say(
                f"numbers as {setting.numeric}, rate {setting.learning_rate:g}: {metric.name} {score:.4f}"
            )
        if self.clock.is_limited:
            self._afford(seconds_a_row)
        return sorted(losses, key=lambda each: losses[each])

    def _afford(self, seconds_a_row: float) -> None:
        """Have the final networks trained on fewer folds, or on fewer rows, where time is short."""
        folds = self.rehearsal.folds
        rows = int(FINAL * self.clock.seconds / (MORE_EPOCHS * max(seconds_a_row, 1e-9)))
        at_a_time = self.plan.threads * (rows // max(len(fold.train) for fold in folds))
        kept = [fold.learning_from(max(rows, REHEARSED_ROWS)) for fold in folds[: max(1, at_a_time)]]
        self.rehearsal = replace(self.rehearsal, folds=tuple(kept))

    def _search(self, setting: Setting, took: float) -> list[Episode]:
        """Return what an agent proposed, and what came of it; time is left for finalists."""
        trainer = self._trainer(setting)
        metric = trainer.task.metric
        classes = self.rehearsal.task == "classification"
        reward = likelihood if classes else ScoreReward(metric.larger_is_better, metric.unit)
        kept_back = min(FINISHING * self.clock.seconds, took * (FINALISTS + SECOND))
        before = self.clock.passed

        def has_time(_: object) -> bool:
            """Say whether there is time for one batch more that takes as long as this one."""
            nonlocal before
            batch, before = self.clock.passed - before, self.clock.passed
            return self.clock.left - batch > kept_back

        with ExitStack() as stack:
            evaluator = OverFolds(self._evaluator(trainer, stack), self._folds_judged())
            problem = Problem(self.plan.space, metric, own=evaluator, reward=reward)
            spec = agent_spec(self.plan.agent)
            recorder = RecordEvaluations(stack.enter_context(closing(problem.make_vector_env(spec.num_envs))))
            agent = make_agent(spec, recorder, self.plan.seed % 2**32)
            if self.clock.left > kept_back:
                agent.learn(self.plan.budget, False, has_time)
        best = max((episode.reward for episode in recorder.episodes), default=float("nan"))
        self._say(f"searched: {len(recorder.episodes)} architectures, best reward {best:.4f}")
        return recorder.episodes

    def _evaluator(self, trainer: FusedTrainer, stack: ExitStack) -> Evaluator:
        training = TrainingEvaluator(trainer, self._pool, self.plan.seed)
        if self.plan.folder is None:
            return training
        store = stack.enter_context(closing(EvaluationStore(self.plan.folder / EVALUATIONS)))
        return StoredEvaluator(training, store)

    def _finalists(self, episodes: Sequence[Episode]) -> list[Job]:
        """Return what is trained on all folds: the best of a search, or the widest with several seeds."""
        widest, best, *others = self._widest(), *self._settings
        ranked = sorted(episodes, key=lambda each: -each.reward)
        known = (each.architecture for each in ranked if each.status == "ok" and each.architecture)
        found = [each for each in map(self.plan.space.parse, dict.fromkeys(known)) if each != widest]
        jobs = [Job(each, best) for each in found[:FINALISTS]]
        jobs = jobs or [Job(widest, best, repeat) for repeat in range(1, self.plan.ensemble)]
        jobs += [replace(job, setting=other) for other in others[:1] for job in jobs[:SECOND]]
        if self.clock.is_limited:
            jobs += [Job(each, best) for each in found[FINALISTS:MOST_FINALISTS]]
        return jobs

    def _finish(self, jobs: Sequence[Job], took: float) -> Iterator[Candidate]:
        """Yield networks trained on all folds while there is time."""
        longest = took
        for job in jobs:
            before = self.clock.passed
            if self.clock.left < longest:
                break
            candidate = self._train(job)
            longest = max(longest, self.clock.passed - before)
            if candidate is not None:
                yield candidate

    def _answer(self, candidates: Sequence[Candidate], episodes: Sequence[Episode]) -> Found:
        """Return who answers, and what they say together."""
        if not candidates:
            raise InvalidDataError("no network could be trained on this table: all weights became infinite")
        ordered = sorted(candidates, key=lambda each: each.loss)
        answers = [each.answers for each in ordered]
        shares = select(answers, self.loss, self.plan.ensemble)
        rows = self.rehearsal.validation
        honest = cross_fitted(
            answers, lambda some, said: self._loss(rows[some], said), self.plan.ensemble, self.rehearsal.parts
        )
        return Found(tuple(ordered), tuple(shares), honest, self.loss(honest), tuple(episodes))

    def _train(self, job: Job) -> Candidate | None:
        """Train a network on each fold; ``None`` if that fails."""
        seeds = self._seeds(job.architecture, job.repeat)
        children = [
            Child(job.architecture, seeds[index], index) for index in range(len(self.rehearsal.folds))
        ]
        members = dict(self._pool.map(partial(self._member, job.setting), children))
        trained = [each for _, each in sorted(members.items()) if isinstance(each, Member)]
        if len(trained) < len(self.rehearsal.folds):
            return None
        parts = [
            member.outputs(self.rehearsal.cells.of(fold.validation))
            for member, fold in zip(trained, self.rehearsal.folds, strict=True)
        ]
        answers = np.concatenate(parts)
        if self.rehearsal.task == "classification":
            answers = probabilities(answers)
        loss = self.loss(answers)
        self._say(f"loss {loss:.4f} on all folds: {job.architecture}")
        return Candidate(job.architecture, job.setting, tuple(trained), answers, loss)

    def _member(self, setting: Setting, child: Child) -> Member | None:
        weights = self._weights.of(self._trainer(setting, final=True), child)
        if isinstance(weights, str):
            return None
        fold = self.rehearsal.folds[child.rung]
        mean, unit = self.rehearsal.scale(fold)
        return Member(child.architecture, self.rehearsal.encoding(fold, setting.numeric), weights, mean, unit)

    def _trainer(self, setting: Setting, final: bool = False) -> FusedTrainer:
        """Return who trains, on a part of each fold's rows or as the final networks are trained."""
        key = setting, final
        if key not in self._trainers:
            kind = TASKS[self.rehearsal.task]
            rungs = [
                Rung(
                    self._recipe(setting, fold),
                    Source[Samples](partial(self.rehearsal.data, fold, setting.numeric)),
                )
                for fold in (self.rehearsal.folds if final else self._small)
            ]
            metric = "log_loss" if self.rehearsal.task == "classification" else kind.usual
            task: SampleTask[Samples, SampleRecipe] = kind.task(rungs, metric)
            self._trainers[key] = FusedTrainer(task, self.plan.space)
        return self._trainers[key]

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
        count = len(self._small)
        return repeat_seeds(purpose, architecture, count * (repeat + 1))[-count:]
