"""``mnist-v0``: handwritten digits of 28x28 pixels."""

from collections.abc import Sequence

from torchvision.datasets import MNIST

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.images.labelled_images import split_images
from nas_gym.datasets.images.torchvision_files import open_or_download


def mnist(
    split: Sequence[float] = (55_000, 5_000),
    train_samples: int | None = None,
    validation_samples: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Open MNIST, in torchvision's layout, in the data folder; torchvision downloads it if it is missing.

    One channel of 28x28 pixels, ten classes. LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based
    learning applied to document recognition". The test part is the published one of 10,000 images.

    Args:
        split: Relative sizes of training and validation part, which the published 60,000 training images
            are split into.
        train_samples: How many images of the training part to keep, ``None`` for all.
        validation_samples: How many images of the validation part to keep, ``None`` for all.
        seed: Seed of the split, not of the children's training.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        MissingDataError: If the files are missing and cannot be downloaded, or damaged.
    """
    images, test = open_or_download(MNIST, "MNIST/raw")
    return split_images(
        "mnist-v0",
        images,
        test,
        [str(digit) for digit in range(10)],
        split=split,
        train_samples=train_samples,
        validation_samples=validation_samples,
        seed=seed,
        source="torchvision.datasets.MNIST, from yann.lecun.com/exdb/mnist",
        licence="CC BY-SA 3.0",
    )
