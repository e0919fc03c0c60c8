"""One question with its data, its recipes and what answers are measured by."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Protocol, Self, TypeVar

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize, SearchSpace
from nas_gym.tasks.metric import Metric

if TYPE_CHECKING:
    from torch import nn

    from nas_gym.tasks.interface import Interface

Part = Literal["validation", "test"]


class AnyData(Protocol):
    """What every data set says of itself."""

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def checksum(self) -> str: ...  # noqa: D102

    @property
    def test_checksum(self) -> str | None: ...  # noqa: D102

    def without_test(self) -> Self: ...  # noqa: D102


class AnyRecipe(Protocol):
    """What every recipe says of itself."""

    @property
    def id(self) -> str: ...  # noqa: D102


Data = TypeVar("Data", bound=AnyData, covariant=True)
Recipe = TypeVar("Recipe", bound=AnyRecipe, covariant=True)


@dataclass(frozen=True)
class Outcome:
    """What training found.

    Attributes:
        scores: Values on validation data by the names of metrics, that of the task's metric first; empty if
            training failed.
        reason: Why training failed, ``None`` if it did not.
        losses: Mean training loss of each epoch.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    losses: tuple[float, ...] = ()


class Source(Generic[Data]):
    """Data that are loaded once, when they are first needed.

    Args:
        load: Returns them, their test part included.
        locked: Whether the test part is locked away.
    """

    def __init__(self, load: Callable[[], Data], locked: bool = False) -> None:
        self._load: Callable[[], Data] | None = load
        self._locked = locked
        self._data: Data | None = None

    @property
    def data(self) -> Data:
        """The data, without their test part if that is locked away."""
        if self._data is None:
            assert self._load is not None
            data = self._load()
            self._data = data.without_test() if self._locked else data
        return self._data

    def without_test(self) -> "Source[Data]":
        """Return the same with the test part locked away.

        What is loaded stays so, and forgets where it comes from: arrays of the user hold test data, too.
        """
        same = copy(self)
        same._locked = True
        if self._data is not None:
            same._data, same._load = self._data.without_test(), None
        return same


@dataclass(frozen=True, eq=False)
class Rung(Generic[Data, Recipe]):
    """One fidelity: how a child is trained, and on how much.

    Attributes:
        recipe: How it is trained.
        source: What is learned; rungs may share it.
    """

    recipe: Recipe
    source: Source[Data]

    @property
    def data(self) -> Data:
        """What is learned."""
        return self.source.data


class Task(ABC, Generic[Data, Recipe]):
    """What children have to learn: data, a ladder of recipes, and metrics.

    Every method that trains or judges names a *rung*, the position of a recipe in the ladder: 0 is what a
    search trains with, -1 the full training of what it found.

    Args:
        ladder: From the cheapest fidelity to the full training.
        metrics: What children are judged by; the first one decides on stopping, reward and choice.

    Attributes:
        kind: What is learned, for example ``"classification"``.
        usual: Name of the metric that is not asked for; any other one stands in ``id``.
    """

    kind: ClassVar[str]
    usual: ClassVar[str]

    def __init__(self, ladder: Sequence[Rung[Data, Recipe]], metrics: Sequence[Metric]) -> None:
        assert ladder and metrics
        self.ladder = tuple(ladder)
        self.metrics = tuple(metrics)

    @property
    def metric(self) -> Metric:
        """What children are judged by."""
        return self.metrics[0]

    def rung(self, rung: int) -> Rung[Data, Recipe]:
        """Return a rung of the ladder.

        Raises:
            InvalidArgumentError: If there is none at that position.
        """
        return self.ladder[integer("rung", rung, -len(self.ladder), len(self.ladder) - 1)]

    def data_of(self, rung: int = 0) -> Data:
        """Return what is learned at a rung."""
        return self.rung(rung).data

    def recipe_of(self, rung: int = 0) -> Recipe:
        """Return how children are trained at a rung."""
        return self.rung(rung).recipe

    def recipe_id(self, search_space: SearchSpace, rung: int = 0) -> str:
        """Say how children are trained at a rung, and built if not by default."""
        return "-".join(filter(None, (self.recipe_of(rung).id, search_space.variant)))

    def id_of(self, rung: int = 0) -> str:
        """Return what is learned at a rung in one line, for records."""
        data = self.data_of(rung).id
        return data if self.metric.name == self.usual else f"{data} by {self.metric.name}"

    def without_test(self) -> Self:
        """Return the same with all test data locked away."""
        sources = {rung.source: rung.source.without_test() for rung in self.ladder}
        ladder = tuple(Rung(rung.recipe, sources[rung.source]) for rung in self.ladder)
        same = type(self).__new__(type(self))
        same.__dict__.update(self.__dict__ | {"ladder": ladder})
        return same

    @abstractmethod
    def effort(self, rung: int) -> float:
        """Return what a training at a rung goes through, samples or tokens: it takes time in proportion."""

    @abstractmethod
    def check(self, search_space: SearchSpace, device: str, rung: int = 0) -> None:
        """Refuse a recipe that suits neither data nor device, and networks that cannot read the data.

        Raises:
            InvalidArgumentError: If it does not fit.
        """

    @abstractmethod
    def build(self, search_space: SearchSpace, architecture: Architecture, rung: int = 0) -> "nn.Module":
        """Build the module that learns, its parameters not yet initialised."""

    def interface(self, rung: int = 0) -> "Interface":
        """Say what has to be known to use its networks elsewhere; a task need not provide for that.

        Raises:
            InvalidArgumentError: If networks of this task cannot be kept.
        """
        raise InvalidArgumentError(f"networks of the task {self.kind} cannot be kept")

    @abstractmethod
    def size(
        self, search_space: SearchSpace, architecture: Architecture, rung: int = 0
    ) -> NetworkSize | None:
        """Compute what that module costs without building it; ``None`` where that is not known."""

    @abstractmethod
    def measure(self, module: "nn.Module", rung: int = 0) -> NetworkSize | None:
        """Find out what a module without description costs, a hand-designed one; ``None`` if unknown."""

    @abstractmethod
    def warm_up(self, device: str) -> None:
        """Have imported and compiled what the first child needs, a matter of seconds, before it is timed."""

    @abstractmethod
    def train(self, module: "nn.Module", seed: int, rung: int = 0, device: str = "cpu") -> Outcome:
        """Initialise and train a module in place; it ends on the device with the weights that were judged."""

    @abstractmethod
    def judge(self, module: "nn.Module", part: Part, rung: int = 0, device: str = "cpu") -> dict[str, float]:
        """Return the values of all metrics of a trained module on a part of the data.

        Raises:
            InvalidArgumentError: If the test part is locked away.
        """

    @abstractmethod
    def latency(self, module: "nn.Module", rung: int = 0, device: str = "cpu") -> float:
        """Return the median time of a forward pass of one sample, in seconds."""


def without_test_part(data: AnyData) -> InvalidArgumentError:
    """Return the error for whoever asks for test data that are locked away."""
    return InvalidArgumentError(f"{data.id} came without its test part")
