"""An evaluator of the user's own: its answers are checked, and it is the user who closes it."""

from collections.abc import Iterable, Sequence
from typing import get_args

from nas_gym.checks import choice
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import AtOnce, Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation, Status


class LentEvaluator(AtOnce):
    """Asks any object with ``evaluate`` of architectures and seeds.

    Args:
        lender: The object.
    """

    def __init__(self, lender: Evaluator) -> None:
        super().__init__(lender)
        self.lender = lender

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``; evaluators of users need not know of rungs.

        Raises:
            InvalidArgumentError: If what comes back is not one evaluation for each architecture, in order.
        """
        came = super().evaluate(architectures, seeds, rung)
        answers = list(came) if isinstance(came, Iterable) else [came]  # a user's may be anything
        for answer in answers:
            if not isinstance(answer, Evaluation):
                raise InvalidArgumentError(
                    f"evaluate of {self.lender!r} must return Evaluation records, got {answer!r}"
                )
            choice(f"the status of {answer.architecture}", answer.status, get_args(Status))
            if answer.status == "ok" and not answer.scores:
                raise InvalidArgumentError(
                    f"evaluate of {self.lender!r} returned no score of {answer.architecture}, which is ok"
                )
        if [answer.architecture for answer in answers] != list(architectures):
            raise InvalidArgumentError(
                f"evaluate of {self.lender!r} must return one evaluation for each of {len(architectures)} "
                f"architectures, in order, got {len(answers)}"
            )
        return answers
