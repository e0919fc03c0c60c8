"""How images become features, as plain data: whoever has it needs no data set to read another image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.folder import users_path
from nas_gym.errors import InvalidDataError

BYTE = 255
Pixels = NDArray[np.uint8]
RawImages: TypeAlias = Pixels | str | Path | Sequence[str | Path]
"""Arrays ``(n, height, width)`` or ``(n, height, width, channels)``, a file, a folder of files, or files."""


@dataclass(frozen=True, slots=True)
class ImageReading:
    """Images of one size and colour, and what they are normalised with.

    Attributes:
        channels: 1 for grey, 3 for RGB.
        height: In pixels.
        width: In pixels.
        mean: Mean of each channel in the training part, float32, in the units of the pixels.
        std: Standard deviation of each channel there.
        largest: Largest value of a pixel. If that is not 255 no file has such images.
    """

    kind: ClassVar[Literal["images"]] = "images"
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    largest: int = BYTE

    def __post_init__(self) -> None:
        """Refuse what no data set says."""
        if not len(self.mean) == len(self.std) == self.channels or min(*self.std, self.channels) <= 0:
            raise InvalidDataError("images need a mean and a positive standard deviation for each channel")

    def read(self, raw: RawImages) -> Pixels:
        """Return images, uint8, shape ``(n, channels, height, width)``.

        Files are read as ``image_folder`` reads them: turned upright, resized, made grey or RGB. Arrays are
        taken as they are. A folder is read in the order of its files' names.

        Raises:
            InvalidDataError: If an array has another type, shape or values, or a file cannot be read.
        """
        if isinstance(raw, (str, Path)):
            return self._of_files(_files_at(users_path(raw, "file or folder")))
        if isinstance(raw, (list, tuple)) and raw and all(isinstance(each, (str, Path)) for each in raw):
            return self._of_files([users_path(each, "file") for each in raw])
        return self._of_array(raw)

    def _of_array(self, raw: object) -> Pixels:
        images = np.asarray(raw)
        came = images.shape
        if images.dtype != np.uint8:
            raise InvalidDataError(
                f"images must be uint8, values from 0 to {self.largest}, got {images.dtype}; nothing is "
                "normalised beforehand"
            )
        if images.ndim == 3 and self.channels == 1:
            images = images[..., None]
        if images.shape[1:] != (self.height, self.width, self.channels):
            size = f"n, {self.height}, {self.width}"
            shapes = f"({size}) or ({size}, 1)" if self.channels == 1 else f"({size}, {self.channels})"
            raise InvalidDataError(
                f"images must have the shape {shapes}, got {came}; files are resized, arrays are not"
            )
        if self.largest < BYTE and images.size and images.max() > self.largest:
            raise InvalidDataError(
                f"pixels must be from 0 to {self.largest} as in the training data, got {images.max()}"
            )
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def _of_files(self, files: Sequence[Path]) -> Pixels:
        from nas_gym.datasets.images.image_files import read_images

        if self.largest != BYTE:
            raise InvalidDataError(
                f"pixels of the training data are from 0 to {self.largest}, those of files from 0 to {BYTE}; "
                "give arrays"
            )
        for file in files:
            if not file.is_file():
                raise InvalidDataError(f"there is no image {file.absolute()}")
        return read_images(files, (self.height, self.width), self.channels, skip_unreadable=None)[0]


def _files_at(path: Path) -> list[Path]:
    from nas_gym.datasets.images.image_files import is_image

    if not path.is_dir():
        return [path]
    try:
        files = sorted(file for file in path.iterdir() if is_image(file))
    except OSError as error:
        raise InvalidDataError(f"{path} cannot be read: {error.strerror}") from None
    if not files:
        raise InvalidDataError(f"{path} holds no image; images in folders within it are not read")
    return files
