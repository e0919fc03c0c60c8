"""Hand-designed chains, which found ones are held against; parameters not yet initialised."""

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module

TWO_LAYERS = Architecture("chain-v0", ("conv5x5-32-pool2-drop0", "conv5x5-64-pool2-drop0"))


def two_layers(inputs: tuple[int, ...], outputs: int) -> Module:
    """Build the hand-made network of the MNIST system: 5x5x32, pool 2, 5x5x64, pool 2, linear."""
    from nas_gym.search_spaces.chain.network import build

    return build(TWO_LAYERS, inputs, outputs)
