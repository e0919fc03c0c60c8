"""WHO PROPOSES? Agents that know an environment only through Gymnasium's interface."""

from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from agents.base import Callback, EpisodicAgent
from agents.episodes import AnyVectorEnv
from agents.errors import AgentError, InvalidArgumentError


@dataclass(frozen=True)
class AgentSpec:
    """How to make an agent.

    Attributes:
        maker: Import path of its class; importing it is put off until it is needed.
        num_envs: Number of lanes that suits its defaults.
        arguments: Arguments that pick it out of what the class offers.
    """

    maker: str
    num_envs: int
    arguments: dict[str, Any] = field(default_factory=dict)


AGENTS: dict[str, AgentSpec] = {
    "reinforce": AgentSpec("agents.reinforce.agent:Reinforce", 20),
    "random": AgentSpec("agents.random.agent:RandomAgent", 50),
    "ppo": AgentSpec("agents.sb3.agents:Sb3Agent", 16, {"algorithm": "ppo"}),
    "maskable_ppo": AgentSpec("agents.sb3.agents:Sb3Agent", 16, {"algorithm": "maskable_ppo"}),
    "a2c": AgentSpec("agents.sb3.agents:Sb3Agent", 16, {"algorithm": "a2c"}),
    "dqn": AgentSpec("agents.sb3.agents:Sb3Agent", 16, {"algorithm": "dqn"}),
}


def agent_spec(name: str) -> AgentSpec:
    """Return how to make the agent of a name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    if name not in AGENTS:
        raise InvalidArgumentError(f"unknown agent {name!r}; there are {', '.join(AGENTS)}")
    return AGENTS[name]


def make_agent(
    name: str,
    env: AnyVectorEnv,
    seed: int,
    tensorboard_log: Path | None = None,
    checkpoint: Path | None = None,
) -> Any:  # noqa: ANN401, an EpisodicAgent or an Sb3Agent
    """Make an agent, or load it where there is a checkpoint that it can go on from.

    Args:
        name: Key of ``AGENTS``.
        env: What it shall solve.
        seed: Its seed.
        tensorboard_log: Folder for TensorBoard's event files.
        checkpoint: File to go on from, if it exists. stable-baselines3's agents do not use it: they play
            the run again from its start, the environment remembering what was trained.

    Raises:
        AgentError: If the name is unknown or the checkpoint does not fit.
    """
    spec = agent_spec(name)
    agent_class = resolve_name(spec.maker)
    if checkpoint is not None and checkpoint.exists() and issubclass(agent_class, EpisodicAgent):
        return agent_class.load(checkpoint, env, tensorboard_log=tensorboard_log)
    return agent_class(env, seed=seed, tensorboard_log=tensorboard_log, **spec.arguments)


__all__ = ["AGENTS", "AgentError", "AgentSpec", "Callback", "agent_spec", "make_agent"]
