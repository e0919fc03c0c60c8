"""Frozen descriptions of convolutional networks: from token names, and to shapes and costs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod

from nas_gym.search_spaces.base import NetworkSize

END = "EOS"
Map = tuple[int, ...]
"""Shape of one sample's feature maps: channels, then height and width, or length alone."""

_CHAIN_LAYER = re.compile(r"conv(\d+)(?:x(\d+))?-(\d+)-pool(\d+)-drop([\d.]+)")
_CONVOLUTION = re.compile(r"conv(\d+)x(\d+)-(\d+)(?:-stride(\d+)x(\d+))?")
_MAX_POOL = re.compile(r"pool(\d+)")
_LINK = re.compile(r"from-(\d+)")


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
        """Return the token; pooling and dropout always stand in it, which tells it from a graph's."""
        kernel = "x".join(map(str, self.kernel))
        return f"conv{kernel}-{self.filters}-pool{self.pool}-drop{self.dropout:g}"


@dataclass(frozen=True, slots=True)
class Convolution:
    """Convolution without bias, batch norm, ReLU; kernel and stride are height and width."""

    kernel: tuple[int, int]
    filters: int
    stride: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        """Return the token; a stride of 1 in both directions is left out."""
        stride = "" if self.stride == (1, 1) else f"-stride{self.stride[0]}x{self.stride[1]}"
        return f"conv{self.kernel[0]}x{self.kernel[1]}-{self.filters}{stride}"


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Max pooling in both directions, its stride as large as its window."""

    size: int

    def __str__(self) -> str:
        """Return the token."""
        return f"pool{self.size}"


@dataclass(frozen=True, slots=True)
class Node:
    """A layer of a graph and the numbers of what it reads, ascending: layers from 1, 0 for the image."""

    layer: Convolution | MaxPool
    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Layers that read one another in turn, then one linear layer that reads all values of the last."""

    layers: tuple[ChainLayer, ...]

    def input_map(self, feature_shape: tuple[int, ...]) -> Map:
        """Return an image's shape as the first layer reads it: in one dimension, pixels are a sequence."""
        channels, *extent = feature_shape
        return (channels, *extent) if len(self.layers[0].kernel) == 2 else (channels, prod(extent))

    def maps(self, feature_shape: tuple[int, ...]) -> list[Map]:
        """Return the shape of the image and of every layer's output, in order.

        Pooling never makes a map vanish. In two dimensions its stride is its size and a window may reach
        over the edge: ``ceil(extent / size)`` values remain. In one dimension its stride is 1, and a
        window longer than the sequence is cut to it.
        """
        maps = [self.input_map(feature_shape)]
        for layer in self.layers:
            _, *extent = maps[-1]
            if len(extent) == 2:
                extent = [ceil(size / layer.pool) for size in extent]
            else:
                extent = [size - min(layer.pool, size) + 1 for size in extent]
            maps.append((layer.filters, *extent))
        return maps

    def size(self, feature_shape: tuple[int, ...], classes: int) -> NetworkSize:
        """Count parameters, and multiply-adds of convolutions and the linear layer."""
        maps = self.maps(feature_shape)
        outputs = prod(maps[-1]) * classes
        parameters, multiply_adds = outputs + classes, outputs
        for layer, (channels, *extent) in zip(self.layers, maps, strict=False):
            weights = prod(layer.kernel) * channels * layer.filters
            parameters += weights + layer.filters
            multiply_adds += weights * prod(extent)
        return NetworkSize(parameters, multiply_adds)


@dataclass(frozen=True, slots=True)
class Graph:
    """Layers that read the image or any earlier layers, then global average pooling and a linear layer."""

    nodes: tuple[Node, ...]

    @property
    def unread(self) -> tuple[int, ...]:
        """Numbers of the layers that no layer reads, ascending: the classifier reads them."""
        read = {number for node in self.nodes for number in node.inputs}
        return tuple(number for number in range(1, len(self.nodes) + 1) if number not in read)

    def maps(self, feature_shape: tuple[int, ...]) -> list[Map]:
        """Return the shape of the image and of every layer's output: with stride s, ``ceil(extent / s)``."""
        maps: list[Map] = [feature_shape]
        for node in self.nodes:
            channels, height, width = joined([maps[number] for number in node.inputs])
            layer = node.layer
            if isinstance(layer, MaxPool):
                maps.append((channels, ceil(height / layer.size), ceil(width / layer.size)))
            else:
                maps.append((layer.filters, ceil(height / layer.stride[0]), ceil(width / layer.stride[1])))
        return maps

    def size(self, feature_shape: tuple[int, ...], classes: int) -> NetworkSize:
        """Count parameters, two per channel for a batch norm, and multiply-adds of weights."""
        maps = self.maps(feature_shape)
        features = joined([maps[number] for number in self.unread])[0]
        parameters, multiply_adds = features * classes + classes, features * classes
        for node, (_, *extent) in zip(self.nodes, maps[1:], strict=True):
            if isinstance(node.layer, Convolution):
                channels = joined([maps[number] for number in node.inputs])[0]
                weights = prod(node.layer.kernel) * channels * node.layer.filters
                parameters += weights + 2 * node.layer.filters
                multiply_adds += weights * prod(extent)
        return NetworkSize(parameters, multiply_adds)


def describe(tokens: Sequence[str]) -> Chain | Graph:
    """Read the network that the token names of a legal prefix stand for, an ``EOS`` or none at its end."""
    chain: list[ChainLayer] = []
    nodes: list[Node] = []
    for token in tokens:
        if link := _LINK.fullmatch(token):
            layer, inputs = nodes[-1].layer, nodes[-1].inputs
            nodes[-1] = Node(layer, (*(number for number in inputs if number), int(link[1])))
        elif token != END:
            layer_or_part = layer_of(token)
            if isinstance(layer_or_part, ChainLayer):
                chain.append(layer_or_part)
            else:
                nodes.append(Node(layer_or_part, (0,)))
    return Chain(tuple(chain)) if chain else Graph(tuple(nodes))


@lru_cache(maxsize=4096)
def layer_of(token: str) -> ChainLayer | Convolution | MaxPool:
    """Read a layer's token, the inverse of ``str``."""
    if match := _CHAIN_LAYER.fullmatch(token):
        kernel = tuple(int(side) for side in match.groups()[:2] if side is not None)
        return ChainLayer(kernel, int(match[3]), int(match[4]), float(match[5]))
    if match := _CONVOLUTION.fullmatch(token):
        height, width, filters, *stride = (int(number or 1) for number in match.groups())
        return Convolution((height, width), filters, (stride[0], stride[1]))
    match = _MAX_POOL.fullmatch(token)
    assert match is not None, f"{token!r} is no layer of conv-v0"
    return MaxPool(int(match[1]))


def joined(maps: Sequence[Map]) -> Map:
    """Return the shape of maps that are concatenated on channels, smaller ones zero-padded to the largest."""
    return (sum(m[0] for m in maps), max(m[1] for m in maps), max(m[2] for m in maps))
