"""Image files of any kind as arrays of one kind."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from torchvision.datasets.folder import IMG_EXTENSIONS

from nas_gym.errors import InvalidDataError

Read = TypeVar("Read")
GREY_MODES = ("1", "L", "LA")
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Modes of grey images of 16 bits; some readers take 32 for them."""
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
ON_ITS_SIDE = (5, 6, 7, 8)
"""Values of Exif's orientation with which width and height change places."""
NAMED = 5
"""Unreadable files that an error names."""
Size = tuple[int, int]


def is_image(file: Path) -> bool:
    """Say whether the name of a file is that of an image, and not one that a system left behind."""
    return file.name[0] != "." and file.suffix.lower() in IMG_EXTENSIONS and file.is_file()


def read_images(
    files: Sequence[Path], size: Size | None, channels: int | None, skip_unreadable: bool | None = False
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read images and make them alike.

    Args:
        files: Where they are.
        size: Height and width to resize them to; ``None`` if all have one size already.
        channels: 1 for grey, 3 for RGB; ``None`` if all are of one kind already.
        skip_unreadable: Whether to leave out what cannot be read; ``None`` where that is nobody's choice.

    Returns:
        Images, uint8, shape ``(readable files, channels, height, width)``, and which files were readable,
        bool, shape ``(files,)``.

    Raises:
        InvalidDataError: If images differ in size or colour and no argument says what to do, or an image
            cannot be read and is not to be skipped.
    """
    damaged: dict[Path, str] = {}
    if size is None or channels is None:  # the first image says what the others must be like
        kinds = _of_each(files, _kind_of, damaged)
        _refuse(damaged, len(files), skip_unreadable)
        first, (channels_first, size_first) = next(iter(kinds.items()))
        for file, (channels_there, size_there) in kinds.items():
            if channels is None and channels_there != channels_first:
                here, there = (("grey", "in colour")[c == 3] for c in (channels_there, channels_first))
                raise InvalidDataError(
                    f"{file} is {here}, but {first} is {there}; channels=3 makes all images RGB, 1 grey"
                )
            if size is None and size_there != size_first:
                here, there = (f"{height}x{width}" for height, width in (size_there, size_first))
                raise InvalidDataError(
                    f"{file} has {here} pixels, but {first} has {there}; image_size resizes all images"
                )
        channels, size = channels or channels_first, size or size_first
    wanted, depth = size, channels
    images = np.empty((len(files), depth, *wanted), dtype=np.uint8)
    numbers = {file: number for number, file in enumerate(files)}

    def read(file: Path) -> None:
        images[numbers[file]] = _pixels(file, wanted, depth)

    _of_each([file for file in files if file not in damaged], read, damaged)
    _refuse(damaged, len(files), skip_unreadable)
    readable = np.array([file not in damaged for file in files], dtype=np.bool_)
    return (images if readable.all() else images[readable]), readable


def _of_each(
    files: Sequence[Path], read: Callable[[Path], Read], damaged: dict[Path, str]
) -> dict[Path, Read]:
    """Return what is read of each file; add to ``damaged`` why others cannot be read."""

    def attempt(file: Path) -> Read | InvalidDataError:
        try:
            return read(file)
        except InvalidDataError as error:
            return error
        except Exception as error:  # the readers of damaged files raise nearly anything
            text = " ".join(str(error).replace(str(file), "the file").split())
            damaged[file] = text or type(error).__name__
            return InvalidDataError(text)

    found: dict[Path, Read] = {}
    with ThreadPoolExecutor() as threads:  # decoding runs outside Python's lock
        for file, result in zip(files, threads.map(attempt, files), strict=True):
            if not isinstance(result, InvalidDataError):
                found[file] = result
            elif file not in damaged:
                raise result
    return found


def _refuse(damaged: Mapping[Path, str], count: int, skip: bool | None) -> None:
    """Refuse files that cannot be read, unless they are to be skipped and there are others."""
    if not damaged or (skip and len(damaged) < count):
        return
    first = sorted(damaged)
    if skip:
        raise InvalidDataError(f"none of {count} images can be read; {first[0]}: {damaged[first[0]]}")
    if len(damaged) == 1:
        raise InvalidDataError(
            f"the image {first[0]} cannot be read: {damaged[first[0]]}"
            f"{'' if skip is None else '; skip_unreadable=True leaves it out'}"
        )
    more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
    raise InvalidDataError(
        f"{len(first)} of {count} images cannot be read: {', '.join(map(str, first[:NAMED]))}{more}; "
        f"the first: {damaged[first[0]]}{'' if skip is None else '; skip_unreadable=True leaves them out'}"
    )


def _kind_of(file: Path) -> tuple[int, Size]:
    """Return channels, height and width, without decoding the image."""
    with Image.open(file) as image:
        return _channels_of(image, file), _turned(image, (image.height, image.width))


def _pixels(file: Path, size: Size, channels: int) -> NDArray[np.uint8]:
    mode = "L" if channels == 1 else "RGB"
    height, width = size
    with Image.open(file) as image:
        _channels_of(image, file)
        # A large JPEG is decoded at a fraction of its size.
        image.draft(mode, _turned(image, (width, height)))
        converted = _eight_bits(ImageOps.exif_transpose(image)).convert(mode)
        if converted.size != (width, height):
            converted = converted.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(converted)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image of 16 bits with the upper 8 of them: Pillow would cut off what is above 255."""
    if image.mode not in SIXTEEN_BITS:
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 2**16 - 1:
        raise ValueError("its values need more than 16 bits")
    return Image.fromarray((values.astype(np.int64) >> 8).astype(np.uint8))


def _turned(image: Image.Image, size: Size) -> Size:
    """Return a size, its two numbers in reverse order if the camera was held on its side."""
    return size[::-1] if image.getexif().get(ExifTags.Base.Orientation) in ON_ITS_SIDE else size


def _channels_of(image: Image.Image, file: Path) -> int:
    if image.mode in GREY_MODES + SIXTEEN_BITS:
        return 1
    if image.mode in COLOUR_MODES:
        return 3
    allowed = (*GREY_MODES, SIXTEEN_BITS[0], *COLOUR_MODES)
    raise InvalidDataError(f"{file} has the mode {image.mode}; allowed are {', '.join(allowed)}")
