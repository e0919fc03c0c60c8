"""An estimator of scikit-learn that searches a convolutional network for images."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from agents import agent_spec, make_agent
from nas_gym.checks import choice, integer
from nas_gym.datasets.base import Split
from nas_gym.datasets.images.image_arrays import check_share, image_arrays, read_array
from nas_gym.datasets.images.labelled_images import LabelledImages
from nas_gym.datasets.images.reading import RawImages
from nas_gym.envs.episode import Episode
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.estimators.arguments import labels_of, seed_of
from nas_gym.estimators.clock import Clock, clock_of
from nas_gym.estimators.ensemble import cross_fitted, select
from nas_gym.estimators.final_weights import EVALUATIONS, TRAININGS, FinalWeights, Weights
from nas_gym.evaluators.choices import Local, Processes
from nas_gym.evaluators.trainers.base import Child, Trainer
from nas_gym.kept.ensemble import KeptEnsemble
from nas_gym.kept.folder import ENSEMBLE, WINNER, check_place
from nas_gym.kept.keeping import describe
from nas_gym.kept.samples import KeptClassifier
from nas_gym.pools.fault import Fault
from nas_gym.problems.images import FOLDER, SPACES
from nas_gym.problems.ladder import FULL as FULL_NAME
from nas_gym.problems.ladder import SEARCH, ladder
from nas_gym.problems.parts import choose
from nas_gym.problems.problem import Problem
from nas_gym.rewards import likelihood
from nas_gym.search_spaces import ChainSpace, GraphSpace, PyramidSpace
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.classification import Classification, TrainingRecipe
from nas_gym.tasks.classification.metrics import METRICS, SCORES
from nas_gym.tasks.seeds import repeat_seeds

BUDGET, UNLIMITED = 30, 1_000_000
QUICK_TRAIN, QUICK_JUDGED = 5_000, 2_000
"""At most so many images a search learns from, and judges on."""
FULL = -1
SEARCHING = 0.5
"""At least so much of the time there is goes into the search."""
CAUTION = 0.8
"""Of the time that is left so much is planned for the full trainings."""
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True, eq=False)
class Train:
    """What a worker does with a finalist; it hands the weights back, or why there are none.

    Attributes:
        trainer: That of the search.
        known: Where the weights are kept.
    """

    trainer: Trainer
    known: FinalWeights

    def warm_up(self) -> None:
        """Have everything imported before the first training."""
        self.trainer.warm_up()

    def __call__(self, child: Child) -> Weights | str:
        """Train a network once, or read what it learned before."""
        return self.known.of(self.trainer, child)


class NASImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # untyped
    """Searches convolutional networks that tell what is on an image; several answer together.

    An agent proposes networks, each is trained for a few epochs on at most 5,000 images; the best are
    trained in full, and a greedy ensemble of them answers: the weighted mean of their probabilities.

    Args:
        budget: Architectures that the search proposes; by default 30, or with ``minutes`` as many as there is
            time for. With a budget alone the result follows from ``random_state``.
        minutes: How long ``fit`` may take; where it is short, full trainings have fewer epochs.
        agent: Who searches, a key of ``agents.AGENTS``.
        space: ``"pyramid"``, ``"chain"``, ``"graph"``, a mapping with such a name and the keywords of the
            space, or a space.
        metric: ``"accuracy"``, ``"balanced_accuracy"``, ``"f1_macro"``, ``"roc_auc"`` or ``"log_loss"``.
        ensemble: How many finalists are trained in full, and answer together at most.
        class_weight: ``"balanced"`` lets each class count alike in training.
        validation: A share of the images to be judged on, or ``(X_val, y_val)``.
        image_size: Of a folder: height and width that images are resized to, see ``image_folder``.
        channels: Of a folder: 1 for grey, 3 for RGB.
        random_state: From it follows all that is drawn.
        verbose: Whether to say what is being done.
        n_jobs: Trainings at a time, each in a process; -1 for one a core, 1 for this process alone.
        folder: Keeps what the search trains, so that the same ``fit`` goes on where it was interrupted, and
            the model, for ``nas_gym.load`` and ``nas-gym export``.

    Attributes:
        classes_: The classes, sorted.
        model_: The networks that answer and how much each counts, a ``KeptEnsemble``; its ``save`` writes a
            folder for ``nas_gym.load``.
        architectures_: Their texts.
        validation_score_: The metric on images that no network learned from; the ensemble that answers for
            one half of them is chosen by the other. The search was told scores on them, so it is a little too
            good.
        study_: What the search played: a list of ``Episode``.
    """

    def __init__(
        self,
        *,
        budget: int | None = None,
        minutes: float | None = None,
        agent: str = "reinforce",
        space: SearchSpace | str | Mapping[str, object] | None = None,
        metric: str = "accuracy",
        ensemble: int = 3,
        class_weight: Literal["balanced"] | None = None,
        validation: float | tuple[ArrayLike, ArrayLike] = 0.15,
        image_size: int | tuple[int, int] | None = None,
        channels: Literal[1, 3] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        n_jobs: int | None = -1,
        folder: str | Path | None = None,
    ) -> None:
        self.budget = budget
        self.minutes = minutes
        self.agent = agent
        self.space = space
        self.metric = metric
        self.ensemble = ensemble
        self.class_weight = class_weight
        self.validation = validation
        self.image_size = image_size
        self.channels = channels
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.folder = folder

    def fit(self, X: RawImages, y: ArrayLike | None = None) -> Self:
        """Search and train.

        Args:
            X: Pixels, uint8, ``(n, height, width)`` or ``(n, height, width, channels)``; or a folder with a
                folder of images for each class.
            y: The class of each image, ``(n,)``; of a folder ``None``.

        Raises:
            InvalidArgumentError: If a parameter is out of range.
            InvalidDataError: If the images cannot be learned from.
            KeptNetworkError: If the model cannot be kept in ``folder``.
        """
        clock = clock_of(self.minutes)
        if self.folder is not None:
            check_place(self._place(), ENSEMBLE)
        finalists, metric = integer("ensemble", self.ensemble, 1), choice("metric", self.metric, METRICS)
        images = self._read(X, y)
        task = self._task(images)
        problem = self._problem(task)
        self.study_ = self._search(problem, clock, finalists)
        if clock.is_limited:
            task, finalists = self._afford(problem, task, clock, finalists)
            problem = replace(problem, task=task)
        trained = self._train(problem, self._finalists(problem, finalists))
        self._choose(trained, task.data_of(FULL).validation, metric)
        return self

    def predict_proba(self, X: RawImages) -> NDArray[np.float64]:
        """Return the probability of each class, float64 ``(n, classes)``, in the order of ``classes_``.

        Args:
            X: As for ``fit``; or a file, files, or a folder of files.
        """
        check_is_fitted(self)
        return self.model_.predict_proba(X)

    def predict(self, X: RawImages) -> NDArray[np.generic]:
        """Return the class of each image."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _read(self, X: RawImages, y: ArrayLike | None) -> LabelledImages:
        if isinstance(X, (str, Path)):
            from nas_gym.datasets.images.image_folder import read_classes

            if y is not None:
                raise InvalidArgumentError("the classes of a folder are its folders: y must be None")
            images, names = read_classes(X, self.image_size, self.channels)
            self.classes_ = np.array(names)
            return images
        pixels = read_array(X)
        if y is None:
            raise InvalidDataError("requires y to be passed, but the target y is None")
        labels = labels_of(y)
        if len(labels) != len(pixels):
            raise InvalidDataError(f"X has {len(pixels)} images, y has {len(labels)} answers")
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidDataError(f"y holds one class, {self.classes_.tolist()[0]!r}: at least 2 are needed")
        return LabelledImages(pixels, numbers.astype(np.int64))

    def _task(self, images: LabelledImages) -> Classification:
        """Return what is learned: quickly while searching, in full by the finalists."""
        self._seed = seed_of(self.random_state)
        if self.class_weight not in (None, "balanced"):
            raise InvalidArgumentError(f"class_weight must be None or balanced, got {self.class_weight!r}")
        names = [str(name) for name in self.classes_.tolist()]
        load = partial(image_arrays, images, names, self._judged(), self._seed)
        values = {"class_weight": self.class_weight}
        rungs = ladder(
            TrainingRecipe,
            load,
            {name: FOLDER[name] for name in (SEARCH, FULL_NAME)},
            {**values, "train_samples": QUICK_TRAIN, "validation_samples": QUICK_JUDGED},
            {**values, "train_samples": None, "validation_samples": None},
            {"train_samples": "recipe", "validation_samples": "recipe"},
        )
        return Classification(rungs, "log_loss")

    def _problem(self, task: Classification) -> Problem:
        space = choose("space", self.space, SPACES, "pyramid", (ChainSpace, GraphSpace, PyramidSpace))
        space.check_inputs(task.data_of().feature_shape)
        workers = None if self.n_jobs in (None, -1) else integer("n_jobs", self.n_jobs, 1)
        choices = Local() if workers == 1 else Processes(workers)
        name = type(self).__name__
        return Problem(space, task.metric, id=name, task=task, choice=choices, reward=likelihood)

    def _judged(self) -> float | LabelledImages:
        if not isinstance(self.validation, tuple):
            return check_share(self.validation)
        X, y = self.validation
        labels = labels_of(y)
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise InvalidDataError(f"y_val holds the class {min(unknown, key=str)!r}, which y does not have")
        return LabelledImages(read_array(X), np.searchsorted(self.classes_, labels).astype(np.int64))

    def _search(self, problem: Problem, clock: Clock, finalists: int) -> list[Episode]:
        """Return what an agent proposed, and what came of it; time is left for full trainings."""
        usual = UNLIMITED if clock.is_limited else BUDGET
        budget = usual if self.budget is None else integer("budget", self.budget, 1)
        store = None
        if self.folder is not None:
            store = self._place().with_name(EVALUATIONS)
            store.parent.mkdir(parents=True, exist_ok=True)
        spec = agent_spec(self.agent)
        with closing(problem.make_vector_env(min(spec.num_envs, budget), store)) as env:
            recorder = RecordEvaluations(env)
            agent = make_agent(spec, recorder, self._seed)
            start = before = clock.passed

            def has_time(_: object) -> bool:
                """Say whether there is time for one batch more that takes as long as this one."""
                nonlocal before
                batch, before = clock.passed - before, clock.passed
                self._seconds = (before - start) * workers_of(problem) / len(recorder.episodes)
                full = self._seconds * effort_of(problem) * -(-finalists // workers_of(problem))
                return clock.left - batch > min((1.0 - SEARCHING) * clock.seconds, full)

            agent.learn(budget, False, has_time)
        best = max(recorder.episodes, key=lambda each: each.reward)
        self._say(f"searched: {len(recorder.episodes)} architectures, best reward {best.reward:.4f}")
        return recorder.episodes

    def _afford(
        self, problem: Problem, task: Classification, clock: Clock, finalists: int
    ) -> tuple[Classification, int]:
        """Return how long and how many networks can be trained in full in the time that is left."""
        recipe = task.recipe_of(FULL)
        an_epoch = self._seconds * effort_of(problem) / recipe.epochs
        most = CAUTION * clock.left / max(an_epoch, 1e-9)
        least = -(-task.effort(0) // len(task.data_of(FULL).train))  # no less than in the search
        epochs = int(max(least, min(recipe.epochs, int(most))))
        rounds = max(1, int(most / epochs))
        rung = replace(task.ladder[FULL], recipe=replace(recipe, epochs=epochs))
        rungs = [*task.ladder[:FULL], rung]
        return Classification(rungs, task.metric.name), min(finalists, rounds * workers_of(problem))

    def _finalists(self, problem: Problem, count: int) -> list[Child]:
        """Return the best of the search, to be trained in full."""
        ok = [each for each in self.study_ if each.status == "ok" and each.architecture]
        if not ok:
            raise InvalidDataError(f"no network could be trained on these images: {self.study_[0].reason}")
        ranked = dict.fromkeys(str(each.architecture) for each in sorted(ok, key=lambda each: -each.reward))
        found = [problem.search_space.parse(text) for text in list(ranked)[:count]]
        purpose = f"full {self._seed}"
        return [Child(each, repeat_seeds(purpose, each, 1)[0], FULL) for each in found]

    def _train(self, problem: Problem, children: list[Child]) -> list[KeptClassifier]:
        """Return the networks that could be trained in full, in the order of the search."""
        import torch

        assert problem.choice is not None and problem.task is not None
        trained: dict[int, KeptClassifier] = {}
        folder = None if self.folder is None else self._place().with_name(TRAININGS)
        train = Train(problem.make_trainer(), FinalWeights(folder))
        with problem.choice.pool() as pool:
            for index, found in pool.map(train, children):
                child = children[index]
                if isinstance(found, Fault | str):
                    reason = found.reason if isinstance(found, Fault) else found
                    self._say(f"failed in full, {reason}: {child.architecture}")
                    continue
                weights = {name: torch.from_numpy(values) for name, values in found.items()}
                known = describe(
                    problem.task,
                    problem.search_space,
                    child.architecture,
                    {},
                    env=problem.id,
                    seed=child.seed,
                )
                trained[index] = KeptClassifier.of(known, weights)
        if not trained:
            raise InvalidDataError("none of the best networks could be trained in full")
        return [network for _, network in sorted(trained.items())]

    def _choose(self, networks: list[KeptClassifier], judged: Split, metric: str) -> None:
        """Let those answer together that do so best."""
        pixels, truth = judged.features.transpose(0, 2, 3, 1), judged.labels
        answers = [each.predict_proba(pixels) for each in networks]

        def loss(rows: NDArray[np.int64], said: NDArray[np.float64]) -> float:
            known = said[np.arange(len(rows)), truth[rows]]
            return float(-np.log(np.maximum(known, SMALLEST_PROBABILITY)).mean())

        def score(said: NDArray[np.float64]) -> float:
            return SCORES[metric](np.log(np.maximum(said, SMALLEST_PROBABILITY)), truth)

        every = np.arange(len(truth))
        halves = [every[::2], every[1::2]] if len(every) > 1 else [every]
        shares = select(answers, partial(loss, every), len(networks))
        for network, said in zip(networks, answers, strict=True):
            self._say(f"{metric} {score(said):.4f} in full: {network.architecture}")
        order = sorted((index for index, share in enumerate(shares) if share), key=lambda i: -shares[i])
        self.validation_score_ = score(cross_fitted(answers, loss, len(networks), halves))
        scores = {"validation": {metric: self.validation_score_}}
        self.model_ = KeptEnsemble(
            [networks[index] for index in order], [shares[index] for index in order], scores
        )
        self.architectures_ = self.model_.architectures
        if self.folder is not None:
            self.model_.save(self._place())

    def _place(self) -> Path:
        """Return where the model is kept."""
        assert self.folder is not None
        return Path(self.folder).expanduser() / WINNER

    def _say(self, line: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {line}", flush=True)


def workers_of(problem: Problem) -> int:
    """Return how many networks are trained at a time."""
    assert problem.choice is not None
    return problem.choice.pool().workers


def effort_of(problem: Problem) -> float:
    """Return how many times as long a full training takes as one of the search."""
    assert problem.task is not None
    return problem.task.effort(FULL) / problem.task.effort(0)
