"""Frozen descriptions of graphs of convolutions: from token names, and to shapes and costs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod

from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.convolution import Map

END = "EOS"
_CONVOLUTION = re.compile(r"conv(\d+)x(\d+)-(\d+)(?:-stride(\d+)x(\d+))?")
_MAX_POOL = re.compile(r"pool(\d+)")
_LINK = re.compile(r"from-(\d+)")


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
class Graph:
    """Layers that read the image or any earlier layers, then global average pooling and a linear layer."""

    nodes: tuple[Node, ...]

    @property
    def unread(self) -> tuple[int, ...]:
        """Numbers of the layers that no layer reads, ascending: the classifier reads them."""
        read = {number for node in self.nodes for number in node.inputs}
        return tuple(number for number in range(1, len(self.nodes) + 1) if number not in read)

    def maps(self, inputs: tuple[int, ...]) -> list[Map]:
        """Return the shape of the image and of every layer's output: with stride s, ``ceil(extent / s)``."""
        maps: list[Map] = [inputs]
        for node in self.nodes:
            channels, height, width = joined([maps[number] for number in node.inputs])
            layer = node.layer
            if isinstance(layer, MaxPool):
                maps.append((channels, ceil(height / layer.size), ceil(width / layer.size)))
            else:
                maps.append((layer.filters, ceil(height / layer.stride[0]), ceil(width / layer.stride[1])))
        return maps

    def size(self, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Count parameters, two per channel for a batch norm, and multiply-adds of weights."""
        maps = self.maps(inputs)
        features = joined([maps[number] for number in self.unread])[0]
        parameters, multiply_adds = features * outputs + outputs, features * outputs
        for node, (_, *extent) in zip(self.nodes, maps[1:], strict=True):
            if isinstance(node.layer, Convolution):
                channels = joined([maps[number] for number in node.inputs])[0]
                weights = prod(node.layer.kernel) * channels * node.layer.filters
                parameters += weights + 2 * node.layer.filters
                multiply_adds += weights * prod(extent)
        return NetworkSize(parameters, multiply_adds)


def describe(tokens: Sequence[str]) -> Graph:
    """Read the network that the token names of a legal prefix stand for, an ``EOS`` or none at its end."""
    nodes: list[Node] = []
    for token in tokens:
        if link := _LINK.fullmatch(token):
            layer, inputs = nodes[-1].layer, nodes[-1].inputs
            nodes[-1] = Node(layer, (*(number for number in inputs if number), int(link[1])))
        elif token != END:
            nodes.append(Node(layer_of(token), (0,)))
    return Graph(tuple(nodes))


@lru_cache(maxsize=4096)
def layer_of(token: str) -> Convolution | MaxPool:
    """Read a layer's token, the inverse of ``str``."""
    if match := _CONVOLUTION.fullmatch(token):
        height, width, filters, *stride = (int(number or 1) for number in match.groups())
        return Convolution((height, width), filters, (stride[0], stride[1]))
    match = _MAX_POOL.fullmatch(token)
    assert match is not None, f"{token!r} is no layer of graph-v0"
    return MaxPool(int(match[1]))


def joined(maps: Sequence[Map]) -> Map:
    """Return the shape of maps that are concatenated on channels, smaller ones zero-padded to the largest."""
    return (sum(m[0] for m in maps), max(m[1] for m in maps), max(m[2] for m in maps))
