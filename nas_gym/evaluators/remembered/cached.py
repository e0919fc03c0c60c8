"""Evaluate each child of a process once."""

from collections.abc import Sequence

from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.sending import Relay, Request
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class CachedEvaluator(Relay):
    """Remembers in memory what another evaluator found and asks it only for what is new.

    Only evaluations with status ``"ok"`` are remembered, and only those whose seed follows from the
    architecture: a child whose seed is named goes straight through.

    Args:
        evaluator: Who is asked.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        super().__init__(evaluator)
        self._found: dict[tuple[Architecture, int], Evaluation] = {}

    def _known(self, requests: Sequence[Request]) -> dict[Request, Evaluation]:
        children = ((request, self._found.get(request[::2])) for request in requests if request.seed is None)
        return {request: found for request, found in children if found is not None}

    def _keep(self, came: Sequence[tuple[Request, Evaluation]]) -> None:
        for request, evaluation in came:
            if request.seed is None and evaluation.status == "ok":
                self._found[request.architecture, request.rung] = evaluation
