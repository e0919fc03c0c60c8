"""Each algorithm of stable-baselines3 and sb3-contrib for discrete actions, with nothing in between."""

from typing import Any

import gymnasium as gym
import pytest
import sb3_contrib
import stable_baselines3
from gymnasium.spaces import Discrete
from gymnasium.wrappers import FlattenObservation

ROLLOUT: dict[str, Any] = {"n_steps": 30, "batch_size": 30}
REPLAY: dict[str, Any] = {"learning_starts": 20, "buffer_size": 100}
ALGORITHMS: dict[str, tuple[str, dict[str, Any]]] = {
    "PPO": ("MlpPolicy", ROLLOUT),
    "A2C": ("MlpPolicy", {"n_steps": 10}),
    "DQN": ("MlpPolicy", REPLAY),
    "MaskablePPO": ("MlpPolicy", ROLLOUT),
    "TRPO": ("MlpPolicy", ROLLOUT),
    "QRDQN": ("MlpPolicy", REPLAY),
    "ARS": ("MlpPolicy", {"n_delta": 2}),
    "RecurrentPPO": ("MlpLstmPolicy", ROLLOUT),
}
NOT_DISCRETE = {"DDPG", "SAC", "TD3", "CrossQ", "TQC", "HerReplayBuffer"}
"""What else the packages offer: for continuous actions, or no algorithm."""


def test_algorithms__are_all_that_the_packages_have() -> None:
    names = {*stable_baselines3.__all__, *sb3_contrib.__all__}
    assert names - {"get_system_info"} == ALGORITHMS.keys() | NOT_DISCRETE


@pytest.mark.slow  # policies in PyTorch, whole rollouts
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithm__learns_on_the_environment(name: str) -> None:
    env: gym.Env[Any, Any] = gym.make("nas_gym:NAS-Bench-Moons-v0")
    assert isinstance(env.action_space, Discrete)
    if name == "RecurrentPPO":  # which cannot read MultiDiscrete, see the page on other libraries
        env = FlattenObservation(env)
    make = getattr(stable_baselines3, name, None) or getattr(sb3_contrib, name)
    policy, keywords = ALGORITHMS[name]
    model = make(policy, env, seed=0, device="cpu", **keywords).learn(60)
    assert model.num_timesteps >= 60
    observation, _ = env.reset(seed=0)
    action, _ = model.predict(observation)
    assert env.action_space.contains(action)
