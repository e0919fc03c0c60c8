"""Networks of ``graph-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.convolution import same_convolution
from nas_gym.search_spaces.graph.description import Convolution, Graph, MaxPool, describe, joined


def build(architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> "GraphNetwork":
    """Build the network of an architecture, its weights and biases not yet initialised.

    Leaving them to the trainer keeps PyTorch's global random generator out of the result. Batch norms
    start as PyTorch's do: scale 1, shift 0, running mean 0 and variance 1.

    Args:
        architecture: An architecture of ``graph-v0``.
        inputs: Shape of one image, ``(channels, height, width)``.
        outputs: Number of classes.

    Returns:
        A module from float32 ``(batch, channels, height, width)`` to logits ``(batch, classes)``.
    """
    return GraphNetwork(describe(architecture.tokens), inputs, outputs)


class GraphNetwork(nn.Module):
    """Layers that read the image or earlier layers; what none of them reads goes to the classifier.

    Args:
        graph: Layers and what they read.
        inputs: Shape of one image, ``(channels, height, width)``.
        outputs: Number of classes.
    """

    def __init__(self, graph: Graph, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        maps = graph.maps(inputs)
        self.inputs = [node.inputs for node in graph.nodes]
        self.unread = graph.unread
        self.layers = nn.ModuleList(
            nn.MaxPool2d(node.layer.size, ceil_mode=True)
            if isinstance(node.layer, MaxPool)
            else _graph_convolution(node.layer, joined([maps[number] for number in node.inputs])[0])
            for node in graph.nodes
        )
        self.classifier = skip_init(nn.Linear, joined([maps[n] for n in self.unread])[0], outputs)

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


def _graph_convolution(layer: Convolution, channels: int) -> nn.Sequential:
    convolution = same_convolution(channels, layer.filters, layer.kernel, layer.stride, bias=False)
    return nn.Sequential(*convolution, nn.BatchNorm2d(layer.filters), nn.ReLU())
