"""Uniform choice among the legal actions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from agents.base import EpisodicAgent
from agents.episodes import AnyVectorEnv, Choose, Episodes
from agents.replay import random_actions


class RandomAgent(EpisodicAgent):
    """Chooses every action uniformly among the legal ones and learns nothing.

    Arguments are those of ``EpisodicAgent``.
    """

    name: ClassVar[str] = "random_search"

    def __init__(
        self, env: AnyVectorEnv | gym.Env[Any, Any], seed: int = 0, tensorboard_log: str | Path | None = None
    ) -> None:
        super().__init__(env, seed, tensorboard_log)
        self._generator = np.random.default_rng(seed)

    def predict(
        self,
        observation: NDArray[np.int64],
        state: None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
        action_masks: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], None]:
        """Choose at random, ``deterministic`` or not."""
        shape = np.shape(observation)[:-1]
        masks = np.ones((*shape, self.num_actions)) if action_masks is None else np.asarray(action_masks)
        return self._choose(masks.reshape(-1, self.num_actions) > 0).reshape(shape), None

    def _new_batch(self) -> Choose:
        return self._choose

    def _choose(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        return random_actions(masks, self._generator)

    def _update(self, episodes: Episodes) -> dict[str, float]:
        return {}

    def _state(self) -> dict[str, Any]:
        return {"generator": self._generator.bit_generator.state}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._generator.bit_generator.state = state["generator"]

    def _settings(self) -> dict[str, Any]:
        return {}
