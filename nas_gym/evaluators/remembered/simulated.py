"""A table behind simulated workers: what would a search do on so many machines?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from nas_gym.checks import number
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Answer
from nas_gym.evaluators.pooled import PooledEvaluator
from nas_gym.evaluators.remembered.lookup import TableEvaluator
from nas_gym.evaluators.sending import Request
from nas_gym.pools.channel import Channel
from nas_gym.pools.fault import Fault
from nas_gym.pools.virtual import Machines, Virtual
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation

__all__ = ["Machines", "SimulatedEvaluator", "SimulatedWorkers"]


@dataclass(frozen=True, slots=True)
class SimulatedWorkers(Machines):
    """Machines, and how long they take for a child.

    Attributes:
        seconds: Median of the training times, which are lognormal and have nothing to do with the network;
            ``None`` for those that the table knows.
        sigma: Standard deviation of their logarithm.
    """

    seconds: float | None = None
    sigma: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        Machines.__post_init__(self)
        keep = object.__setattr__
        if self.seconds is not None:
            allowed = "a positive number or None"
            keep(self, "seconds", number("seconds", self.seconds, allowed, above=0))
        keep(self, "sigma", number("sigma", self.sigma, "a number from 0", least=0))


class SimulatedEvaluator(PooledEvaluator[Request]):
    """Looks children up; what it finds comes when one of many workers would have trained it.

    ``Evaluation.seconds`` is how long the child was trained, ``Evaluation.simulated_seconds`` at what time it
    was done. A child whose workers died has failed.

    Args:
        table: Where children are looked up, without a budget.
        workers: Who would have trained them.

    Attributes:
        pool: The workers, which know the time and how busy they were.

    Raises:
        InvalidArgumentError: If the table knows no times and none are given, or has a budget.
    """

    pool: Virtual

    def __init__(self, table: TableEvaluator, workers: SimulatedWorkers) -> None:
        if table.budget_seconds is not None:
            raise InvalidArgumentError("budget_seconds is for one worker, it cannot be given with workers")
        if table.table.seconds is None and workers.seconds is None:
            raise InvalidArgumentError(
                f"workers need training times, which the table of {table.table.dataset} does not know: "
                "give workers={'workers': ..., 'seconds': 10}"
            )
        super().__init__(Virtual(workers, attrgetter("seconds")))
        self.table = table
        self.workers = workers
        self._generator = np.random.default_rng([workers.seed, 1])

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be trained, see ``Evaluator.send``."""
        given = [None] * len(architectures) if seeds is None else seeds
        return self._send([Request(*pair, rung) for pair in zip(architectures, given, strict=True)])

    def _come(self, wait: bool, timeout: float | None) -> list[Answer]:
        came = super()._come(wait, timeout)
        return [(ticket, replace(found, simulated_seconds=self.pool.now)) for ticket, found in came]

    def _open(self) -> Channel[Request, Evaluation]:
        return self.pool.open(self._look_up)

    def _look_up(self, request: Request) -> Evaluation:
        (found,) = self.table.evaluate(
            [request.architecture], None if request.seed is None else [request.seed], request.rung
        )
        if self.workers.seconds is None:
            return found
        return replace(
            found, seconds=self.workers.seconds * self._generator.lognormal(sigma=self.workers.sigma)
        )

    def _lost(self, item: Request, fault: Fault) -> Evaluation:
        table = self.table.table
        return Evaluation(
            item.architecture,
            table.dataset,
            table.recipe,
            item.seed,
            "failed",
            seconds=fault.seconds,
            reason=fault.reason,
            rung=item.rung,
        )
