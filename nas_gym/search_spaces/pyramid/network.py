"""Networks of ``pyramid-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.convolution import same_convolution
from nas_gym.search_spaces.pyramid.description import Join, Layer, Pyramid, describe


def build(architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> "PyramidNetwork":
    """Build the network of an architecture, its weights and biases not yet initialised.

    Args:
        architecture: An architecture of ``pyramid-v0``.
        inputs: Shape of one image, ``(channels, height, width)``.
        outputs: Number of classes.

    Returns:
        A module from float32 ``(batch, channels, height, width)`` to logits ``(batch, classes)``.
    """
    return PyramidNetwork(describe(architecture.tokens), inputs, outputs)


class PyramidNetwork(nn.Module):
    """Layers that read the one before and earlier ones; the last one's map goes to the classifier.

    Args:
        pyramid: Layers and what they read.
        inputs: Shape of one image, ``(channels, height, width)``.
        outputs: Number of classes.
    """

    def __init__(self, pyramid: Pyramid, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        maps = pyramid.maps(inputs)
        self.reads = [layer.reads for layer in pyramid.layers]
        self.how = pyramid.join
        self.layers = nn.ModuleList(
            _layer(layer, pyramid.joined([maps[number] for number in layer.reads])[0])
            for layer in pyramid.layers
        )
        means: list[nn.Module] = [nn.AdaptiveAvgPool2d(1)] if pyramid.head == "average" else []
        features = maps[-1][0] if means else prod(maps[-1])
        self.head = nn.Sequential(*means, nn.Flatten(), skip_init(nn.Linear, features, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(batch, classes)`` for images ``(batch, channels, height, width)``."""
        maps = [images]
        for layer, reads in zip(self.layers, self.reads, strict=True):
            maps.append(layer(join([maps[number] for number in reads], self.how)))
        logits: Tensor = self.head(maps[-1])
        return logits


def join(maps: Sequence[Tensor], how: Join) -> Tensor:
    """Join maps; larger ones are max-pooled down to the smallest, whose extent is theirs halved a few times.

    Args:
        maps: Shapes ``(batch, channels, height, width)``, each with its own channels, height and width.
        how: ``"concatenate"`` on channels, or ``"add"``, where missing channels count as zeros.
    """
    if len(maps) == 1:
        return maps[0]
    extent = min(m.shape[2] for m in maps), min(m.shape[3] for m in maps)
    small = [m if m.shape[2:] == extent else _shrunk(m, extent) for m in maps]
    if how == "concatenate":
        return torch.cat(small, dim=1)
    channels = max(m.shape[1] for m in small)
    total = pad(small[0], (0, 0, 0, 0, 0, channels - small[0].shape[1]))
    for m in small[1:]:
        total = total + pad(m, (0, 0, 0, 0, 0, channels - m.shape[1]))
    return total


def _shrunk(m: Tensor, extent: tuple[int, int]) -> Tensor:
    """Halve a map, rounding up, until it has an extent."""
    factor = 1
    while (-(-m.shape[2] // factor), -(-m.shape[3] // factor)) != extent:
        factor *= 2
    return max_pool2d(m, factor, ceil_mode=True)


def _layer(layer: Layer, channels: int) -> nn.Sequential:
    modules = same_convolution(channels, layer.filters, (layer.kernel,) * 2, layer.stride, bias=False)
    modules.append(nn.BatchNorm2d(layer.filters))
    if layer.reduction == "pool":  # before ReLU, which then has a quarter to do: the two commute
        modules.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*modules, nn.ReLU())
