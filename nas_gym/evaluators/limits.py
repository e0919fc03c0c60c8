"""Networks that are too large, or that their search space refuses, fail before they are built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.sending import Relay, Request
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import child_seed


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a network is not trained.

    Attributes:
        reason: Why, in one line.
        size: What the network costs, if that was computed.
    """

    reason: str
    size: NetworkSize | None = None


class Limit(Protocol):
    """Says which networks are not trained."""

    def __call__(self, architecture: Architecture) -> Refusal | None:
        """Say why a network is not trained, ``None`` if it is."""


@dataclass(frozen=True)
class SizeLimit:
    """Refuses networks that are too large.

    Attributes:
        size: What a network costs, computed from its description.
        most: The largest values there may be, by names of ``NetworkSize``'s attributes.

    Raises:
        InvalidArgumentError: If one is not a positive integer.
    """

    size: Callable[[Architecture], NetworkSize | None]
    most: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        for name, value in self.most.items():
            integer(f"max_{name}", value, 1)

    def __call__(self, architecture: Architecture) -> Refusal | None:
        """Refuse a network that has more of something.

        Raises:
            InvalidArgumentError: If that is not known of a network before it is built.
        """
        size = self.size(architecture)
        for name, most in self.most.items():
            value = None if size is None else getattr(size, name)
            if value is None:
                raise InvalidArgumentError(
                    f"max_{name} needs networks whose {name} are known, {architecture.search_space} does "
                    "not tell them"
                )
            if value > most:
                return Refusal(f"it has {value} {name}, at most {most} are allowed", size)
        return None


@dataclass(frozen=True)
class SpaceLimit:
    """Refuses networks that their search space does not want trained.

    Attributes:
        refuses: Returns why not, or ``None``, see ``SearchSpace.refuses``.
    """

    refuses: Callable[[Architecture], str | None]

    def __call__(self, architecture: Architecture) -> Refusal | None:
        """Refuse what the search space refuses."""
        reason = self.refuses(architecture)
        return None if reason is None else Refusal(reason)


class LimitedEvaluator(Relay):
    """Has another evaluator train only the networks that no limit refuses.

    One that is refused has the status ``"failed"``, with the reason; it takes no time, and is neither built
    nor stored.

    Args:
        evaluator: Who is asked about the others.
        limits: The first one that refuses a network gives the reason.
        task: Id of the task, for the records of what is refused.
        recipe: Id of the recipe, for the same.
        seed: The evaluator's own seed, for the same.
    """

    joins = False

    def __init__(
        self, evaluator: Evaluator, limits: Sequence[Limit], task: str, recipe: str, seed: int = 0
    ) -> None:
        super().__init__(evaluator)
        self.limits = tuple(limits)
        self.task = task
        self.recipe = recipe
        self.seed = seed

    def _known(self, requests: Sequence[Request]) -> dict[Request, Evaluation]:
        refusals = (
            (request, refusal_of(request.architecture, self.limits)) for request in dict.fromkeys(requests)
        )
        return {request: self._failed(request, refusal) for request, refusal in refusals if refusal}

    def _failed(self, request: Request, refusal: Refusal) -> Evaluation:
        (architecture, seed, rung), size = request, refusal.size
        return Evaluation(
            architecture=architecture,
            task=self.task,
            recipe=self.recipe,
            seed=child_seed(self.seed, architecture) if seed is None else seed,
            status="failed",
            parameters=None if size is None else size.parameters,
            reason=refusal.reason,
            multiply_adds=None if size is None else size.multiply_adds,
            rung=rung,
        )


def refusal_of(architecture: Architecture, limits: Sequence[Limit]) -> Refusal | None:
    """Return what the first limit says that refuses a network, ``None`` if it is trained."""
    return next((refusal for limit in limits if (refusal := limit(architecture))), None)
