"""Judge a child on several parts of the data: one training on each of several rungs, scores averaged."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class OverFolds(Evaluator):
    """Trains every child once on each fold; a small validation part alone is soon overfitted by a search.

    Args:
        evaluator: Its rungs are the folds; closed with this one.
        folds: How many of them.
    """

    def __init__(self, evaluator: Evaluator, folds: int) -> None:
        self.evaluator = evaluator
        self.folds = folds

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children on all folds; one that fails on one of them has failed."""
        by_fold = [
            self.evaluator.evaluate(architectures, seeds, rung=rung + fold) for fold in range(self.folds)
        ]
        return [_mean(evaluations) for evaluations in zip(*by_fold, strict=True)]

    def close(self) -> None:
        """Close the evaluator beneath."""
        self.evaluator.close()


def _mean(evaluations: Sequence[Evaluation]) -> Evaluation:
    failed = next((each for each in evaluations if each.status != "ok"), None)
    if failed is not None:
        return failed
    first = evaluations[0]
    scores = {name: fmean(each.scores[name] for each in evaluations) for name in first.scores}
    return replace(first, scores=scores, seconds=sum(each.seconds for each in evaluations))
