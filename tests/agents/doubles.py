"""Stand-ins that the agents' tests share."""

import hashlib
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.search_spaces import Architecture
from nas_gym.tasks.evaluation import Evaluation

LEGAL = 9  # of the ten tokens of mlp-v0 all but EOS may come first


class CountingEvaluator:
    """Instant: the accuracy is a hash of architecture and seed. Counts calls and children."""

    def __init__(self) -> None:
        self.calls = 0
        self.children = 0

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        self.calls += 1
        self.children += len(architectures)
        return [
            _evaluation(architecture, seed)
            for architecture, seed in zip(architectures, seeds or [0] * len(architectures), strict=True)
        ]


def _evaluation(architecture: Architecture, seed: int) -> Evaluation:
    digest = hashlib.sha256(f"{architecture} {seed}".encode()).digest()
    accuracy = int.from_bytes(digest[:4], "little") / 2**32
    return Evaluation(
        architecture, "none", "none", seed, "ok", {"accuracy": accuracy}, len(architecture.tokens), 0.0
    )


class WantedEvaluator:
    """Instant: the accuracy is the share of a wanted sentence's tokens that stand in their place."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        return [
            Evaluation(a, "none", "none", 0, "ok", {"accuracy": self._share(a)}, len(a.tokens), 0.0)
            for a in architectures
        ]

    def _share(self, architecture: Architecture) -> float:
        pairs = zip(self.names, architecture.tokens, strict=False)
        return sum(name == token for name, token in pairs) / len(self.names)


def wanted() -> WantedEvaluator:
    """One wanted sentence of five tokens, one of 597,870."""
    return WantedEvaluator("Linear-16", "ReLU", "Linear-8", "Tanh", "Linear-4")


class Countdown(gym.Env[NDArray[np.int64], np.int64]):
    """Action 0 ends an episode; so does the third step. No masks; the reward is step times action + 1."""

    def __init__(self) -> None:
        self.action_space = Discrete(3)
        self.observation_space = gym.spaces.MultiDiscrete([4, 4, 4])
        self._observation = np.zeros(3, dtype=np.int64)
        self._step = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int64], dict[str, Any]]:
        super().reset(seed=seed)
        self._observation = np.zeros(3, dtype=np.int64)
        self._step = 0
        return self._observation.copy(), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.int64], float, bool, bool, dict[str, Any]]:
        self._observation[self._step] = action + 1
        self._step += 1
        terminated = bool(action == 0)
        truncated = not terminated and self._step == 3
        return self._observation.copy(), float(self._step * (action + 1)), terminated, truncated, {}


def make_vec(num_envs: int, **keywords: Any) -> RecordEvaluations:  # noqa: ANN401, keywords of gym.make_vec
    """Lanes of NAS-Moons-v0 that record their episodes; the evaluator is instant unless one is given."""
    keywords.setdefault("evaluator", CountingEvaluator())
    return RecordEvaluations(gym.make_vec("nas_gym:NAS-Moons-v0", num_envs=num_envs, **keywords))
