"""Grammar of ``mlp-v0``: tokens to a frozen description of a multi-layer perceptron."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Block, NetworkSize
from nas_gym.search_spaces.ranked import RankedSpace

ACTIVATIONS = ("Sigmoid", "Tanh", "ReLU", "LeakyReLU")
END = "EOS"
MAX_WIDTH = 1024
MAX_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Linear:
    """A fully connected layer with bias and ``width`` outputs."""

    width: int


@dataclass(frozen=True, slots=True)
class Activation:
    """An element-wise activation, named as in ``ACTIVATIONS``; ``LeakyReLU`` has slope 0.01."""

    name: str


@dataclass(frozen=True, slots=True)
class MlpDescription:
    """Layers between the features and the linear output layer, which every network has."""

    layers: tuple[Linear | Activation, ...]

    @classmethod
    def of(cls, architecture: Architecture) -> "MlpDescription":
        """Read the layers from an architecture of ``mlp-v0``."""
        return cls(
            tuple(
                Activation(token) if token in ACTIVATIONS else Linear(int(token.removeprefix("Linear-")))
                for token in architecture.tokens
            )
        )

    def size(self, features: int, classes: int) -> NetworkSize:
        """Count weights and biases, those of the output layer included, and products with weights."""
        widths = [features, *(layer.width for layer in self.layers if isinstance(layer, Linear)), classes]
        products = sum(inputs * outputs for inputs, outputs in pairwise(widths))
        return NetworkSize(parameters=products + sum(widths[1:]), multiply_adds=products)


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
        for name, value in (("widths", widths), ("activations", activations)):
            if not isinstance(value, Iterable):
                raise InvalidArgumentError(f"{name} must be a sequence, got {value!r}")
        if any(type(width) is not int or not 1 <= width <= MAX_WIDTH for width in widths):
            raise InvalidArgumentError(f"widths must be integers from 1 to {MAX_WIDTH}, got {list(widths)}")
        unknown = [name for name in activations if name not in ACTIVATIONS]
        if unknown:
            raise InvalidArgumentError(
                f"unknown activation {unknown[0]!r}; there are {', '.join(ACTIVATIONS)}"
            )
        layers = (*(f"Linear-{width}" for width in widths), *activations)
        if not layers or len(set(layers)) != len(layers):
            raise InvalidArgumentError(
                f"widths and activations must be distinct and not all empty, got {layers}"
            )
        if type(max_length) is not int or not 1 <= max_length <= MAX_LENGTH:
            raise InvalidArgumentError(
                f"max_length must be an integer from 1 to {MAX_LENGTH}, got {max_length}"
            )
        self.tokens = (*layers, END)
        self._arguments = {
            "widths": list(widths),
            "activations": list(activations),
            "max_length": max_length,
        }
        self.end_token = END
        self.max_length = max_length
        self._end = len(layers)
        every = np.ones(len(self.tokens), dtype=np.bool_)
        layer_only = every.copy()
        layer_only[self._end] = False
        # Rows: an empty prefix, an unfinished one, a complete one.
        self._masks: NDArray[np.bool_] = np.stack([layer_only, every, np.zeros_like(every)])

    @property
    def arguments(self) -> dict[str, Any]:
        """Widths, activations and largest length."""
        return dict(self._arguments)

    def check_feature_shape(self, feature_shape: tuple[int, ...]) -> None:
        """Refuse samples with more than one axis.

        Raises:
            InvalidArgumentError: If there is not one axis of features.
        """
        if len(feature_shape) != 1:
            raise InvalidArgumentError(
                f"{self.id} needs one axis of features, the samples have the shape {tuple(feature_shape)}"
            )

    def size(self, architecture: Architecture, feature_shape: tuple[int, ...], classes: int) -> NetworkSize:
        """Compute what a network costs; several axes of features are read as one."""
        return MlpDescription.of(architecture).size(prod(feature_shape), classes)

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow: all, but no ``EOS`` at the start and nothing after the end."""
        if not prefix:
            return np.array(self._masks[0])
        return np.array(self._masks[2 if self.is_complete(prefix) else 1])

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for every row."""
        last = sentences[np.arange(len(lengths)), lengths - 1]
        complete = (lengths == self.max_length) | (last == self._end)
        return self._masks[np.where(lengths == 0, 0, np.where(complete, 2, 1))]

    def is_complete(self, prefix: Sequence[int]) -> bool:
        """Say whether the prefix has the largest length or ends with ``EOS``."""
        return len(prefix) == self.max_length or (len(prefix) > 0 and prefix[-1] == self._end)

    def count(self) -> int:
        """Return the number of networks: one for each non-empty sequence of layers."""
        return sum(self._end**length for length in range(1, self.max_length + 1))

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out a chain; an activation is drawn with as many units as the layer it reads."""
        blocks: list[Block] = []
        units: int | None = None
        for index, token in enumerate(name for name in tokens if name != END):
            dense = token not in ACTIVATIONS
            if dense:
                units = int(token.removeprefix("Linear-"))
            blocks.append(Block(token, units, (index - 1,), dense))
        return tuple(blocks)
