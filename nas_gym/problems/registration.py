"""The ids that ``gym.make`` and ``gym.make_vec`` know."""

from typing import Any

import gymnasium as gym

from nas_gym.envs.nas_env import NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.problems.assembly import Parts, assemble
from nas_gym.problems.specs import PROBLEMS


def register_all() -> None:
    """Register every id with Gymnasium."""
    for env_id in PROBLEMS:
        gym.register(
            env_id,
            entry_point="nas_gym.problems.registration:make_env",
            vector_entry_point="nas_gym.problems.registration:make_vector_env",
            kwargs={"problem": env_id},
        )


def make_env(problem: str, **keywords: Any) -> NasEnv:  # noqa: ANN401, passed on to typed signatures
    """Make the environment of an id; keywords as in ``assemble``."""
    return env_of(assemble(problem, **keywords))


def make_vector_env(problem: str, num_envs: int, **keywords: Any) -> NasVectorEnv:  # noqa: ANN401
    """Make ``num_envs`` lanes of the environment of an id; keywords as in ``assemble``."""
    return NasVectorEnv(make_env(problem, **keywords), num_envs)


def env_of(parts: Parts) -> NasEnv:
    """Make an environment of parts that are put together already."""
    return NasEnv(parts.search_space, parts.evaluator, **parts.env_options)
