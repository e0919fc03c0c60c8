"""The REINFORCE update."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.arguments import check_known, integer, number
from agents.base import ORDERS, EpisodicAgent
from agents.episodes import AnyEnv, Choose, Episodes, Stage, joined
from agents.errors import InvalidArgumentError
from agents.reinforce.advantages import rank_advantages
from agents.reinforce.drawn import DrawnSentences
from agents.reinforce.losses import clipped_surrogate
from agents.reinforce.policy import CELLS, Cell, RecurrentPolicy, State, draw
from agents.reinforce.priority_queue import PriorityQueue
from agents.reinforce.proposals import Proposals
from agents.reinforce.walks import draw_exits
from agents.replay import episodes_of, pack, sentences_of, unpack
from agents.session import alone

Baseline = Literal["moving_average", "batch_mean", "ranks"]
BASELINES = ("moving_average", "batch_mean", "ranks")
SurrogateModel = Literal["none", "gaussian_process"]
SURROGATES = ("none", "gaussian_process")


class Reinforce(EpisodicAgent):
    """A recurrent policy trained by the score-function gradient.

    For a batch of m episodes with returns R_k the loss is
    ``-(1/m) sum_k [(R_k - b) / s * sum_t log P(a_t | a_<t) + w * sum_t H_t]``: b is the baseline, s the
    standard deviation of the batch's advantages (1 without ``scale_advantages``), H_t the entropy of the
    policy at step t, and w a weight that decays exponentially with the number of updates.

    Paper: Williams 1992, https://doi.org/10.1007/BF00992696; as a controller for architecture search
    Zoph & Le 2016, https://arxiv.org/abs/1611.01578. Different from the latter: one layer of a GRU by
    default, an entropy bonus (as in the minimal NAS system), and advantages scaled by their spread,
    since rewards of good networks differ by hundredths.

    The plain arguments are that controller. For budgets of some hundred distinct architectures
    ``AGENTS["reinforce"]`` is another member of the family: batches of ten, ``distinct``, ``"ranks"``,
    three ``epochs``, ``entropy_weight`` 0.03. How it was chosen stands in ``docs/agents-tuning.md``.

    Args:
        env: A vector environment, each lane one episode of a batch; or a single one, a batch of one.
            With ``action_mask`` in its infos, illegal actions have probability zero.
        learning_rate: Adam's step size.
        hidden_size: Units of the cell and of the embedding.
        cell: ``"gru"``, ``"lstm"``, or ``"nascell"``, the cell that Zoph & Le's controller found.
        baseline: ``"moving_average"`` of the batches' mean returns, or the ``"batch_mean"`` itself; with
            ``"ranks"`` the advantage is an episode's rank in its batch (Wierstra et al. 2014, see
            ``rank_advantages``). A batch of one is its own mean and the only rank, and would teach
            nothing: take the moving average there.
        baseline_decay: Weight of the past in the moving average, 0 to 1. The first batch's mean starts it.
        entropy_weight: w before the first update.
        entropy_decay: Factor on w at each update, 0 to 1.
        scale_advantages: Whether to divide advantages by their standard deviation (plus 1e-3, so that
            equal returns are not blown up); a batch of one has none and is left as it is.
        max_grad_norm: Gradients are scaled down to this norm.
        distinct: Whether no sentence is ever proposed twice: draws of known ones are rejected, before
            anything is played. Learning ends when all were drawn. Masks must depend on the prefix alone,
            or widen in the course of a search as a depth schedule's do.
            Lanes whose draws leave what is known at the same place are played one after the other, so a
            batch may take several rounds through the environment.
        epochs: Updates from each batch; from the second on importance ratios weigh the advantages.
        clip_range: How far a ratio may move (PPO, Schulman et al. 2017, see ``clipped_surrogate``).
        queue_size: How many of the best sentences are also trained on in each update, 0 for none
            (priority-queue training, Abolafia et al. 2018, see ``PriorityQueue``).
        queue_weight: Weight of their mean log-likelihood in the loss.
        surrogate: With ``"gaussian_process"``, which needs ``distinct``, a model of what was played chooses
            most of each batch from what the policy imagines, as far as it can be trusted: see ``Proposals``.
            The update treats what it chose as if the policy had drawn it.
        surrogate_exploration: How many standard deviations of a prediction are added to its mean.
        policy_share: Share of a batch that the policy draws alone, however good the surrogate is, 0 to 1.
        seed: Seed of everything random in the agent.
        tensorboard_log: Folder for TensorBoard's event files, ``None`` for none.

    Raises:
        InvalidArgumentError: If an argument is out of range or the actions are not discrete.
    """

    name: ClassVar[str] = "reinforce"

    def __init__(
        self,
        env: AnyEnv,
        *,
        learning_rate: float = 1e-2,
        hidden_size: int = 64,
        cell: Cell = "gru",
        baseline: Baseline = "moving_average",
        baseline_decay: float = 0.9,
        entropy_weight: float = 0.1,
        entropy_decay: float = 0.98,
        scale_advantages: bool = True,
        max_grad_norm: float = 1.0,
        distinct: bool = False,
        epochs: int = 1,
        clip_range: float = 0.2,
        queue_size: int = 0,
        queue_weight: float = 0.1,
        surrogate: SurrogateModel = "none",
        surrogate_exploration: float = 0.5,
        policy_share: float = 0.2,
        seed: int = 0,
        tensorboard_log: str | Path | None = None,
    ) -> None:
        super().__init__(env, seed, tensorboard_log)
        check_known("cell", cell, CELLS)
        check_known("baseline", baseline, BASELINES)
        check_known("surrogate", surrogate, SURROGATES)
        if surrogate != "none" and not distinct:
            raise InvalidArgumentError(
                f"surrogate {surrogate!r} proposes new sentences: it needs distinct=True"
            )
        self.learning_rate = number("learning_rate", learning_rate, 0.0, 1.0)
        self.hidden_size = integer("hidden_size", hidden_size, 1, 4096)
        self.cell = cell
        self.baseline = baseline
        self.baseline_decay = number("baseline_decay", baseline_decay, 0.0, 1.0)
        self.entropy_weight = number("entropy_weight", entropy_weight, 0.0, 1e3)
        self.entropy_decay = number("entropy_decay", entropy_decay, 0.0, 1.0)
        self.scale_advantages = scale_advantages
        self.max_grad_norm = number("max_grad_norm", max_grad_norm, 0.0, 1e6)
        self.distinct = distinct
        self.epochs = integer("epochs", epochs, 1, 1000)
        self.clip_range = number("clip_range", clip_range, 0.0, 1e3)
        self.queue_size = integer("queue_size", queue_size, 0, 100_000)
        self.queue = PriorityQueue(self.queue_size)
        self.queue_weight = number("queue_weight", queue_weight, 0.0, 1e3)
        self.surrogate = surrogate
        self.surrogate_exploration = number("surrogate_exploration", surrogate_exploration, 0.0, 1e3)
        self.policy_share = number("policy_share", policy_share, 0.0, 1.0)
        self._drawn = DrawnSentences()
        with alone():
            self._generator = torch.Generator().manual_seed(self.seed)
            self.policy = RecurrentPolicy(self.num_actions, self.hidden_size, cell, self._generator)
            self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=self.learning_rate)
        self._average: float | None = None
        self.orders = self.orders_of({"surrogate": surrogate})
        self._proposals: Proposals | None = None
        if surrogate != "none":
            self._proposals = Proposals(
                self._drawn, self.policy, self._generator, surrogate_exploration, policy_share
            )

    @classmethod
    def orders_of(cls, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the orders in which an agent that is made with these arguments may learn."""
        # A surrogate chooses a batch by what all before have earned.
        return ORDERS if arguments.get("surrogate", "none") == "none" else ("batch",)

    @alone()
    def _next_actions(
        self, observations: NDArray[np.int64], masks: NDArray[np.bool_], deterministic: bool
    ) -> NDArray[np.int64]:
        sentences = torch.from_numpy(np.asarray(observations, dtype=np.int64))
        lanes = torch.arange(len(sentences))
        previous = torch.nn.functional.pad(sentences, (1, 0))
        lengths = (sentences > 0).sum(dim=1)
        legal = torch.ones((*previous.shape, self.num_actions), dtype=torch.bool)
        legal[lanes, lengths] = torch.from_numpy(masks)
        with torch.no_grad():
            log_probabilities, _ = self.policy(previous, legal)
        ahead = log_probabilities[lanes, lengths]
        actions = ahead.argmax(dim=1) if deterministic else draw(ahead, self._generator)
        return actions.numpy()

    def _play(self, stage: Stage, count: int) -> Episodes | None:
        if not self.distinct:
            return super()._play(stage, count)
        parts: list[Episodes] = []
        proposed = [] if self._proposals is None else self._proposals.propose(count)
        while count > 0 and not self._drawn.exhausted:
            beginnings, proposed = self._beginnings(proposed, count)
            choose = self._new_batch(stage.lanes(len(beginnings)), beginnings)
            parts.append(stage.play(choose, len(beginnings), len(parts)))
            self._drawn.add(sentences_of(parts[-1]))
            count -= len(beginnings)
        return joined(parts) if parts else None

    @alone()
    def _log_likelihoods(self, episodes: Episodes) -> list[float]:
        with torch.no_grad():
            return self._judge(episodes)[0].tolist()

    @alone()
    def _beginnings(
        self, proposed: Sequence[tuple[int, ...]], count: int
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Choose what 1 to ``count`` lanes write at the same time.

        Lanes that leave what is known at different places cannot write the same sentence, whatever masks
        make of the rest. A proposal that leaves it where another one does waits for the next round.

        Returns:
            Beginnings, proposed ones first, the others the policy's; and the proposals that wait.
        """
        together: dict[tuple[int, ...], tuple[int, ...]] = {}
        waiting: list[tuple[int, ...]] = []
        for sentence in proposed:
            leaving = self._drawn.exit_of(sentence)
            if leaving in together:
                waiting.append(sentence)
            elif leaving is not None:
                together[leaving] = sentence
        free = count - len(together) - len(waiting)
        if free > 0:
            exits = draw_exits(self._drawn, self.policy, self._generator, free)
            together |= {leaving: leaving for leaving in exits if leaving not in together}
        return list(together.values()), waiting

    @alone()
    def _new_batch(self, lanes: int, beginnings: Sequence[tuple[int, ...]] = ()) -> Choose:
        """Return what draws from the policy, where a lane's given beginning has ended or is illegal."""
        previous = torch.zeros((lanes, 1), dtype=torch.int64)
        state: State = None
        step = 0

        @alone()
        def choose(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
            nonlocal previous, state, step
            with torch.inference_mode():
                log_probabilities, state = self.policy(previous, torch.from_numpy(masks)[:, None], state)
                actions = draw(log_probabilities[:, 0], self._generator).numpy()
            for lane, beginning in enumerate(beginnings):
                if step < len(beginning) and masks[lane, beginning[step]]:
                    actions[lane] = beginning[step]
            step += 1
            previous = torch.from_numpy(actions)[:, None] + 1
            return actions

        return choose

    @alone()
    def _update(self, episodes: Episodes) -> dict[str, float]:
        count = len(episodes.lengths)
        baseline, advantages = self._advantages(episodes.returns)
        before: Tensor | None = None
        if episodes.log_likelihoods is not None:
            before = torch.from_numpy(episodes.log_likelihoods).float()
        if self.queue.size:
            self.queue.add(sentences_of(episodes))
            episodes = joined([episodes, episodes_of(self.queue.sentences)])
        weight = self.entropy_weight * self.entropy_decay**self.num_updates
        for _ in range(self.epochs):
            log_likelihoods, entropies = self._judge(episodes)
            drawn, queued, entropy = (
                log_likelihoods[:count],
                log_likelihoods[count:],
                entropies[:count].mean(),
            )
            before = drawn.detach() if before is None else before
            policy_loss = -clipped_surrogate(drawn, before, advantages, self.clip_range)
            loss = policy_loss - weight * entropy
            if len(queued):
                loss = loss - self.queue_weight * queued.mean()
            self.optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.optimizer.step()
        return {
            "train/loss": loss.item(),
            "train/policy_gradient_loss": policy_loss.item(),
            "train/entropy_loss": -entropy.item(),
            "train/entropy_weight": weight,
            "train/baseline": baseline,
            "train/grad_norm": norm.item(),
            **({} if self._proposals is None else self._proposals.scalars),
        }

    def _judge(self, episodes: Episodes) -> tuple[Tensor, Tensor]:
        """Return log-likelihoods of the episodes and sums of the steps' entropies, both ``(episodes,)``."""
        actions = torch.from_numpy(episodes.actions)
        written = torch.arange(actions.shape[1]) < torch.from_numpy(episodes.lengths)[:, None]
        previous = torch.cat([torch.zeros((len(actions), 1), dtype=torch.int64), actions[:, :-1] + 1], dim=1)
        log_probabilities, _ = self.policy(previous, torch.from_numpy(episodes.masks))
        chosen = log_probabilities.gather(2, actions[:, :, None])[:, :, 0]
        entropies = -(log_probabilities.exp() * log_probabilities).sum(dim=2)
        return (chosen * written).sum(dim=1), (entropies * written).sum(dim=1)

    def _advantages(self, returns: NDArray[np.float64]) -> tuple[float, Tensor]:
        """Return a batch's baseline and its advantages, shape ``(episodes,)``."""
        if self.baseline == "ranks":
            return float(np.median(returns)), torch.from_numpy(rank_advantages(returns)).float()
        baseline = self._next_baseline(float(returns.mean()))
        advantages = returns - baseline
        if self.scale_advantages and len(advantages) > 1:  # one episode has no spread
            advantages = advantages / (advantages.std() + 1e-3)
        return baseline, torch.from_numpy(advantages).float()

    def _next_baseline(self, batch_mean: float) -> float:
        """Return the baseline for a batch and let the moving average take the batch in."""
        if self.baseline == "batch_mean":
            return batch_mean
        baseline = batch_mean if self._average is None else self._average
        self._average = self.baseline_decay * baseline + (1 - self.baseline_decay) * batch_mean
        return baseline

    def _state(self) -> dict[str, object]:
        return {
            "policy": self.policy.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "baseline": self._average,
            "queue": pack(self.queue.sentences, self.num_actions),
            "drawn": pack(self._drawn.sentences, self.num_actions),
            "generator": self._generator.get_state(),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._average = state["baseline"]
        self.queue.add(unpack(state["queue"]))
        self._drawn.add(unpack(state["drawn"]))
        self._generator.set_state(state["generator"])
