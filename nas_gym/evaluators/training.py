"""A trainer in a pool: what is learned is the one's business, where that happens the other's."""

from collections.abc import Sequence

from nas_gym.evaluators.base import Answer
from nas_gym.evaluators.patience import Patience
from nas_gym.evaluators.pooled import PooledEvaluator
from nas_gym.evaluators.trainers.base import Child, Trainer
from nas_gym.memory.store import Setting
from nas_gym.pools.base import Pool
from nas_gym.pools.channel import Channel
from nas_gym.pools.fault import Fault
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.base import Outcome
from nas_gym.tasks.evaluation import Evaluation, Status
from nas_gym.tasks.seeds import child_seed

WAIT = "evaluator={'timeout_seconds': None}"


class TrainingEvaluator(PooledEvaluator[Child]):
    """Trains children with one trainer in one pool; results do not depend on the pool.

    A child that takes longer than the pool allows is ``"timed_out"``, one whose worker dies ``"failed"``. If
    the pool asks a ``Patience`` how long that is, it learns from every child that ends.

    Args:
        trainer: How a child is trained; its test data are not kept.
        pool: Where; it is closed with the evaluator.
        seed: From it and the architecture follows a child's seed.
    """

    def __init__(self, trainer: Trainer, pool: Pool, seed: int = 0) -> None:
        super().__init__(pool)
        self.trainer = trainer.without_test()
        self.seed = seed

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be trained, see ``Evaluator.send``."""
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        return self._send([Child(a, seed, rung) for a, seed in zip(architectures, seeds, strict=True)])

    def setting(self, rung: int = 0) -> Setting:
        """Say what a child's result depends on, beside its architecture and seed."""
        return self.trainer.setting(rung)

    def _open(self) -> Channel[Child, Evaluation]:
        return self.pool.open(self.trainer)

    def _lost(self, item: Child, fault: Fault) -> Evaluation:
        status: Status = "timed_out" if fault.kind == "timed_out" else "failed"
        reason = fault.reason
        if status == "timed_out" and self._patience is not None:
            reason += f", it was taken for hanging; {WAIT} lets it take any time"
        return self.trainer.evaluation(item, Outcome(reason=reason), fault.seconds, status=status)

    def _come(self, wait: bool, timeout: float | None) -> list[Answer]:
        answers = super()._come(wait, timeout)
        if self._patience is not None:
            for _, evaluation in answers:
                self._patience.learn(evaluation)
        return answers

    @property
    def _patience(self) -> Patience | None:
        limit = getattr(self.pool, "timeout_seconds", None)
        return limit if isinstance(limit, Patience) else None
