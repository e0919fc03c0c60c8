"""Gymnasium wrappers, one idea each."""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorWrapper
from numpy.typing import NDArray

from nas_gym.envs.episode import Episode
from nas_gym.envs.interface import AnyVectorEnv, Info, Observation, Step, VectorStep
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.mlp.description import ACTIVATIONS, END
from nas_gym.search_spaces.mlp.grammar import MlpSpace

RECORDED = ("status", "scores", "parameters", "multiply_adds", "seed", "reason", "simulated_seconds")
"""What an ``Episode`` takes from ``Evaluation.as_info()`` where it is known."""

ENDINGS = tuple(
    under + name for name in ("architecture", "evaluation", "illegal_token") for under in ("", "_")
)
"""What tells how an episode ended, and of which lanes."""


def minimal_nas_shaping(previous: Sequence[str], token: str) -> float:
    """Return what the minimal NAS system adds to the reward for a token.

    -1 for an ``EOS`` among the first two tokens; -0.1 for a linear layer right after a linear layer, and
    for an activation right after an activation. (An ``EOS`` as first token, illegal here, earns
    ``illegal_reward`` instead, which is -1 as well.)

    Args:
        previous: Names of the tokens so far.
        token: Name of the token appended to them.
    """
    if token == END:
        return -1.0 if len(previous) == 1 else 0.0
    if not previous:
        return 0.0
    return -0.1 if (previous[-1] in ACTIVATIONS) == (token in ACTIVATIONS) else 0.0


class MinimalNasShaping(gym.Wrapper[NDArray[np.int64], np.int64, NDArray[np.int64], np.int64]):
    """Adds the minimal NAS system's shaping to the rewards of one environment of ``mlp-v0``.

    Source: nicklashansen/minimal-nas, first version. Rules in ``minimal_nas_shaping``.

    Args:
        env: A ``NasEnv``, wrapped or not.

    Raises:
        InvalidArgumentError: If the search space is another one.
    """

    def __init__(self, env: gym.Env[NDArray[np.int64], np.int64]) -> None:
        super().__init__(env)
        self._tokens = _mlp_tokens(env.unwrapped)
        self._previous: list[str] = []

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Observation, Info]:
        """Start an empty sentence."""
        self._previous = []
        return self.env.reset(seed=seed, options=options)

    def step(self, action: np.int64 | int) -> Step:
        """Append a token; a legal one earns its shaping at once."""
        observation, reward, terminated, truncated, info = self.env.step(action)  # type: ignore[arg-type]
        token = self._tokens[int(action)]
        if "illegal_token" not in info:
            reward = float(reward) + minimal_nas_shaping(self._previous, token)
        self._previous.append(token)
        return observation, float(reward), terminated, truncated, info


class VectorMinimalNasShaping(VectorWrapper):
    """Adds the minimal NAS system's shaping in every lane, as ``MinimalNasShaping`` does in one.

    Args:
        env: A ``NasVectorEnv``, wrapped or not.

    Raises:
        InvalidArgumentError: If the search space is another one.
    """

    def __init__(self, env: AnyVectorEnv) -> None:
        super().__init__(env)
        self._tokens = _mlp_tokens(env.unwrapped)
        self._observations = np.zeros((env.num_envs, 0), dtype=np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: Info | None = None
    ) -> tuple[Observation, Info]:
        """Start empty sentences."""
        # Gymnasium's own vector environments take lists of seeds, too.
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        self._observations = observations.copy()
        return observations, infos

    def step(self, actions: NDArray[np.int64]) -> VectorStep:
        """Append a token in every lane."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        illegal = infos.get("final_info", {}).get("_illegal_token", np.zeros(self.num_envs, dtype=np.bool_))
        for lane in np.flatnonzero(~illegal).tolist():
            sentence = self._observations[lane]
            previous = [self._tokens[token - 1] for token in sentence[sentence > 0]]
            rewards[lane] += minimal_nas_shaping(previous, self._tokens[actions[lane]])
        self._observations = observations.copy()  # the caller may write into what it gets
        return observations, rewards, terminated, truncated, infos


class RecordEvaluations(VectorWrapper):
    """Keeps a record of every episode that ends: what was proposed, and what it earned.

    Args:
        env: A ``NasVectorEnv``, or one of Gymnasium's with a ``NasEnv`` in each lane and any autoreset mode;
            wrapped or not.

    Attributes:
        episodes: Those so far, in order.
    """

    def __init__(self, env: AnyVectorEnv) -> None:
        super().__init__(env)
        self.episodes: list[Episode] = []

    @property
    def evaluation_seconds(self) -> float:
        """Time spent in the evaluator since the environment was made."""
        env = self.env.unwrapped
        if isinstance(env, (SyncVectorEnv, AsyncVectorEnv)):
            return float(sum(env.get_attr("evaluation_seconds")))
        return float(env.evaluation_seconds)  # type: ignore[attr-defined]

    def step(self, actions: NDArray[np.int64]) -> VectorStep:
        """Step all lanes and record those whose episode ended."""
        return self._record(self.env.step(actions))

    def send(self, actions: NDArray[np.int64], lanes: NDArray[np.int64] | None = None) -> None:
        """Append a token in some lanes, see ``NasVectorEnv.send``."""
        self.env.send(actions, lanes)  # type: ignore[attr-defined]

    def recv(self, at_least: int = 1) -> VectorStep:
        """Return the lanes that are ready, see ``NasVectorEnv.recv``, and record those that ended."""
        return self._record(self.env.recv(at_least))  # type: ignore[attr-defined]

    def _record(self, came: VectorStep) -> VectorStep:
        _, rewards, terminated, truncated, infos = came
        infos = infos.get("final_info", infos)  # whose lanes begin anew in a step of its own has none
        endings = {name: infos[name] for name in ENDINGS if name.removeprefix("_") in infos}
        for lane in np.flatnonzero(terminated | truncated).tolist():
            final = _of_lane(endings, lane)
            status = "illegal" if "illegal_token" in final else "truncated"
            child = final.get("evaluation", {"status": status})
            known = {name: child[name] for name in RECORDED if name in child}
            self.episodes.append(
                Episode(len(self.episodes) + 1, final.get("architecture"), float(rewards[lane]), **known)
            )
        return came


def _of_lane(infos: Info, lane: int) -> Info:
    """Return what Gymnasium's infos of many lanes hold of one, in Python's own types."""
    found = {}
    for name, column in infos.items():
        if not name.startswith("_") and infos[f"_{name}"][lane]:
            value = _of_lane(column, lane) if isinstance(column, dict) else column[lane]
            found[name] = value.item() if isinstance(value, np.generic) else value
    return found


def _mlp_tokens(env: object) -> tuple[str, ...]:
    search_space = getattr(env, "search_space", None)
    if not isinstance(search_space, MlpSpace):
        raise InvalidArgumentError(
            f"the shaping of the minimal NAS system needs the search space mlp-v0, got {env}"
        )
    return search_space.tokens
