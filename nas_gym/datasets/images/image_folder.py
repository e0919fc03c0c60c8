"""``image_folder``: the user's own images, a folder for each class."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from nas_gym import checks
from nas_gym.datasets.base import Dataset
from nas_gym.datasets.folder import users_path
from nas_gym.datasets.images.labelled_images import LabelledImages, split_images
from nas_gym.errors import InvalidArgumentError, InvalidDataError

MAX_IMAGE_SIZE = 4096
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
ON_ITS_SIDE = (5, 6, 7, 8)
"""Values of Exif's orientation with which width and height change places."""
Size = tuple[int, int]


def image_folder(
    path: str | Path,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    split: Sequence[float] | None = None,
    train_samples: int | None = None,
    validation_samples: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Read a folder in the layout of torchvision's ``ImageFolder``: ``path/<class>/<image>``.

    A folder with ``train/<class>/<image>`` and ``test/<class>/<image>`` is read, too; ``test`` is then
    the test part. Classes are numbered in the order of their names. Photographs are turned upright, as Exif
    says. All images are kept in memory.

    Args:
        path: The folder.
        image_size: Height and width that all images are resized to, a number if they are equal. The
            proportions of an image are not kept. ``None`` if all have one size already.
        channels: 1 to make all images grey, 3 to make all of them RGB (transparency is dropped). ``None``
            if all are grey already, or all are in colour.
        split: Relative sizes of training, validation and test part, by default 0.7, 0.1, 0.2; with a
            folder ``test`` those of training and validation part, by default 0.9, 0.1.
        train_samples: How many images of the training part to keep, ``None`` for all.
        validation_samples: How many images of the validation part to keep, ``None`` for all.
        seed: Seed of the split, not of the children's training.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        InvalidDataError: If there is no such folder, it has another layout, a class is empty or too rare
            to be split, an image cannot be read, or images differ in size or colour and no argument
            says what to do.
    """
    seed = checks.seed("seed", seed)
    size = _checked_size(image_size)
    if isinstance(channels, bool) or channels not in (None, 1, 3):
        raise InvalidArgumentError(f"channels must be 1, 3 or None, got {channels!r}")
    root = users_path(path, "folder")
    if not root.is_dir():
        raise InvalidDataError(
            f"there is no folder {root.absolute()}; path must name a folder with one folder of images a class"
        )
    in_parts = _has_parts(root)
    names, files, labels = _list_files(root / "train" if in_parts else root)
    test_files: list[Path] = []
    if in_parts:
        test_names, test_files, test_labels = _list_files(root / "test")
        if test_names != names:
            other = sorted({*names} ^ {*test_names})[0]
            raise InvalidDataError(
                f"the class {other} is in only one of {root / 'train'} and {root / 'test'}"
            )
    features = _read([*files, *test_files], size, channels)
    images = LabelledImages(features[: len(files)], labels)
    # Copies, so that no part holds on to the memory of another.
    test = LabelledImages(features[len(files) :].copy(), test_labels) if in_parts else None
    if split is None:
        split = (0.9, 0.1) if in_parts else (0.7, 0.1, 0.2)
    return split_images(
        "image_folder",
        images,
        test,
        names,
        split=split,
        train_samples=train_samples,
        validation_samples=validation_samples,
        seed=seed,
        source="images given by the user",
        licence="the user's",
        options=(root.resolve().name, f"shape={'x'.join(map(str, features.shape[1:]))}"),
    )


def _checked_size(image_size: object) -> Size | None:
    """Return height and width."""
    if image_size is None:
        return None
    sizes = image_size if isinstance(image_size, (list, tuple)) else (image_size, image_size)
    try:
        height, width = (checks.integer("image_size", size, 1, MAX_IMAGE_SIZE) for size in sizes)
    except ValueError:
        raise InvalidArgumentError(
            f"image_size must be None, an integer from 1 to {MAX_IMAGE_SIZE} or two of them (height, width), "
            f"got {image_size!r}"
        ) from None
    return height, width


def _has_parts(root: Path) -> bool:
    """Say whether a folder holds ``train`` and ``test`` with classes in them, rather than classes."""
    inside = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    train = root / "train"
    if "train" not in inside or "test" not in inside or not any(entry.is_dir() for entry in train.iterdir()):
        return False
    if others := [name for name in inside if name not in ("train", "test")]:
        raise InvalidDataError(f"{root} holds train and test, and also {others[0]}, which is neither")
    return True


def _list_files(root: Path) -> tuple[list[str], list[Path], NDArray[np.int64]]:
    """Return the names of the classes, and the images with their labels."""
    try:
        found = ImageFolder(str(root), allow_empty=True)
    except FileNotFoundError:  # no class at all
        raise InvalidDataError(f"{root} holds no folders; one folder of images a class is needed") from None
    except OSError as error:
        raise InvalidDataError(f"{root} cannot be read: {error.strerror}") from None
    if len(found.classes) < 2:
        raise InvalidDataError(f"{root} holds one class, {found.classes[0]}; at least 2 are needed")
    labels = np.asarray(found.targets, dtype=np.int64)
    counts = np.bincount(labels, minlength=len(found.classes))
    if not counts.all():
        empty = root / found.classes[counts.argmin()]
        raise InvalidDataError(f"{empty} holds no image; images end with {', '.join(IMG_EXTENSIONS)}")
    files = [Path(file) for file, _ in found.samples]
    nested = [file for file in files if file.parent.parent != root]
    if nested:
        raise InvalidDataError(
            f"{nested[0]} stands in a folder within a class; {root} must hold <class>/<image>, "
            "or train/<class>/<image> and test/<class>/<image>"
        )
    return found.classes, files, labels


def _read(files: Sequence[Path], size: Size | None, channels: int | None) -> NDArray[np.uint8]:
    """Return images, uint8, shape ``(files, channels, height, width)``."""
    if size is None or channels is None:  # the first image says what the others must be like
        with ThreadPoolExecutor() as threads:
            kinds = list(threads.map(_kind_of, files))
        for file, (channels_there, size_there) in zip(files, kinds, strict=True):
            if channels is None and channels_there != kinds[0][0]:
                here, there = (("grey", "in colour")[c == 3] for c in (channels_there, kinds[0][0]))
                raise InvalidDataError(
                    f"{file} is {here}, but {files[0]} is {there}; channels=3 makes all images RGB, 1 grey"
                )
            if size is None and size_there != kinds[0][1]:
                here, there = (f"{height}x{width}" for height, width in (size_there, kinds[0][1]))
                raise InvalidDataError(
                    f"{file} has {here} pixels, but {files[0]} has {there}; image_size resizes all images"
                )
        channels, size = channels or kinds[0][0], size or kinds[0][1]
    images = np.empty((len(files), channels, *size), dtype=np.uint8)

    def read(index: int) -> None:
        images[index] = _pixels(files[index], size, channels)

    with ThreadPoolExecutor() as threads:  # decoding runs outside Python's lock
        for _ in threads.map(read, range(len(files))):
            pass
    return images


def _kind_of(file: Path) -> tuple[int, Size]:
    """Return channels, height and width, without decoding the image."""
    try:
        with Image.open(file) as image:
            return _channels_of(image, file), _turned(image, (image.height, image.width))
    except InvalidDataError:
        raise
    except Exception as error:  # the readers of damaged files raise nearly anything
        raise _unreadable(file, error) from None


def _pixels(file: Path, size: Size, channels: int) -> NDArray[np.uint8]:
    mode = "L" if channels == 1 else "RGB"
    height, width = size
    try:
        with Image.open(file) as image:
            _channels_of(image, file)
            # A large JPEG is decoded at a fraction of its size.
            image.draft(mode, _turned(image, (width, height)))
            converted = ImageOps.exif_transpose(image).convert(mode)
            if converted.size != (width, height):
                converted = converted.resize((width, height), Image.Resampling.BILINEAR)
            pixels = np.asarray(converted)
    except InvalidDataError:
        raise
    except Exception as error:  # the readers of damaged files raise nearly anything
        raise _unreadable(file, error) from None
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _turned(image: Image.Image, size: Size) -> Size:
    """Return a size, its two numbers in reverse order if the camera was held on its side."""
    return size[::-1] if image.getexif().get(ExifTags.Base.Orientation) in ON_ITS_SIDE else size


def _channels_of(image: Image.Image, file: Path) -> int:
    if image.mode in GREY_MODES:
        return 1
    if image.mode in COLOUR_MODES:
        return 3
    raise InvalidDataError(
        f"{file} has the mode {image.mode}; allowed are {', '.join((*GREY_MODES, *COLOUR_MODES))}"
    )


def _unreadable(file: Path, error: Exception) -> InvalidDataError:
    text = " ".join(str(error).replace(str(file), "the file").split())
    return InvalidDataError(f"the image {file} cannot be read: {text or type(error).__name__}")
