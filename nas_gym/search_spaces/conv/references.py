"""Hand-designed networks for images, which found ones are held against; parameters not yet initialised."""

from itertools import pairwise

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.conv.network import build

TWO_LAYERS = Architecture("conv-v0", ("conv5x5-32-pool2-drop0", "conv5x5-64-pool2-drop0"))
RESNET_WIDTHS = (16, 32, 64)


def two_layers(feature_shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build the hand-made network of the MNIST system: 5x5x32, pool 2, 5x5x64, pool 2, linear."""
    return build(TWO_LAYERS, feature_shape, classes)


def resnet8(feature_shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build the smallest residual network for CIFAR-10: three stages of one block each.

    Paper: He et al. 2016, https://arxiv.org/abs/1512.03385, section 4.2, with n = 1: 6n + 2 layers of 16,
    32 and 64 filters. Where the extent is halved the shortcut is a convolution of 1x1 (option B), while
    the paper's CIFAR networks pad with zeros.

    Args:
        feature_shape: Shape of one image, ``(channels, height, width)``.
        classes: Number of outputs.

    Returns:
        A module from float32 ``(batch, channels, height, width)`` to logits ``(batch, classes)``.
    """
    first, *_, last = RESNET_WIDTHS
    with torch.device("meta"):  # torchvision's blocks draw their weights from the global generator otherwise
        network = nn.Sequential(
            nn.Conv2d(feature_shape[0], first, 3, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            *(_stage(inputs, outputs) for inputs, outputs in pairwise((first, *RESNET_WIDTHS))),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(last, classes),
        )
    return network.to_empty(device="cpu")


def _stage(inputs: int, outputs: int) -> BasicBlock:
    if inputs == outputs:
        return BasicBlock(inputs, outputs)
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride=2, downsample=shortcut)
