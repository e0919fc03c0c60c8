"""Networks of ``chain-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

from math import prod

from torch import nn
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.chain.description import describe
from nas_gym.search_spaces.convolution import same_convolution


def build(architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Build the network of an architecture, its weights and biases not yet initialised.

    Leaving them to the trainer keeps PyTorch's global random generator out of the result. A chain with
    dropout draws from that when it is trained: the trainer has to seed it for the child.

    Args:
        architecture: An architecture of ``chain-v0``.
        inputs: Shape of one image, ``(channels, height, width)``.
        outputs: Number of classes.

    Returns:
        A module from float32 ``(batch, channels, height, width)`` to logits ``(batch, classes)``.
    """
    chain = describe(architecture.tokens)
    maps = chain.maps(inputs)
    two_dimensional = len(maps[0]) == 3
    modules: list[nn.Module] = [] if two_dimensional else [nn.Flatten(start_dim=2)]
    for layer, (channels, *extent) in zip(chain.layers, maps, strict=False):
        modules += same_convolution(channels, layer.filters, layer.kernel, bias=True)
        modules.append(nn.ReLU())
        if layer.pool > 1 and two_dimensional:
            modules.append(nn.MaxPool2d(layer.pool, ceil_mode=True))
        elif layer.pool > 1:
            modules.append(nn.MaxPool1d(min(layer.pool, *extent), stride=1))
        if layer.dropout:
            modules.append(nn.Dropout(layer.dropout))
    return nn.Sequential(*modules, nn.Flatten(), skip_init(nn.Linear, prod(maps[-1]), outputs))
