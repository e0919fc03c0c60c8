"""Samples on a device, and what is done to whole batches of them: normalised, cropped, flipped."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from nas_gym.datasets.base import ChannelStatistics, Split
from nas_gym.tasks.supervised.recipe import Augmentation

FEATURES_AT_ONCE = 2**18
"""Numbers that a network reads at once when it is judged: bounds the memory of its feature maps."""
CROP_SHARE = 8
"""Crops shift an image by up to its sides divided by this: 4 pixels of 32, 1 of 8."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One part of a data set on a device, images still as bytes.

    Attributes:
        features: float32 ``(samples, *feature_shape)``, or uint8 ``(samples, channels, height, width)``.
        labels: int64, or float32, ``(samples,)``.
        scale: float32 ``(channels, 1, 1)``, what images are multiplied with; ``None`` for float features.
        shift: float32 ``(channels, 1, 1)``, what is added then.
    """

    features: Tensor
    labels: Tensor
    scale: Tensor | None = None
    shift: Tensor | None = None

    @classmethod
    def of(cls, split: Split, statistics: ChannelStatistics | None = None, device: str = "cpu") -> "Samples":
        """Put a split on a device, without a copy where that is the processor.

        Args:
            split: The samples.
            statistics: Those of the training part, for every part: needed for images, else ``None``.
            device: PyTorch's name of the device.
        """
        features = torch.from_numpy(split.features).to(device)
        labels = torch.from_numpy(split.labels).to(device)
        assert (statistics is not None) == (features.dtype == torch.uint8), "images need statistics"
        if statistics is None:
            return cls(features, labels)
        mean, std = (torch.from_numpy(values).to(device) for values in (statistics.mean, statistics.std))
        return cls(features, labels, *scale_and_shift(mean, std))

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.labels)

    def to_input(self, batch: Tensor) -> Tensor:
        """Make of a batch of features what a network reads: float32, images normalised by channel."""
        if self.scale is None or self.shift is None:
            return batch
        return normalised(batch, self.scale, self.shift)

    def epoch(
        self, batch_size: int, order: Tensor, augmentation: Augmentation, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples once, in batches of input and labels.

        Args:
            batch_size: Samples of a batch; the last one may be smaller.
            order: Indices of all samples, int64 ``(samples,)``, on any device.
            augmentation: What is done to images.
            generator: Draws crops and flips; one of the processor, so that they do not depend on the device.
        """
        for indices in order.to(self.labels.device).split(batch_size):
            batch = augment(self.features[indices], augmentation, generator)
            yield self.to_input(batch), self.labels[indices]

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples once in their order, in batches that bound memory."""
        size = max(1, FEATURES_AT_ONCE // self.features[0].numel())
        for features, labels in zip(self.features.split(size), self.labels.split(size), strict=True):
            yield self.to_input(features), labels


def scale_and_shift(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """Return what images are multiplied with and what is added then, ``(channels, 1, 1)`` each.

    Args:
        mean: float32 ``(channels,)``.
        std: As ``mean``.
    """
    mean, std = mean.reshape(-1, 1, 1), std.reshape(-1, 1, 1)
    return 1.0 / std, -mean / std


def normalised(images: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return images of any type as float32, each channel with the training part's mean 0 and deviation 1."""
    return (images * scale).add_(shift)


def augment(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Shift and mirror each image of a batch by its own draw.

    Args:
        images: Shape ``(batch, channels, height, width)``; of any shape if there is nothing to do.
        augmentation: What to do, see ``TrainingRecipe``.
        generator: A generator of the processor.

    Returns:
        Images of the same shape, type and device.
    """
    if augmentation in ("crop", "crop_flip"):
        images = _crop(images, generator)
    if augmentation in ("flip", "crop_flip"):
        mirrored = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(mirrored.to(images.device).reshape(-1, 1, 1, 1), images.flip(-1), images)
    return images


def _crop(images: Tensor, generator: torch.Generator) -> Tensor:
    count, _, height, width = images.shape
    rows, columns = max(1, height // CROP_SHARE), max(1, width // CROP_SHARE)
    padded = pad(images, (columns, columns, rows, rows))
    # A view of every window there is, of which each image takes one: nothing is copied but the result.
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    top = torch.randint(2 * rows + 1, (count,), generator=generator).to(images.device)
    left = torch.randint(2 * columns + 1, (count,), generator=generator).to(images.device)
    return windows[torch.arange(count, device=images.device), :, top, left]
