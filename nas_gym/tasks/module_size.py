"""What a module costs, found by running it: for networks without a description to count from."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas_gym.search_spaces.base import NetworkSize


def module_size(module: nn.Module, feature_shape: tuple[int, ...]) -> NetworkSize:
    """Count parameters, and multiplications for one sample; its weights do not matter."""
    module.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *feature_shape))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return NetworkSize(parameters, counter.get_total_flops() // 2)
