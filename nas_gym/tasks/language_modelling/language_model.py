"""A language model around a recurrent cell; no loss, no optimizer, no randomness of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.cell.network import State


@dataclass(frozen=True, slots=True, eq=False)
class DropoutMasks:
    """What the values of a language model are multiplied with in one window, the same at all time steps.

    Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287: whole words are dropped, and units stay dropped
    as long as the window lasts. A mask holds 0, or 1 / (1 - dropout).

    Attributes:
        words: For the embedding, ``(vocabulary, 1)``.
        inputs: For what each layer reads, ``(batch, units)`` each.
        states: For the h_{t-1} that each layer reads, ``(batch, units)`` each.
        outputs: For what the output weights read, ``(batch, units)``.
    """

    words: Tensor
    inputs: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    outputs: Tensor


class LanguageModel(nn.Module):
    """Predicts each token from those before it; its parameters are not yet initialised.

    An embedding, recurrent layers, and linear output weights with a bias. All have ``units`` values.

    Args:
        make_layer: Builds a recurrent layer of so many inputs and so many units, for example
            ``lstm_layer``; one with the interface of ``CellLayer``.
        vocabulary: Number of different tokens.
        units: Number of values of the embedding and of each layer.
        layers: Number of layers.
        tied: Whether the output weights are those of the embedding (Press & Wolf 2017,
            https://arxiv.org/abs/1608.05859).
        classes: How many classes are predicted, see ``LanguageRecipe``; by default one for each token.
    """

    def __init__(
        self,
        make_layer: Callable[[int, int], nn.Module],
        vocabulary: int,
        units: int,
        layers: int = 1,
        tied: bool = False,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        self.embedding = skip_init(nn.Embedding, vocabulary, units)
        self.layers = nn.ModuleList(make_layer(units, units) for _ in range(layers))
        self.output = skip_init(nn.Linear, units, classes or vocabulary)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(
        self, tokens: Tensor, state: Sequence[State] | None = None, masks: DropoutMasks | None = None
    ) -> tuple[Tensor, list[State]]:
        """Return the logits of the tokens that follow, and the state after the last time step.

        Args:
            tokens: int64, ``(time, batch)``.
            state: That of each layer before the first time step, by default zeros.
            masks: From ``draw_masks``; ``None`` for no dropout.

        Returns:
            Logits, ``(time, batch, classes)``, and the state of each layer.
        """
        weight = self.embedding.weight if masks is None else self.embedding.weight * masks.words
        # A small vocabulary is projected instead of the tokens, unless each column has a mask of its own.
        rows = tokens if masks is None and len(weight) < tokens.numel() else None
        values = nn.functional.embedding(tokens, weight) if rows is None else weight
        states = []
        for number, layer in enumerate(self.layers):
            before = None if state is None else state[number]
            if masks is None:
                values, after = layer(values, before, None, rows if number == 0 else None)
            else:
                values, after = layer(values * masks.inputs[number], before, masks.states[number])
            states.append(after)
        return self.output(values if masks is None else values * masks.outputs), states

    def draw_masks(self, batch: int, dropout: float, generator: torch.Generator) -> DropoutMasks:
        """Draw the masks of one window.

        Args:
            batch: Number of columns.
            dropout: Share of words and units that is dropped, from 0 to below 1.
            generator: A generator of the processor, so that masks do not depend on the device.
        """
        vocabulary, units = self.embedding.weight.shape

        def draw(*shape: int) -> Tensor:
            kept = torch.rand(*shape, generator=generator) >= dropout
            return (kept / (1.0 - dropout)).to(self.embedding.weight)

        words = draw(vocabulary, 1)
        inputs, states = (tuple(draw(batch, units) for _ in self.layers) for _ in range(2))
        return DropoutMasks(words, inputs, states, draw(batch, units))


def model_around(
    search_space: SearchSpace,
    architecture: Architecture,
    vocabulary: int,
    units: int,
    layers: int,
    tied: bool,
    classes: int | None = None,
) -> LanguageModel:
    """Build the language model around recurrent layers of a search space; see ``LanguageModel``."""

    def make_layer(inputs: int, units: int) -> nn.Module:
        return search_space.build(architecture, (inputs,), units)

    return LanguageModel(make_layer, vocabulary, units, layers, tied, classes)
