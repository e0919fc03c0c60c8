"""A Gymnasium vector environment as a stable-baselines3 ``VecEnv``."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from agents.episodes import AnyVectorEnv, Info
from agents.errors import InvalidArgumentError, needs

with needs("sb3", "an agent of stable-baselines3"):
    from stable_baselines3.common.vec_env import VecEnv
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn


class GymnasiumVecEnv(VecEnv):
    """Lets stable-baselines3 step a Gymnasium vector environment as one, instead of lane by lane.

    Masks in ``infos["action_mask"]`` are served to sb3-contrib as ``action_masks``.

    Args:
        venv: A vector environment in autoreset mode ``SAME_STEP``, which is the one that
            stable-baselines3 expects.

    Raises:
        InvalidArgumentError: If the autoreset mode is another one.
    """

    def __init__(self, venv: AnyVectorEnv) -> None:
        mode = venv.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise InvalidArgumentError(
                f"a vector environment with autoreset mode SAME_STEP is needed, got {mode}"
            )
        self.venv = venv  # the parent's constructor asks get_attr
        self._masks: NDArray[np.bool_] | None = None
        super().__init__(venv.num_envs, venv.single_observation_space, venv.single_action_space)

    def reset(self) -> NDArray[Any]:
        """Reset all lanes, with the seeds given to ``seed`` since the last reset."""
        seeds = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observations, infos = self.venv.reset(seed=seeds)  # type: ignore[arg-type] # Gymnasium's own vector environments take lists
        self._reset_seeds()
        self._reset_options()
        self._remember_masks(infos)
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return np.asarray(observations)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions for ``step_wait``."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Step all lanes; infos of a lane that ended are its final ones, with ``terminal_observation``."""
        observations, rewards, terminated, truncated, infos = self.venv.step(self._actions)
        self._remember_masks(infos)
        dones = terminated | truncated
        lane_infos: list[Info] = [{} for _ in range(self.num_envs)]
        for lane in np.flatnonzero(dones).tolist():
            lane_infos[lane] = {
                **_of_lane(infos["final_info"], lane),
                "terminal_observation": infos["final_obs"][lane],
                "TimeLimit.truncated": bool(truncated[lane] and not terminated[lane]),
            }
        return observations, rewards.astype(np.float32), dones, lane_infos

    def close(self) -> None:
        """Close the vector environment."""
        self.venv.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[object]:
        """Return an attribute of the vector environment once for each lane."""
        value = self.action_masks if attr_name == "action_masks" else getattr(self.venv, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the vector environment; lanes cannot differ."""
        if len(list(self._get_indices(indices))) != self.num_envs:
            raise InvalidArgumentError(f"{attr_name!r} can only be set for all lanes at once")
        setattr(self.venv, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: object,
        indices: VecEnvIndices = None,
        **method_kwargs: object,
    ) -> list[object]:
        """Call a method: ``action_masks`` answers lane by lane, others once for all."""
        if method_name == "action_masks":
            return [self.action_masks()[lane] for lane in self._get_indices(indices)]
        result = getattr(self.venv, method_name)(*method_args, **method_kwargs)
        return [result for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Say that no lane is wrapped: there are no single environments here."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return one picture for each lane."""
        images: Any = self.venv.render()
        return [None] * self.num_envs if images is None else list(images)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions are legal now, bool of shape ``(num_envs, actions)``.

        Raises:
            AttributeError: If the environment gives no masks.
        """
        if self._masks is None:
            raise AttributeError("the environment's infos hold no action_mask (or it was not reset yet)")
        return self._masks

    def _remember_masks(self, infos: Info) -> None:
        if "action_mask" in infos:
            self._masks = infos["action_mask"].astype(np.bool_)


def _of_lane(infos: Info, lane: int) -> Info:
    """Return the plain info dict of one lane."""
    return {
        name: _of_lane(value, lane) if isinstance(value, dict) else value[lane]
        for name, value in infos.items()
        if not name.startswith("_") and infos[f"_{name}"][lane]
    }
