"""``image_folder``: the user's own images, a folder for each class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets.folder import IMG_EXTENSIONS

from nas_gym import checks
from nas_gym.datasets.base import Dataset
from nas_gym.datasets.folder import users_path
from nas_gym.datasets.images.image_files import Size, is_image, read_images
from nas_gym.datasets.images.labelled_images import LabelledImages, split_images
from nas_gym.errors import InvalidArgumentError, InvalidDataError

MAX_IMAGE_SIZE = 4096
PARTS: dict[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""What folders of parts are called, whatever the case of their letters."""
LEFT_BEHIND = ("__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found")
"""Folders of operating systems, network drives and archivers; so is what begins with a dot."""


def image_folder(
    path: str | Path,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    split: Sequence[float] | None = None,
    train_samples: int | None = None,
    validation_samples: int | None = None,
    seed: int = 0,
    skip_unreadable: bool = False,
) -> Dataset:
    """Read a folder in the layout of torchvision's ``ImageFolder``: ``path/<class>/<image>``.

    Folders ``train``, ``val`` (or ``valid``, ``validation``) and ``test`` with ``<class>/<image>`` in them
    are read, too, or ``train`` and one of the others: they are then these parts. What begins with a dot is
    not the user's, nor are folders that operating systems leave behind. Classes are numbered in the order
    of their names. Photographs are turned upright, as Exif says; grey images of 16 bits keep the upper 8.
    All images are kept in memory.

    Args:
        path: The folder.
        image_size: Height and width that all images are resized to, a number if they are equal. The
            proportions of an image are not kept. ``None`` if all have one size already.
        channels: 1 to make all images grey, 3 to make all of them RGB (transparency is dropped). ``None``
            if all are grey already, or all are in colour.
        split: Relative sizes of training, validation and test part, by default 0.7, 0.1, 0.2; of these only
            training and validation part, 0.9, 0.1, beside a folder ``test``, only training and test part,
            0.8, 0.2, beside a folder ``val``, and none where both are.
        train_samples: How many images of the training part to keep, ``None`` for all.
        validation_samples: How many images of the validation part to keep, ``None`` for all.
        seed: Seed of the split, not of the children's training.
        skip_unreadable: Whether to leave out images that cannot be read.

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
    skip = checks.boolean("skip_unreadable", skip_unreadable)
    folders = _parts_of(root)
    names, files, labels = _list_files(folders["train"])
    counts = {"train": len(files)}
    for part in ("validation", "test"):
        if part in folders:
            others, more_files, more_labels = _list_files(folders[part])
            if others != names:
                other = sorted({*names} ^ {*others})[0]
                raise InvalidDataError(
                    f"the class {other} is in only one of {folders['train']} and {folders[part]}"
                )
            counts[part] = len(more_files)
            files, labels = [*files, *more_files], np.concatenate([labels, more_labels])
    features, readable = read_images(files, size, channels, skip)
    of_part = np.repeat(list(counts), list(counts.values()))[readable]
    labels = labels[readable]
    given = {part: LabelledImages(features[of_part == part], labels[of_part == part]) for part in counts}
    if len(given) == 3 and split is not None:
        raise InvalidArgumentError(f"{root} holds all three parts, there is nothing to split")
    if split is None:
        split = ((0.7, 0.1, 0.2), (0.9, 0.1) if "test" in given else (0.8, 0.2), (1,))[len(given) - 1]
    shape = "x".join(map(str, features.shape[1:]))
    return split_images(
        "image_folder",
        given["train"],
        given.get("test"),
        names,
        validation=given.get("validation"),
        split=split,
        train_samples=train_samples,
        validation_samples=validation_samples,
        seed=seed,
        source="images given by the user",
        licence="the user's",
        options=(root.resolve().name, f"shape={shape}"),
    )


def read_classes(
    path: str | Path,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
) -> tuple[LabelledImages, list[str]]:
    """Read all images of a folder ``path/<class>/<image>``, with the names of the classes; splits nothing.

    Args:
        path: The folder.
        image_size: See ``image_folder``.
        channels: See there.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        InvalidDataError: If it is no such folder, or an image cannot be read.
    """
    size = _checked_size(image_size)
    root = users_path(path, "folder")
    if not root.is_dir():
        raise InvalidDataError(
            f"there is no folder {root.absolute()}; path must name one of folders of images"
        )
    names, files, labels = _list_files(root)
    features, readable = read_images(files, size, channels, skip_unreadable=False)
    return LabelledImages(features, labels[readable]), names


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


def _folders_in(root: Path) -> list[Path]:
    """Return the folders of the user's own in a folder, by name."""
    inside = (entry for entry in root.iterdir() if entry.is_dir())
    return sorted(entry for entry in inside if entry.name[0] != "." and entry.name.lower() not in LEFT_BEHIND)


def _parts_of(root: Path) -> dict[str, Path]:
    """Return the folders of the parts there are; without any the whole is the training part.

    Raises:
        InvalidDataError: If there are other folders beside them, or two for one part.
    """
    try:
        inside = _folders_in(root)
        found = {part: [e for e in inside if e.name.lower() in words] for part, words in PARTS.items()}
        named = {part: entries for part, entries in found.items() if entries}
        # A folder called train may be a class.
        if "train" not in named or len(named) == 1 or not _folders_in(named["train"][0]):
            return {"train": root}
    except OSError as error:
        raise InvalidDataError(f"{root} cannot be read: {error.strerror}") from None
    known = [entry for entries in named.values() for entry in entries]
    others = [entry.name for entry in inside if entry not in known]
    if others:
        parts = " and ".join(entry.name for entry in known)
        raise InvalidDataError(f"{root} holds {parts}, and also {others[0]}, which is neither")
    twice = next((entries for entries in named.values() if len(entries) > 1), None)
    if twice:
        raise InvalidDataError(f"{root} holds {twice[0].name} and {twice[1].name}, which are the same part")
    return {part: entries[0] for part, entries in named.items()}


def _list_files(root: Path) -> tuple[list[str], list[Path], NDArray[np.int64]]:
    """Return the names of the classes, and the images with their labels."""
    try:
        folders = _folders_in(root)
        found = [sorted(file for file in folder.iterdir() if is_image(file)) for folder in folders]
        nested = [file for folder in folders for deeper in _folders_in(folder) for file in deeper.rglob("*")]
    except OSError as error:
        raise InvalidDataError(f"{root} cannot be read: {error.strerror}") from None
    if not folders:
        raise InvalidDataError(f"{root} holds no folders; one folder of images a class is needed")
    if len(folders) < 2:
        raise InvalidDataError(f"{root} holds one class, {folders[0].name}; at least 2 are needed")
    if within := [file for file in nested if is_image(file)]:
        raise InvalidDataError(
            f"{within[0]} stands in a folder within a class; {root} must hold <class>/<image>, "
            "or train/<class>/<image> and test/<class>/<image>"
        )
    for folder, files in zip(folders, found, strict=True):
        if not files:
            raise InvalidDataError(f"{folder} holds no image; images end with {', '.join(IMG_EXTENSIONS)}")
    labels = np.repeat(np.arange(len(folders), dtype=np.int64), [len(files) for files in found])
    return [folder.name for folder in folders], [file for files in found for file in files], labels
