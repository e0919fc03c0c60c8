"""``cifar10-v0``: colour photographs of 32x32 pixels."""

from collections.abc import Sequence

from torchvision.datasets import CIFAR10

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.images.labelled_images import split_images
from nas_gym.datasets.images.torchvision_files import open_or_download

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(
    split: Sequence[float] = (45_000, 5_000),
    train_samples: int | None = None,
    validation_samples: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Open CIFAR-10, in torchvision's layout, in the data folder; torchvision downloads it if it is missing.

    Three channels of 32x32 pixels, ten classes. Krizhevsky 2009, "Learning multiple layers of features
    from tiny images". The test part is the published one of 10,000 images. The split is that of Zoph & Le
    2016, https://arxiv.org/abs/1611.01578, who drew theirs at random without regard to the classes.

    Args:
        split: Relative sizes of training and validation part, which the published 50,000 training images
            are split into.
        train_samples: How many images of the training part to keep, ``None`` for all.
        validation_samples: How many images of the validation part to keep, ``None`` for all.
        seed: Seed of the split, not of the children's training.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        MissingDataError: If the files are missing and cannot be downloaded, or damaged.
    """
    images, test = open_or_download(CIFAR10, CIFAR10.base_folder)
    return split_images(
        "cifar10-v0",
        images,
        test,
        CLASSES,
        split=split,
        train_samples=train_samples,
        validation_samples=validation_samples,
        seed=seed,
        source="torchvision.datasets.CIFAR10, from cs.toronto.edu/~kriz/cifar.html",
        licence="none stated",
    )
