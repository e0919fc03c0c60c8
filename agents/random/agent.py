"""Uniform choice among the legal actions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.base import ORDERS, EpisodicAgent
from agents.episodes import AnyEnv, Choose, Episodes
from agents.replay import random_actions


class RandomAgent(EpisodicAgent):
    """Chooses every action uniformly among the legal ones, ``deterministic`` or not, and learns nothing.

    Arguments are those of ``EpisodicAgent``.
    """

    name: ClassVar[str] = "random_search"
    orders = ORDERS

    def __init__(self, env: AnyEnv, seed: int = 0, tensorboard_log: str | Path | None = None) -> None:
        super().__init__(env, seed, tensorboard_log)
        self._generator = np.random.default_rng(seed)

    def _next_actions(
        self, observations: NDArray[np.int64], masks: NDArray[np.bool_], deterministic: bool
    ) -> NDArray[np.int64]:
        return self._choose(masks)

    def _new_batch(self, lanes: int) -> Choose:
        return self._choose

    def _choose(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        return random_actions(masks, self._generator)

    def _update(self, episodes: Episodes) -> dict[str, float]:
        return {}

    def _state(self) -> dict[str, object]:
        return {"generator": self._generator.bit_generator.state}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._generator.bit_generator.state = state["generator"]
