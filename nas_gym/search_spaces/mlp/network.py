"""Networks of ``mlp-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

from torch import nn
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.mlp.grammar import Linear, MlpDescription


def build(architecture: Architecture, feature_shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Build the network of an architecture, its parameters not yet initialised.

    Leaving the values to the trainer keeps PyTorch's global random generator out of the result.

    Args:
        architecture: An architecture of ``mlp-v0``.
        feature_shape: Shape of one sample, ``(features,)``.
        classes: Number of outputs.

    Returns:
        A module from float32 ``(batch, features)`` to logits ``(batch, classes)``.
    """
    (features,) = feature_shape
    modules: list[nn.Module] = []
    for layer in MlpDescription.of(architecture).layers:
        if isinstance(layer, Linear):
            modules.append(skip_init(nn.Linear, features, layer.width))
            features = layer.width
        else:
            modules.append(getattr(nn, layer.name)())
    return nn.Sequential(*modules, skip_init(nn.Linear, features, classes))
