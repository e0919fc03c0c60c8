"""Kept language models: they say what comes next in a text."""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nas_gym.checks import integer
from nas_gym.checks import seed as checked_seed
from nas_gym.datasets.texts.corpus import Tokens
from nas_gym.datasets.texts.reading import TextReading
from nas_gym.errors import InvalidDataError, KeptNetworkError
from nas_gym.kept.description import Description
from nas_gym.kept.network import KeptNetwork, OnnxForm, Probabilities, Raw
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.cell.network import CellLayer
from nas_gym.tasks.language_modelling.language_model import LanguageModel, model_around
from nas_gym.tasks.language_modelling.training import perplexity_of

EXAMPLES = 16


class OneStep(nn.Module):
    """A language model that reads one token, its state being an input and an output.

    It computes cells in PyTorch's own operations, which other programs know.

    Args:
        model: Around recurrent cells.
    """

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, token: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-probabilities ``(batch, vocabulary)`` and the state after the token.

        Args:
            token: int64, ``(batch,)``.
            hidden: h of each layer, ``(layers, batch, units)``.
            cell: c of each layer, as ``hidden``.
        """
        values, states = self.model.embedding(token), []
        for number, each in enumerate(self.model.layers):
            layer = cast(CellLayer, each)
            states.append(layer.cell.step(layer.cell.input_map(values), hidden[number], cell[number]))
            values = states[-1][0]
        after, memory = (torch.stack(list(part)) for part in zip(*states, strict=True))
        return self.model.output(values).log_softmax(dim=1), after, memory


class KeptLanguageModel(KeptNetwork):
    """A network that has learned to predict each token of a text from those before it."""

    @classmethod
    def build(
        cls, description: Description, search_space: SearchSpace, architecture: Architecture
    ) -> LanguageModel:
        """Build the language model around recurrent layers."""
        known, (units,) = description.interface, description.interface.inputs
        return model_around(search_space, architecture, known.outputs, units, known.layers, known.tied)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What its tokens read, in the order of ``predict_proba``."""
        return self._reading.vocabulary

    def perplexity(self, text: str | Path) -> float:
        """Return how many equally likely tokens the model chooses from on average.

        Args:
            text: A text of at least two tokens, or the ``Path`` of a file; a string is the text itself.

        Raises:
            InvalidDataError: If it is shorter, or holds a token that the model cannot know.
        """
        return perplexity_of(self.module, self._read(text, least=2), str(self.device))

    def continuation(self, text: str | Path, tokens: int = 50, seed: int = 0) -> str:
        """Write on: each token is drawn with its probability.

        Args:
            text: What comes before, at least one token.
            tokens: How many to draw.
            seed: Of the draws.

        Returns:
            The drawn tokens as text, without what comes before.
        """
        count = integer("tokens", tokens, 1)
        generator = torch.Generator().manual_seed(checked_seed("seed", seed))
        read, state, drawn = self._column(self._read(text, least=1)), None, []
        with torch.inference_mode():
            for _ in range(count):
                logits, state = self.module(read, state)
                chances = logits[-1, 0].double().softmax(dim=0).cpu()
                drawn.append(int(torch.multinomial(chances, 1, generator=generator)))
                read = torch.tensor([drawn[-1:]], device=self.device)
        return self._reading.text_of(drawn)

    def predict(self, raw: Raw) -> NDArray[np.str_]:
        """Return the likeliest next token of a text, shape ``(1,)``."""
        token: NDArray[np.str_] = np.array(self.vocabulary)[self.predict_proba(raw).argmax(axis=1)]
        return token

    def predict_proba(self, raw: Raw) -> Probabilities:
        """Return the probability of each token to come next, float64, shape ``(1, vocabulary)``."""
        with torch.inference_mode():
            logits, _ = self.module(self._column(self._read(raw, least=1)), None)
        return np.asarray(logits[-1].double().softmax(dim=1).cpu().numpy())

    def onnx_form(self, raw: Raw | None = None) -> OnnxForm:
        """Return one step; its examples are tokens side by side, from a state that is not zero."""
        interface, generator = self.description.interface, torch.Generator().manual_seed(0)
        given = (
            None if raw is None else torch.from_numpy(self._read(raw, least=1)[:EXAMPLES].astype(np.int64))
        )
        tokens = (
            torch.randint(interface.outputs, (EXAMPLES,), generator=generator) if given is None else given
        )
        shape = (interface.layers, len(tokens), *interface.inputs)
        hidden, cell = (torch.randn(shape, generator=generator).tanh() for _ in range(2))
        outputs = ["log_probabilities", "next_hidden", "next_cell"]
        axes = {"token": 0, "hidden": 1, "cell": 1, **dict(zip(outputs, (0, 1, 1), strict=True))}
        module = OneStep(cast(LanguageModel, self.module)).eval()
        feedback = {"next_hidden": "hidden", "next_cell": "cell"}
        return OnnxForm(module, {"token": tokens, "hidden": hidden, "cell": cell}, outputs, axes, feedback)

    @property
    def _reading(self) -> TextReading:
        reading = self.description.interface.reading
        if not isinstance(reading, TextReading):
            raise KeptNetworkError("this language model does not say how text becomes its tokens")
        return reading

    def _read(self, raw: Raw, least: int) -> Tokens:
        if not isinstance(raw, (str, Path)):
            raise InvalidDataError(f"a text must be a string or the Path of a file, got {type(raw).__name__}")
        tokens = self._reading.read(raw)
        if len(tokens) < least:
            raise InvalidDataError(f"the text has {len(tokens)} tokens, at least {least} are needed")
        return tokens

    def _column(self, tokens: Tokens) -> Tensor:
        return torch.from_numpy(tokens.astype(np.int64))[:, None].to(self.device)
