"""Grammar of ``graph-v0``: tokens of graphs of convolutions, and in what order they may come."""

from collections.abc import Sequence
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import distinct_integers, integer
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module, NetworkSize, SearchSpace
from nas_gym.search_spaces.convolution import (
    MAX_FILTERS,
    MAX_KERNEL,
    MAX_LAYERS,
    check_images,
    check_number_of_layers,
)
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.graph.description import END, Convolution, MaxPool, describe


class GraphSpace(SearchSpace):
    """Convolutional networks for images whose layers may read any earlier ones.

    After Zoph & Le 2016, https://arxiv.org/abs/1611.01578, section 3.2 and appendix A. A layer is a
    convolution without bias and with as much padding as keeps the extent ("same"), batch norm and ReLU, in
    this order, for example ``conv3x7-48`` (height 3, width 7) or ``conv3x3-36-stride2x1``, or a max pooling,
    ``pool2``. After a layer, ``from-k`` tokens with ascending k say which earlier layers it reads; layers
    count from 1. Without any it reads the image. Several inputs are concatenated on channels, the smaller
    ones in the middle of zeros: the paper does not say where they stand. What no layer reads is
    concatenated in the end, averaged over all pixels and goes to one linear layer. The order of batch norm
    and ReLU, the padding and the average are choices of this project, too; in the paper each of a layer's
    properties is a token of its own, here they are one.

    Pooling never makes a map vanish: a window may reach over the edge. ``EOS`` may come after the first
    layer; a sentence of ``max_length`` needs none.

    Args:
        kernel_heights: Heights of kernels, 1 to 64.
        kernel_widths: Widths of kernels, 1 to 64.
        filters: Numbers of filters, 1 to 4,096.
        strides: Strides of convolutions, each of them in both directions, 1 to 64.
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
        choices = (heights, widths, filters, strides, strides)
        check_number_of_layers(*choices)
        convolutions = (
            Convolution((height, width), count, (down, right))
            for height, width, count, down, right in product(*choices)
        )
        layers = (*map(str, convolutions), *(str(MaxPool(size)) for size in pools))
        self.tokens = (*layers, *(f"from-{number}" for number in range(1, self.max_layers)), END)
        self.end_token = END
        self.max_length = self.max_layers * (self.max_layers + 1) // 2
        self._kernels = list(product(heights, widths))
        self._layer_count = len(layers)
        self._end = len(self.tokens) - 1

    @property
    def layer_tokens(self) -> NDArray[np.bool_]:
        """Which tokens add a layer: all but ``from-k`` and ``EOS``."""
        return np.arange(len(self.tokens)) < self._layer_count

    @property
    def drawing_columns(self) -> int:
        """How many columns a drawing may have: one for each layer, and one where the ends meet."""
        return self.max_layers + 1

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
        """Return the number of sentences; n layers have ``n * (n - 1) / 2`` possible links."""
        return sum(
            self._layer_count**depth * 2 ** (depth * (depth - 1) // 2)
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
        graph = describe(tokens)
        blocks = [
            Block(_label(node.layer), None, tuple(number - 1 for number in node.inputs), dense=False)
            for node in graph.nodes
        ]
        if blocks and (END in tokens or len(tokens) == self.max_length):
            ends = tuple(number - 1 for number in graph.unread)
            blocks.append(Block("mean", None, ends, dense=False))
        return tuple(blocks)


def _label(layer: Convolution | MaxPool) -> str:
    """Return a layer's properties, one a line."""
    if isinstance(layer, MaxPool):
        return f"pool\n{layer.size}"
    lines = ["x".join(map(str, layer.kernel)), str(layer.filters)]
    lines += [f"/ {layer.stride[0]}x{layer.stride[1]}"] if layer.stride != (1, 1) else []
    return "\n".join(lines)
