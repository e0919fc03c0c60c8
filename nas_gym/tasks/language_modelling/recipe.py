"""How a language model is made and trained, as a frozen value."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from nas_gym.errors import InvalidArgumentError

Optimizer = Literal["adam", "sgd"]


@dataclass(frozen=True, slots=True)
class LanguageRecipe:
    """The model around a cell, and truncated back-propagation through time on the cross-entropy.

    Each epoch reads the text once from its beginning, in columns side by side; the state goes on from
    window to window and is reset at the beginning of an epoch. The weights of the last epoch are kept.

    Attributes:
        epochs: Number of passes through the training part.
        batch_size: Number of columns.
        bptt: Time steps of a window, which gradients flow back at most.
        units: Number of values of the embedding and of each layer.
        layers: Number of recurrent layers.
        tied: Whether the output weights are those of the embedding.
        dropout: Share of words, inputs, states and outputs that is dropped in training, drawn once a
            window, from 0 to below 1.
        optimizer: ``"adam"``, its other values those of the paper, or ``"sgd"``, plain steps.
        learning_rate: Step size of the first epochs.
        constant_epochs: Number of epochs with that step size.
        decay: What the step size is multiplied with in each later epoch, above 0 and up to 1.
        clip: Largest norm of the gradient, all parameters together; a longer one is scaled down. ``None``
            for no limit.
        max_batches: Largest number of windows of an epoch, ``None`` for all: low fidelity.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    epochs: int = 3
    batch_size: int = 32
    bptt: int = 35
    units: int = 32
    layers: int = 1
    tied: bool = False
    dropout: float = 0.0
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-2
    constant_epochs: int = 1
    decay: float = 1.0
    clip: float | None = 1.0
    max_batches: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        integers = ("epochs", "batch_size", "bptt", "units", "layers", "constant_epochs", "max_batches")
        for name in integers:
            value = getattr(self, name)
            if name == "max_batches" and value is None:
                continue
            if type(value) is not int or not 1 <= value <= 1_000_000:
                allowed = "an integer from 1 to 1000000" + (" or None" if name == "max_batches" else "")
                raise InvalidArgumentError(f"{name} must be {allowed}, got {value!r}")
        if type(self.tied) is not bool:
            raise InvalidArgumentError(f"tied must be True or False, got {self.tied!r}")
        if self.optimizer not in get_args(Optimizer):
            allowed = ", ".join(get_args(Optimizer))
            raise InvalidArgumentError(f"optimizer must be one of {allowed}, got {self.optimizer!r}")
        if not _is_number(self.dropout) or not 0 <= self.dropout < 1:
            raise InvalidArgumentError(f"dropout must be a number from 0 to below 1, got {self.dropout!r}")
        if not _is_number(self.decay) or not 0 < self.decay <= 1:
            raise InvalidArgumentError(f"decay must be a number above 0 and up to 1, got {self.decay!r}")
        for name in ("learning_rate", "clip"):
            value = getattr(self, name)
            if name == "clip" and value is None:
                continue
            if not _is_number(value) or not 0 < value < math.inf:
                allowed = "a positive number" + (" or None" if name == "clip" else "")
                raise InvalidArgumentError(f"{name} must be {allowed}, got {value!r}")

    @property
    def id(self) -> str:
        """The recipe in one line, for records."""
        values = [f"{name}={getattr(self, name)}" for name in self.__slots__ if name != "optimizer"]
        return f"language-{self.optimizer}({', '.join(values)})"

    def learning_rate_of(self, epoch: int) -> float:
        """Return the learning rate of an epoch, the first one being 1."""
        return self.learning_rate * self.decay ** max(0, epoch - self.constant_epochs)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
