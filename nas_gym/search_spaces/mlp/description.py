"""Frozen descriptions of multi-layer perceptrons: from token names, and to costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nas_gym.search_spaces.base import NetworkSize

ACTIVATIONS = ("Sigmoid", "Tanh", "ReLU", "LeakyReLU")
END = "EOS"


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

    def size(self, features: int, outputs: int) -> NetworkSize:
        """Count weights and biases, those of the output layer included, products with weights, and sums."""
        widths = [features, *(layer.width for layer in self.layers if isinstance(layer, Linear)), outputs]
        products = sum(before * after for before, after in pairwise(widths))
        sums = sum(widths[1:])
        return NetworkSize(parameters=products + sums, multiply_adds=products, activations=sums)


def describe(tokens: Sequence[str]) -> MlpDescription:
    """Read the network that the token names of a legal prefix stand for, an ``EOS`` or none at its end."""
    return MlpDescription(
        tuple(
            Activation(token) if token in ACTIVATIONS else Linear(int(token.removeprefix("Linear-")))
            for token in tokens
            if token != END
        )
    )
