"""Opens data sets in torchvision's layout, and lets torchvision download what is missing."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from nas_gym.datasets.folder import data_folder
from nas_gym.datasets.images.labelled_images import LabelledImages
from nas_gym.errors import MissingDataError


class Published(Protocol):
    """A part of a data set of torchvision, as far as it is read here."""

    data: ArrayLike
    targets: ArrayLike


class PublishedKind(Protocol):
    """A class of such parts."""

    __name__: str

    def __call__(self, root: Path, *, train: bool, download: bool) -> Published:
        """Read a part, or download it."""


def open_or_download(kind: PublishedKind, files: str) -> tuple[LabelledImages, LabelledImages]:
    """Return the two parts that a data set of torchvision is published in, for training and for test.

    It is looked for in ``data_folder()``.

    Args:
        kind: One of torchvision's classes whose arguments are ``root``, ``train`` and ``download``.
        files: Where its files are within that folder, for errors.

    Raises:
        MissingDataError: If it is not there and cannot be downloaded, or its files are damaged.
    """
    folder = data_folder()
    name, place = kind.__name__, folder / files
    try:
        try:
            published = [kind(folder, train=train, download=False) for train in (True, False)]
        except RuntimeError as missing:  # or damaged: torchvision does not tell
            published = _download(kind, files, str(missing))
        train, test = (_images(part) for part in published)
    except (AssertionError, EOFError, IndexError, KeyError, OSError, TypeError, ValueError) as error:
        raise MissingDataError(
            f"the files of {name} in {place} are damaged ({type(error).__name__}); delete {place}, "
            "so that they are downloaded anew"
        ) from None
    return train, test


def _download(kind: PublishedKind, files: str, complaint: str) -> list[Published]:
    folder = data_folder()
    try:
        return [kind(folder, train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as error:
        if str(error) == complaint:  # the files are all there, and there was nothing to download
            raise ValueError(complaint) from None
        raise MissingDataError(
            f"{kind.__name__} is not in {folder / files}, or not whole, and downloading it failed "
            f"({_last_line(error)}); connect to the internet, or set NAS_GYM_DATA to the folder that holds "
            f"{files}"
        ) from None


def _images(published: Published) -> LabelledImages:
    pixels = np.asarray(published.data)
    if pixels.ndim == 3:
        features = pixels[:, None]
    else:
        features = pixels.transpose(0, 3, 1, 2)  # torchvision keeps colours last
    labels = np.asarray(published.targets, dtype=np.int64)
    if features.dtype != np.uint8 or len(features) != len(labels):
        raise ValueError("images and labels do not fit")
    return LabelledImages(np.ascontiguousarray(features), labels)


def _last_line(error: BaseException) -> str:
    lines = str(error).split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), type(error).__name__)
