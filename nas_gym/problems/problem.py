"""What stands behind an environment, put together; nothing of it has been started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nas_gym.checks import integer, optional_integer
from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.rewards import Reward
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.metric import Metric

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from nas_gym.evaluators.choices import EvaluatorChoice
    from nas_gym.evaluators.limits import Limit
    from nas_gym.evaluators.remembered.lookup import TableEvaluator
    from nas_gym.evaluators.remembered.simulated import SimulatedWorkers
    from nas_gym.evaluators.trainers.base import AnyTask, Trainer
    from nas_gym.memory.tables.table import Table
    from nas_gym.search_spaces.references import Reference


def no_references(parameters: int) -> "Sequence[Reference]":
    """Return no hand-designed networks."""
    return ()


@dataclass(frozen=True)
class Model:
    """A model of scikit-learn with its default settings, to hold found networks against.

    Attributes:
        make: Returns a new one; imports scikit-learn. Called with a seed if it has a random start.
        random_start: Whether it comes out differently with another seed.
    """

    make: "Callable[..., BaseEstimator]"
    random_start: bool = False


@dataclass(frozen=True)
class Bookkeeping:
    """What every environment whose children are trained can be asked for.

    Attributes:
        training_seed: From it and the architecture follows a child's seed.
        store: File of an ``EvaluationStore``, whose children are not trained again; ``None`` for none.
        max_parameters: A network with more fails and is not even built; ``None`` for no limit.
        max_activations: The same for ``NetworkSize.activations``, a limit on time rather than on size.
    """

    training_seed: int = 0
    store: str | Path | None = None
    max_parameters: int | None = None
    max_activations: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        keep = object.__setattr__
        keep(self, "training_seed", integer("training_seed", self.training_seed, 0))
        if not isinstance(self.store, (str, Path, type(None))):
            raise InvalidArgumentError(f"store must be the name of a file or None, got {self.store!r}")
        for name in ("max_parameters", "max_activations"):
            keep(self, name, optional_integer(name, getattr(self, name), 1))

    @property
    def most(self) -> dict[str, int]:
        """The limits that were given, by what they limit."""
        limits = {"parameters": self.max_parameters, "activations": self.max_activations}
        return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, eq=False)
class Problem:
    """A question to search for: what may be built, what it has to learn, and how good that is.

    Attributes:
        search_space: What may be built.
        metric: What networks are judged by.
        id: That of the environment.
        task: What is learned, test data included: for retraining after the search. ``None`` for a table.
        table: All results, those on test data included: for use after the search. ``None`` where children
            are trained.
        lookup: What looks results up in the table, without those on test data.
        workers: Simulated workers before the table; ``None`` for answers at once.
        choice: How and where children are trained; ``None`` for a table or an evaluator of the user's own.
        own: An evaluator of the user's own.
        reward: How good an evaluation is, by default its score.
        rules: How the game is played.
        books: Seed of the trainings, store and limits.
        references: Returns hand-designed networks to compare with a found one of so many parameters.
        models: scikit-learn's models to compare with, by what they are called.
        trainings: How often each finalist of a search is trained to choose one, and that one once more.
        costly: Whether the latter takes so long that a search leaves it to a command of its own.
    """

    search_space: SearchSpace
    metric: Metric
    id: str = ""
    task: "AnyTask | None" = None
    table: "Table | None" = None
    lookup: "TableEvaluator | None" = None
    workers: "SimulatedWorkers | None" = None
    choice: "EvaluatorChoice | None" = None
    own: Evaluator | None = None
    reward: Reward | None = None
    rules: GameRules = field(default_factory=GameRules)
    books: Bookkeeping = field(default_factory=Bookkeeping)
    references: "Callable[[int], Sequence[Reference]]" = no_references
    models: "Mapping[str, Model]" = field(default_factory=dict)
    trainings: int = 10
    costly: bool = False

    def make_trainer(self, device: str | None = None) -> "Trainer":
        """Return how children are trained, with test data: for use after the search.

        Args:
            device: Where, if not as the search did.

        Raises:
            InvalidArgumentError: If nothing is trained, or the task does not fit the device.
        """
        if self.task is None or self.choice is None:
            raise InvalidArgumentError(f"{self.id} trains no children itself, there is nothing to retrain")
        if device is None:
            return self.choice.trainer(self.task, self.search_space)
        from nas_gym.evaluators.trainers.pytorch import TorchTrainer

        return TorchTrainer(self.task, self.search_space, device)

    def make_evaluator(self, store: str | Path | None = None) -> Evaluator:
        """Return what tells the environment what a child is worth; whoever makes it closes it.

        Test data and test results are out of its reach.

        Args:
            store: File that keeps children, if the keywords name none.

        Raises:
            InvalidArgumentError: If task, search space and evaluator do not fit.
            StoreError: If the store cannot be opened.
        """
        from nas_gym.evaluators.lent import LentEvaluator
        from nas_gym.evaluators.remembered.cached import CachedEvaluator

        store = self.books.store or store
        if self.table is not None and store is not None:
            raise InvalidArgumentError("a table holds all results, it needs no store")
        if self.lookup is not None and self.own is None:
            if self.workers is None:
                return self.lookup
            from nas_gym.evaluators.remembered.simulated import SimulatedEvaluator

            return CachedEvaluator(SimulatedEvaluator(self.lookup, self.workers))
        if self.own is not None:
            trained: Evaluator = LentEvaluator(self.own)
        else:
            from nas_gym.evaluators.training import TrainingEvaluator

            assert self.choice is not None
            trained = TrainingEvaluator(self.make_trainer(), self.choice.pool(), self.books.training_seed)
        return CachedEvaluator(self._limited(trained if store is None else _stored(trained, store)))

    def make_env(self, store: str | Path | None = None, render_mode: str | None = None) -> NasEnv:
        """Return a new environment, which closes what it has made."""
        return NasEnv(
            self.search_space,
            self.make_evaluator(store),
            self.reward,
            metric=self.metric,
            rules=self.rules,
            render_mode=render_mode,
        )

    def make_vector_env(
        self, num_envs: int, store: str | Path | None = None, render_mode: str | None = None
    ) -> NasVectorEnv:
        """Return a new vector environment, which closes what it has made."""
        return NasVectorEnv(self.make_env(store, render_mode), num_envs)

    def limits(self) -> "list[Limit]":
        """Return what says which networks are not trained: a limit on size, and the search space."""
        from nas_gym.evaluators.limits import SizeLimit, SpaceLimit

        limits: list[Limit] = [SpaceLimit(self.search_space.refuses)]
        if self.task is not None and self.books.most:
            size = partial(self.task.without_test().size, self.search_space)
            limits.insert(0, SizeLimit(size, self.books.most))
        return limits

    def _limited(self, evaluator: Evaluator) -> Evaluator:
        if self.task is None:
            return evaluator
        from nas_gym.evaluators.limits import LimitedEvaluator

        records = (self.task.id_of(), self.task.recipe_id(self.search_space), self.books.training_seed)
        return LimitedEvaluator(evaluator, self.limits(), *records)


def _stored(evaluator: Evaluator, store: str | Path) -> Evaluator:
    from nas_gym.evaluators.remembered.stored import StoredEvaluator
    from nas_gym.memory.store import EvaluationStore

    return StoredEvaluator(evaluator, EvaluationStore(store))
