"""Grammar of ``chain-v0``: tokens of chains of convolutions, and in what order they may come."""

from collections.abc import Sequence
from itertools import product
from typing import ClassVar, Literal

from nas_gym.checks import distinct, distinct_integers, integer, number
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module, NetworkSize
from nas_gym.search_spaces.chain.description import END, ChainLayer, describe
from nas_gym.search_spaces.convolution import (
    MAX_FILTERS,
    MAX_KERNEL,
    MAX_LAYERS,
    check_images,
    check_number_of_layers,
)
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.ranked import RankedSpace

SHARES = "numbers from 0 to below 1 with up to 4 decimals"


class ChainSpace(RankedSpace):
    """Convolutional networks for images whose layers read one another in turn.

    After a search for MNIST networks. A token is a whole layer, for example ``conv5x5-32-pool2-drop0.25``:
    convolution with bias and as much padding as keeps the extent ("same"), ReLU, max pooling (1: none),
    dropout (0: none). A sentence has 1 to ``max_layers`` of them; ``EOS`` may come after the first, and a
    sentence of ``max_layers`` needs none. All values of the last layer go to one linear layer.

    With ``dimensions=1`` the pixels are read as one sequence, row by row, with one-dimensional convolutions
    and poolings of stride 1: ``conv5-32-pool2-drop0.25``. Pooling never makes a map vanish: a window may
    reach over the edge, and in one dimension it is at most as long as the sequence.

    Args:
        kernels: Sides of the square kernels, or their lengths in one dimension, 1 to 64.
        filters: Numbers of filters, 1 to 4,096.
        pools: Sizes of the max poolings, 1 to 64; 1 is none.
        dropouts: Shares of dropped values, from 0 to below 1, with up to four decimals.
        max_layers: Largest number of layers, 1 to 64.
        dimensions: Whether images are read as planes (2) or as sequences of pixels (1).

    Raises:
        InvalidArgumentError: If an argument is out of range or empty, or a value comes twice.
    """

    id: ClassVar[str] = "chain-v0"

    def __init__(
        self,
        *,
        kernels: Sequence[int] = (3, 5, 7),
        filters: Sequence[int] = (8, 16, 32, 64),
        pools: Sequence[int] = (1, 2, 3),
        dropouts: Sequence[float] = (0.0, 0.25, 0.5),
        max_layers: int = 2,
        dimensions: Literal[1, 2] = 2,
    ) -> None:
        self._kernels = distinct_integers("kernels", kernels, 1, MAX_KERNEL)
        self._filters = distinct_integers("filters", filters, 1, MAX_FILTERS)
        self._pools = distinct_integers("pools", pools, 1, MAX_KERNEL)
        self._dropouts = [_share(value) for value in distinct("dropouts", dropouts, "numbers")]
        self._dimensions = integer("dimensions", dimensions, 1, 2)
        choices = (self._kernels, self._filters, self._pools, self._dropouts)
        check_number_of_layers(*choices)
        layers = (
            ChainLayer((side,) * self._dimensions, filters, pool, dropout)
            for side, filters, pool, dropout in product(*choices)
        )
        self.tokens = (*map(str, layers), END)
        self.end_token = END
        self.max_length = integer("max_layers", max_layers, 1, MAX_LAYERS)

    @property
    def arguments(self) -> dict[str, object]:
        """Properties of the layers, and how many there may be."""
        return {
            "kernels": list(self._kernels),
            "filters": list(self._filters),
            "pools": list(self._pools),
            "dropouts": list(self._dropouts),
            "max_layers": self.max_length,
            "dimensions": self._dimensions,
        }

    def check_inputs(self, inputs: tuple[int, ...]) -> None:
        """Refuse what is no image, and images smaller than the largest kernel.

        Raises:
            InvalidArgumentError: If there are not three axes, or a kernel is larger than the image.
        """
        check_images(self.id, inputs, ((side,) * self._dimensions for side in self._kernels))

    def size(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Compute what a network costs on images of the shape ``(channels, height, width)``."""
        return describe(architecture.tokens).size(inputs, outputs)

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> Module:
        """Build a network, see ``chain/network.py``."""
        from nas_gym.search_spaces.chain.network import build

        return build(architecture, inputs, outputs)

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out the layers from left to right."""
        return tuple(
            Block(_label(layer), None, (index - 1,), dense=False)
            for index, layer in enumerate(describe(tokens).layers)
        )


def _share(value: object) -> float:
    share = float(number("dropouts", value, SHARES, least=0.0, below=1.0))
    if round(share, 4) != share:
        raise InvalidArgumentError(f"dropouts must be {SHARES}, got {value!r}")
    return share


def _label(layer: ChainLayer) -> str:
    """Return a layer's properties, one a line."""
    lines = [f"conv {'x'.join(map(str, layer.kernel))}", f"{layer.filters} filters"]
    lines += [f"pool {layer.pool}"] if layer.pool > 1 else []
    lines += [f"drop {layer.dropout:g}"] if layer.dropout else []
    return "\n".join(lines)
