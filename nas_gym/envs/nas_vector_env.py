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
from nas_gym.envs.nas_env import MAX_SEED, NasEnv, outcome_of, plain_seed, sentence_space
from nas_gym.envs.spec import RemembersSpec
from nas_gym.envs.spelling import as_text
from nas_gym.errors import InvalidActionError, InvalidArgumentError
from nas_gym.evaluators.base import AtOnce
from nas_gym.tasks.evaluation import Evaluation

Observations = NDArray[np.int64]


class NasVectorEnv(RemembersSpec, VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
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
        self._evaluator = env.evaluator if hasattr(env.evaluator, "send") else AtOnce(env.evaluator)
        self._under_way = np.zeros(num_envs, dtype=np.bool_)
        """Which lanes were sent a token and are not received yet: those that are ready, those in training."""
        self._ready: list[int] = []
        self._training: dict[int, int] = {}
        self._illegal: dict[int, int] = {}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: Info | None = None
    ) -> tuple[Observations, Info]:
        """Start empty sentences in all lanes, or in some.

        Args:
            seed: ``seed + i`` seeds lane i; a list has one seed a lane; ``None`` seeds nothing anew. No
                reset begins a depth schedule anew, see ``NasEnv``.
            options: ``{"reset_mask": array}`` with a bool array of shape ``(num_envs,)`` resets only the
                lanes where it is True.

        A lane that is under way is waited for no more.

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
            first = plain_seed(seed)
            seeds: Any = [first + i for i in range(self.num_envs)] if isinstance(first, int) else first
            count = len(seeds) if hasattr(seeds, "__len__") else repr(seeds)
            if count != self.num_envs:
                raise InvalidArgumentError(f"seed must have one entry a lane ({self.num_envs}), got {count}")
            for lane in lanes.tolist():
                if seeds[lane] is not None:
                    self._generators[lane] = seeding.np_random(plain_seed(seeds[lane]))[0]
        self._was_reset = True
        if self._under_way[lanes].any():
            self._forget(set(lanes.tolist()))
        self._clear(lanes)
        return self._observations.copy(), self._mask_infos(lanes)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Append a token in every lane, and wait for all networks that are complete now.

        Raises:
            InvalidActionError: If the actions are not one token a lane.
            ResetNeeded: If ``reset`` was never called.
        """
        self.send(actions)
        observations, rewards, terminated, truncated, infos = self.recv(self.num_envs)
        del infos["env_id"]
        return observations, rewards, terminated, truncated, infos

    def send(self, actions: NDArray[np.int64], lanes: NDArray[np.int64] | None = None) -> None:
        """Append a token in some lanes; networks that are complete now are under way from here on.

        Args:
            actions: One token for each of the lanes.
            lanes: Which ones, int of shape ``(n,)``: none that is under way; by default all.

        Raises:
            InvalidActionError: If the actions are not one token for each of distinct lanes that wait for one.
            ResetNeeded: If ``reset`` was never called.
        """
        if not self._was_reset:
            raise gym.error.ResetNeeded("call reset() before step()")
        chosen = np.arange(self.num_envs) if lanes is None else self._checked(lanes)
        tokens = np.asarray(actions)
        count = self._legal.shape[1]
        if tokens.shape != chosen.shape or tokens.dtype.kind not in "iu":
            raise InvalidActionError(
                f"one integer for each of {len(chosen)} lanes is needed, "
                f"got {tokens.dtype} of shape {tokens.shape}"
            )
        if (tokens < 0).any() or (tokens >= count).any():
            wrong = tokens[(tokens < 0) | (tokens >= count)][0]
            raise InvalidActionError(f"action {wrong} is not a token, allowed are 0 to {count - 1}")
        if self._under_way[chosen].any():
            busy = chosen[self._under_way[chosen]][0]
            raise InvalidActionError(f"lane {busy} is under way: receive it before it gets another token")
        legal = self._legal[chosen, tokens]
        written = chosen[legal]
        self._observations[written, self._lengths[written]] = tokens[legal] + 1
        self._lengths[written] += 1
        after = self.search_space.legal_next_batch(self._observations[chosen] - 1, self._lengths[chosen])
        if self.depth is not None and self.layer_limits is not None:
            after = self.depth.restrict(after, self._observations[chosen], self.layer_limits[chosen])
        after[~legal] = False
        self._legal[chosen] = after
        self._under_way[chosen] = True
        complete = legal & ~after.any(axis=1)
        self._ready += chosen[~complete].tolist()
        self._illegal.update(zip(chosen[~legal].tolist(), tokens[~legal].tolist(), strict=True))
        self._train(chosen[complete].tolist())

    def recv(
        self, at_least: int = 1
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Return what ``step`` does, of the lanes that are ready: that wait for a token.

        A lane whose sentence goes on, or was ended by an illegal token, is ready as soon as it was sent; one
        whose sentence is complete when its network is evaluated.

        Args:
            at_least: For how many to wait, of those that are under way; 0 for those that are ready now.

        Returns:
            Arrays with one row a lane, and infos with one entry a lane; ``infos["env_id"]``, int64, says
            which lanes these are, in ascending order. (The name is EnvPool's, as is the convention.)
        """
        judged: dict[int, Evaluation] = {}
        start = perf_counter()
        while self._training:
            missing = at_least - len(self._ready) - len(judged)
            answers = self._evaluator.recv(max(0, min(missing, 1)))
            for ticket, evaluation in answers:
                if ticket in self._training:
                    judged[self._training.pop(ticket)] = evaluation
            if missing <= 1 or not answers:
                break
        self.evaluation_seconds += perf_counter() - start
        self._evaluated += len(judged)
        lanes = np.array(sorted([*self._ready, *judged]), dtype=np.int64)
        self._ready = []
        self._under_way[lanes] = False
        ended: NDArray[np.bool_] = np.logical_not(self._legal[lanes].any(axis=1))
        rewards = np.zeros(len(lanes))
        infos: Info = {}
        gathered = _Gathered(len(lanes))
        for row in np.flatnonzero(ended).tolist():
            lane = int(lanes[row])
            if lane in judged:
                rewards[row] = self.env.reward_of(judged[lane])
                outcome = outcome_of(judged[lane])
            else:
                rewards[row] = self.env.rules.illegal_reward
                outcome = {"illegal_token": self.search_space.tokens[self._illegal.pop(lane)]}
            final_info = {"action_mask": self._legal[lane].astype(np.int8), **outcome}
            final = {"final_obs": self._observations[lane].copy(), "final_info": final_info}
            gathered._add_info(infos, final, row)
        self._clear(lanes[ended])
        everyone = np.ones(len(lanes), dtype=np.bool_)
        infos |= {"action_mask": self._legal[lanes].astype(np.int8), "_action_mask": everyone}
        infos["env_id"] = lanes
        return self._observations[lanes], rewards, ended, np.zeros(len(lanes), dtype=np.bool_), infos

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

    def _forget(self, lanes: set[int]) -> None:
        """Wait no more for lanes that are under way; what comes of them is for the evaluator alone."""
        self._under_way[list(lanes)] = False
        self._ready = [lane for lane in self._ready if lane not in lanes]
        self._training = {ticket: lane for ticket, lane in self._training.items() if lane not in lanes}

    def _checked(self, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
        chosen = np.asarray(lanes)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or len(np.unique(chosen)) < chosen.size:
            raise InvalidActionError(f"lanes must be distinct integers, got {lanes!r}")
        if ((chosen < 0) | (chosen >= self.num_envs)).any():
            raise InvalidActionError(f"lanes are numbered 0 to {self.num_envs - 1}, got {chosen.tolist()}")
        return chosen

    def _train(self, lanes: list[int]) -> None:
        """Let the networks of lanes whose sentences are complete be evaluated."""
        if not lanes:
            return
        architectures = [
            self.search_space.architecture((self._observations[lane, : self._lengths[lane]] - 1).tolist())
            for lane in lanes
        ]
        seeds = [self._draw_seed(lane) for lane in lanes] if self.env.rules.stochastic else None
        start = perf_counter()
        self._training.update(zip(self._evaluator.send(architectures, seeds), lanes, strict=True))
        self.evaluation_seconds += perf_counter() - start

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


class _Gathered(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """Gymnasium's way to gather infos, for any number of lanes."""

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
