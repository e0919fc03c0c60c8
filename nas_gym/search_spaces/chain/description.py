"""Frozen descriptions of chains of convolutions: from token names, and to shapes and costs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod

from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.convolution import Map

END = "EOS"
_LAYER = re.compile(r"conv(\d+)(?:x(\d+))?-(\d+)-pool(\d+)-drop([\d.]+)")


@dataclass(frozen=True, slots=True)
class ChainLayer:
    """Convolution with bias, ReLU, max pooling, dropout.

    Attributes:
        kernel: Height and width, or the length in one dimension.
        filters: Number of outputs.
        pool: Size of the pooling, 1 for none.
        dropout: Share of values that are dropped, 0 for none.
    """

    kernel: tuple[int, ...]
    filters: int
    pool: int
    dropout: float

    def __str__(self) -> str:
        """Return the token."""
        kernel = "x".join(map(str, self.kernel))
        return f"conv{kernel}-{self.filters}-pool{self.pool}-drop{self.dropout:g}"


@dataclass(frozen=True, slots=True)
class Chain:
    """Layers that read one another in turn, then one linear layer that reads all values of the last."""

    layers: tuple[ChainLayer, ...]

    def input_map(self, inputs: tuple[int, ...]) -> Map:
        """Return an image's shape as the first layer reads it: in one dimension, pixels are a sequence."""
        channels, *extent = inputs
        return (channels, *extent) if len(self.layers[0].kernel) == 2 else (channels, prod(extent))

    def maps(self, inputs: tuple[int, ...]) -> list[Map]:
        """Return the shape of the image and of every layer's output, in order.

        Pooling never makes a map vanish. In two dimensions its stride is its size and a window may reach
        over the edge: ``ceil(extent / size)`` values remain. In one dimension its stride is 1, and a
        window longer than the sequence is cut to it.
        """
        maps = [self.input_map(inputs)]
        for layer in self.layers:
            _, *extent = maps[-1]
            if len(extent) == 2:
                extent = [ceil(size / layer.pool) for size in extent]
            else:
                extent = [size - min(layer.pool, size) + 1 for size in extent]
            maps.append((layer.filters, *extent))
        return maps

    def size(self, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Count parameters, and multiply-adds and activations of convolutions and the linear layer."""
        maps = self.maps(inputs)
        multiply_adds = prod(maps[-1]) * outputs
        parameters, activations = multiply_adds + outputs, outputs
        for layer, (channels, *extent) in zip(self.layers, maps, strict=False):
            weights = prod(layer.kernel) * channels * layer.filters
            parameters += weights + layer.filters
            multiply_adds += weights * prod(extent)
            activations += layer.filters * prod(extent)
        return NetworkSize(parameters, multiply_adds, activations)


def describe(tokens: Sequence[str]) -> Chain:
    """Read the network that the token names of a legal prefix stand for, an ``EOS`` or none at its end."""
    return Chain(tuple(layer_of(token) for token in tokens if token != END))


@lru_cache(maxsize=4096)
def layer_of(token: str) -> ChainLayer:
    """Read a layer's token, the inverse of ``str``."""
    match = _LAYER.fullmatch(token)
    assert match is not None, f"{token!r} is no layer of chain-v0"
    kernel = tuple(int(side) for side in match.groups()[:2] if side is not None)
    return ChainLayer(kernel, int(match[3]), int(match[4]), float(match[5]))
