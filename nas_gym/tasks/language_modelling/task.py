"""The task of predicting each token of a text from those before it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from nas_gym.datasets.texts.corpus import Corpus
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize, SearchSpace
from nas_gym.tasks.base import Outcome, Part, Rung, Task, without_test_part
from nas_gym.tasks.interface import Interface
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.language_modelling.size import size_around
from nas_gym.tasks.metric import PERPLEXITY, perplexity

if TYPE_CHECKING:
    from torch import nn

    from nas_gym.tasks.language_modelling.language_model import LanguageModel


class LanguageModelling(Task[Corpus, LanguageRecipe]):
    """A text is learned by a language model around the recurrent layers of a search space.

    Args:
        ladder: See ``Task``.
    """

    kind: ClassVar[str] = "language_modelling"
    usual: ClassVar[str] = PERPLEXITY.name

    def __init__(self, ladder: Sequence[Rung[Corpus, LanguageRecipe]]) -> None:
        full = ladder[-1].recipe
        if full.classes is not None:
            raise InvalidArgumentError(
                "the full training predicts every token, so its classes must be None, got "
                f"{full.classes}; full.classes is apart from recipe.classes"
            )
        corpus = ladder[0].data
        super().__init__(ladder, [perplexity(len(corpus.vocabulary), corpus.unit, corpus.best_perplexity)])

    def effort(self, rung: int) -> float:
        """Count tokens, once for each epoch that reads them."""
        recipe = self.recipe_of(rung)
        read = len(self.data_of(rung).train)
        if recipe.max_batches is not None:
            read = min(read, recipe.max_batches * recipe.batch_size * recipe.bptt)
        return float(read * recipe.epochs)

    def check(self, search_space: SearchSpace, device: str, rung: int = 0) -> None:
        """Refuse more columns than the text has tokens for, what is no recurrent layer, and no compiler."""
        from nas_gym.compiling import check_compiler
        from nas_gym.tasks.language_modelling.token_windows import batchify

        recipe = self.recipe_of(rung)
        search_space.check_inputs((recipe.units,))
        batchify(self.data_of(rung).train, recipe.batch_size)
        if not device.startswith("cuda"):
            check_compiler("recurrent cells need on the processor: unset it")

    def build(self, search_space: SearchSpace, architecture: Architecture, rung: int = 0) -> "LanguageModel":
        """Build the language model around recurrent layers."""
        from nas_gym.tasks.language_modelling.language_model import model_around

        recipe, vocabulary = self.recipe_of(rung), len(self.data_of(rung).vocabulary)
        classes = _classes(recipe, vocabulary)
        return model_around(
            search_space, architecture, vocabulary, recipe.units, recipe.layers, recipe.tied, classes
        )

    def interface(self, rung: int = 0) -> Interface:
        """Say how text is read, and what stands around the recurrent layers."""
        corpus, recipe = self.data_of(rung), self.recipe_of(rung)
        return Interface(
            inputs=(recipe.units,),
            outputs=len(corpus.vocabulary),
            reading=corpus.reading,
            layers=recipe.layers,
            tied=recipe.tied,
        )

    def size(
        self, search_space: SearchSpace, architecture: Architecture, rung: int = 0
    ) -> NetworkSize | None:
        """Count around the layers, as they are told by their search space."""
        recipe = self.recipe_of(rung)
        layer = search_space.size(architecture, (recipe.units,), recipe.units)
        if layer is None:
            return None
        recurrent, vocabulary = recipe.layers * layer.parameters, len(self.data_of(rung).vocabulary)
        biases = recipe.layers * (layer.parameters - layer.multiply_adds)
        classes = _classes(recipe, vocabulary)
        return size_around(recurrent, vocabulary, recipe.units, recipe.tied, biases, classes)

    def measure(self, module: "nn.Module", rung: int = 0) -> None:
        """Say that this is not known: hand-designed models come with their size."""
        return

    def warm_up(self, device: str) -> None:
        """Load the optimizers, and compile what computes cells on the processor."""
        from nas_gym.search_spaces.cell.sequence import compile_cells
        from nas_gym.tasks.device import load_optimizers

        load_optimizers()
        if not device.startswith("cuda"):
            compile_cells()

    def train(self, module: "nn.Module", seed: int, rung: int = 0, device: str = "cpu") -> Outcome:
        """Train as ``train_language_model``."""
        from nas_gym.tasks.language_modelling.training import train_language_model

        corpus = self.data_of(rung)
        model = cast("LanguageModel", module)
        return train_language_model(
            model, corpus.train, corpus.validation, self.recipe_of(rung), seed, device
        )

    def judge(self, module: "nn.Module", part: Part, rung: int = 0, device: str = "cpu") -> dict[str, float]:
        """Return the perplexity."""
        from nas_gym.tasks.language_modelling.training import perplexity_of

        corpus = self.data_of(rung)
        tokens = corpus.validation if part == "validation" else corpus.test
        if tokens is None:
            raise without_test_part(corpus)
        return {PERPLEXITY.name: perplexity_of(module, tokens, device)}

    def latency(self, module: "nn.Module", rung: int = 0, device: str = "cpu") -> float:
        """Return the time of one token."""
        import torch

        from nas_gym.tasks.latency import median_seconds

        return median_seconds(module, torch.zeros(1, 1, dtype=torch.int64, device=device))


def _classes(recipe: LanguageRecipe, vocabulary: int) -> int:
    """Return how many classes are predicted: of a small vocabulary each token is one."""
    return vocabulary if recipe.classes is None else min(recipe.classes, vocabulary)
