"""The ways to train children that an environment can be asked for: a trainer and a pool each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from nas_gym.checks import boolean, number, optional_integer
from nas_gym.errors import InvalidArgumentError

if TYPE_CHECKING:
    from nas_gym.evaluators.trainers.base import AnyTask, Trainer
    from nas_gym.pools.base import Pool
    from nas_gym.pools.limit import Limit
    from nas_gym.search_spaces.base import SearchSpace

LONGEST_SECONDS = 1e6
Timeout = float | Literal["auto"] | None


class EvaluatorChoice(Protocol):
    """How children are trained, and where."""

    def trainer(self, task: "AnyTask", search_space: "SearchSpace") -> "Trainer":
        """Return how a child is trained; what is heavy is imported here."""

    def pool(self) -> "Pool":
        """Return where children are trained."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Multi-layer perceptrons in a compiled kernel, several at once in threads.

    Attributes:
        threads: Children trained at the same time; by default one for each core this process may use.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        object.__setattr__(self, "threads", optional_integer("threads", self.threads, 1))

    def trainer(self, task: "AnyTask", search_space: "SearchSpace") -> "Trainer":
        """Return the compiled trainer."""
        from nas_gym.evaluators.trainers.fused.trainer import FusedTrainer

        return FusedTrainer(task, search_space)

    def pool(self) -> "Pool":
        """Return threads."""
        from nas_gym.pools.threads import Threads

        return Threads(self.threads)


@dataclass(frozen=True, slots=True)
class Local:
    """PyTorch, one child after another in this process.

    Attributes:
        device: PyTorch's name of the device.
        measure_latency: Whether to measure how long a trained network takes for one sample.
    """

    device: str = "cpu"
    measure_latency: bool = False

    def trainer(self, task: "AnyTask", search_space: "SearchSpace") -> "Trainer":
        """Return PyTorch's trainer."""
        from nas_gym.evaluators.trainers.pytorch import TorchTrainer

        return TorchTrainer(task, search_space, self.device, self.measure_latency)

    def pool(self) -> "Pool":
        """Return this process."""
        from nas_gym.pools.here import Here

        return Here()


@dataclass(frozen=True, slots=True)
class Processes:
    """PyTorch, in worker processes with one thread each.

    Attributes:
        workers: Children trained at the same time; by default one for each core this process may use.
        timeout_seconds: Longest time a child may take, ``None`` for no limit. A child close to the limit
            depends on the speed of the machine. By default one that no child comes close to unless it hangs:
            twenty times the median of the children that this environment has trained so far, but at least a
            minute and three times what the longest took. Before five have ended, an hour or a thousand times
            what the longest took; a day while none has.
        device: As of ``Local``.
        measure_latency: As of ``Local``.
    """

    workers: int | None = None
    timeout_seconds: Timeout = "auto"
    device: str = "cpu"
    measure_latency: bool = False

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        keep = object.__setattr__
        keep(self, "workers", optional_integer("workers", self.workers, 1))
        keep(self, "timeout_seconds", _timeout(self.timeout_seconds))

    def trainer(self, task: "AnyTask", search_space: "SearchSpace") -> "Trainer":
        """Return PyTorch's trainer."""
        return Local(self.device, self.measure_latency).trainer(task, search_space)

    def pool(self) -> "Pool":
        """Return worker processes, which have PyTorch before they have a child."""
        from nas_gym.pools.processes import Processes as ProcessPool

        preload = ("nas_gym.evaluators.trainers.pytorch",)
        return ProcessPool(self.workers, _limit(self.timeout_seconds), preload=preload)


@dataclass(frozen=True, slots=True)
class Ray:
    """PyTorch, on the machines of a Ray cluster.

    Attributes:
        workers: Children trained at the same time; by default as many as the cluster has CPUs for.
        address: Of the cluster's head; ``"local"`` starts one on this machine.
        cpus_per_child: CPUs that Ray reserves for a child, which computes on one thread.
        gpus_per_child: GPUs, also parts of one.
        timeout_seconds: As of ``Processes``.
        device: PyTorch's name of the device on a worker; this process need not have it.
        measure_latency: As of ``Local``.
    """

    workers: int | None = None
    address: str = "local"
    cpus_per_child: float = 1
    gpus_per_child: float = 0
    timeout_seconds: Timeout = "auto"
    device: str = "cpu"
    measure_latency: bool = False

    def __post_init__(self) -> None:
        """Refuse values out of range; the device is looked for on a worker."""
        keep = object.__setattr__
        keep(self, "workers", optional_integer("workers", self.workers, 1))
        for name in ("address", "device"):
            if not isinstance(getattr(self, name), str):
                raise InvalidArgumentError(f"{name} must be a string, got {getattr(self, name)!r}")
        keep(
            self,
            "cpus_per_child",
            number("cpus_per_child", self.cpus_per_child, "a positive number", above=0),
        )
        keep(
            self, "gpus_per_child", number("gpus_per_child", self.gpus_per_child, "a number from 0", least=0)
        )
        keep(self, "timeout_seconds", _timeout(self.timeout_seconds))
        keep(self, "measure_latency", boolean("measure_latency", self.measure_latency))

    def trainer(self, task: "AnyTask", search_space: "SearchSpace") -> "Trainer":
        """Return PyTorch's trainer; the device is looked for where it trains."""
        from nas_gym.evaluators.trainers.pytorch import TorchTrainer

        return TorchTrainer(task, search_space, self.device, self.measure_latency, elsewhere=True)

    def pool(self) -> "Pool":
        """Return the cluster's workers."""
        from nas_gym.pools.ray.pool import Ray as RayPool

        needs = self.cpus_per_child, self.gpus_per_child
        return RayPool(self.workers, self.address, *needs, _limit(self.timeout_seconds))


def _timeout(seconds: Timeout) -> Timeout:
    if seconds is None or seconds == "auto":
        return seconds
    allowed = "auto, a positive number or None"
    return number("timeout_seconds", seconds, allowed, above=0, below=LONGEST_SECONDS)


def _limit(seconds: Timeout) -> "Limit":
    from nas_gym.evaluators.patience import Patience

    return Patience() if seconds == "auto" else seconds


CHOICES: dict[str, Callable[..., EvaluatorChoice]] = {
    "fused": Fused,
    "local": Local,
    "processes": Processes,
    "ray": Ray,
}
