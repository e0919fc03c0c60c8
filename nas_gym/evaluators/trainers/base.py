"""How one child is trained; where, is the business of a pool."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeAlias

from nas_gym.memory.store import Setting
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize, SearchSpace
from nas_gym.tasks.base import AnyData, AnyRecipe, Outcome, Part, Task
from nas_gym.tasks.evaluation import Evaluation, Status

if TYPE_CHECKING:
    from torch import Tensor, nn

AnyTask: TypeAlias = Task[AnyData, AnyRecipe]


class Child(NamedTuple):
    """A network to train once."""

    architecture: Architecture
    seed: int
    rung: int = 0


class Trained(Protocol):
    """A network that was trained, or failed to be."""

    @property
    def outcome(self) -> Outcome:
        """What training found."""

    @property
    def parameters(self) -> int | None:
        """Number of trained values, ``None`` if it was not even built."""

    def scores(self, part: Part) -> dict[str, float]:
        """Return the values of all metrics on a part of the data, with the weights that training kept."""

    def state_dict(self) -> "dict[str, Tensor]":
        """Return these weights, on the processor, as the module that ``Task.build`` builds has them."""


class Trainer(ABC):
    """Trains a child with a task; called with one, it returns the evaluation. It can be pickled.

    Args:
        task: What is learned.
        search_space: What may be built.

    Attributes:
        id: How it trains; trainers with the same id give the same result for the same child.
    """

    id: str

    def __init__(self, task: AnyTask, search_space: SearchSpace) -> None:
        self.task = task
        self.search_space = search_space
        self._settings: dict[int, Setting] = {}

    @abstractmethod
    def train(self, child: Child, build: "Callable[[], nn.Module] | None" = None) -> Trained:
        """Train a network from scratch on one thread; what ends every other child the same way is raised.

        Args:
            child: What to train.
            build: Makes the module if that is not the search space's business: a hand-designed network.
        """

    def latency(self, trained: Trained, child: Child) -> float | None:
        """Return how long a trained network takes for a sample, ``None`` where that is not measured."""
        return None

    def warm_up(self) -> None:
        """Have imported and compiled what the first child needs, before it is timed."""
        return

    def size(self, child: Child) -> NetworkSize | None:
        """Compute what a network costs; ``None`` where that is not known."""
        return self.task.size(self.search_space, child.architecture, child.rung)

    def recipe_id(self, rung: int = 0) -> str:
        """Say how a child is trained, and built if not by default."""
        return self.task.recipe_id(self.search_space, rung)

    def setting(self, rung: int = 0) -> Setting:
        """Say what a child's result depends on, beside its architecture and seed."""
        if rung not in self._settings:  # a checksum of large data takes its time
            checksum = self.task.data_of(rung).without_test().checksum
            known = Setting(self.task.id_of(rung), checksum, self.id, self.recipe_id(rung))
            self._settings[rung] = known
        return self._settings[rung]

    def without_test(self) -> Self:
        """Return the same without test data."""
        same = type(self).__new__(type(self))
        same.__dict__.update(self.__dict__ | {"task": self.task.without_test()})
        return same

    def __call__(self, child: Child) -> Evaluation:
        """Train a child and say what came of it."""
        start = perf_counter()
        trained = self.train(child)
        latency = None if trained.outcome.reason else self.latency(trained, child)
        return self.evaluation(child, trained.outcome, perf_counter() - start, trained.parameters, latency)

    def evaluation(
        self,
        child: Child,
        outcome: Outcome,
        seconds: float,
        parameters: int | None = None,
        latency_seconds: float | None = None,
        status: Status | None = None,
    ) -> Evaluation:
        """Return the record of a child.

        Args:
            child: Which one.
            outcome: What training found.
            seconds: Time it took.
            parameters: Number of trained values; by default what the description tells, if anything came.
            latency_seconds: If it was measured.
            status: By default ``"ok"`` or, with a reason, ``"failed"``.
        """
        size = self.size(child)
        return Evaluation(
            architecture=child.architecture,
            task=self.task.id_of(child.rung),
            recipe=self.recipe_id(child.rung),
            seed=child.seed,
            status=status or ("ok" if outcome.reason is None else "failed"),
            scores=outcome.scores,
            parameters=parameters,
            seconds=seconds,
            reason=outcome.reason,
            multiply_adds=None if size is None else size.multiply_adds,
            latency_seconds=latency_seconds,
            rung=child.rung,
        )
