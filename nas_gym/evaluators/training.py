"""A trainer in a pool: what is learned is the one's business, where that happens the other's."""

from collections.abc import Sequence

from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.trainer import Child, Trainer
from nas_gym.memory.store import Setting
from nas_gym.pools.base import Fault, Pool
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.base import Outcome
from nas_gym.tasks.evaluation import Evaluation, Status
from nas_gym.tasks.seeds import child_seed


class TrainingEvaluator(Evaluator):
    """Trains children with one trainer in one pool; results do not depend on the pool.

    A child that takes longer than the pool allows is ``"timed_out"``, one whose worker dies ``"failed"``.

    Args:
        trainer: How a child is trained; its test data are not kept.
        pool: Where; it is closed with the evaluator.
        seed: From it and the architecture follows a child's seed.
    """

    def __init__(self, trainer: Trainer, pool: Pool, seed: int = 0) -> None:
        self.trainer = trainer.without_test()
        self.pool = pool
        self.seed = seed

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Train children, see ``Evaluator.evaluate``.

        Raises:
            WorkerError: If no worker can be started.
        """
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        children = [Child(a, seed, rung) for a, seed in zip(architectures, seeds, strict=True)]
        found: dict[int, Evaluation] = {}
        for index, result in self.pool.map(self.trainer, children):
            found[index] = self._lost(children[index], result) if isinstance(result, Fault) else result
        return [found[index] for index in range(len(children))]

    def setting(self, rung: int = 0) -> Setting:
        """Say what a child's result depends on, beside its architecture and seed."""
        return self.trainer.setting(rung)

    def close(self) -> None:
        """Close the pool."""
        self.pool.close()

    def _lost(self, child: Child, fault: Fault) -> Evaluation:
        """Return the record of a child whose worker was lost."""
        status: Status = "timed_out" if fault.kind == "timed_out" else "failed"
        return self.trainer.evaluation(child, Outcome(reason=fault.reason), fault.seconds, status=status)
