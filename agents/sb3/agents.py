"""stable-baselines3's algorithms with defaults for short episodes with one reward at the end."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from agents.arguments import check_known, integer
from agents.base import Callback
from agents.episodes import AnyVectorEnv
from agents.errors import CheckpointError, needs
from agents.files import write_atomically
from agents.progress import SearchProgress
from agents.sb3.vec_env import GymnasiumVecEnv

with needs("sb3", "an agent of stable-baselines3"):
    from sb3_contrib import MaskablePPO
    from stable_baselines3 import A2C, DQN, PPO
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecMonitor


@dataclass(frozen=True)
class Algorithm:
    """A class of stable-baselines3 and the arguments that suit architecture search.

    Attributes:
        model: The class.
        hyperparameters: What differs from its own defaults.
        log_interval: Rollouts, for DQN episodes, between two entries in TensorBoard.
    """

    model: type[BaseAlgorithm]
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    log_interval: int = 1


# With gamma = lambda = 1 the advantage is the final reward minus V(s): no discount hides the first token's
# share. stable-baselines3's rollouts of 2,048 steps would be some 400 architectures before the first
# update. Without an entropy bonus the policies collapse early.
# How PPO and MaskablePPO were tuned stands in docs/agents-tuning.md; A2C and DQN were not tuned that way.
_ON_POLICY = {"gamma": 1.0, "gae_lambda": 1.0, "ent_coef": 0.02, "learning_rate": 5e-3}
_PPO = {**_ON_POLICY, "n_epochs": 5, "n_steps": 4, "batch_size": 32}

ALGORITHMS: dict[str, Algorithm] = {
    "ppo": Algorithm(PPO, _PPO),
    "maskable_ppo": Algorithm(MaskablePPO, _PPO),
    "a2c": Algorithm(
        A2C,
        {**_ON_POLICY, "ent_coef": 0.1, "learning_rate": 2e-3, "n_steps": 12, "normalize_advantage": True},
    ),
    "dqn": Algorithm(
        DQN,
        {
            "gamma": 1.0,
            "learning_rate": 1e-3,
            "buffer_size": 20_000,
            "learning_starts": 500,
            "train_freq": 1,
            "gradient_steps": 4,
            "target_update_interval": 250,
            "exploration_fraction": 0.5,
            "exploration_final_eps": 0.02,
        },
        log_interval=20,
    ),
}


class Sb3Agent:
    """One of stable-baselines3's algorithms with a budget in architectures.

    Args:
        env: A vector environment in autoreset mode ``SAME_STEP``; 16 lanes suit the defaults.
        algorithm: A key of ``ALGORITHMS``. Only ``"maskable_ppo"`` sees the masks; the others learn
            from ``illegal_reward`` to leave illegal tokens alone.
        seed: Seed of the algorithm, and of the environment's first reset.
        tensorboard_log: Folder for TensorBoard's event files, ``None`` for none.
        **hyperparameters: Arguments of the algorithm that replace the defaults here.

    Attributes:
        model: The algorithm itself.
        num_architectures: Episodes that ended so far.

    Raises:
        InvalidArgumentError: If there is no such algorithm, or the autoreset mode does not fit.
        MissingPackageError: If TensorBoard is asked for and not installed.
    """

    checkpoint_name: ClassVar[str] = "model.zip"

    def __init__(
        self,
        env: AnyVectorEnv,
        algorithm: str = "ppo",
        seed: int = 0,
        tensorboard_log: str | Path | None = None,
        **hyperparameters: Any,  # noqa: ANN401, whatever the algorithm takes
    ) -> None:
        check_known("algorithm", algorithm, ALGORITHMS)
        seed = integer("seed", seed, 0, 2**32 - 1)
        if tensorboard_log is not None:
            with needs("report", "TensorBoard's log"):
                import tensorboard  # noqa: F401 - stable-baselines3 asks for it when it learns
        chosen = ALGORITHMS[algorithm]
        self.name = algorithm
        self.num_architectures = 0
        self.model: BaseAlgorithm = chosen.model(
            "MlpPolicy",
            VecMonitor(GymnasiumVecEnv(env)),
            seed=seed,
            device="cpu",
            tensorboard_log=None if tensorboard_log is None else str(tensorboard_log),
            **{**chosen.hyperparameters, **hyperparameters},
        )

    def learn(
        self, total_architectures: int, progress_bar: bool = False, callback: Callback | None = None
    ) -> Self:
        """Play at least so many episodes more and learn from them.

        Lanes that end in the same step are counted together, so a few more than asked may be played.

        Args:
            total_architectures: Episodes to play, on top of those played before.
            progress_bar: Whether to show one.
            callback: Called with this agent after each step in which an episode ended; returning False
                ends learning.
        """
        total_architectures = integer("total_architectures", total_architectures, 0)
        if total_architectures == 0:
            return self
        # No episode of a sentence is longer than its observation; schedules are relative to this bound.
        longest = int(np.prod(self.model.observation_space.shape or (1,)))
        with SearchProgress(total_architectures, progress_bar) as progress:
            self.model.learn(
                total_architectures * longest,
                callback=_EpisodeCounter(
                    self, self.num_architectures + total_architectures, progress, callback
                ),
                reset_num_timesteps=self.num_architectures == 0,
                tb_log_name=self.name,
                log_interval=ALGORITHMS[self.name].log_interval,
            )
        return self

    def predict(
        self,
        observation: NDArray[np.int64],
        state: None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
        action_masks: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], None]:
        """Choose actions, see stable-baselines3; masks reach only algorithms that know them."""
        masks: dict[str, Any] = {"action_masks": action_masks} if isinstance(self.model, MaskablePPO) else {}
        actions, _ = self.model.predict(observation, deterministic=deterministic, **masks)
        return actions, None

    def save(self, path: str | Path) -> None:
        """Write the model as stable-baselines3 does, but atomically."""
        write_atomically(Path(path), lambda temporary: _save_model(self.model, temporary))

    @classmethod
    def load(
        cls,
        path: str | Path,
        env: AnyVectorEnv,
        algorithm: str = "ppo",
        **arguments: Any,  # noqa: ANN401, those of the constructor
    ) -> Self:
        """Make an agent and give it the policy and optimizer of a saved one.

        What else was saved (replay buffers, random generators) is not taken over, since reading it could
        execute foreign code: the agent acts as the saved one, but does not learn on exactly as it would.

        Raises:
            CheckpointError: If the file is missing, truncated or does not fit.
        """
        agent = cls(env, algorithm, **arguments)
        agent.load_parameters(path)
        return agent

    def load_parameters(self, path: str | Path) -> None:
        """Take over the policy and optimizer of a saved model, without unpickling anything else of it.

        Raises:
            CheckpointError: If the file is missing, truncated or does not fit.
        """
        try:
            self.model.set_parameters(str(path), device="cpu")
        except (OSError, ValueError, RuntimeError, KeyError, AssertionError) as error:
            cause = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise CheckpointError(f"{path} is no saved {self.name!r} model: {cause}") from None


def _save_model(model: BaseAlgorithm, path: Path) -> None:
    with path.open("wb") as file:  # given a path, stable-baselines3 would append .zip to its name
        model.save(file)


class _EpisodeCounter(BaseCallback):
    """Counts episodes, shows them and ends learning at the goal."""

    def __init__(
        self, agent: Sb3Agent, goal: int, progress: SearchProgress, callback: Callback | None
    ) -> None:
        super().__init__()
        self._agent = agent
        self._goal = goal
        self._progress = progress
        self._callback = callback

    def _on_step(self) -> bool:
        returns = [float(info["episode"]["r"]) for info in self.locals["infos"] if "episode" in info]
        if not returns:
            return True
        self._agent.num_architectures += len(returns)
        self._progress.add(returns)
        if self._callback is not None and self._callback(self._agent) is False:
            return False
        return self._agent.num_architectures < self._goal
