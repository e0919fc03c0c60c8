"""Weights of networks that are trained in full, kept in files: a fit that is run again trains none twice."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

from nas_gym.evaluators.trainers.base import Child, Trainer
from nas_gym.files import write_atomically

EVALUATIONS, TRAININGS = "evaluations.sqlite", "trainings"
"""What the folder of a fit keeps: evaluations of the search, and weights of what was trained in full."""
Weights: TypeAlias = Mapping[str, NDArray[Any]]


class FinalWeights:
    """Trains networks, or reads what they learned when they were trained before.

    Args:
        folder: Where each training has a file, whose name says all that its weights depend on; made with the
            first one. ``None`` to keep nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def of(self, trainer: Trainer, child: Child) -> Weights | str:
        """Return the weights of a child by name, or why its training failed.

        Raises:
            OSError: If the folder cannot be written.
        """
        from safetensors.numpy import load_file, save_file

        file = self._file(trainer, child)
        if file is not None and file.exists():
            known: Weights = load_file(file)
            return known
        trained = trainer.train(child)
        if trained.outcome.reason is not None:
            return trained.outcome.reason
        # What is kept must stand in memory row by row, which the weights of convolutions need not.
        weights = {name: values.contiguous().numpy() for name, values in trained.state_dict().items()}
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, lambda temporary: save_file(weights, temporary))
        return weights

    def _file(self, trainer: Trainer, child: Child) -> Path | None:
        if self._folder is None:
            return None
        known = trainer.setting(child.rung)
        parts = (known.dataset, known.dataset_checksum, known.recipe, known.evaluator, child.seed)
        text = "|".join(map(str, (child.architecture, *parts)))
        return self._folder / f"{sha256(text.encode()).hexdigest()[:24]}.safetensors"
