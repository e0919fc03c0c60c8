"""Networks that are too large fail before they are built."""

from collections.abc import Callable, Sequence

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import child_seed


class SizeLimitedEvaluator(Evaluator):
    """Has another evaluator train only the networks that are small enough.

    A larger one has the status ``"failed"``, with the reason; it takes no time, and is neither built nor
    stored.

    Args:
        evaluator: Who is asked about the others.
        size: What a network costs, computed from its description.
        max_parameters: Largest number of trained values.
        task: Id of the task, for the records of what is refused.
        recipe: Id of the recipe, for the same.
        seed: The evaluator's own seed, for the same.

    Raises:
        InvalidArgumentError: If ``max_parameters`` is not a positive integer.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        size: Callable[[Architecture], NetworkSize | None],
        max_parameters: int,
        task: str,
        recipe: str,
        seed: int = 0,
    ) -> None:
        self.evaluator = evaluator
        self.size = size
        self.max_parameters = integer("max_parameters", max_parameters, 1)
        self.task = task
        self.recipe = recipe
        self.seed = seed

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``.

        Raises:
            InvalidArgumentError: If the size of a network is not known before it is built.
        """
        refused = {
            position: evaluation
            for position, architecture in enumerate(architectures)
            if (evaluation := self._refuse(architecture, None if seeds is None else seeds[position], rung))
        }
        asked = [position for position in range(len(architectures)) if position not in refused]
        small = [architectures[position] for position in asked]
        small_seeds = None if seeds is None else [seeds[position] for position in asked]
        answers = self.evaluator.evaluate(small, small_seeds, rung) if small else []
        evaluations = refused | dict(zip(asked, answers, strict=True))
        return [evaluations[position] for position in range(len(architectures))]

    def close(self) -> None:
        """Close the other evaluator."""
        self.evaluator.close()

    def _refuse(self, architecture: Architecture, seed: int | None, rung: int) -> Evaluation | None:
        """Return the record of a network that is too large, ``None`` for any other."""
        size = self.size(architecture)
        if size is None:
            raise InvalidArgumentError(
                f"max_parameters needs networks of known size, {architecture.search_space} does not tell it"
            )
        if size.parameters <= self.max_parameters:
            return None
        return Evaluation(
            architecture=architecture,
            task=self.task,
            recipe=self.recipe,
            seed=child_seed(self.seed, architecture) if seed is None else seed,
            status="failed",
            parameters=size.parameters,
            reason=f"it has {size.parameters} parameters, at most {self.max_parameters} are allowed",
            multiply_adds=size.multiply_adds,
            rung=rung,
        )
