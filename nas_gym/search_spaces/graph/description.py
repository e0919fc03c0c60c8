"""Frozen descriptions of graphs of convolutions: from token names, and to shapes and costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod

from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.convolution import Map

HEIGHT, WIDTH, FILTERS, POOL = "height", "width", "filters", "pool"
STRIDE_HEIGHT, STRIDE_WIDTH = "stride_height", "stride_width"
READ, IGNORE, END = "read", "ignore", "EOS"


@dataclass(frozen=True, slots=True)
class Convolution:
    """Convolution without bias, batch norm, ReLU; kernel and stride are height and width."""

    kernel: tuple[int, int]
    filters: int
    stride: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Max pooling in both directions, its stride as large as its window."""

    size: int


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
        """Count parameters, two per channel for a batch norm, multiply-adds of weights, and activations."""
        maps = self.maps(inputs)
        features = joined([maps[number] for number in self.unread])[0]
        parameters, multiply_adds, activations = features * outputs + outputs, features * outputs, outputs
        for node, (_, *extent) in zip(self.nodes, maps[1:], strict=True):
            if isinstance(node.layer, Convolution):
                channels = joined([maps[number] for number in node.inputs])[0]
                weights = prod(node.layer.kernel) * channels * node.layer.filters
                parameters += weights + 2 * node.layer.filters
                multiply_adds += weights * prod(extent)
                activations += node.layer.filters * prod(extent)
        return NetworkSize(parameters, multiply_adds, activations)


@dataclass(frozen=True, slots=True)
class WrittenLayer:
    """What is written of a layer: its properties by name, and so far a bool for each earlier layer."""

    properties: dict[str, int]
    reads: list[bool]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Numbers of what it reads, as a ``Node`` has them."""
        return tuple(number for number, read in enumerate(self.reads, start=1) if read) or (0,)

    @property
    def layer(self) -> Convolution | MaxPool | None:
        """The layer, ``None`` as long as a property is missing; a stride that is not written is 1."""
        values = self.properties
        if POOL in values:
            return MaxPool(values[POOL])
        if FILTERS not in values:  # they are written last
            return None
        stride = (values.get(STRIDE_HEIGHT, 1), values.get(STRIDE_WIDTH, 1))
        return Convolution((values[HEIGHT], values[WIDTH]), values[FILTERS], stride)


def written_layers(tokens: Sequence[str]) -> list[WrittenLayer]:
    """Sort the token names of a legal prefix by the layers that they belong to."""
    layers: list[WrittenLayer] = []
    for token in tokens:
        if token in (READ, IGNORE):
            layers[-1].reads.append(token == READ)
        elif token != END:
            name, value = token.split("-")
            if name in (HEIGHT, POOL):  # a layer begins with one of them
                layers.append(WrittenLayer({}, []))
            layers[-1].properties[name] = int(value)
    return layers


def describe(tokens: Sequence[str]) -> Graph:
    """Read the network that the token names of a legal prefix stand for, an ``EOS`` or none at its end.

    A last layer whose properties are not all written is left out; one with too few ``read`` and ``ignore``
    reads what is written.
    """
    layers = written_layers(tokens)
    return Graph(tuple(Node(each.layer, each.inputs) for each in layers if each.layer is not None))


def joined(maps: Sequence[Map]) -> Map:
    """Return the shape of maps that are concatenated on channels, smaller ones zero-padded to the largest."""
    return (sum(m[0] for m in maps), max(m[1] for m in maps), max(m[2] for m in maps))
