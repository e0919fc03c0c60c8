"""Grammar of ``mlp-v0``: tokens of multi-layer perceptrons, and in what order they may come."""

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from nas_gym.checks import choice, distinct, distinct_integers, integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module, NetworkSize
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.mlp.description import ACTIVATIONS, END, Linear, describe
from nas_gym.search_spaces.ranked import RankedSpace

MAX_WIDTH = 1024
MAX_LENGTH = 64


class MlpSpace(RankedSpace):
    """Networks of linear layers and activations, freely mixed, up to ``max_length`` of them.

    Tokens are ``Linear-<width>`` for each width, the activations, and ``EOS``, which may come after
    the first layer. A linear output layer to the classes always follows and is not a token. With the
    default arguments there are 597,870 networks, those of the minimal NAS system on half-moons.

    Args:
        widths: Numbers of outputs a linear layer may have, each 1 to 1,024.
        activations: Activations that may be used, out of ``ACTIVATIONS``.
        max_length: Largest number of layers, 1 to 64. A sentence of that length needs no ``EOS``.

    Raises:
        InvalidArgumentError: If an argument is out of range or a value comes twice.
    """

    id: ClassVar[str] = "mlp-v0"

    def __init__(
        self,
        widths: Sequence[int] = (1, 2, 4, 8, 16),
        activations: Sequence[str] = ACTIVATIONS,
        max_length: int = 6,
    ) -> None:
        self.widths = distinct_integers("widths", widths, 1, MAX_WIDTH, may_be_empty=True)
        names = distinct("activations", activations, "names", may_be_empty=True)
        self.activations = [choice("activations", name, ACTIVATIONS) for name in names]
        if not self.widths and not self.activations:
            raise InvalidArgumentError("widths and activations must not both be empty")
        self.max_length = integer("max_length", max_length, 1, MAX_LENGTH)
        self.tokens = (*(f"Linear-{width}" for width in self.widths), *self.activations, END)
        self.end_token = END

    @property
    def arguments(self) -> dict[str, object]:
        """Widths, activations and largest length."""
        return {
            "widths": list(self.widths),
            "activations": list(self.activations),
            "max_length": self.max_length,
        }

    def check_inputs(self, inputs: tuple[int, ...]) -> None:
        """Refuse samples with more than one axis.

        Raises:
            InvalidArgumentError: If there is not one axis of features.
        """
        if len(inputs) != 1:
            raise InvalidArgumentError(
                f"{self.id} needs one axis of features, the samples have the shape {tuple(inputs)}"
            )

    def size(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Compute what a network costs; several axes of features are read as one."""
        return describe(architecture.tokens).size(prod(inputs), outputs)

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> Module:
        """Build a network, see ``mlp/network.py``."""
        from nas_gym.search_spaces.mlp.network import build

        return build(architecture, inputs, outputs)

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out a chain; an activation is drawn with as many units as the layer it reads."""
        blocks: list[Block] = []
        units: int | None = None
        for index, layer in enumerate(describe(tokens).layers):
            dense = isinstance(layer, Linear)
            units = layer.width if isinstance(layer, Linear) else units
            blocks.append(Block(tokens[index], units, (index - 1,), dense))
        return tuple(blocks)
