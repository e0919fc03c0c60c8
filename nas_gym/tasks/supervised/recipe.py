"""How a network is trained on samples, as a frozen value."""

import math
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, get_args

from nas_gym.checks import choice, integer, number, optional_integer
from nas_gym.errors import InvalidArgumentError

Optimizer = Literal["adam", "sgd"]
Schedule = Literal["constant", "cosine", "one_cycle"]
Augmentation = Literal["none", "flip", "crop", "crop_flip"]
Precision = Literal["auto", "float32", "mixed", "bfloat16"]
Judged = Literal["all", "last"]
ALWAYS_IN_ID = ("epochs", "batch_size", "learning_rate", "patience")
MOST = 1_000_000
WARM_UP, START_DIVISOR = 0.3, 25.0  # of one cycle, as PyTorch's OneCycleLR


@dataclass(frozen=True, slots=True)
class SampleRecipe:
    """Gradient descent on samples in random order; the weights of the best epoch are kept.

    Best is the best validation score; of equal epochs it is the first, with a schedule the last.

    Attributes:
        epochs: Largest number of passes through the training part.
        batch_size: Samples per step; the last batch of an epoch may be smaller.
        learning_rate: Step size, at the start if there is a schedule.
        patience: Training stops after so many epochs in a row without a better validation score;
            ``None`` to train for all epochs. A schedule that is cut short has not come down.
        optimizer: ``"adam"``, its other values those of the paper, or ``"sgd"`` with Nesterov's momentum.
        momentum: Of ``"sgd"``, from 0 (plain steps) to below 1.
        weight_decay: Share of each weight that a step takes away, times the learning rate. With
            ``"adam"`` apart from the gradient (Loshchilov & Hutter, https://arxiv.org/abs/1711.05101).
        schedule: ``"constant"``; ``"cosine"`` from ``learning_rate`` towards 0, a value for each epoch; or
            ``"one_cycle"``, a value for each step: up from a 25th of ``learning_rate`` in the first 30 % of
            the steps, then down to almost 0 (Smith & Topin 2017, https://arxiv.org/abs/1708.07120).
        augmentation: Of images: ``"flip"`` mirrors half of them left to right, ``"crop"`` shifts each by
            up to an eighth of its sides, filled up with black, ``"crop_flip"`` does both. Flipped digits
            are no digits.
        precision: ``"mixed"`` computes in half precision where that is safe, on CUDA alone;
            ``"float32"`` nowhere; ``"auto"`` is mixed for images on CUDA. ``"bfloat16"`` is a half precision
            that many processors have, too: where it is fast, children differ from those in float32.
        ema_decay: What is judged and kept are exponential moving averages of the weights over the steps,
            each of which leaves so much of the average, at the start less; 0 for the weights themselves.
        judged: After which epochs the network is judged on validation data: ``"all"``, or for quick
            children the ``"last"`` alone, whose weights are kept then.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-2
    patience: int | None = 10
    optimizer: Optimizer = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    augmentation: Augmentation = "none"
    precision: Precision = "auto"
    judged: Judged = "all"
    ema_decay: float = 0.0

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "optimizer": get_args(Optimizer),
        "schedule": get_args(Schedule),
        "augmentation": get_args(Augmentation),
        "precision": get_args(Precision),
        "judged": get_args(Judged),
    }

    def __post_init__(self) -> None:
        """Refuse values out of range, and keep Python's own numbers."""
        keep = object.__setattr__
        for name in ("epochs", "batch_size"):
            keep(self, name, integer(name, getattr(self, name), 1, MOST))
        keep(self, "patience", optional_integer("patience", self.patience, 1, MOST))
        keep(
            self, "learning_rate", number("learning_rate", self.learning_rate, "a positive number", above=0.0)
        )
        allowed = "a number from 0 to below 1"
        keep(self, "momentum", number("momentum", self.momentum, allowed, least=0.0, below=1.0))
        keep(self, "weight_decay", number("weight_decay", self.weight_decay, "a number from 0", least=0.0))
        keep(self, "ema_decay", number("ema_decay", self.ema_decay, allowed, least=0.0, below=1.0))
        for name, choices in self.CHOICES.items():
            choice(name, getattr(self, name), choices)
        if self.judged == "last" and self.patience is not None:
            raise InvalidArgumentError(
                f"judged='last' knows no epoch before the last, so patience must be None, got {self.patience}"
            )

    @property
    def id(self) -> str:
        """The recipe in one line, for records: what has come later stands there only if it is used."""
        values = [f"{name}={getattr(self, name)}" for name in ALWAYS_IN_ID]
        values += [f"{name}={value}" for name, value in self.extras().items() if name != "optimizer"]
        return f"{self.optimizer}({', '.join(values)})"

    def extras(self) -> dict[str, str | float]:
        """Return what differs from Adam at a constant rate on samples as they are, by name."""
        others = (field for field in fields(self) if field.name not in ALWAYS_IN_ID)
        return {
            field.name: getattr(self, field.name)
            for field in others
            if getattr(self, field.name) != field.default
        }

    def learning_rate_of(self, epoch: int, done: float = 0.0) -> float:
        """Return the learning rate of a step.

        Args:
            epoch: Its epoch, the first one being 1.
            done: Share of the epoch's steps that came before it, from 0 to below 1.
        """
        if self.schedule == "constant":
            return self.learning_rate
        if self.schedule == "cosine":
            return self.learning_rate * _cosine((epoch - 1) / self.epochs)
        progress = (epoch - 1 + done) / self.epochs
        if progress < WARM_UP:
            start = self.learning_rate / START_DIVISOR
            return start + (self.learning_rate - start) * _cosine(1.0 - progress / WARM_UP)
        return self.learning_rate * _cosine((progress - WARM_UP) / (1.0 - WARM_UP))


def _cosine(progress: float) -> float:
    """Return what falls from 1 to 0 along half a cosine."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))
