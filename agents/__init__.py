"""WHO PROPOSES? Agents that know an environment only through Gymnasium's interface."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.arguments import check_known
from agents.base import Callback, EpisodicAgent
from agents.episodes import AnyVectorEnv
from agents.errors import AgentError, InvalidArgumentError


@dataclass(frozen=True)
class AgentSpec:
    """How to make an agent.

    Attributes:
        load: Imports its class, which is put off until it is needed, and returns it.
        num_envs: Number of lanes that suits its defaults.
        arguments: Arguments that pick it out of what the class offers.
    """

    load: Callable[[], type]
    num_envs: int
    arguments: dict[str, Any] = field(default_factory=dict)

    def check_order(self, name: str, order: str) -> None:
        """Refuse an order in which such an agent does not learn, see ``EpisodicAgent.learn``.

        Args:
            name: What the agent is called.
            order: One of ``agents.base.ORDERS``.

        Raises:
            InvalidArgumentError: If it does not learn so.
        """
        kind = self.load()
        orders = kind.orders_of(self.arguments) if issubclass(kind, EpisodicAgent) else ("batch",)
        if order not in orders:
            raise InvalidArgumentError(
                f"{name} with these arguments learns from whole batches alone, order must be 'batch'"
            )


def _reinforce() -> type:
    from agents.reinforce.agent import Reinforce

    return Reinforce


def _random() -> type:
    from agents.random.agent import RandomAgent

    return RandomAgent


def _regularized_evolution() -> type:
    from agents.regularized_evolution.agent import RegularizedEvolution

    return RegularizedEvolution


def _local_search() -> type:
    from agents.local_search.agent import LocalSearch

    return LocalSearch


def _sb3() -> type:
    from agents.sb3.agents import Sb3Agent

    return Sb3Agent


_FOR_HUNDREDS: dict[str, Any] = {
    "distinct": True,
    "baseline": "ranks",
    "epochs": 3,
    "entropy_weight": 0.03,
}
REINFORCE_FORMS: dict[str, AgentSpec] = {
    "faithful": AgentSpec(_reinforce, 20),
    "sample_efficient": AgentSpec(_reinforce, 10, _FOR_HUNDREDS),
    "surrogate": AgentSpec(_reinforce, 10, {**_FOR_HUNDREDS, "surrogate": "gaussian_process"}),
}
"""The class as it is, for thousands of architectures; what it takes to make the most of hundreds; and the
same with a model of what was played, for tens: what was tried stands in ``docs/agents-tuning.md``."""

AGENTS: dict[str, AgentSpec] = {
    "reinforce": REINFORCE_FORMS["sample_efficient"],
    "reinforce_surrogate": REINFORCE_FORMS["surrogate"],
    "random_search": AgentSpec(_random, 50),
    "regularized_evolution": AgentSpec(_regularized_evolution, 5),
    "local_search": AgentSpec(_local_search, 1),
    "ppo": AgentSpec(_sb3, 16, {"algorithm": "ppo"}),
    "maskable_ppo": AgentSpec(_sb3, 16, {"algorithm": "maskable_ppo"}),
    "a2c": AgentSpec(_sb3, 16, {"algorithm": "a2c"}),
    "dqn": AgentSpec(_sb3, 16, {"algorithm": "dqn"}),
}

ALIASES = {"random": "random_search"}
"""Other names of agents: what the field calls random search is a random policy to an RL reader."""


def agent_spec(name: str) -> AgentSpec:
    """Return how to make the agent of a name, a key of ``AGENTS`` or of ``ALIASES``.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    key = ALIASES.get(name, name)
    check_known("agent", key, AGENTS)
    return AGENTS[key]


def make_agent(
    name: str | AgentSpec,
    env: AnyVectorEnv,
    seed: int,
    tensorboard_log: Path | None = None,
    checkpoint: Path | None = None,
) -> Any:  # noqa: ANN401, an EpisodicAgent or an Sb3Agent
    """Make an agent, or load it where there is a checkpoint that it can go on from.

    Args:
        name: Key of ``AGENTS`` or ``ALIASES``, or how to make another one.
        env: What it shall solve.
        seed: Its seed.
        tensorboard_log: Folder for TensorBoard's event files.
        checkpoint: File to go on from, if it exists. stable-baselines3's agents do not use it: they play
            the run again from its start, the environment remembering what was trained.

    Raises:
        AgentError: If the name is unknown or the checkpoint does not fit.
    """
    spec = agent_spec(name) if isinstance(name, str) else name
    agent_class = spec.load()
    if checkpoint is not None and checkpoint.exists() and issubclass(agent_class, EpisodicAgent):
        return agent_class.load(checkpoint, env, tensorboard_log=tensorboard_log)
    return agent_class(env, seed=seed, tensorboard_log=tensorboard_log, **spec.arguments)


__all__ = [
    "AGENTS",
    "ALIASES",
    "REINFORCE_FORMS",
    "AgentError",
    "AgentSpec",
    "Callback",
    "agent_spec",
    "make_agent",
]
