"""A trainer in a pool: what is learned is the one's business, where that happens the other's."""

from collections.abc import Sequence

from nas_gym.evaluators.base import Answer, new_tickets
from nas_gym.evaluators.sending import SendingEvaluator
from nas_gym.evaluators.trainer import Child, Trainer
from nas_gym.memory.store import Setting
from nas_gym.pools.base import Pool
from nas_gym.pools.channel import Channel
from nas_gym.pools.fault import Fault
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.base import Outcome
from nas_gym.tasks.evaluation import Evaluation, Status
from nas_gym.tasks.seeds import child_seed


class TrainingEvaluator(SendingEvaluator):
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
        self._forget()

    def _forget(self) -> None:
        self._channel: Channel[Child, Evaluation] | None = None
        self._under_way: dict[int, tuple[int, Child]] = {}

    def __getstate__(self) -> tuple[Trainer, Pool, int]:
        """Leave behind what is under way."""
        return self.trainer, self.pool, self.seed

    def __setstate__(self, state: tuple[Trainer, Pool, int]) -> None:
        """Start with nothing under way."""
        self.trainer, self.pool, self.seed = state
        self._forget()

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        """Let children be trained, see ``Evaluator.send``."""
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        children = [Child(a, seed, rung) for a, seed in zip(architectures, seeds, strict=True)]
        tickets = new_tickets(len(children))
        for ticket, child in zip(tickets, children, strict=True):
            if self._channel is None:
                self._channel = self.pool.open(self.trainer)
            self._under_way[self._channel.send(child)] = ticket, child
        return tickets

    def _come(self, wait: bool, timeout: float | None) -> list[Answer]:
        if self._channel is None:
            return []
        answers: list[Answer] = []
        for number, result in self._channel.recv(int(wait), timeout):
            ticket, child = self._under_way.pop(number)
            answers.append((ticket, self._lost(child, result) if isinstance(result, Fault) else result))
        if not self._under_way:
            self._give_up()  # threads that live on would be dead in a fork of this process
        return answers

    def _give_up(self) -> None:
        channel, self._channel = self._channel, None
        self._under_way.clear()
        if channel is not None:
            channel.close()

    def setting(self, rung: int = 0) -> Setting:
        """Say what a child's result depends on, beside its architecture and seed."""
        return self.trainer.setting(rung)

    def close(self) -> None:
        """Close the pool; what is under way is given up."""
        super().close()
        self.pool.close()

    def _lost(self, child: Child, fault: Fault) -> Evaluation:
        """Return the record of a child whose worker was lost."""
        status: Status = "timed_out" if fault.kind == "timed_out" else "failed"
        return self.trainer.evaluation(child, Outcome(reason=fault.reason), fault.seconds, status=status)
