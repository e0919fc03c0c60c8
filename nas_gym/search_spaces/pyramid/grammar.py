"""Grammar of ``pyramid-v0``: a network property by property, and in what order they may come."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import distinct_integers, integer
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module, NetworkSize, SearchSpace
from nas_gym.search_spaces.convolution import MAX_FILTERS, MAX_KERNEL, MAX_LAYERS, check_images
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.pyramid.description import (
    END,
    FILTERS,
    HEADS,
    IGNORE,
    JOINS,
    KERNEL,
    READ,
    REDUCTIONS,
    Layer,
    describe,
)

RISE = 2
"""By how many of the numbers there are filters may rise from one layer to the next."""


class PyramidSpace(SearchSpace):
    """Convolutional networks for images, whose random draws are sensible ones.

    A sentence says first how maps are joined, ``add`` or ``concatenate``, and how the last map goes to the
    linear layer, ``average`` or ``flatten``. Then come the layers, property by property: a square kernel
    (``kernel-3``), filters (``filters-24``), what becomes of the extent (``keep``, ``stride`` or ``pool``,
    both of 2), and for each layer but the one before, which is always read, ``read`` or ``ignore``.

    A layer is a convolution without bias and with as much padding as keeps the extent, batch norm and
    ReLU; ``pool`` is a max pooling before the ReLU. Of the maps that a layer reads, larger ones are
    max-pooled down to the smallest.

    Filters never fall, and rise by at most two of the numbers there are: so maps get smaller and deeper, as
    in networks made by hand. A layer that halves the extent is not followed by another one.

    Args:
        kernels: Sides of the square kernels, 1 to 64.
        filters: Numbers of filters, 1 to 4,096, in any order.
        min_layers: Smallest number of layers; ``EOS`` may come from there on.
        max_layers: Largest number of layers, 1 to 64; a sentence of so many needs no ``EOS``.
        max_reductions: How many layers may halve the extent, at least 0.

    Raises:
        InvalidArgumentError: If an argument is out of range or empty, or a value comes twice.
    """

    id: ClassVar[str] = "pyramid-v0"

    def __init__(
        self,
        *,
        kernels: Sequence[int] = (1, 3, 5),
        filters: Sequence[int] = (16, 24, 32, 48, 64, 96),
        min_layers: int = 4,
        max_layers: int = 9,
        max_reductions: int = 3,
    ) -> None:
        self._kernels = distinct_integers("kernels", kernels, 1, MAX_KERNEL)
        self._filters = sorted(distinct_integers("filters", filters, 1, MAX_FILTERS))
        self.max_layers = integer("max_layers", max_layers, 1, MAX_LAYERS)
        self.min_layers = integer("min_layers", min_layers, 1, self.max_layers)
        self.max_reductions = integer("max_reductions", max_reductions, 0, MAX_LAYERS)
        words = (
            JOINS,
            HEADS,
            tuple(f"{KERNEL}{side}" for side in self._kernels),
            tuple(f"{FILTERS}{count}" for count in self._filters),
            REDUCTIONS,
            (READ, IGNORE),
        )
        self.tokens = (*(word for group in words for word in group), END)
        self.end_token = END
        starts = np.cumsum([0, *map(len, words)])
        join, head, kernel, filters_, reduction, coin = (
            range(start, start + len(group)) for start, group in zip(starts.tolist(), words, strict=False)
        )
        self._kernel_tokens, self._filter_tokens, self._keep = kernel, filters_, reduction[0]
        # What stands where follows from the position alone; so does where a sentence may end.
        slots: list[range] = [join, head]
        self._ends: list[int] = []
        for number in range(1, self.max_layers + 1):
            slots += [kernel, filters_, reduction, *[coin] * max(0, number - 2)]
            if self.min_layers <= number < self.max_layers:
                self._ends.append(len(slots))
        self.max_length = len(slots)
        self._masks = np.zeros((self.max_length + 1, len(self.tokens)), dtype=np.bool_)
        for position, slot in enumerate(slots):
            self._masks[position, slot] = True
        self._masks[self._ends, -1] = True
        lengths = [3 + max(0, number - 2) for number in range(1, self.max_layers + 1)]
        self._starts = np.cumsum([2, *lengths])
        # For each position the one where the layer before began; the first layer is its own.
        layer_of = np.clip(
            np.searchsorted(self._starts, np.arange(self.max_length + 1), "right") - 1, 0, None
        )
        self._before = self._starts[np.maximum(layer_of - 1, 0)]
        self._first = layer_of == 0
        self._is_filters = np.array([slot is filters_ for slot in slots] + [False])
        self._is_reduction = np.array([slot is reduction for slot in slots] + [False])
        self._masks_of_filters = np.zeros((len(filters_), len(self.tokens)), dtype=np.bool_)
        for lowest in range(len(filters_)):
            self._masks_of_filters[lowest, filters_[lowest : lowest + RISE + 1]] = True

    @property
    def arguments(self) -> dict[str, object]:
        """Properties of the layers, and how many layers and reductions there may be."""
        return {
            "kernels": list(self._kernels),
            "filters": list(self._filters),
            "min_layers": self.min_layers,
            "max_layers": self.max_layers,
            "max_reductions": self.max_reductions,
        }

    @property
    def layer_tokens(self) -> NDArray[np.bool_]:
        """Which tokens begin a layer: its kernel."""
        tokens = np.arange(len(self.tokens))
        return (tokens >= self._kernel_tokens.start) & (tokens < self._kernel_tokens.stop)

    @property
    def drawing_columns(self) -> int:
        """How many columns a drawing may have: one for each layer, and one for the head."""
        return self.max_layers + 1

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow: what has its turn, filters and reductions within their limits."""
        length = len(prefix)
        if self.is_complete(prefix):
            return np.zeros(len(self.tokens), dtype=np.bool_)
        before = int(self._before[length])
        if self._is_filters[length]:
            lowest = 0 if self._first[length] else prefix[before + 1] - self._filter_tokens.start
            return np.array(self._masks_of_filters[lowest])
        mask = np.array(self._masks[length])
        if self._is_reduction[length]:
            reductions = sum(self._keep < token <= self._keep + 2 for token in prefix)
            again = not self._first[length] and prefix[before + 2] > self._keep
            if again or reductions >= self.max_reductions:
                mask[self._keep + 1 : self._keep + 3] = False
        return mask

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for every row."""
        masks: NDArray[np.bool_] = self._masks[lengths]
        rows = np.arange(len(lengths))
        before, first = self._before[lengths], self._first[lengths]
        filters = rows[self._is_filters[lengths]]
        lowest = sentences[filters, before[filters] + 1] - self._filter_tokens.start
        masks[filters] = self._masks_of_filters[np.where(first[filters], 0, lowest)]
        reducing = rows[self._is_reduction[lengths]]
        written = np.arange(sentences.shape[1]) < lengths[reducing, None]
        words = sentences[reducing]
        reductions = ((words > self._keep) & (words <= self._keep + 2) & written).sum(axis=1)
        again = ~first[reducing] & (sentences[reducing, before[reducing] + 2] > self._keep)
        full = reducing[again | (reductions >= self.max_reductions)]
        masks[full, self._keep + 1 : self._keep + 3] = False
        masks[(lengths > 0) & (sentences[rows, lengths - 1] == len(self.tokens) - 1)] = False
        return masks

    def is_complete(self, prefix: Sequence[int]) -> bool:
        """Say whether the prefix has the largest length or ends with ``EOS``."""
        return len(prefix) == self.max_length or (len(prefix) > 0 and prefix[-1] == len(self.tokens) - 1)

    def count(self) -> int:
        """Return the number of sentences: of layers, by their filters and the reductions so far."""
        total, states = (
            0,
            {(0, 0, False): 4},
        )  # number of beginnings by filters, reductions, whether the last one reduced
        for number in range(1, self.max_layers + 1):
            following: dict[tuple[int, int, bool], int] = {}
            for (filters, used, reduced), ways in states.items():
                ways *= len(self._kernels) * 2 ** max(0, number - 2)
                for wider in range(filters, min(filters + RISE + 1, len(self._filters))):
                    reductions = 0 if reduced or used >= self.max_reductions else 2
                    for key, times in (((wider, used, False), 1), ((wider, used + 1, True), reductions)):
                        if times:
                            following[key] = following.get(key, 0) + times * ways
            states = following
            if number >= self.min_layers:
                total += sum(states.values())
        return total

    def check_inputs(self, inputs: tuple[int, ...]) -> None:
        """Refuse what is no image, and images smaller than the largest kernel.

        Raises:
            InvalidArgumentError: If there are not three axes, or a kernel is larger than the image.
        """
        check_images(self.id, inputs, ((side, side) for side in self._kernels))

    def size(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Compute what a network costs on images of the shape ``(channels, height, width)``."""
        return describe(architecture.tokens).size(inputs, outputs)

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> Module:
        """Build a network, see ``pyramid/network.py``."""
        from nas_gym.search_spaces.pyramid.network import build

        return build(architecture, inputs, outputs)

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out the layers that are whole from left to right, and the head of a finished network."""
        pyramid = describe(tokens)
        blocks = [
            Block(_label(layer), None, tuple(number - 1 for number in layer.reads), dense=False)
            for layer in pyramid.layers
        ]
        if blocks and (END in tokens or len(tokens) == self.max_length):
            blocks.append(Block(pyramid.head, None, (len(blocks) - 1,), dense=False))
        return tuple(blocks)


def _label(layer: Layer) -> str:
    """Return a layer's properties, one a line."""
    lines = [f"{layer.kernel}x{layer.kernel}", str(layer.filters)]
    lines += [f"{layer.reduction} 2"] if layer.reduction != "keep" else []
    return "\n".join(lines)
