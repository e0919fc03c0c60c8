"""Designing many networks at once: children that finish in one step are evaluated in one call."""

from time import perf_counter
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from nas_gym.checks import integer
from nas_gym.envs.interface import Info
from nas_gym.envs.nas_env import MAX_SEED, NasEnv, outcome_of, sentence_space
from nas_gym.envs.spelling import as_text
from nas_gym.errors import InvalidActionError, InvalidArgumentError

Observations = NDArray[np.int64]


class NasVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """What ``num_envs`` single environments are, with one evaluator for all of them.

    For equal seeds and actions it returns exactly what Gymnasium's ``SyncVectorEnv`` returns for that
    many ``NasEnv`` in autoreset mode ``SAME_STEP``: where an episode ends, the observation is already the
    next one's first, and the last one's stands in ``infos["final_obs"]`` and ``infos["final_info"]``.

    With a depth schedule that equality ends, since the lanes share one: see ``NasEnv``.

    Spaces, rewards and infos are those of ``NasEnv``, and so are all arguments but these.

    Args:
        env: The single environment whose search space, evaluator and rewards are used. Its own sentence
            and generator are not.
        num_envs: Number of sentences written at the same time, the lanes.

    Raises:
        InvalidArgumentError: If ``num_envs`` is no positive integer.
    """

    metadata = {  # noqa: RUF012, Gymnasium declares it as an instance's attribute
        **NasEnv.metadata,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(self, env: NasEnv, num_envs: int) -> None:
        self.env = env
        self.num_envs = integer("num_envs", num_envs, 1)
        self.search_space = env.search_space
        self.evaluator = env.evaluator
        self.metric = env.metric
        self.render_mode = env.render_mode
        self.evaluation_seconds = 0.0
        """Time spent in the evaluator since the environment was made."""
        self.single_action_space = Discrete(len(self.search_space.tokens))
        self.single_observation_space = sentence_space(self.search_space)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._first_mask = self.search_space.legal_next(())
        self._observations = np.zeros((num_envs, self.search_space.max_length), dtype=np.int64)
        self._lengths = np.zeros(num_envs, dtype=np.int64)
        self._legal = np.tile(self._first_mask, (num_envs, 1))
        self.depth = env.depth
        self._evaluated = 0
        self.layer_limits = None if self.depth is None else np.full(num_envs, self.depth.schedule.layers(0))
        """How many layers the sentence of each lane may have, ``None`` without a depth schedule."""
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._was_reset = False

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: Info | None = None
    ) -> tuple[Observations, Info]:
        """Start empty sentences in all lanes, or in some.

        Args:
            seed: ``seed + i`` seeds lane i; a list has one seed a lane; ``None`` seeds nothing anew. No
                reset begins a depth schedule anew, see ``NasEnv``.
            options: ``{"reset_mask": array}`` with a bool array of shape ``(num_envs,)`` resets only the
                lanes where it is True.

        Returns:
            All observations, and infos of the lanes that were reset.
        """
        lanes = np.arange(self.num_envs)
        if options is not None and "reset_mask" in options:
            mask = options["reset_mask"]
            if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
                came = f"{mask.dtype} of shape {mask.shape}" if isinstance(mask, np.ndarray) else type(mask)
                raise InvalidArgumentError(
                    f"reset_mask must be a bool array of shape ({self.num_envs},), got {came}"
                )
            lanes = np.flatnonzero(mask)
            if not len(lanes):
                raise InvalidArgumentError("reset_mask must be True for at least one lane, it is for none")
        if seed is not None:
            seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
            if len(seeds) != self.num_envs:
                raise InvalidArgumentError(
                    f"seed must have one entry a lane ({self.num_envs}), got {len(seeds)}"
                )
            for lane in lanes.tolist():
                if seeds[lane] is not None:
                    self._generators[lane] = seeding.np_random(seeds[lane])[0]
        self._was_reset = True
        self._clear(lanes)
        return self._observations.copy(), self._mask_infos(lanes)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Append a token in every lane; train all networks that are complete now in one call.

        Raises:
            InvalidActionError: If the actions are not one token a lane.
            ResetNeeded: If ``reset`` was never called.
        """
        if not self._was_reset:
            raise gym.error.ResetNeeded("call reset() before step()")
        tokens = np.asarray(actions)
        count = self._legal.shape[1]
        if tokens.shape != (self.num_envs,) or tokens.dtype.kind not in "iu":
            raise InvalidActionError(
                f"one integer for each of {self.num_envs} lanes is needed, "
                f"got {tokens.dtype} of shape {tokens.shape}"
            )
        if (tokens < 0).any() or (tokens >= count).any():
            wrong = tokens[(tokens < 0) | (tokens >= count)][0]
            raise InvalidActionError(f"action {wrong} is not a token, allowed are 0 to {count - 1}")
        everyone = np.arange(self.num_envs)
        legal = self._legal[everyone, tokens]
        written = everyone[legal]
        self._observations[written, self._lengths[written]] = tokens[written] + 1
        self._lengths[written] += 1
        self._legal = self.search_space.legal_next_batch(self._observations - 1, self._lengths)
        if self.depth is not None and self.layer_limits is not None:
            self._legal = self.depth.restrict(self._legal, self._observations, self.layer_limits)
        self._legal[~legal] = False
        ended: NDArray[np.bool_] = np.logical_not(self._legal.any(axis=1))
        rewards = np.zeros(self.num_envs)
        infos: Info = {}
        if ended.any():
            self._end_episodes(np.flatnonzero(ended).tolist(), legal, tokens, rewards, infos)
        infos.update(self._mask_infos(everyone))
        return self._observations.copy(), rewards, ended, np.zeros(self.num_envs, dtype=np.bool_), infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which tokens may come next, bool of shape ``(num_envs, V)``."""
        return self._legal.copy()

    def close_extras(self, **_: object) -> None:
        """Close the evaluator: end whatever it has started."""
        self.env.close()

    def render(self) -> tuple[Any, ...] | None:
        """Return one text or picture for each lane."""
        if self.render_mode is None:
            return None
        sentences = [
            (self._observations[lane, :length] - 1).tolist() for lane, length in enumerate(self._lengths)
        ]
        if self.render_mode == "ansi":
            return tuple(
                as_text(self.search_space, sentence, None, legal)
                for sentence, legal in zip(sentences, self._legal, strict=True)
            )
        from nas_gym.envs.rendering import as_picture  # matplotlib is slow to import and seldom needed

        return tuple(as_picture(self.search_space, sentence, None) for sentence in sentences)

    def _end_episodes(
        self,
        lanes: list[int],
        legal: NDArray[np.bool_],
        tokens: NDArray[np.int64],
        rewards: NDArray[np.float64],
        infos: Info,
    ) -> None:
        """Fill in rewards and final infos of the lanes that ended, and reset them."""
        complete = [lane for lane in lanes if legal[lane]]
        architectures = [
            self.search_space.architecture((self._observations[lane, : self._lengths[lane]] - 1).tolist())
            for lane in complete
        ]
        seeds = [self._draw_seed(lane) for lane in complete] if self.env.rules.stochastic else None
        start = perf_counter()
        evaluations = self.evaluator.evaluate(architectures, seeds) if architectures else []
        self.evaluation_seconds += perf_counter() - start
        self._evaluated += len(complete)
        judged = dict(zip(complete, evaluations, strict=True))
        for lane in lanes:
            if legal[lane]:
                rewards[lane] = self.env.reward_of(judged[lane])
                outcome = outcome_of(judged[lane])
            else:
                rewards[lane] = self.env.rules.illegal_reward
                outcome = {"illegal_token": self.search_space.tokens[tokens[lane]]}
            final_info = {"action_mask": self._legal[lane].astype(np.int8), **outcome}
            final = {"final_obs": self._observations[lane].copy(), "final_info": final_info}
            self._add_info(infos, final, lane)
        self._clear(np.array(lanes))

    def _clear(self, lanes: NDArray[np.int64]) -> None:
        self._observations[lanes] = 0
        self._lengths[lanes] = 0
        self._legal[lanes] = self._first_mask
        if self.depth is not None and self.layer_limits is not None:
            self.layer_limits[lanes] = self.depth.schedule.layers(self._evaluated)

    def _mask_infos(self, lanes: NDArray[np.int64]) -> Info:
        present = np.zeros(self.num_envs, dtype=np.bool_)
        present[lanes] = True
        return {
            "action_mask": np.where(present[:, None], self._legal, False).astype(np.int8),
            "_action_mask": present,
        }

    def _draw_seed(self, lane: int) -> int:
        generator = self._generators[lane]
        if generator is None:
            generator = self._generators[lane] = seeding.np_random()[0]
        return int(generator.integers(MAX_SEED))
