"""``digits-v0``: handwritten digits of 8x8 pixels that come with scikit-learn."""

from collections.abc import Sequence

import numpy as np
from sklearn.datasets import load_digits

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.images.labelled_images import LabelledImages, split_images

LARGEST_PIXEL = 16


def digits(
    split: Sequence[float] = (0.7, 0.15, 0.15),
    train_samples: int | None = None,
    validation_samples: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Split scikit-learn's 1,797 real digits; they need no download.

    One channel of 8x8 pixels with values from 0 to 16, ten classes.

    Args:
        split: Relative sizes of training, validation and test part.
        train_samples: How many images of the training part to keep, ``None`` for all.
        validation_samples: How many images of the validation part to keep, ``None`` for all.
        seed: Seed of the split, not of the children's training.

    Raises:
        InvalidArgumentError: If an argument is out of range.
    """
    found = load_digits()
    images = LabelledImages(found.images.astype(np.uint8)[:, None], found.target.astype(np.int64))
    return split_images(
        "digits-v0",
        images,
        None,
        [str(digit) for digit in range(10)],
        split=split,
        train_samples=train_samples,
        validation_samples=validation_samples,
        seed=seed,
        source="sklearn.datasets.load_digits, from UCI's Optical Recognition of Handwritten Digits",
        licence="CC BY 4.0",
        largest_pixel=LARGEST_PIXEL,
    )
