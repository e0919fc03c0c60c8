"""``image_arrays``: the user's own images in memory, split into training and validation part."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import number
from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.images.labelled_images import LabelledImages, stratified_order
from nas_gym.errors import InvalidDataError


def image_arrays(
    images: LabelledImages,
    class_names: Sequence[str],
    validation: float | LabelledImages = 0.15,
    seed: int = 0,
    train_samples: int | None = None,
    validation_samples: int | None = None,
) -> Dataset:
    """Split images at random, so that both parts have all classes in equal shares; there is no test part.

    Args:
        images: What there is to learn from.
        class_names: One for each label.
        validation: The share that is judged on, or other images for that.
        seed: Seed of the split.
        train_samples: How many images to learn from at most, ``None`` for all.
        validation_samples: How many images to judge on at most, ``None`` for all.

    Raises:
        InvalidDataError: If a class has too few images to be split.
    """
    generator = np.random.default_rng(seed)
    order = stratified_order(images.labels, generator)
    if isinstance(validation, LabelledImages):
        judges, rows = validation, order
    else:
        held_out = max(len(class_names), round(validation * len(order)))
        judges, rows = images.at(order[:held_out]), order[held_out:]
    missing = np.setdiff1d(np.arange(len(class_names)), images.labels[rows])
    if len(missing):
        raise InvalidDataError(
            f"no image of class {class_names[missing[0]]} is left to learn from; at least 2 are needed"
        )
    learned = rows[stratified_order(images.labels[rows], generator)][:train_samples]
    judged = stratified_order(judges.labels, generator)[:validation_samples]
    train = images.at(learned)
    return Dataset(
        id=f"images({len(learned)}/{len(judged)}, seed={seed})",
        train=Split(train.features, train.labels),
        validation=Split(judges.features[judged], judges.labels[judged]),
        test=None,
        classes=len(class_names),
        class_names=tuple(class_names),
        source="images given by the user",
        licence="the user's",
    )


def read_array(X: object) -> NDArray[np.uint8]:
    """Return images as children read them, uint8 ``(n, channels, height, width)``.

    Args:
        X: Pixels, uint8, shape ``(n, height, width)`` or ``(n, height, width, channels)``.

    Raises:
        InvalidDataError: If it is something else.
    """
    images = np.asarray(X)
    came = images.shape
    if images.dtype != np.uint8:
        raise InvalidDataError(f"images must be uint8, values from 0 to 255, got {images.dtype}")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise InvalidDataError(
            f"images must have the shape (n, height, width) or (n, height, width, 1 or 3), got {came}"
        )
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def check_share(validation: object) -> float:
    """Return the share of the images that is judged on.

    Raises:
        InvalidArgumentError: If it is none.
    """
    allowed = "a share between 0 and 1, or (X_val, y_val)"
    return number("validation", validation, allowed, above=0.0, below=1.0)
