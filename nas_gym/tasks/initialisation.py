"""Initial weights of a child, drawn from an explicit generator."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class UnknownLayerError(AssertionError):
    """A network holds a layer whose weights nobody knows how to draw: an error of its search space."""


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights and biases as PyTorch's own layers do, but from an explicit generator.

    Those of linear and convolutional layers are uniform within plus and minus 1 / sqrt(inputs of a unit).
    An embedding's are, unlike PyTorch's, uniform within plus and minus 1 / sqrt(its width): so they suit
    linear layers that share them. Batch normalisation starts as the identity that has seen nothing.

    Raises:
        UnknownLayerError: If a layer with parameters is of another kind.
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d)):
                bound = layer.weight.shape[1:].numel() ** -0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)
            elif isinstance(layer, nn.Embedding):
                bound = layer.embedding_dim**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
            elif isinstance(layer, _BatchNorm):
                layer.reset_parameters()
            elif next(layer.parameters(recurse=False), None) is not None:
                raise UnknownLayerError(f"initialise does not know the layer {type(layer).__name__}")
