"""The interface of everything that can tell what a child is worth."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.corpus import Corpus
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.supervised.recipe import TrainingRecipe


class Evaluator(Protocol):
    """Trains children, or knows in another way what they are worth.

    One by one, fused, in processes or from a table: all have this one method, and nobody above it
    knows which it is.
    """

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None
    ) -> list[Evaluation]:
        """Evaluate children; a child that fails is a status, a broken machine raises.

        Args:
            architectures: Networks to evaluate; the same one may come twice.
            seeds: One seed a child, each from 0 to 2**63 - 1. By default a child's seed follows from
                the evaluator's own seed and the architecture (``child_seed``), so that its result
                depends neither on the order of evaluation nor on its neighbours.

        Returns:
            One evaluation for each architecture, in order.
        """
        ...


@runtime_checkable
class Trainer(Evaluator, Protocol):
    """An evaluator that says what its results depend on, so that they can be stored and used again.

    Attributes:
        id: How it trains; trainers with the same id give the same result for the same child.
        dataset: What children learn, without its test part.
        recipe: How long and with which values.
        seed: From it and the architecture follows a child's seed, by ``child_seed``.
    """

    id: str
    seed: int

    @property
    def dataset(self) -> Dataset | Corpus: ...  # noqa: D102

    @property
    def recipe(self) -> TrainingRecipe | LanguageRecipe: ...  # noqa: D102


NetworkSizeOf = Callable[[Architecture], NetworkSize | None]
"""Computes what a network costs from its description; ``None`` where that is not known."""


def child_seed(seed: int, architecture: Architecture) -> int:
    """Return a child's seed in a search, from 0 to 2**63 - 1, as a fixed function of both arguments."""
    return _hash(f"{seed}|{architecture.search_space}|{architecture}")


def repeat_seeds(purpose: str, architecture: Architecture, count: int) -> list[int]:
    """Return seeds for training a network again after the search, other ones for each purpose."""
    return [_hash(f"{purpose} {index}|{architecture.search_space}|{architecture}") for index in range(count)]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
