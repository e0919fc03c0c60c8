"""How a regressor is trained, as a frozen value."""

from dataclasses import dataclass
from typing import Literal, get_args

from nas_gym.checks import choice
from nas_gym.tasks.supervised.recipe import SampleRecipe

LossName = Literal["squared_error", "huber"]


@dataclass(frozen=True, slots=True)
class RegressionRecipe(SampleRecipe):
    """Gradient descent on errors of standardised numbers, see ``SampleRecipe``.

    Attributes:
        loss: ``"squared_error"``, its mean; or ``"huber"``, half of it up to one standard deviation of the
            training part and linear beyond, so that outliers count for less (Huber 1964,
            https://doi.org/10.1214/aoms/1177703732).

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    loss: LossName = "squared_error"

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        SampleRecipe.__post_init__(self)  # a dataclass with slots is made anew, so there is no super()
        choice("loss", self.loss, get_args(LossName))
