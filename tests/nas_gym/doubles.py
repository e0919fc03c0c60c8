"""Collaborators that the tests of several rooms share."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.testing import random_sentence


class InstantEvaluator:
    """Trains nothing: results are a fixed function of architecture and seed; keeps every call."""

    def __init__(self, failing: int = 0) -> None:
        """Let one in ``failing`` children fail, or none."""
        self.failing = failing
        self.calls: list[tuple[Architecture, ...]] = []
        self.seeds: list[int] = []

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``."""
        self.calls.append(tuple(architectures))
        seeds = [_number(str(architecture)) for architecture in architectures] if seeds is None else seeds
        self.seeds += seeds
        return [self._evaluate(*child) for child in zip(architectures, seeds, strict=True)]

    def _evaluate(self, architecture: Architecture, seed: int) -> Evaluation:
        number = _number(f"{architecture}|{seed}")
        failed = self.failing > 0 and number % self.failing == 0
        return Evaluation(
            architecture=architecture,
            dataset="none",
            recipe="none",
            seed=seed,
            status="failed" if failed else "ok",
            validation_accuracy=None if failed else number % 1001 / 1000,
            parameters=len(architecture.tokens),
            seconds=0.0,
            reason="it is one of those that fail" if failed else None,
        )


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def random_networks(count: int, seed: int = 0) -> list[Architecture]:
    """Draw networks of ``mlp-v0``."""
    space, generator = MlpSpace(), np.random.default_rng(seed)
    return [space.decode(random_sentence(space, generator)) for _ in range(count)]


def blobs(samples: int = 90, features: int = 4, classes: int = 3) -> dict[str, Any]:
    """Return the keywords ``X`` and ``y`` of separable classes."""
    generator = np.random.default_rng(0)
    y = np.arange(samples) % classes
    centres = generator.normal(scale=3.0, size=(classes, features))
    return {"X": centres[y] + generator.normal(size=(samples, features)), "y": y}


REQUIRED: dict[str, dict[str, Any]] = {"tabular": blobs(), "NAS-Tabular-v0": blobs()}
"""Keywords without which a data set or an environment cannot be made."""
