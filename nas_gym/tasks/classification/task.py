"""The task of saying which class a sample belongs to."""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import choice
from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.base import Rung
from nas_gym.tasks.classification.metrics import METRICS, SCORES
from nas_gym.tasks.classification.recipe import TrainingRecipe
from nas_gym.tasks.interface import Interface
from nas_gym.tasks.metric import ACCURACY
from nas_gym.tasks.supervised.task import SampleTask

if TYPE_CHECKING:
    from torch import Tensor


class Classification(SampleTask[Dataset, TrainingRecipe]):
    """Samples are classified; a network says a logit of each class.

    Args:
        ladder: See ``Task``.
        metric: Name of the metric that decides, a key of ``METRICS``.

    Raises:
        InvalidArgumentError: If there is no such metric.
    """

    kind: ClassVar[str] = "classification"
    usual: ClassVar[str] = ACCURACY.name

    def __init__(self, ladder: Sequence[Rung[Dataset, TrainingRecipe]], metric: str = ACCURACY.name) -> None:
        chosen = METRICS[choice("metric", metric, METRICS)]
        if chosen.name == "log_loss":  # of equal chances
            chosen = replace(chosen, nothing=log(ladder[0].data.classes))
        # These two are told besides whatever is asked for.
        told = {metric.name: metric for metric in (chosen, ACCURACY, METRICS["log_loss"])}
        super().__init__(ladder, list({**told, chosen.name: chosen}.values()), SCORES)

    @property
    def outputs(self) -> int:
        """One number a class."""
        return self.data_of().classes

    def check(self, search_space: SearchSpace, device: str, rung: int = 0) -> None:
        """Refuse also a metric that needs each class, where the validation part lacks one."""
        super().check(search_space, device, rung)
        data = self.data_of(rung)
        missing = set(range(data.classes)) - set(data.validation.labels.tolist())
        if self.metric.name == "roc_auc" and missing:
            raise InvalidArgumentError(
                f"metric roc_auc needs samples of each class, the validation part of {data.id} has none of "
                f"class {min(missing)}"
            )

    def interface(self, rung: int = 0) -> Interface:
        """Name the classes, too."""
        return replace(super().interface(rung), classes=self.data_of(rung).class_names)

    def loss_name(self, rung: int) -> str:
        """Name the cross-entropy."""
        return "cross_entropy"

    def class_weights(self, rung: int) -> NDArray[np.float32] | None:
        """Return weights with which all classes of the training part count alike, if the recipe says so."""
        if self.recipe_of(rung).class_weight is None:
            return None
        labels = self.data_of(rung).train.labels
        counts = np.bincount(labels, minlength=self.outputs)
        return np.asarray(len(labels) / (len(counts) * counts), dtype=np.float32)

    def loss(self, outputs: "Tensor", labels: "Tensor", rung: int) -> "Tensor":
        """Return the cross-entropy, classes weighted as the recipe says."""
        from torch.nn.functional import cross_entropy

        weights = self.class_weights(rung)
        return cross_entropy(
            outputs,
            labels,
            None if weights is None else outputs.new_tensor(weights),
            label_smoothing=self.recipe_of(rung).label_smoothing,
        )
