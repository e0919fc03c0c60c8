"""Trainings that are counted where they happen."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from torch import nn

from nas_gym.evaluators.trainers.base import Child, Trained, Trainer


class CountedTrainer(Trainer):
    """Writes a line to a file for each training that it begins, and lets it take longer.

    Args:
        path: The file.
        trainer: How a child is trained.
        seconds: How long to wait before.
    """

    def __init__(self, path: Path, trainer: Trainer, seconds: float) -> None:
        super().__init__(trainer.task, trainer.search_space)
        self.id = trainer.id
        self.path, self.trainer, self.seconds = path, trainer, seconds

    def train(self, child: Child, build: Callable[[], nn.Module] | None = None) -> Trained:
        with self.path.open("a") as file:
            file.write(f"{child.architecture} {os.getpid()}\n")
        time.sleep(self.seconds)
        return self.trainer.train(child, build)

    def warm_up(self) -> None:
        self.trainer.warm_up()
