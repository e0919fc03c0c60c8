"""Environments of others: what an agent needs of them is said in one line, and nothing hangs."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers import TransformReward

from agents import AGENTS, episodes, make_agent
from agents.errors import InvalidArgumentError
from agents.reinforce import Reinforce

OURS = [name for name in AGENTS if name not in ("ppo", "maskable_ppo", "a2c", "dqn")]
"""Agents that play whole episodes; those of stable-baselines3 do as that does."""


def refusal(env: Any, name: str = "reinforce") -> str:  # noqa: ANN401, any environment
    with pytest.raises(InvalidArgumentError) as error:
        make_agent(name, env, 0).learn(4)
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", OURS)
def test_lanes__that_ignore_the_reset_mask_are_refused(name: str) -> None:
    assert refusal(gym.make_vec("CartPole-v1", num_envs=2), name) == (
        "CartPoleVectorEnv ignores reset_mask and resets all lanes; gym.make_vec(..., "
        "vectorization_mode='sync') makes some that an agent can play in"
    )


@pytest.mark.parametrize("mode", [None, "sync", "one lane"])
def test_lanes__that_heed_it_or_need_none_are_played(mode: str | None) -> None:
    if mode is None:
        env: Any = gym.make("CartPole-v1")
    elif mode == "sync":
        env = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    else:
        env = gym.make_vec("CartPole-v1", num_envs=1)
    assert Reinforce(env).learn(4).num_architectures == 4


class Endless(gym.Env[Any, Any]):
    """Never ends an episode, and allows what it is told to."""

    observation_space = MultiDiscrete([3] * 4)
    action_space = Discrete(2)

    def __init__(self, allowed: int = 1) -> None:
        self.allowed = {"action_mask": np.full(2, allowed, np.int8)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:  # noqa: ANN401
        return np.zeros(4, np.int64), self.allowed

    def step(self, action: Any) -> Any:  # noqa: ANN401
        return np.zeros(4, np.int64), 0.0, False, False, self.allowed


def test_episodes__that_do_not_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "LONGEST_EPISODE", 50)
    assert refusal(SyncVectorEnv([Endless] * 2)).endswith("has not ended an episode after 50 steps")


@pytest.mark.parametrize("name", OURS)
def test_episodes__that_allow_no_action_are_told(name: str) -> None:
    env = SyncVectorEnv([lambda: Endless(allowed=0)] * 2)
    assert refusal(env, name).endswith("allows no action in an episode that goes on")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", OURS)
def test_rewards__that_are_not_finite_are_told(name: str, value: float) -> None:
    def single() -> gym.Env[Any, Any]:
        return TransformReward(gym.make("nas_gym:NAS-Bench-Moons-v0"), lambda _: value)

    assert refusal(SyncVectorEnv([single] * 2), name).endswith(f"the reward {value}, it must be finite")
