"""stable-baselines3's agents, with an adapter that keeps batched evaluation."""

from agents.sb3.agents import ALGORITHMS, Sb3Agent
from agents.sb3.vec_env import GymnasiumVecEnv

__all__ = ["ALGORITHMS", "GymnasiumVecEnv", "Sb3Agent"]
