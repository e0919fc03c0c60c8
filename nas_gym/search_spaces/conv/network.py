"""Networks of ``conv-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.conv.description import Chain, Convolution, Graph, MaxPool, describe, joined


def build(architecture: Architecture, feature_shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build the network of an architecture, its weights and biases not yet initialised.

    Leaving them to the trainer keeps PyTorch's global random generator out of the result. Batch norms
    start as PyTorch's do: scale 1, shift 0, running mean 0 and variance 1. A chain with dropout draws
    from PyTorch's global generator when it is trained: the trainer has to seed that for the child.

    Args:
        architecture: An architecture of ``conv-v0``.
        feature_shape: Shape of one image, ``(channels, height, width)``.
        classes: Number of outputs.

    Returns:
        A module from float32 ``(batch, channels, height, width)`` to logits ``(batch, classes)``.
    """
    description = describe(architecture.tokens)
    if isinstance(description, Chain):
        return _chain(description, feature_shape, classes)
    return GraphNetwork(description, feature_shape, classes)


class GraphNetwork(nn.Module):
    """Layers that read the image or earlier layers; what none of them reads goes to the classifier.

    Args:
        graph: Layers and what they read.
        feature_shape: Shape of one image, ``(channels, height, width)``.
        classes: Number of outputs.
    """

    def __init__(self, graph: Graph, feature_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        maps = graph.maps(feature_shape)
        self.inputs = [node.inputs for node in graph.nodes]
        self.unread = graph.unread
        self.layers = nn.ModuleList(
            nn.MaxPool2d(node.layer.size, ceil_mode=True)
            if isinstance(node.layer, MaxPool)
            else _graph_convolution(node.layer, joined([maps[number] for number in node.inputs])[0])
            for node in graph.nodes
        )
        self.classifier = skip_init(nn.Linear, joined([maps[n] for n in self.unread])[0], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(batch, classes)`` for images ``(batch, channels, height, width)``."""
        maps = [images]
        for layer, inputs in zip(self.layers, self.inputs, strict=True):
            maps.append(layer(join([maps[number] for number in inputs])))
        logits: Tensor = self.classifier(join([maps[number] for number in self.unread]).mean(dim=(2, 3)))
        return logits


def join(maps: Sequence[Tensor]) -> Tensor:
    """Concatenate on channels; smaller maps stand in the middle of zeros.

    So the centres of all maps coincide; where the margin is odd, its larger part is below and right.

    Args:
        maps: Shapes ``(batch, channels, height, width)``, each with its own channels, height and width.
    """
    height, width = (max(m.shape[axis] for m in maps) for axis in (2, 3))
    padded = []
    for m in maps:
        rows, columns = height - m.shape[2], width - m.shape[3]
        if rows or columns:
            m = pad(m, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        padded.append(m)
    return padded[0] if len(padded) == 1 else torch.cat(padded, dim=1)


def _chain(chain: Chain, feature_shape: tuple[int, ...], classes: int) -> nn.Sequential:
    maps = chain.maps(feature_shape)
    two_dimensional = len(maps[0]) == 3
    modules: list[nn.Module] = [] if two_dimensional else [nn.Flatten(start_dim=2)]
    for layer, (channels, *extent) in zip(chain.layers, maps, strict=False):
        modules += _same_convolution(channels, layer.filters, layer.kernel, bias=True)
        modules.append(nn.ReLU())
        if layer.pool > 1 and two_dimensional:
            modules.append(nn.MaxPool2d(layer.pool, ceil_mode=True))
        elif layer.pool > 1:
            modules.append(nn.MaxPool1d(min(layer.pool, *extent), stride=1))
        if layer.dropout:
            modules.append(nn.Dropout(layer.dropout))
    return nn.Sequential(*modules, nn.Flatten(), skip_init(nn.Linear, prod(maps[-1]), classes))


def _graph_convolution(layer: Convolution, channels: int) -> nn.Sequential:
    convolution = _same_convolution(channels, layer.filters, layer.kernel, layer.stride, bias=False)
    return nn.Sequential(*convolution, nn.BatchNorm2d(layer.filters), nn.ReLU())


def _same_convolution(
    channels: int, filters: int, kernel: tuple[int, ...], stride: tuple[int, ...] | int = 1, *, bias: bool
) -> list[nn.Module]:
    """Return a convolution that keeps the extent at stride 1, after a module that pads if need be.

    The zeros before and after differ by one where the kernel is even: the additional one stands after.
    """
    kind = nn.Conv2d if len(kernel) == 2 else nn.Conv1d
    if all(side % 2 for side in kernel):
        padding = tuple(side // 2 for side in kernel)
        return [skip_init(kind, channels, filters, kernel, stride=stride, padding=padding, bias=bias)]
    before, after = ([(side - 1 + extra) // 2 for side in reversed(kernel)] for extra in (0, 1))
    zeros: nn.Module
    if len(kernel) == 2:
        zeros = nn.ZeroPad2d((before[0], after[0], before[1], after[1]))
    else:
        zeros = nn.ZeroPad1d((before[0], after[0]))
    return [zeros, skip_init(kind, channels, filters, kernel, stride=stride, bias=bias)]
