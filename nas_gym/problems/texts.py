"""Questions about texts: recurrent cells of language models."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nas_gym.problems.ladder import FULL, MIDDLE, SEARCH, Amount, Given, Values, ladder
from nas_gym.problems.parts import choose
from nas_gym.problems.problem import Problem
from nas_gym.rewards import InverseSquaredPerplexity
from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.references import Reference
from nas_gym.tasks.language_modelling import LanguageModelling, LanguageRecipe

if TYPE_CHECKING:
    from nas_gym.datasets.texts.corpus import Corpus

SPACES = {"cell": CellSpace}
ALL: Values = {"train_tokens": None, "validation_tokens": None}
WHOLE: Values = {"max_batches": None, "classes": None}
FEW: Values = {"train_tokens": 100_000, "validation_tokens": 10_000}
# Softmax over thousands of words is what takes time: one epoch, in more and smaller steps.
WORDS: Values = {"units": 64, "epochs": 1, "batch_size": 16}
ZOPH_WORDS: Values = {
    **ALL,
    **WHOLE,
    "epochs": 35,
    "batch_size": 20,
    "bptt": 35,
    "units": 538,
    "layers": 2,
    "dropout": 0.5,
    "optimizer": "sgd",
    "learning_rate": 1.0 * 35,
    "constant_epochs": 6,
    "decay": 1 / 1.2,
    "clip": 5.0 / 35,
}
"""Training of children in Zoph & Le 2016 on the Penn Treebank: 35 epochs of 2 layers, with as many parameters
as the medium LSTM of Zaremba et al. 2014, https://arxiv.org/abs/1409.2329; what the paper does not tell is
as there. Their loss is a sum over the 35 time steps of a window and a mean over its columns, here it is a
mean over both: the same step has 35 times the step size, and is clipped at a 35th of their norm. With 538
units, cells of base 8 have 20 million parameters."""
ZOPH_CHARACTERS: Values = {
    **ALL,
    **WHOLE,
    "epochs": 35,
    "batch_size": 32,
    "bptt": 100,
    "units": 712,
    "layers": 2,
    "dropout": 0.2,
    "learning_rate": 1e-3,
    "clip": 5.0,
}
"""Training of the transferred cell in Zoph & Le 2016 on characters: Adam, windows of 100, batches of 32.

Their embedding has 128 values, their layers 800 and different shares of dropout, 0.2 and 0.5; a model here
has one width and one share: the former so that cells of base 8 have the paper's 16.3 million parameters, the
latter the smaller. Layers follow from that number; epochs and clipping, which are not told, are as for words.
"""

# What tells cells apart is the number of updates with all words known, and with the full training's
# schedule: a softmax over the most frequent words alone makes them cheap.
SCHEDULE: Values = {"epochs": 2, "decay": 0.2}
BRACKETS: dict[str, Values] = {
    SEARCH: {"train_tokens": 50_000, "validation_tokens": 10_000},
    "ranking": {**SCHEDULE, "train_tokens": 200_000, "validation_tokens": 20_000, "units": 64},
    FULL: {**WHOLE, "train_tokens": 200_000, "epochs": 5, "units": 64, "decay": 0.5},
}
PTB: dict[str, Values] = {
    SEARCH: {**FEW, **WORDS},
    "ranking": {
        **SCHEDULE,
        "train_tokens": None,
        "validation_tokens": 20_000,
        "max_batches": 800,
        "classes": 1000,
    },
    MIDDLE: {**ALL, **SCHEDULE, "max_batches": None, "classes": 3000},
    FULL: {**ALL, **WHOLE, **SCHEDULE},
    "paper": ZOPH_WORDS,
}
PTB_CHARACTERS: dict[str, Values] = {
    SEARCH: {**FEW, "units": 64},
    MIDDLE: {
        "train_tokens": None,
        "validation_tokens": 50_000,
        "epochs": 1,
        "batch_size": 16,
        "max_batches": 2000,
    },
    FULL: {**ALL, **WHOLE, "epochs": 2, "units": 128, "decay": 0.2},
    "paper": ZOPH_CHARACTERS,
}
TEXT: dict[str, Values] = {
    SEARCH: {**ALL, **WORDS, "max_batches": 200},
    MIDDLE: {"epochs": 2, "batch_size": 8, "max_batches": 800},
    FULL: {**ALL, **WHOLE, "epochs": 5, "decay": 0.5},
}


def brackets(
    *,
    train_tokens: int | Literal["recipe"] = "recipe",
    validation_tokens: int | Literal["recipe"] = "recipe",
    test_tokens: int = 10_000,
    kinds: int = 4,
    max_depth: int = 6,
    opening: float = 0.5,
    seed: int = 0,
    space: Given[CellSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """Random nested brackets, whose best possible perplexity, 3.5636, is known exactly."""
    from nas_gym.datasets.texts.brackets import brackets as load

    written = partial(
        load, test_tokens=test_tokens, kinds=kinds, max_depth=max_depth, opening=opening, seed=seed
    )
    return _text(written, BRACKETS, train_tokens, validation_tokens, space, recipe, middle, full)


def ptb(
    *,
    train_tokens: Amount = "recipe",
    validation_tokens: Amount = "recipe",
    space: Given[CellSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """The Penn Treebank by word; a search trains on its first 100,000 tokens."""
    from nas_gym.datasets.texts.penn_treebank import ptb as load

    return _text(load, PTB, train_tokens, validation_tokens, space, recipe, middle, full)


def ptb_char(
    *,
    train_tokens: Amount = "recipe",
    validation_tokens: Amount = "recipe",
    space: Given[CellSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """The Penn Treebank by character; a search trains on its first 100,000 tokens."""
    from nas_gym.datasets.texts.penn_treebank import ptb_char as load

    return _text(load, PTB_CHARACTERS, train_tokens, validation_tokens, space, recipe, middle, full)


def text(
    *,
    path: str | Path,
    by: Literal["word", "character"] = "word",
    max_vocabulary: int | None = 10_000,
    min_count: int = 2,
    split: Sequence[float] = (0.8, 0.1, 0.1),
    train_tokens: Amount = "recipe",
    validation_tokens: Amount = "recipe",
    space: Given[CellSpace] = None,
    recipe: Given[str] = None,
    middle: Given[str] = None,
    full: Given[str] = None,
) -> Problem:
    """Your own text, by word or by character."""
    from nas_gym.datasets.texts.text import text as load

    read = partial(load, path, by, max_vocabulary, min_count, split)
    return _text(read, TEXT, train_tokens, validation_tokens, space, recipe, middle, full)


def _text(
    load: "Callable[..., Corpus]",
    named: Mapping[str, Values],
    train_tokens: Amount,
    validation_tokens: Amount,
    space: Given[CellSpace],
    recipe: Given[str],
    middle: Given[str],
    full: Given[str],
) -> Problem:
    search_space = choose("space", space, SPACES, "cell", CellSpace)  # before a text is read
    amounts = {"train_tokens": train_tokens, "validation_tokens": validation_tokens}
    task = LanguageModelling(ladder(LanguageRecipe, load, named, recipe, full, amounts, middle))

    def references(parameters: int) -> list[Reference]:
        from nas_gym.search_spaces.cell.references import GRU_CELL, LSTM_CELL, NASCELL_CELL
        from nas_gym.tasks.language_modelling.reference_models import reference_model

        vocabulary, trained = len(task.data_of(-1).vocabulary), task.recipe_of(-1)
        cells = {"LSTM": LSTM_CELL, "GRU": GRU_CELL, "NASCell": NASCELL_CELL}
        return [
            reference_model(name, cell, parameters, vocabulary, trained.layers, trained.tied)
            for name, cell in cells.items()
        ]

    return Problem(
        search_space,
        task.metric,
        task=task,
        reward=InverseSquaredPerplexity(),
        references=references,
        trainings=3,
        costly=True,
    )
