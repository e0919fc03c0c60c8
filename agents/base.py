"""What agents that learn from whole episodes have in common."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from warnings import catch_warnings

import numpy as np
import torch
from numpy.typing import NDArray

from agents.arguments import check_known, integer
from agents.episodes import AnyEnv, Batch, Choose, Episodes, Stage, as_vector_env, single_action_space
from agents.errors import CheckpointError, InvalidArgumentError, needs
from agents.files import write_atomically
from agents.flights import Flight, Flights
from agents.progress import SearchProgress
from agents.replay import pack, unpack
from agents.session import alone

Callback = Callable[[Any], bool | None]
"""Called with the agent after each update; returning False ends learning."""
Order = Literal["batch", "arrival", "submission"]
ORDERS = ("batch", "arrival", "submission")
Recorded = Sequence[Sequence[int]]
"""Which episodes each update has learned from, as ``EpisodicAgent.arrivals``."""
EPISODES_PER_UPDATE = 10


class EpisodicAgent(ABC):
    """An agent with stable-baselines3's verbs and a budget in architectures.

    Each batch is one episode a lane, all from the same policy; then comes one update. Every batch begins
    with a reset whose seed follows from the agent's own, so that a loaded agent goes on exactly as the
    saved one would have, in a stochastic environment too.

    Args:
        env: A vector environment, or a single one, with a discrete action space.
        seed: Seed of everything random in the agent.
        tensorboard_log: Folder for TensorBoard's event files, ``None`` for none.

    Attributes:
        num_architectures: Episodes learned from so far.
        num_updates: Updates so far.
        arrivals: For each update that was not from a whole batch, the numbers of its episodes in the order of
            drawing, from 0.

    Raises:
        InvalidArgumentError: If the environment's actions are not discrete, or the seed is no integer from 0.
        MissingPackageError: If TensorBoard is asked for and not installed.
    """

    name: ClassVar[str]
    checkpoint_name: ClassVar[str] = "checkpoint.pt"
    orders: tuple[str, ...] = ("batch",)
    """Those in which it may learn."""

    @classmethod
    def orders_of(cls, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the orders in which an agent that is made with these arguments may learn."""
        return cls.orders

    def __init__(self, env: AnyEnv, seed: int = 0, tensorboard_log: str | Path | None = None) -> None:
        self.seed = integer("seed", seed, 0, 2**63 - 1)
        self.env = as_vector_env(env)
        self.num_actions = int(single_action_space(self.env).n)
        self.tensorboard_log = tensorboard_log
        self._open_log: Callable[..., Any] | None = None
        if tensorboard_log is not None:
            with needs("report", "TensorBoard's log"):
                from torch.utils.tensorboard import SummaryWriter  # slow to import, not always asked for

            self._open_log = partial(SummaryWriter, str(tensorboard_log))
        self.num_architectures = 0
        self.num_updates = 0
        self.arrivals: list[list[int]] = []
        self._under_way: dict[int, Flight] = {}

    def predict(
        self,
        observation: NDArray[np.int64],
        state: None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
        action_masks: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], None]:
        """Choose the next actions from the sentences so far, as stable-baselines3's ``predict`` does.

        Args:
            observation: int64, shape ``(max_length,)`` or ``(lanes, max_length)``: 0 where nothing is
                written, else action + 1. It holds all the past, so there is no state to carry.
            state: Not used.
            episode_start: Not used.
            deterministic: Whether an agent with a policy takes the most probable action instead of
                drawing one.
            action_masks: Which actions are legal, shape ``(V,)`` or ``(lanes, V)``; all by default.

        Returns:
            Actions, shape ``()`` or ``(lanes,)``, and ``None``.
        """
        observations = np.atleast_2d(observation)
        allowed = True if action_masks is None else action_masks
        masks = np.broadcast_to(allowed, (len(observations), self.num_actions)) > 0
        actions = self._next_actions(observations, masks, deterministic)
        return actions.reshape(np.shape(observation)[:-1]), None

    @abstractmethod
    def _next_actions(
        self, observations: NDArray[np.int64], masks: NDArray[np.bool_], deterministic: bool
    ) -> NDArray[np.int64]:
        """Return what ``predict`` answers, shape ``(lanes,)``.

        Args:
            observations: Shape ``(lanes, max_length)``.
            masks: Shape ``(lanes, V)``.
            deterministic: As given to ``predict``.
        """

    @abstractmethod
    def _new_batch(self, lanes: int) -> Choose:
        """Return what chooses the actions in so many lanes of one batch, called once a step."""

    @abstractmethod
    def _update(self, episodes: Episodes) -> dict[str, float]:
        """Learn from a batch; return what to log, by TensorBoard tag."""

    @abstractmethod
    def _state(self) -> dict[str, object]:
        """Return all that changes while learning, in types that ``weights_only`` loading admits."""

    @abstractmethod
    def _restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``_state`` returned."""

    def learn(
        self,
        total_architectures: int,
        progress_bar: bool = False,
        callback: Callback | None = None,
        order: Order | Recorded = "batch",
        episodes_per_update: int | None = None,
    ) -> Self:
        """Propose exactly so many architectures more and learn from what they earn.

        An agent that draws each architecture once ends earlier when it has drawn all there are.

        In the orders beside ``"batch"`` a lane does not wait for the others: sentences are drawn in all
        lanes, and after an update new ones in those that it has learned from. So with as many lanes as there
        are workers and ``episodes_per_update`` more, no worker ever waits. An episode is learned by a policy
        that has changed since it drew it, and weighed by how its probability has changed. A checkpoint holds
        what is drawn and not learned. Such an order needs an environment with ``send`` and ``recv``.

        Args:
            total_architectures: Episodes to play, on top of those played before.
            progress_bar: Whether to show one.
            callback: Called with this agent after each update; returning False ends learning.
            order: In which order episodes are learned: ``"batch"``, one a lane, together when all have ended;
                ``"submission"``, as they were drawn, so that results are the same for any number of
                workers; ``"arrival"``, as they end, which is the fastest and gives other results each time.
                What it gave stands in ``arrivals``: that, given here, repeats the run.
            episodes_per_update: How many are learned from at once. By default all of a batch, in the other
                orders ten. A batch of thousands is better learned in parts; they need such an environment.

        Raises:
            InvalidArgumentError: If an argument is out of range, this agent has no such order, or the
                environment does not do what one must: end episodes, allow actions, return finite rewards.
        """
        total_architectures = integer("total_architectures", total_architectures, 0)
        if episodes_per_update is not None:
            episodes_per_update = integer("episodes_per_update", episodes_per_update, 1)
        if isinstance(order, str):
            check_known("order", order, ORDERS)
        if (order != "batch" or episodes_per_update is not None) and self.orders == ("batch",):
            raise InvalidArgumentError(f"{self.name} with these arguments learns from whole batches alone")
        # After a resume, what the interrupted run logged beyond its checkpoint is hidden.
        writer = self._open_log(purge_step=self.num_architectures + 1) if self._open_log else None
        goal = self.num_architectures + total_architectures
        if order == "batch" and episodes_per_update is None:
            batches = self._whole_batches(goal)
        else:
            batches = self._from_flights(goal, order, episodes_per_update or EPISODES_PER_UPDATE)
        with SearchProgress(total_architectures, progress_bar) as progress:
            start = time.perf_counter()
            for episodes in batches:
                if not np.isfinite(episodes.returns).all():
                    wrong = episodes.returns[~np.isfinite(episodes.returns)][0]
                    raise InvalidArgumentError(f"{self.env} returned the reward {wrong}, it must be finite")
                count = len(episodes.lengths)
                scalars = self._update(episodes)
                self.num_architectures += count
                self.num_updates += 1
                progress.add(episodes.returns.tolist())
                if writer is not None:
                    scalars["rollout/ep_rew_mean"] = float(episodes.returns.mean())
                    scalars["rollout/ep_len_mean"] = float(episodes.lengths.mean())
                    scalars["time/architectures_per_second"] = count / (time.perf_counter() - start)
                    for tag, value in scalars.items():
                        writer.add_scalar(tag, value, self.num_architectures)
                if callback is not None and callback(self) is False:
                    break
                start = time.perf_counter()
        if writer is not None:
            writer.close()
        return self

    def _whole_batches(self, goal: int) -> Iterator[Episodes]:
        stage = Batch(self.env, self._batch_seed)
        while self.num_architectures < goal:
            episodes = self._play(stage, min(self.env.num_envs, goal - self.num_architectures))
            if episodes is None:
                return
            yield episodes

    def _from_flights(self, goal: int, order: Order | Recorded, count: int) -> Iterator[Episodes]:
        """Draw episodes, and yield them in the order asked for, ``count`` at a time."""
        drawn = self.num_architectures + len(self._under_way)
        flights = Flights(self.env, self.seed, drawn, list(self._under_way.values()))
        self._under_way = flights.under_way
        while True:
            free = min(flights.free, goal - self.num_architectures - len(self._under_way))
            if free > 0 and not (order == "batch" and self._under_way):
                episodes = self._play(flights, free)
                if episodes is not None:
                    flights.note(self._log_likelihoods(episodes))
            if not self._under_way:
                return
            numbers = list(self._under_way)[:count]
            if order == "arrival":
                numbers = flights.first(len(numbers))
            elif not isinstance(order, str):
                numbers = list(order[len(self.arrivals)])
            learned = flights.take(numbers)
            self.arrivals.append(numbers)
            yield learned

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, atomically: the whole file or none.

        Raises:
            OSError: If it cannot be written.
        """
        flights = list(self._under_way.values())
        checkpoint = {
            "agent": self.name,
            "num_actions": self.num_actions,
            "seed": self.seed,
            "settings": self._settings(),
            "num_architectures": self.num_architectures,
            "num_updates": self.num_updates,
            "arrivals": self.arrivals,
            "under_way": {
                "numbers": list(self._under_way),
                "sentences": pack([flight.sentence for flight in flights], self.num_actions),
                "log_likelihoods": [flight.log_likelihood for flight in flights],
            },
            "state": self._state(),
        }
        write_atomically(Path(path), lambda temporary: torch.save(checkpoint, temporary))

    @classmethod
    @alone()
    def load(
        cls,
        path: str | Path,
        env: AnyEnv,
        tensorboard_log: str | Path | None = None,
    ) -> Self:
        """Read a checkpoint; the agent goes on as the saved one would have.

        Raises:
            CheckpointError: If the file is missing, truncated, another agent's or for other actions.
        """
        try:
            with catch_warnings(action="ignore"):  # PyTorch warns of foreign files before it refuses them
                checkpoint = torch.load(path, weights_only=True)
        except FileNotFoundError:
            raise CheckpointError(f"there is no checkpoint {path}") from None
        except Exception as error:  # the unpickler may raise anything on foreign bytes
            cause = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
            raise CheckpointError(f"{path} is truncated or no checkpoint: {cause}") from None
        if not isinstance(checkpoint, dict) or checkpoint.get("agent") != cls.name:
            found = checkpoint.get("agent") if isinstance(checkpoint, dict) else type(checkpoint).__name__
            raise CheckpointError(f"{path} is a checkpoint of {found!r}, one of {cls.name!r} is needed")
        try:
            agent = cls(
                env, seed=checkpoint["seed"], tensorboard_log=tensorboard_log, **checkpoint["settings"]
            )
            if agent.num_actions != checkpoint["num_actions"]:
                raise CheckpointError(
                    f"{path} is for {checkpoint['num_actions']} actions, "
                    f"the environment has {agent.num_actions}"
                )
            agent._restore(checkpoint["state"])
            agent.num_architectures = checkpoint["num_architectures"]
            agent.num_updates = checkpoint["num_updates"]
            agent.arrivals = checkpoint["arrivals"]
            under_way = checkpoint["under_way"]
            parts = under_way["numbers"], unpack(under_way["sentences"]), under_way["log_likelihoods"]
            agent._under_way = {part[0]: Flight(*part) for part in zip(*parts, strict=True)}
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{path} is no complete checkpoint of {cls.name!r}: {error!r}") from None
        return agent

    def _settings(self) -> dict[str, object]:
        """Return the constructor's own arguments, keywords that are attributes of the same names."""
        shared = ("env", "seed", "tensorboard_log")
        names = type(self).__init__.__kwdefaults__ or {}
        return {name: getattr(self, name) for name in names if name not in shared}

    def _play(self, stage: Stage, count: int) -> Episodes | None:
        """Play the ``count`` episodes of one batch; ``None`` if there is nothing left to propose."""
        return stage.play(self._new_batch(stage.lanes(count)), count)

    def _log_likelihoods(self, episodes: Episodes) -> list[float]:
        """Return how probable episodes are that were just drawn; NaN for whoever has no use for it."""
        return [float("nan")] * len(episodes.lengths)

    def _batch_seed(self, *part: int) -> int:
        """Return the seed of the reset that begins the next batch, or a part of it, from 0 to 2**31 - 1."""
        return int(np.random.SeedSequence((self.seed, self.num_updates, *part)).generate_state(1)[0] >> 1)
