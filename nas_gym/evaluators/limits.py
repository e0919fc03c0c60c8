"""Networks that are too large, or that their search space refuses, fail before they are built."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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


class LimitedEvaluator(Relay):
    """Has another evaluator train only the networks that are not refused.

    One that is has the status ``"failed"``, with the reason; it takes no time, and is neither built nor
    stored. A subclass says which.

    Args:
        evaluator: Who is asked about the others.
        task: Id of the task, for the records of what is refused.
        recipe: Id of the recipe, for the same.
        seed: The evaluator's own seed, for the same.
    """

    joins = False

    def __init__(self, evaluator: Evaluator, task: str, recipe: str, seed: int = 0) -> None:
        super().__init__(evaluator)
        self.task = task
        self.recipe = recipe
        self.seed = seed

    @abstractmethod
    def refuse(self, architecture: Architecture) -> Refusal | None:
        """Say why a network is not trained, ``None`` if it is."""

    def _known(self, requests: Sequence[Request]) -> dict[Request, Evaluation]:
        refusals = ((request, self.refuse(request.architecture)) for request in dict.fromkeys(requests))
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


class SizeLimitedEvaluator(LimitedEvaluator):
    """Refuses networks that are too large.

    Args:
        evaluator: See ``LimitedEvaluator``.
        size: What a network costs, computed from its description.
        most: The largest values there may be, by names of ``NetworkSize``'s attributes.
        task: See ``LimitedEvaluator``, and so the next two.
        recipe: See there.
        seed: See there.

    Raises:
        InvalidArgumentError: If one is not a positive integer.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        size: Callable[[Architecture], NetworkSize | None],
        most: Mapping[str, int],
        task: str,
        recipe: str,
        seed: int = 0,
    ) -> None:
        super().__init__(evaluator, task, recipe, seed)
        self.size = size
        self.most = {name: integer(f"max_{name}", value, 1) for name, value in most.items()}

    def refuse(self, architecture: Architecture) -> Refusal | None:
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


class SpaceLimitedEvaluator(LimitedEvaluator):
    """Refuses networks that their search space does not want trained, see ``SearchSpace.refuses``.

    Args:
        evaluator: See ``LimitedEvaluator``.
        refuses: Returns why not, or ``None``.
        task: See ``LimitedEvaluator``, and so the next two.
        recipe: See there.
        seed: See there.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        refuses: Callable[[Architecture], str | None],
        task: str,
        recipe: str,
        seed: int = 0,
    ) -> None:
        super().__init__(evaluator, task, recipe, seed)
        self.refuses = refuses

    def refuse(self, architecture: Architecture) -> Refusal | None:
        """Refuse what the search space refuses."""
        reason = self.refuses(architecture)
        return None if reason is None else Refusal(reason)
