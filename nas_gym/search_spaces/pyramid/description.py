"""Frozen descriptions of pyramids: from token names, and to shapes and costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, prod
from typing import Literal, cast, get_args

from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.convolution import Map

Join = Literal["add", "concatenate"]
Head = Literal["average", "flatten"]
Reduction = Literal["keep", "stride", "pool"]
JOINS, HEADS, REDUCTIONS = get_args(Join), get_args(Head), get_args(Reduction)
READ, IGNORE = "read", "ignore"
KERNEL, FILTERS = "kernel-", "filters-"
END = "EOS"


@dataclass(frozen=True, slots=True)
class Layer:
    """Convolution without bias, batch norm, ReLU.

    Attributes:
        kernel: Side of the square kernel.
        filters: Number of filters.
        reduction: Whether the map keeps its extent, or halves it by a stride of 2 or a max pooling of 2.
        reads: Numbers of the layers it reads, ascending: layers from 1, 0 for the image. The last one is
            always the layer before.
    """

    kernel: int
    filters: int
    reduction: Reduction
    reads: tuple[int, ...]

    @property
    def stride(self) -> int:
        """By how much the convolution moves."""
        return 2 if self.reduction == "stride" else 1


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Layers that read the one before and any earlier ones, and what makes classes of the last one's map.

    Attributes:
        join: How a layer joins the maps that it reads.
        head: Whether the classifier reads the means of the last maps, or all their values.
        layers: From the image upwards.
    """

    join: Join
    head: Head
    layers: tuple[Layer, ...] = field(default=())

    def maps(self, inputs: tuple[int, ...]) -> list[Map]:
        """Return the shape of the image and of every layer's output; a halved extent is rounded up."""
        maps: list[Map] = [inputs]
        for layer in self.layers:
            _, *extent = self.joined([maps[number] for number in layer.reads])
            halved = extent if layer.reduction == "keep" else [ceil(side / 2) for side in extent]
            maps.append((layer.filters, *halved))
        return maps

    def joined(self, maps: Sequence[Map]) -> Map:
        """Return the shape of what joins maps: as small as the smallest of them."""
        channels = [m[0] for m in maps]
        return (
            max(channels) if self.join == "add" else sum(channels),
            min(m[1] for m in maps),
            min(m[2] for m in maps),
        )

    def size(self, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Count parameters, two per filter for a batch norm, multiply-adds of weights, and activations."""
        maps = self.maps(inputs)
        features = maps[-1][0] if self.head == "average" else prod(maps[-1])
        parameters, multiply_adds, activations = features * outputs + outputs, features * outputs, outputs
        for layer in self.layers:
            channels, *extent = self.joined([maps[number] for number in layer.reads])
            weights = layer.kernel**2 * channels * layer.filters
            parameters += weights + 2 * layer.filters
            # A pooling halves what was computed in full.
            computed = prod(ceil(side / layer.stride) for side in extent)
            multiply_adds += weights * computed
            activations += layer.filters * computed
        return NetworkSize(parameters, multiply_adds, activations)


def describe(tokens: Sequence[str]) -> Pyramid:
    """Read the network that the token names of a legal prefix stand for; a layer counts once it is whole."""
    join = cast(Join, tokens[0]) if tokens else JOINS[0]
    head = cast(Head, tokens[1]) if len(tokens) > 1 else HEADS[0]
    layers: list[Layer] = []
    rest = [token for token in tokens[2:] if token != END]
    while rest:
        number = len(layers) + 1
        coins = max(0, number - 2)
        if len(rest) < 3 + coins:
            break
        kernel, filters, reduction, *answers = rest[: 3 + coins]
        rest = rest[3 + coins :]
        earlier = tuple(k for k, answer in enumerate(answers, start=1) if answer == READ)
        layers.append(
            Layer(
                int(kernel.removeprefix(KERNEL)),
                int(filters.removeprefix(FILTERS)),
                cast(Reduction, reduction),
                (*earlier, number - 1),
            )
        )
    return Pyramid(join, head, tuple(layers))
