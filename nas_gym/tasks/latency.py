"""How long does a trained network take to answer?"""

from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn

WARM_UPS, PASSES = 3, 15


def median_seconds(module: nn.Module, sample: Tensor) -> float:
    """Return the median time of a forward pass, in seconds.

    Args:
        module: On the device of the sample.
        sample: What it reads.
    """
    seconds = []
    module.eval()
    with torch.inference_mode():
        for _ in range(WARM_UPS + PASSES):
            _wait_for(sample.device)
            start = perf_counter()
            module(sample)
            _wait_for(sample.device)
            seconds.append(perf_counter() - start)
    return median(seconds[WARM_UPS:])


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
