"""Collecting whole episodes from a Gymnasium vector environment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import iterate
from numpy.typing import NDArray

from agents.errors import InvalidArgumentError

Scalar = TypeVar("Scalar", bound=np.generic)
AnyVectorEnv = VectorEnv[Any, Any, Any]
Info = dict[str, Any]
"""What Gymnasium hands over beside an observation."""
AnyEnv = AnyVectorEnv | gym.Env[Any, Any]
Choose = Callable[[NDArray[np.bool_]], NDArray[np.int64]]
LONGEST_EPISODE = 100_000
"""Steps after which an episode is taken for one that never ends."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """A batch of finished episodes, padded to the longest.

    Attributes:
        actions: int64, shape ``(episodes, steps)``, 0 after an episode's end.
        masks: bool, shape ``(episodes, steps, actions)``: what was legal, all True after the end.
        rewards: float64, shape ``(episodes, steps)``, 0 after the end.
        lengths: int64, shape ``(episodes,)``.
        log_likelihoods: float64, shape ``(episodes,)``: those of the actions when they were drawn, where that
            was long ago; ``None`` where the policy is still the one that drew them.
    """

    actions: NDArray[np.int64]
    masks: NDArray[np.bool_]
    rewards: NDArray[np.float64]
    lengths: NDArray[np.int64]
    log_likelihoods: NDArray[np.float64] | None = None

    @property
    def returns(self) -> NDArray[np.float64]:
        """Undiscounted sums of rewards, shape ``(episodes,)``."""
        return np.asarray(self.rewards.sum(axis=1))


def collect(env: AnyVectorEnv, choose: Choose, count: int, seed: int) -> Episodes:
    """Play one whole episode in each of the first ``count`` lanes, all from the same policy.

    A lane that has finished, or is not needed, is reset after each step (``reset_mask``), so that it
    never finishes a second episode: nothing is trained that nobody learns from (but where a single token
    is a whole sentence). This works in every autoreset mode of Gymnasium.

    Args:
        env: The environment, with ``action_mask`` in its infos; without, all actions are legal.
        choose: From masks ``(num_envs, actions)`` to actions ``(num_envs,)``; called once a step.
        count: Number of episodes, at most ``env.num_envs``.
        seed: Seed of the reset with which the batch begins.

    Raises:
        InvalidArgumentError: If an episode goes on where no action is allowed, or does not end.
    """
    lanes = env.num_envs
    everything = np.ones((lanes, int(single_action_space(env).n)), dtype=np.bool_)
    running = np.arange(lanes) < count
    lengths = np.zeros(lanes, dtype=np.int64)
    steps: list[tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]] = []
    _, infos = env.reset(seed=seed)
    masks = _masks(infos, everything)
    while running.any():
        if not masks[running].any(axis=1).all():
            raise InvalidArgumentError(f"{env} allows no action in an episode that goes on")
        if len(steps) == LONGEST_EPISODE:
            raise InvalidArgumentError(f"{env} has not ended an episode after {LONGEST_EPISODE:,} steps")
        actions = choose(masks)
        _, rewards, terminated, truncated, infos = env.step(actions)
        steps.append(
            (
                np.where(running, actions, 0),
                np.where(running[:, None], masks, everything),
                np.where(running, rewards, 0.0),
            )
        )
        lengths += running
        running = running & ~(terminated | truncated)
        masks = _masks(infos, everything)
        if running.any() and not running.all():
            _, infos = env.reset(options={"reset_mask": ~running})
            masks = np.where(running[:, None], masks, _masks(infos, everything))
    actions, masks, rewards = (np.stack(column, axis=1)[:count] for column in zip(*steps, strict=True))
    return Episodes(actions, masks, rewards, lengths[:count])


class Batch:
    """Plays each batch of episodes from its first token to the last reward, see ``collect``.

    Args:
        env: The environment.
        seed_of: Returns the seed of the reset that begins a batch, or a part of one.

    Raises:
        InvalidArgumentError: If the environment resets lanes that it is not told to.
    """

    def __init__(self, env: AnyVectorEnv, seed_of: Callable[..., int]) -> None:
        check_reset_mask(env)
        self._env = env
        self._seed_of = seed_of

    def lanes(self, count: int) -> int:
        """Return for how many lanes actions are chosen, however many of the episodes are wanted."""
        return self._env.num_envs

    def play(self, choose: Choose, count: int, *part: int) -> Episodes:
        """Play so many episodes."""
        return collect(self._env, choose, count, self._seed_of(*part))


class Stage(Protocol):
    """Where episodes are played: ``Batch`` or ``Flights``."""

    def lanes(self, count: int) -> int:
        """Return for how many lanes actions are chosen where ``count`` episodes are played."""
        ...

    def play(self, choose: Choose, count: int, *part: int) -> Episodes:
        """Play so many episodes; where a batch comes in parts, its numbered part."""
        ...


def joined(batches: Sequence[Episodes]) -> Episodes:
    """Return the episodes of several batches as one, padded to the longest of all.

    Args:
        batches: At least one.
    """
    steps = max(batch.actions.shape[1] for batch in batches)

    def pad(array: NDArray[Scalar], value: float) -> NDArray[Scalar]:
        widths = [(0, 0), (0, steps - array.shape[1])] + [(0, 0)] * (array.ndim - 2)
        return np.pad(array, widths, constant_values=value)

    return Episodes(
        np.concatenate([pad(batch.actions, 0) for batch in batches]),
        np.concatenate([pad(batch.masks, True) for batch in batches]),
        np.concatenate([pad(batch.rewards, 0.0) for batch in batches]),
        np.concatenate([batch.lengths for batch in batches]),
    )


def as_vector_env(env: AnyEnv) -> AnyVectorEnv:
    """Return a vector environment: the one given, or one lane around a single environment.

    Raises:
        InvalidArgumentError: If the actions are not discrete.
    """
    vector = env if isinstance(env, VectorEnv) else gym.vector.SyncVectorEnv([lambda: env])
    single_action_space(vector)
    return vector


def check_reset_mask(env: AnyVectorEnv) -> None:
    """Refuse a vector environment that resets lanes which it is not told to: episodes would never end.

    Those of Gymnasium and nas_gym are known to heed it; another one is tried.

    Raises:
        InvalidArgumentError: If it ignores ``reset_mask``.
    """
    inner = env.unwrapped
    known = isinstance(inner, (SyncVectorEnv, AsyncVectorEnv)) or hasattr(inner, "send")
    if known or env.num_envs == 1:
        return
    _, infos = inner.reset(seed=0)
    masks = _masks(infos, np.ones((env.num_envs, int(single_action_space(env).n)), dtype=np.bool_))
    before, _, terminated, truncated, _ = inner.step(masks.argmax(axis=1))
    first = np.arange(env.num_envs) == 0
    after, _ = inner.reset(options={"reset_mask": first})
    pairs = zip(
        iterate(inner.observation_space, before), iterate(inner.observation_space, after), strict=True
    )
    going_on = ~(first | terminated | truncated)
    if not all(data_equivalence(*pair) for pair, goes_on in zip(pairs, going_on, strict=True) if goes_on):
        raise InvalidArgumentError(
            f"{type(inner).__name__} ignores reset_mask and resets all lanes; "
            "gym.make_vec(..., vectorization_mode='sync') makes some that an agent can play in"
        )


def single_action_space(env: AnyVectorEnv) -> Discrete:
    """Return the action space of one lane.

    Raises:
        InvalidArgumentError: If it is not ``Discrete`` from 0.
    """
    space = env.single_action_space
    if not isinstance(space, Discrete) or space.start != 0:
        raise InvalidArgumentError(f"a Discrete action space that starts at 0 is needed, got {space}")
    return space


def _masks(infos: Info, everything: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return infos["action_mask"].astype(np.bool_) if "action_mask" in infos else everything
