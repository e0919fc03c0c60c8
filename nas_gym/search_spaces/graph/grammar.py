"""Grammar of ``graph-v0``: tokens of graphs of convolutions, and in what order they may come."""

from collections.abc import Mapping, Sequence
from itertools import chain, product
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import distinct_integers, integer
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module, NetworkSize, SearchSpace
from nas_gym.search_spaces.convolution import MAX_FILTERS, MAX_KERNEL, MAX_LAYERS, check_images
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.graph.description import (
    END,
    FILTERS,
    HEIGHT,
    IGNORE,
    POOL,
    READ,
    STRIDE_HEIGHT,
    STRIDE_WIDTH,
    WIDTH,
    describe,
    written_layers,
)


class GraphSpace(SearchSpace):
    """Convolutional networks for images whose layers may read any earlier ones.

    After Zoph & Le 2016, https://arxiv.org/abs/1611.01578, section 3.2 and appendix A. As there, a layer is
    written property by property: ``height-3 width-7 filters-48`` is a convolution with a kernel of height 3
    and width 7, and where strides are offered ``height-3 width-3 stride_height-2 stride_width-1 filters-36``
    one that halves the height. A max pooling is one token, ``pool-2``. Then comes ``read`` or ``ignore`` for
    each earlier layer, in their order: none for the first layer, one for the second. A layer that reads none
    reads the image. After a layer may come another or ``EOS``; a sentence of ``max_layers`` layers needs
    none.

    Convolutions have no bias and as much padding as keeps the extent ("same"); batch norm and ReLU follow, in
    this order. Several inputs are concatenated on channels, the smaller ones in the middle of zeros: the
    paper does not say where they stand. What no layer reads is concatenated in the end, averaged over all
    pixels and goes to one linear layer. The order of batch norm and ReLU, the padding and the average are
    choices of this project, too. Pooling never makes a map vanish: a window may reach over the edge.

    In a uniformly random sentence each layer reads each earlier one with probability 1/2, and is the last one
    with probability 1 / (heights + pools + 1): by default there are 4.8 layers on average.

    Args:
        kernel_heights: Heights of kernels, 1 to 64. Random sentences are short if these and pools are few.
        kernel_widths: Widths of kernels, 1 to 64.
        filters: Numbers of filters, 1 to 4,096.
        strides: Strides of convolutions, each of them in both directions, 1 to 64. If 1 is the only one, no
            sentence mentions strides.
        pools: Sizes of max poolings, 2 to 64; each is a layer of its own, and there may be none.
        max_layers: Largest number of layers, 1 to 64.

    Raises:
        InvalidArgumentError: If an argument is out of range or empty, or a value comes twice.
    """

    id: ClassVar[str] = "graph-v0"

    def __init__(
        self,
        *,
        kernel_heights: Sequence[int] = (1, 3, 5, 7),
        kernel_widths: Sequence[int] = (1, 3, 5, 7),
        filters: Sequence[int] = (24, 36, 48, 64),
        strides: Sequence[int] = (1,),
        pools: Sequence[int] = (),
        max_layers: int = 15,
    ) -> None:
        heights = distinct_integers("kernel_heights", kernel_heights, 1, MAX_KERNEL)
        widths = distinct_integers("kernel_widths", kernel_widths, 1, MAX_KERNEL)
        filters = distinct_integers("filters", filters, 1, MAX_FILTERS)
        strides = distinct_integers("strides", strides, 1, MAX_KERNEL)
        pools = distinct_integers("pools", pools, 2, MAX_KERNEL, may_be_empty=True)
        self.max_layers = integer("max_layers", max_layers, 1, MAX_LAYERS)
        self._values = {
            "kernel_heights": heights,
            "kernel_widths": widths,
            "filters": filters,
            "strides": strides,
            "pools": pools,
        }
        choices = {HEIGHT: heights, WIDTH: widths}
        if strides != [1]:
            choices |= {STRIDE_HEIGHT: strides, STRIDE_WIDTH: strides}
        choices[FILTERS] = filters
        properties = [[f"{name}-{value}" for value in values] for name, values in choices.items()]
        properties[0] += [f"{POOL}-{size}" for size in pools]
        self.tokens = (*chain.from_iterable(properties), READ, IGNORE, END)
        self.end_token = END
        self.max_length = self.max_layers * len(properties) + self.max_layers * (self.max_layers - 1) // 2
        self._kernels = list(product(heights, widths))
        self._different_layers = prod(map(len, choices.values())) + len(pools)
        self._heights, self._begins = len(heights), len(properties[0])
        self._end = len(self.tokens) - 1
        # What may come next depends on one number alone: how many properties of a layer are written, or one
        # of the three that follow.
        self._properties = len(properties)
        self._link, self._next_layer, self._complete = range(len(properties), len(properties) + 3)
        following = [*properties, [READ, IGNORE], [*properties[0], END], []]
        self._masks = np.array([np.isin(self.tokens, names) for names in following])

    @property
    def arguments(self) -> dict[str, object]:
        """Properties of the layers, and how many there may be."""
        return {**self._values, "max_layers": self.max_layers}

    @property
    def layer_tokens(self) -> NDArray[np.bool_]:
        """Which tokens begin a layer: heights and pools."""
        return np.arange(len(self.tokens)) < self._begins

    @property
    def drawing_columns(self) -> int:
        """How many columns a drawing may have: one for each layer, and one where the ends meet."""
        return self.max_layers + 1

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow: values of one property, ``read`` or not, a layer or the end."""
        mask: NDArray[np.bool_] = self._masks[self._state(prefix)].copy()
        return mask

    def _state(self, prefix: Sequence[int]) -> int:
        if not len(prefix):
            return 0
        if prefix[-1] == self._end:
            return self._complete
        begin, layer = 0, 1
        while True:  # from layer to layer: how long one is follows from its first token and its number
            own = self._properties if prefix[begin] < self._heights else 1
            length = own + layer - 1
            written = len(prefix) - begin
            if written < own:
                return written
            if written < length:
                return self._link
            if written == length:
                return self._complete if layer == self.max_layers else self._next_layer
            begin, layer = begin + length, layer + 1

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for every row."""
        rows = np.arange(len(lengths))
        begins = (sentences < self._begins) & (np.arange(sentences.shape[1]) < lengths[:, None])
        layers = begins.sum(axis=1)
        begin = sentences.shape[1] - 1 - begins[:, ::-1].argmax(axis=1)  # of the last layer
        own = np.where(sentences[rows, begin] < self._heights, self._properties, 1)
        written = lengths - begin
        states = np.where(layers == self.max_layers, self._complete, self._next_layer)
        states = np.where(written < own + layers - 1, self._link, states)
        states = np.where(written < own, written, states)
        states[sentences[rows, lengths - 1] == self._end] = self._complete
        states[lengths == 0] = 0
        masks: NDArray[np.bool_] = self._masks[states]
        return masks

    def count(self) -> int:
        """Return the number of sentences; n layers have ``n * (n - 1) / 2`` possible links."""
        return sum(
            self._different_layers**depth * 2 ** (depth * (depth - 1) // 2)
            for depth in range(1, self.max_layers + 1)
        )

    def check_inputs(self, inputs: tuple[int, ...]) -> None:
        """Refuse what is no image, and images smaller than the largest kernel.

        Raises:
            InvalidArgumentError: If there are not three axes, or a kernel is larger than the image.
        """
        check_images(self.id, inputs, self._kernels)

    def size(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Compute what a network costs on images of the shape ``(channels, height, width)``."""
        return describe(architecture.tokens).size(inputs, outputs)

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> Module:
        """Build a network, see ``graph/network.py``."""
        from nas_gym.search_spaces.graph.network import build

        return build(architecture, inputs, outputs)

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out the layers from left to right, and where a finished graph's ends meet."""
        blocks = [
            Block(_label(each.properties), None, tuple(number - 1 for number in each.inputs), dense=False)
            for each in written_layers(tokens)
        ]
        if self.is_complete([self.tokens.index(token) for token in tokens]):
            ends = tuple(number - 1 for number in describe(tokens).unread)
            blocks.append(Block("mean", None, ends, dense=False))
        return tuple(blocks)


def _label(properties: Mapping[str, int]) -> str:
    """Return a layer's properties, one a line, and a question mark for what is not written yet."""
    if POOL in properties:
        return f"pool\n{properties[POOL]}"
    height, width, filters = (properties.get(name, "?") for name in (HEIGHT, WIDTH, FILTERS))
    lines = [f"{height}x{width}", f"{filters}"]
    if STRIDE_HEIGHT in properties:
        stride = f"{properties[STRIDE_HEIGHT]}x{properties.get(STRIDE_WIDTH, '?')}"
        lines += [f"/ {stride}"] if stride != "1x1" else []
    return "\n".join(lines)
