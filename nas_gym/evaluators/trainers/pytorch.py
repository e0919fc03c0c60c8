"""One child in PyTorch: the readable reference, on any device."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nas_gym.checks import boolean
from nas_gym.evaluators.trainers.base import AnyTask, Child, Trained, Trainer
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.base import Outcome, Part
from nas_gym.tasks.device import alone, check_device
from nas_gym.tasks.initialisation import UnknownLayerError


class TorchTrainer(Trainer):
    """Trains a child in PyTorch.

    It computes on one thread, whatever number PyTorch is set to: so a result is the same on machines with
    more cores, and in worker processes, which use them. A child that raises, for instance since it wants too
    much memory, has failed, with the error as its reason.

    Args:
        task: What is learned.
        search_space: What may be built.
        device: PyTorch's name of the device, for example ``"cpu"`` or ``"cuda"``.
        measure_latency: Whether to measure how long a trained network takes for one sample. Such times do
            not repeat, and children that train at the same time disturb one another's.
        elsewhere: Whether children are trained on other machines: the device is looked for there.

    Raises:
        InvalidArgumentError: If there is no such device here, or task, search space and device do not fit.
    """

    def __init__(
        self,
        task: AnyTask,
        search_space: SearchSpace,
        device: str = "cpu",
        measure_latency: bool = False,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(task, search_space)
        if not elsewhere:
            check_device(device)
        task.check(search_space, device)
        self.device = device
        self.measure_latency = boolean("measure_latency", measure_latency)
        # Devices round differently; and what has no latency must not stand in for what should.
        self.id = f"local({device}{', latency' if measure_latency else ''})"

    def train(self, child: Child, build: Callable[[], nn.Module] | None = None) -> "TrainedModule":
        """Train a module, see ``Trainer.train``.

        Raises:
            UnknownLayerError: If it holds a layer whose weights nobody knows how to draw.
            torch.AcceleratorError: If the device fails.
        """
        size = None if build else self.size(child)
        module, parameters = None, None if size is None else size.parameters
        with alone():
            try:
                module = (
                    build() if build else self.task.build(self.search_space, child.architecture, child.rung)
                )
                parameters = sum(parameter.numel() for parameter in module.parameters())
                outcome = self.task.train(module, child.seed, child.rung, self.device)
            except (UnknownLayerError, torch.AcceleratorError):
                raise  # every other child would end the same way
            except Exception as error:
                outcome = Outcome(reason=one_line(error))
        return TrainedModule(self, child, module, outcome, parameters)

    def latency(self, trained: Trained, child: Child) -> float | None:
        """Return the median time of a forward pass of one sample, if it shall be measured."""
        if not self.measure_latency:
            return None
        assert isinstance(trained, TrainedModule) and trained.module is not None
        with alone():
            return self.task.latency(trained.module, child.rung, self.device)

    def warm_up(self) -> None:
        """Load what PyTorch loads late, where there is the device."""
        with alone():
            check_device(self.device)
            self.task.warm_up(self.device)


class TrainedModule:
    """A module that was trained, see ``Trained``."""

    def __init__(
        self,
        trainer: TorchTrainer,
        child: Child,
        module: nn.Module | None,
        outcome: Outcome,
        parameters: int | None,
    ) -> None:
        self._trainer = trainer
        self._child = child
        self.module = module
        self.outcome = outcome
        self.parameters = parameters

    def scores(self, part: Part) -> dict[str, float]:
        """Return the values of all metrics on a part of the data."""
        assert self.module is not None
        with alone():
            return self._trainer.task.judge(self.module, part, self._child.rung, self._trainer.device)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, on the processor."""
        assert self.module is not None
        return {name: value.detach().cpu() for name, value in self.module.state_dict().items()}


def one_line(error: BaseException) -> str:
    """Return an error as the reason in an evaluation: its type and the first line of what it says."""
    first, _, _ = str(error).strip().partition("\n")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
