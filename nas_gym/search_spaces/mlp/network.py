"""Networks of ``mlp-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

from torch import nn
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.mlp.description import Linear, describe


def build(architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Build the network of an architecture, its parameters not yet initialised.

    Leaving the values to the trainer keeps PyTorch's global random generator out of the result.

    Args:
        architecture: An architecture of ``mlp-v0``.
        inputs: Shape of one sample, ``(features,)``.
        outputs: Number of outputs.

    Returns:
        A module from float32 ``(batch, features)`` to logits ``(batch, outputs)``.
    """
    (features,) = inputs
    modules: list[nn.Module] = []
    for layer in describe(architecture.tokens).layers:
        if isinstance(layer, Linear):
            modules.append(skip_init(nn.Linear, features, layer.width))
            features = layer.width
        else:
            modules.append(getattr(nn, layer.name)())
    return nn.Sequential(*modules, skip_init(nn.Linear, features, outputs))
