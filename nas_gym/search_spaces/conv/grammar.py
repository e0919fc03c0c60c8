"""Grammar of ``conv-v0``: tokens of convolutional networks, and in what order they may come."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Block, NetworkSize, SearchSpace
from nas_gym.search_spaces.conv.description import (
    END,
    ChainLayer,
    Convolution,
    Graph,
    MaxPool,
    describe,
)

MAX_KERNEL = 64
MAX_FILTERS = 4096
MAX_LAYERS = 64
MAX_LAYER_TOKENS = 100_000

PRESETS: dict[str, dict[str, Any]] = {
    "chain": {
        "kernels": (3, 5, 7),
        "filters": (8, 16, 32, 64),
        "pools": (1, 2, 3),
        "dropouts": (0.0, 0.25, 0.5),
        "max_layers": 2,
        "dimensions": 2,
    },
    "graph": {
        "kernel_heights": (1, 3, 5, 7),
        "kernel_widths": (1, 3, 5, 7),
        "filters": (24, 36, 48, 64),
        "strides": (1,),
        "pools": (),
        "max_layers": 15,
    },
}
"""The arguments of each preset and their default values."""


class ConvSpace(SearchSpace):
    """Convolutional networks for images, as chains of layers or as graphs with skip connections.

    **Preset** ``"chain"``, after a search for MNIST networks. A token is a whole layer, for example
    ``conv5x5-32-pool2-drop0.25``: convolution with bias and as much padding as keeps the extent ("same"),
    ReLU, max pooling (1: none), dropout (0: none). A sentence has 1 to ``max_layers`` of them. All values
    of the last layer go to one linear layer. With ``dimensions=1`` the pixels are read as one sequence,
    row by row, with one-dimensional convolutions and poolings of stride 1: ``conv5-32-pool2-drop0.25``.

    **Preset** ``"graph"``, after Zoph & Le 2016, https://arxiv.org/abs/1611.01578, section 3.2 and appendix
    A. A layer is a convolution without bias and with padding "same", batch norm and ReLU, in this order,
    for example ``conv3x7-48`` (height 3, width 7) or ``conv3x3-36-stride2x1``, or a max pooling,
    ``pool2``. After a layer, ``from-k`` tokens with ascending k say which earlier layers it reads; layers
    count from 1. Without any it reads the image. Several inputs are concatenated on channels, the smaller
    ones in the middle of zeros: the paper does not say where they stand. What no layer reads is
    concatenated in the end, averaged over all pixels and goes to one linear layer. The order of batch norm
    and ReLU, the padding and the average are choices of this project, too; in the paper each of a layer's
    properties is a token of its own, here they are one.

    Pooling never makes a map vanish: a window may reach over the edge, and in one dimension it is at most
    as long as the sequence. ``EOS`` may come after the first layer; a sentence of ``max_length`` needs none.
    An argument left out, or ``None``, has the preset's value in ``PRESETS``.

    Args:
        preset: ``"chain"`` or ``"graph"``.
        filters: Numbers of filters.
        pools: Sizes of max poolings. In a chain they are part of a layer, and 1 is none; in a graph each,
            from 2, is a layer of its own.
        max_layers: Largest number of layers, 1 to 64.
        kernels: Sides of the square kernels of a chain, or their lengths in one dimension, 1 to 64.
        dropouts: Shares of dropped values in a chain, from 0 to below 1, with up to four decimals.
        dimensions: 1 or 2, for a chain.
        kernel_heights: Heights of kernels in a graph, 1 to 64.
        kernel_widths: Widths of kernels in a graph, 1 to 64.
        strides: Strides in a graph, each of them in both directions, 1 to 64.

    Raises:
        InvalidArgumentError: If an argument is out of range, empty or not one of the preset, or a value
            comes twice.
    """

    id: ClassVar[str] = "conv-v0"

    def __init__(
        self,
        preset: Literal["chain", "graph"] = "chain",
        *,
        filters: Sequence[int] | None = None,
        pools: Sequence[int] | None = None,
        max_layers: int | None = None,
        kernels: Sequence[int] | None = None,
        dropouts: Sequence[float] | None = None,
        dimensions: Literal[1, 2] | None = None,
        kernel_heights: Sequence[int] | None = None,
        kernel_widths: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
    ) -> None:
        if not isinstance(preset, str) or preset not in PRESETS:
            raise InvalidArgumentError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        given = {
            "filters": filters,
            "pools": pools,
            "max_layers": max_layers,
            "kernels": kernels,
            "dropouts": dropouts,
            "dimensions": dimensions,
            "kernel_heights": kernel_heights,
            "kernel_widths": kernel_widths,
            "strides": strides,
        }
        given = {name: value for name, value in given.items() if value is not None}
        allowed = PRESETS[preset]
        foreign = [name for name in given if name not in allowed]
        if foreign:
            raise InvalidArgumentError(
                f"the preset {preset} has no argument {foreign[0]!r}; it has {', '.join(allowed)}"
            )
        arguments = {**allowed, **given}
        depth = arguments["max_layers"]
        if type(depth) is not int or not 1 <= depth <= MAX_LAYERS:
            raise InvalidArgumentError(f"max_layers must be an integer from 1 to {MAX_LAYERS}, got {depth!r}")
        layers = _chain_layers(arguments) if preset == "chain" else _graph_layers(arguments)
        links = depth - 1 if preset == "graph" else 0
        self.preset = preset
        self.max_layers = depth
        self.tokens = (*map(str, layers), *(f"from-{number}" for number in range(1, links + 1)), END)
        self.end_token = END
        self.max_length = depth + (depth * links) // 2
        self._layers = layers
        self._layer_count = len(layers)
        self._end = len(self.tokens) - 1

    @property
    def layer_tokens(self) -> NDArray[np.bool_]:
        """Which tokens add a layer: all but ``from-k`` and ``EOS``."""
        return np.arange(len(self.tokens)) < self._layer_count

    @property
    def drawing_columns(self) -> int:
        """How many columns a drawing may have: one for each layer, and one where a graph's ends meet."""
        return self.max_layers + (self.preset == "graph")

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow: layers up to ``max_layers``, ascending links, the end."""
        mask = np.zeros(len(self.tokens), dtype=np.bool_)
        if self.is_complete(prefix):
            return mask
        depth = sum(map(self._layer_count.__gt__, prefix))
        mask[: self._layer_count] = depth < self.max_layers
        if depth:
            # from-k has the index layer_count + k - 1; k must be above the last one and below depth.
            first = max(self._layer_count, prefix[-1] + 1)
            mask[first : min(self._layer_count + depth - 1, self._end)] = True
            mask[self._end] = True
        return mask

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for every row."""
        written = np.arange(sentences.shape[1]) < lengths[:, None]
        depths = (written & (sentences < self._layer_count)).sum(axis=1)
        last = np.where(lengths > 0, sentences[np.arange(len(lengths)), lengths - 1], -1)
        mask = np.empty((len(lengths), len(self.tokens)), dtype=np.bool_)
        mask[:, : self._layer_count] = (depths < self.max_layers)[:, None]
        links = np.arange(self._layer_count, self._end)
        mask[:, self._layer_count : self._end] = (links > last[:, None]) & (
            links < (self._layer_count + depths - 1)[:, None]
        )
        mask[:, self._end] = depths > 0
        mask[(lengths == self.max_length) | (last == self._end)] = False
        return mask

    def is_complete(self, prefix: Sequence[int]) -> bool:
        """Say whether the prefix has the largest length or ends with ``EOS``."""
        return len(prefix) == self.max_length or (len(prefix) > 0 and prefix[-1] == self._end)

    def count(self) -> int:
        """Return the number of sentences; in a graph, n layers have ``n * (n - 1) / 2`` possible links."""
        links = self.preset == "graph"
        return sum(
            self._layer_count**depth * 2 ** (links * depth * (depth - 1) // 2)
            for depth in range(1, self.max_layers + 1)
        )

    def size(self, architecture: Architecture, feature_shape: tuple[int, ...], classes: int) -> NetworkSize:
        """Compute what a network costs on images of the shape ``(channels, height, width)``."""
        return describe(architecture.tokens).size(feature_shape, classes)

    def check_feature_shape(self, feature_shape: tuple[int, ...]) -> None:
        """Refuse what is no image, and images smaller than the largest kernel.

        Raises:
            InvalidArgumentError: If there are not three axes, or a kernel is larger than the image.
        """
        if len(feature_shape) != 3 or min(feature_shape) < 1:
            raise InvalidArgumentError(
                f"{self.id} needs images of the shape (channels, height, width), got {tuple(feature_shape)}"
            )
        _, height, width = feature_shape
        extent = (height, width)
        for layer in self._layers:
            if isinstance(layer, MaxPool):
                continue
            room = extent if len(layer.kernel) == 2 else (height * width,)
            if any(side > available for side, available in zip(layer.kernel, room, strict=True)):
                kernel = "x".join(map(str, layer.kernel))
                raise InvalidArgumentError(
                    f"a kernel of {kernel} is larger than the images of {height}x{width} pixels; "
                    f"give {self.id} smaller kernels"
                )

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out the layers from left to right, and where a finished graph's ends meet."""
        description = describe(tokens)
        if not isinstance(description, Graph):
            return tuple(
                Block(_label(layer), None, (index - 1,), dense=False)
                for index, layer in enumerate(description.layers)
            )
        blocks = [
            Block(_label(node.layer), None, tuple(number - 1 for number in node.inputs), dense=False)
            for node in description.nodes
        ]
        if blocks and (END in tokens or len(tokens) == self.max_length):
            ends = tuple(number - 1 for number in description.unread)
            blocks.append(Block("mean", None, ends, dense=False))
        return tuple(blocks)


def _chain_layers(arguments: dict[str, Any]) -> tuple[ChainLayer, ...]:
    dimensions = arguments["dimensions"]
    if type(dimensions) is not int or dimensions not in (1, 2):
        raise InvalidArgumentError(f"dimensions must be 1 or 2, got {dimensions!r}")
    dropouts = _distinct("dropouts", arguments["dropouts"])
    for value in dropouts:
        number = type(value) in (int, float)
        if not number or not 0 <= value < 1 or round(value, 4) != value:
            raise InvalidArgumentError(
                f"dropouts must be numbers from 0 to below 1 with up to 4 decimals, got {value!r}"
            )
    choices = (
        [(side,) * dimensions for side in _integers("kernels", arguments["kernels"], MAX_KERNEL)],
        _integers("filters", arguments["filters"], MAX_FILTERS),
        _integers("pools", arguments["pools"], MAX_KERNEL),
        [float(value) for value in dropouts],
    )
    _check_number_of_tokens(choices)
    return tuple(ChainLayer(*choice) for choice in product(*choices))


def _graph_layers(arguments: dict[str, Any]) -> tuple[Convolution | MaxPool, ...]:
    strides = _integers("strides", arguments["strides"], MAX_KERNEL)
    choices = (
        _integers("kernel_heights", arguments["kernel_heights"], MAX_KERNEL),
        _integers("kernel_widths", arguments["kernel_widths"], MAX_KERNEL),
        _integers("filters", arguments["filters"], MAX_FILTERS),
        strides,
        strides,
    )
    _check_number_of_tokens(choices)
    convolutions = (
        Convolution((height, width), filters, (down, right))
        for height, width, filters, down, right in product(*choices)
    )
    pools = _integers("pools", arguments["pools"], MAX_KERNEL, smallest=2, may_be_empty=True)
    return (*convolutions, *map(MaxPool, pools))


def _integers(
    name: str,
    values: Any,  # noqa: ANN401
    largest: int,
    smallest: int = 1,
    may_be_empty: bool = False,
) -> list[int]:
    checked = _distinct(name, values, may_be_empty)
    wrong = [value for value in checked if type(value) is not int or not smallest <= value <= largest]
    if wrong:
        raise InvalidArgumentError(f"{name} must be integers from {smallest} to {largest}, got {wrong[0]!r}")
    return checked


def _distinct(name: str, values: Any, may_be_empty: bool = False) -> list[Any]:  # noqa: ANN401
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
        raise InvalidArgumentError(f"{name} must be a sequence of numbers, got {values!r}")
    checked = list(values)
    twice = any(value in checked[:position] for position, value in enumerate(checked))
    if twice or not (checked or may_be_empty):
        raise InvalidArgumentError(f"{name} must be distinct and not empty, got {checked}")
    return checked


def _check_number_of_tokens(choices: Sequence[Sequence[Any]]) -> None:
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_LAYER_TOKENS:
        raise InvalidArgumentError(
            f"these arguments make {count} different layers, at most {MAX_LAYER_TOKENS} are allowed"
        )


def _label(layer: ChainLayer | Convolution | MaxPool) -> str:
    """Return a layer's properties, one a line."""
    if isinstance(layer, MaxPool):
        return f"pool\n{layer.size}"
    lines = [f"conv {'x'.join(map(str, layer.kernel))}", f"{layer.filters} filters"]
    if isinstance(layer, Convolution):
        lines = ["x".join(map(str, layer.kernel)), str(layer.filters)]
        lines += [f"/ {layer.stride[0]}x{layer.stride[1]}"] if layer.stride != (1, 1) else []
    else:
        lines += [f"pool {layer.pool}"] if layer.pool > 1 else []
        lines += [f"drop {layer.dropout:g}"] if layer.dropout else []
    return "\n".join(lines)
