"""Networks that found ones are held against, whatever the search space."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from nas_gym.search_spaces.base import Module, NetworkSize

RESNET_WIDTHS = (16, 32, 64)


@dataclass(frozen=True, slots=True)
class Reference:
    """A hand-designed or published network.

    Attributes:
        name: What it is called.
        build: Makes its module, the parameters not yet initialised.
        size: What it costs, ``None`` if only the module can tell.
    """

    name: str
    build: Callable[[], Module]
    size: NetworkSize | None = None


def resnet8(inputs: tuple[int, ...], outputs: int) -> Module:
    """Build the smallest residual network for CIFAR-10: three stages of one block each.

    Paper: He et al. 2016, https://arxiv.org/abs/1512.03385, section 4.2, with n = 1: 6n + 2 layers of 16,
    32 and 64 filters. Where the extent is halved the shortcut is a convolution of 1x1 (option B), while
    the paper's CIFAR networks pad with zeros.

    Args:
        inputs: Shape of one image, ``(channels, height, width)``.
        outputs: Number of classes.

    Returns:
        A module from float32 ``(batch, channels, height, width)`` to logits ``(batch, classes)``, its
        parameters not yet initialised.
    """
    import torch
    from torch import nn
    from torchvision.models.resnet import BasicBlock

    def stage(channels: int, filters: int) -> nn.Module:
        halves = channels != filters
        shortcut = nn.Conv2d(channels, filters, 1, stride=2, bias=False)
        downsample = nn.Sequential(shortcut, nn.BatchNorm2d(filters)) if halves else None
        block: nn.Module = BasicBlock(channels, filters, 1 + halves, downsample)
        return block

    first, *_, last = RESNET_WIDTHS
    with torch.device("meta"):  # torchvision's blocks draw their weights from the global generator otherwise
        network = nn.Sequential(
            nn.Conv2d(inputs[0], first, 3, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            *(stage(channels, filters) for channels, filters in pairwise((first, *RESNET_WIDTHS))),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(last, outputs),
        )
    return network.to_empty(device="cpu")
