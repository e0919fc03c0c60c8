"""What a module costs, found by running it: for networks without a description to count from."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nas_gym.search_spaces.base import NetworkSize


def module_size(module: nn.Module, feature_shape: tuple[int, ...]) -> NetworkSize:
    """Count parameters, and multiplications and activations for one sample; its weights do not matter."""
    activations = 0

    def count(_: nn.Module, __: object, output: Tensor) -> None:
        nonlocal activations
        activations += output.numel()

    counted = [each for each in module.modules() if isinstance(each, (nn.Linear, nn.Conv1d, nn.Conv2d))]
    hooks = [each.register_forward_hook(count) for each in counted]
    module.eval()
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, *feature_shape))
    finally:
        for hook in hooks:
            hook.remove()
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return NetworkSize(parameters, counter.get_total_flops() // 2, activations)
