"""Small images in the layouts that the data sets read, so that no test downloads anything."""

import atexit
import gzip
import hashlib
import pickle
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def random_pixels(*shape: int, seed: int = 0) -> Pixels:
    """Draw pixels of any value."""
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def write_image(file: Path, pixels: Pixels, mode: str | None = None) -> None:
    """Write an image, ``(height, width)`` or ``(height, width, 3)``, after turning it into a mode."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(file)


def write_image_folder(
    folder: Path, classes: tuple[str, ...] = ("cat", "dog", "owl"), images: int = 10, size: int = 6
) -> Path:
    """Write a folder of PNG files for each class; return ``folder``."""
    for label, name in enumerate(classes):
        for index in range(images):
            pixels = random_pixels(size, size, 3, seed=1000 * label + index)
            write_image(folder / name / f"{index:02d}.png", pixels)
    return folder


@cache
def small_image_folder() -> Path:
    """Return an image folder that lasts as long as the process."""
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    return write_image_folder(Path(temporary.name) / "pets")


def mnist_files(train: int = 120, test: int = 30) -> dict[str, bytes]:
    """Return files in MNIST's own format with random images, labels 0 to 9 in turn."""
    files = {}
    for seed, (part, samples) in enumerate((("train", train), ("t10k", test))):
        pixels, labels = random_pixels(samples, 28, 28, seed=seed), np.arange(samples, dtype=np.uint8) % 10
        for kind, values in (("images", pixels), ("labels", labels)):
            header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">i4").tobytes()
            files[f"{part}-{kind}-idx{values.ndim}-ubyte"] = header + values.tobytes()
    return files


def write_mnist(folder: Path) -> None:
    """Write a small MNIST where torchvision looks for it."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in mnist_files().items():
        (raw / name).write_bytes(content)


def write_mnist_mirror(folder: Path) -> list[tuple[str, str]]:
    """Write what torchvision downloads, and return names and checksums as its ``resources``."""
    folder.mkdir(parents=True)
    resources = []
    for name, content in mnist_files().items():
        packed = gzip.compress(content)
        (folder / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    return resources


def write_cifar10(folder: Path, samples: int = 20) -> dict[str, Any]:
    """Write a small CIFAR-10 where torchvision looks for it.

    Returns:
        The attributes of torchvision's ``CIFAR10`` that hold checksums, as they are for these files.
    """
    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    checksums = {}
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for seed, name in enumerate(names):
        batch = {
            "data": random_pixels(samples, 3072, seed=seed),
            "labels": (np.arange(samples) % 10).tolist(),
        }
        (batches / name).write_bytes(pickle.dumps(batch))
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": [str(n) for n in range(10)]}))
    for file in batches.iterdir():
        checksums[file.name] = hashlib.md5(file.read_bytes()).hexdigest()
    return {
        "train_list": [[name, checksums[name]] for name in names[:-1]],
        "test_list": [["test_batch", checksums["test_batch"]]],
        "meta": {
            "filename": "batches.meta",
            "key": "label_names",
            "md5": checksums["batches.meta"],
        },
    }
