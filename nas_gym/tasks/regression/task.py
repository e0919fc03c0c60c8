"""The task of saying the number that belongs to a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas_gym.checks import choice
from nas_gym.datasets.tables.numbers import NumericDataset
from nas_gym.tasks.base import Rung
from nas_gym.tasks.interface import Interface
from nas_gym.tasks.regression.metrics import METRICS, R2, SCORES
from nas_gym.tasks.regression.recipe import RegressionRecipe
from nas_gym.tasks.supervised.task import SampleTask

if TYPE_CHECKING:
    from torch import Tensor


class Regression(SampleTask[NumericDataset, RegressionRecipe]):
    """A number is predicted; it is learned standardised, and told in its own units.

    Args:
        ladder: See ``Task``.
        metric: Name of the metric that decides, a key of ``METRICS``.

    Raises:
        InvalidArgumentError: If there is no such metric.
    """

    kind: ClassVar[str] = "regression"
    usual: ClassVar[str] = R2.name

    def __init__(
        self, ladder: Sequence[Rung[NumericDataset, RegressionRecipe]], metric: str = R2.name
    ) -> None:
        chosen = METRICS[choice("metric", metric, METRICS)]
        # R2 is told besides whatever is asked for.
        super().__init__(ladder, list({chosen.name: chosen, R2.name: R2}.values()), SCORES)
        if chosen.name != R2.name:  # of who says the mean of the training part, a zero where it is learned
            known = self.data_of().train.labels
            nothing = self.scores(np.zeros((len(known), 1), np.float32), known, 0)[chosen.name]
            self.metrics = (replace(chosen, nothing=nothing, unit=nothing), R2)

    @property
    def outputs(self) -> int:
        """One number."""
        return 1

    def interface(self, rung: int = 0) -> Interface:
        """Say in which units the number is, too."""
        data = self.data_of(rung)
        return replace(super().interface(rung), mean=data.mean, unit=data.unit)

    def loss_name(self, rung: int) -> str:
        """Name the recipe's loss."""
        return self.recipe_of(rung).loss

    def loss(self, outputs: "Tensor", labels: "Tensor", rung: int) -> "Tensor":
        """Return the mean squared error or Huber's loss, on standardised numbers."""
        from torch.nn.functional import huber_loss, mse_loss

        loss = huber_loss if self.recipe_of(rung).loss == "huber" else mse_loss
        return loss(outputs[:, 0], labels)

    def in_units(self, scores: Mapping[str, float], rung: int) -> dict[str, float]:
        """Return errors in the units of the numbers; R2 has none."""
        unit = self.data_of(rung).unit
        return {name: score if name.endswith(R2.name) else score * unit for name, score in scores.items()}
