"""How long a child may take if nobody says so: what follows from the children before it."""

from bisect import insort

from nas_gym.evaluators.trainers.base import Child
from nas_gym.tasks.evaluation import Evaluation

FACTOR, LEAST_SECONDS = 20, 60.0
"""A child may take so many times the median of others, and always so long."""
OVER_LONGEST = 3
"""And it may take so many times what the longest took: the networks of a space differ."""
FEW = 5
"""So many must have ended before that follows from them."""
OVER_LONGEST_OF_FEW, LEAST_AFTER_FEW = 1000, 3600.0
"""Before, a child may take so many times what the longest took, and always so long."""
AT_FIRST = 24 * 3600.0
"""How long one may take while none has ended: hanging workers shall not be waited for for good."""


class Patience:
    """Says how long a child may take, by what children of its rung took in the same evaluator.

    Twenty times their median, but at least a minute and three times what the longest took. That needs five
    that have ended: before, it is an hour or a thousand times the longest, and a day while none has. Those
    that failed do not count.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, list[float]] = {}
        self._limits: dict[int, float] = {}

    def __call__(self, child: Child) -> float:
        """Return the limit in seconds as it is now; safe in any thread."""
        return self._limits.get(child.rung, AT_FIRST)

    def learn(self, evaluation: Evaluation) -> None:
        """Take into account what a child took."""
        if evaluation.status != "ok" or evaluation.seconds is None:
            return
        known = self._seconds.setdefault(evaluation.rung, [])
        insort(known, evaluation.seconds)
        if len(known) < FEW:
            self._limits[evaluation.rung] = max(LEAST_AFTER_FEW, OVER_LONGEST_OF_FEW * known[-1])
        else:
            usual = FACTOR * known[len(known) // 2]
            self._limits[evaluation.rung] = max(LEAST_SECONDS, usual, OVER_LONGEST * known[-1])
