"""Write the trajectory of an environment as JSON: for comparing processes."""

import json
import sys
from typing import Any

import gymnasium as gym
import numpy as np

from tests.nas_gym.doubles import QUICK


def trajectory(env: gym.Env[Any, Any], seed: int, steps: int) -> list[Any]:
    """Play random legal tokens, now and then an illegal one, and return everything that came back."""
    generator = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    record = [plain([observation, info])]
    for _ in range(steps):
        step = env.step(int(generator.integers(env.action_space.n)))  # type: ignore[attr-defined]
        record.append(plain(list(step)))
        if step[2]:
            record.append(plain(list(env.reset())))
    return record


def plain(value: Any) -> Any:  # noqa: ANN401, whatever an environment returns
    """Turn arrays into lists, within lists and dicts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


if __name__ == "__main__":
    made = gym.make(sys.argv[1], stochastic=sys.argv[2] == "stochastic", **QUICK[sys.argv[1]])
    print(json.dumps(trajectory(made, seed=3, steps=60)))
