from typing import Any

import numpy as np
import pytest
import torch

from nas_gym.datasets.base import ChannelStatistics, Split
from nas_gym.tasks.supervised.batches import FEATURES_AT_ONCE, Samples, augment
from nas_gym.tasks.supervised.recipe import Augmentation

IMAGES: Any = np.random.default_rng(0).integers(1, 256, (50, 3, 16, 8), dtype=np.uint8)
LABELS = np.arange(50, dtype=np.int64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_samples__are_normalised_batch_by_batch() -> None:
    pixels = np.moveaxis(IMAGES, 1, 0).reshape(3, -1).astype(np.float32)
    statistics = ChannelStatistics(pixels.mean(axis=1), pixels.std(axis=1))
    samples = Samples.of(Split(IMAGES, LABELS), statistics)
    order = torch.randperm(50, generator=seeded())
    batches = list(samples.epoch(20, order, "none", seeded()))
    assert [len(labels) for _, labels in batches] == [20, 20, 10]
    inputs = torch.cat([batch for batch, _ in batches])
    assert torch.equal(torch.cat([labels for _, labels in batches]), order)
    assert inputs.dtype == torch.float32
    assert inputs.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert (inputs.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3
    assert torch.allclose(torch.cat([batch for batch, _ in samples.in_order()])[order], inputs)


def test_samples__of_numbers_are_learned_from_as_they_are() -> None:
    features = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    ((inputs, labels),) = Samples.of(Split(features, LABELS)).in_order()
    assert np.array_equal(inputs.numpy(), features)
    assert np.array_equal(labels.numpy(), LABELS)


def test_samples__are_read_in_batches_that_bound_memory() -> None:
    images: Any = np.zeros((3, 1, 512, 512), dtype=np.uint8)
    one = np.ones(1, dtype=np.float32)
    samples = Samples.of(Split(images, LABELS[:3]), ChannelStatistics(one, one))
    assert [inputs.numel() for inputs, _ in samples.in_order()] == [FEATURES_AT_ONCE] * 3


def test_flip__mirrors_half_of_the_images() -> None:
    images = torch.from_numpy(IMAGES)
    flipped = augment(images, "flip", seeded())
    same = (flipped == images).flatten(1).all(dim=1)
    mirrored = (flipped == images.flip(-1)).flatten(1).all(dim=1)
    assert (same ^ mirrored).all()
    assert 10 < mirrored.sum() < 40


def test_crop__shifts_each_image_by_up_to_an_eighth_and_fills_up_with_black() -> None:
    images = torch.from_numpy(IMAGES)
    shifts = set()
    for image, cropped in zip(images, augment(images, "crop", seeded()), strict=True):
        for down in range(-2, 3):
            for right in range(-1, 2):
                moved = torch.zeros_like(image)
                moved[:, max(down, 0) : 16 + down, max(right, 0) : 8 + right] = image[
                    :, max(-down, 0) : 16 - down, max(-right, 0) : 8 - right
                ]
                if torch.equal(moved, cropped):
                    shifts.add((down, right))
                    break
            else:
                continue
            break
        else:
            raise AssertionError("no shift gives this crop")
    assert len(shifts) > 10


@pytest.mark.parametrize("augmentation", ["none", "flip", "crop", "crop_flip"])
def test_augment__follows_from_its_generator(augmentation: Augmentation) -> None:
    images = torch.from_numpy(IMAGES)
    first, again, other = (augment(images, augmentation, seeded(seed)) for seed in (1, 1, 2))
    assert first.dtype == torch.uint8
    assert first.shape == images.shape
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (augmentation == "none")
