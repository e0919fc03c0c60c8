"""How a classifier is trained, as a frozen value."""

from dataclasses import dataclass
from typing import Literal

from nas_gym.checks import number
from nas_gym.errors import InvalidArgumentError
from nas_gym.tasks.supervised.recipe import SampleRecipe


@dataclass(frozen=True, slots=True)
class TrainingRecipe(SampleRecipe):
    """Gradient descent on the cross-entropy, see ``SampleRecipe``.

    Attributes:
        class_weight: ``"balanced"`` lets each class count alike in the loss, however many samples it has, as
            in scikit-learn; ``None`` lets each sample count alike.
        label_smoothing: Share of a label that all classes divide among them, from 0 to below 1 (Szegedy et
            al. 2015, https://arxiv.org/abs/1512.00567).

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    class_weight: Literal["balanced"] | None = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        SampleRecipe.__post_init__(self)  # a dataclass with slots is made anew, so there is no super()
        if self.class_weight not in (None, "balanced"):
            raise InvalidArgumentError(f"class_weight must be None or balanced, got {self.class_weight!r}")
        allowed = "a number from 0 to below 1"
        smoothing = number("label_smoothing", self.label_smoothing, allowed, least=0.0, below=1.0)
        object.__setattr__(self, "label_smoothing", smoothing)
