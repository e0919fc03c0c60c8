"""The REINFORCE update."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.base import EpisodicAgent
from agents.episodes import AnyVectorEnv, Choose, Episodes
from agents.errors import InvalidArgumentError
from agents.reinforce.policy import CELLS, Cell, RecurrentPolicy, State

Baseline = Literal["moving_average", "batch_mean"]
BASELINES = ("moving_average", "batch_mean")


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

    Args:
        env: A vector environment, each lane one episode of a batch; or a single one, a batch of one.
            With ``action_mask`` in its infos, illegal actions have probability zero.
        learning_rate: Adam's step size.
        hidden_size: Units of the cell and of the embedding.
        cell: ``"gru"`` or ``"lstm"``.
        baseline: ``"moving_average"`` of the batches' mean returns, or the ``"batch_mean"`` itself. A
            batch of one is its own mean and would teach nothing: take the moving average there.
        baseline_decay: Weight of the past in the moving average, 0 to 1. The first batch's mean starts it.
        entropy_weight: w before the first update.
        entropy_decay: Factor on w at each update, 0 to 1.
        scale_advantages: Whether to divide advantages by their standard deviation (plus 1e-3, so that
            equal returns are not blown up).
        max_grad_norm: Gradients are scaled down to this norm.
        seed: Seed of everything random in the agent.
        tensorboard_log: Folder for TensorBoard's event files, ``None`` for none.

    Raises:
        InvalidArgumentError: If an argument is out of range or the actions are not discrete.
    """

    name: ClassVar[str] = "reinforce"

    def __init__(
        self,
        env: AnyVectorEnv | gym.Env[Any, Any],
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
        seed: int = 0,
        tensorboard_log: str | Path | None = None,
    ) -> None:
        super().__init__(env, seed, tensorboard_log)
        if cell not in CELLS:
            raise InvalidArgumentError(f"unknown cell {cell!r}; there are {', '.join(CELLS)}")
        if baseline not in BASELINES:
            raise InvalidArgumentError(f"unknown baseline {baseline!r}; there are {', '.join(BASELINES)}")
        if type(hidden_size) is not int or not 1 <= hidden_size <= 4096:
            raise InvalidArgumentError(f"hidden_size must be an integer from 1 to 4096, got {hidden_size!r}")
        for name, value, low, high in (
            ("learning_rate", learning_rate, 0.0, 1.0),
            ("baseline_decay", baseline_decay, 0.0, 1.0),
            ("entropy_weight", entropy_weight, 0.0, 1e3),
            ("entropy_decay", entropy_decay, 0.0, 1.0),
            ("max_grad_norm", max_grad_norm, 0.0, 1e6),
        ):
            if not isinstance(value, (int, float)) or not low <= value <= high:
                raise InvalidArgumentError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
        self.learning_rate = learning_rate
        self.hidden_size = hidden_size
        self.cell = cell
        self.baseline = baseline
        self.baseline_decay = baseline_decay
        self.entropy_weight = entropy_weight
        self.entropy_decay = entropy_decay
        self.scale_advantages = scale_advantages
        self.max_grad_norm = max_grad_norm
        self._generator = torch.Generator().manual_seed(seed)
        self.policy = RecurrentPolicy(self.num_actions, hidden_size, cell, self._generator)
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=learning_rate)
        self._average: float | None = None

    def predict(
        self,
        observation: NDArray[np.int64],
        state: None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
        action_masks: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], None]:
        """Choose the next actions from the sentences so far.

        Args:
            observation: int64, shape ``(max_length,)`` or ``(lanes, max_length)``: 0 where nothing is
                written, else action + 1. It holds all the past, so there is no state to carry.
            state: Not used.
            episode_start: Not used.
            deterministic: Whether to take the most probable action instead of drawing one.
            action_masks: Which actions are legal, shape ``(V,)`` or ``(lanes, V)``; all by default.

        Returns:
            Actions, shape ``()`` or ``(lanes,)``, and ``None``.
        """
        shape = np.shape(observation)[:-1]
        sentences = torch.from_numpy(np.atleast_2d(np.asarray(observation, dtype=np.int64)))
        lanes = len(sentences)
        previous = torch.cat([torch.zeros((lanes, 1), dtype=torch.int64), sentences], dim=1)
        masks = torch.ones((lanes, previous.shape[1], self.num_actions), dtype=torch.bool)
        lengths = (sentences > 0).sum(dim=1)
        if action_masks is not None:
            masks[torch.arange(lanes), lengths] = torch.from_numpy(np.atleast_2d(action_masks) > 0)
        with torch.no_grad():
            log_probabilities, _ = self.policy(previous, masks)
        ahead = log_probabilities[torch.arange(lanes), lengths]
        actions = ahead.argmax(dim=1) if deterministic else self._draw(ahead)
        return actions.numpy().reshape(shape), None

    def _new_batch(self) -> Choose:
        previous = torch.zeros((self.env.num_envs, 1), dtype=torch.int64)
        state: State = None

        def choose(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
            nonlocal previous, state
            with torch.no_grad():
                log_probabilities, state = self.policy(previous, torch.from_numpy(masks)[:, None], state)
            actions = self._draw(log_probabilities[:, 0])
            previous = actions[:, None] + 1
            return actions.numpy()

        return choose

    def _draw(self, log_probabilities: Tensor) -> Tensor:
        return torch.multinomial(log_probabilities.exp(), 1, generator=self._generator)[:, 0]

    def _update(self, episodes: Episodes) -> dict[str, float]:
        actions = torch.from_numpy(episodes.actions)
        written = torch.arange(actions.shape[1]) < torch.from_numpy(episodes.lengths)[:, None]
        previous = torch.cat([torch.zeros((len(actions), 1), dtype=torch.int64), actions[:, :-1] + 1], dim=1)
        log_probabilities, _ = self.policy(previous, torch.from_numpy(episodes.masks))
        chosen = log_probabilities.gather(2, actions[:, :, None])[:, :, 0]
        log_likelihood = (chosen * written).sum(dim=1)
        entropy = (-(log_probabilities.exp() * log_probabilities).sum(dim=2) * written).sum(dim=1)
        baseline = self._next_baseline(float(episodes.returns.mean()))
        advantages = episodes.returns - baseline
        if self.scale_advantages:
            advantages = advantages / (advantages.std() + 1e-3)
        weight = self.entropy_weight * self.entropy_decay**self.num_updates
        policy_loss = -(torch.from_numpy(advantages).float() * log_likelihood).mean()
        loss = policy_loss - weight * entropy.mean()
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.optimizer.step()
        return {
            "train/loss": loss.item(),
            "train/policy_gradient_loss": policy_loss.item(),
            "train/entropy_loss": -entropy.mean().item(),
            "train/entropy_weight": weight,
            "train/baseline": baseline,
            "train/grad_norm": norm.item(),
        }

    def _next_baseline(self, batch_mean: float) -> float:
        """Return the baseline for a batch and let the moving average take the batch in."""
        if self.baseline == "batch_mean":
            return batch_mean
        baseline = batch_mean if self._average is None else self._average
        self._average = self.baseline_decay * baseline + (1 - self.baseline_decay) * batch_mean
        return baseline

    def _state(self) -> dict[str, Any]:
        return {
            "policy": self.policy.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "baseline": self._average,
            "generator": self._generator.get_state(),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._average = state["baseline"]
        self._generator.set_state(state["generator"])

    def _settings(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "hidden_size": self.hidden_size,
            "cell": self.cell,
            "baseline": self.baseline,
            "baseline_decay": self.baseline_decay,
            "entropy_weight": self.entropy_weight,
            "entropy_decay": self.entropy_decay,
            "scale_advantages": self.scale_advantages,
            "max_grad_norm": self.max_grad_norm,
        }
