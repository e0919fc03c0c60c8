"""What data sets of images share: their split, and low fidelity by fewer samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas_gym import checks
from nas_gym.datasets.base import Dataset, Split, split_sizes
from nas_gym.datasets.images.reading import BYTE
from nas_gym.errors import InvalidArgumentError, InvalidDataError


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images in the order of their files.

    Attributes:
        features: uint8, shape ``(samples, channels, height, width)``.
        labels: int64, shape ``(samples,)``.
    """

    features: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def at(self, rows: NDArray[np.int64]) -> "LabelledImages":
        """Return a copy of the images of some rows, in their order."""
        return LabelledImages(self.features[rows], self.labels[rows])


def split_images(
    name: str,
    images: LabelledImages,
    test: LabelledImages | None,
    class_names: Sequence[str],
    *,
    validation: LabelledImages | None = None,
    split: ArrayLike,
    train_samples: int | None,
    validation_samples: int | None,
    seed: int,
    source: str,
    licence: str,
    options: Sequence[str] = (),
    largest_pixel: int = BYTE,
) -> Dataset:
    """Make a data set of images, split at random so that every part has all classes in equal shares.

    Args:
        name: Versioned name of the data set.
        images: What is split.
        test: The test part where it is given, ``None`` where it is split off, too.
        class_names: One for each label.
        validation: The validation part where it is given.
        split: Relative sizes of the training part and of those that are split off.
        train_samples: How many samples of the training part to keep, ``None`` for all. The fewer are
            among the more, in equal shares of the classes.
        validation_samples: As ``train_samples``; more than that part has are taken from the training images
            that ``train_samples`` leaves unused, so that a quick training is judged on many.
        seed: Seed of the split.
        source: Where the data come from.
        licence: Terms of use.
        options: What else than the split made it, for its id.
        largest_pixel: The largest value that a pixel may have.

    Raises:
        InvalidArgumentError: If ``split``, a number of samples or ``seed`` is out of range.
        InvalidDataError: If a class is too rare to be split.
    """
    seed = checks.seed("seed", seed)
    given = {"validation": validation, "test": test}
    names = ("train", *(part for part, images_of_part in given.items() if images_of_part is None))
    counts = np.bincount(images.labels, minlength=len(class_names))
    if counts.min() < len(names):
        has = f"{counts.min()} image{'' if counts.min() == 1 else 's'}"
        raise InvalidDataError(
            f"class {class_names[int(counts.argmin())]} has {has}, "
            f"at least {len(names)} are needed: one for each of {', '.join(names)}"
        )
    sizes = split_sizes(len(images.labels), split, names) if len(names) > 1 else (len(images.labels),)
    if min(sizes) < len(class_names):
        raise InvalidArgumentError(
            f"split leaves {', '.join(map(str, sizes))} images ({', '.join(names)}) for {len(class_names)} "
            "classes, each part needs at least one image a class"
        )
    generator = np.random.default_rng(seed)
    order = stratified_order(images.labels, generator)
    held_out, own = sum(sizes[1:]), sizes[1] if validation is None else 0
    # Each part is ordered anew, so that a beginning of it holds the classes in equal shares.
    rows = order[held_out:][stratified_order(images.labels[order[held_out:]], generator)]
    judges = images.at(order[:own]) if validation is None else validation
    judges = judges.at(stratified_order(judges.labels, generator))
    kept_train, available = _kept("train_samples", train_samples, len(rows)), len(judges.labels)
    unused = rows[kept_train:][::-1]
    kept_validation = available
    if validation_samples is not None:
        kept_validation = _kept("validation_samples", validation_samples, available + len(unused))
    more = images.at(unused[: max(0, kept_validation - available)])
    train = images.at(rows[:kept_train])
    parts = [
        Split(train.features, train.labels),
        Split(
            np.concatenate([judges.features[:kept_validation], more.features]),
            np.concatenate([judges.labels[:kept_validation], more.labels]),
        ),
    ]
    last = images.at(order[own:held_out]) if test is None else test
    parts.append(Split(last.features, last.labels))
    made_of = [
        *options,
        f"split={'/'.join(map(str, (sizes[0], available, len(parts[2]))))}",
        *([f"train_samples={kept_train}"] if kept_train < len(rows) else []),
        *([f"validation_samples={kept_validation}"] if kept_validation != available else []),
        f"seed={seed}",
    ]
    return Dataset(
        id=f"{name}({', '.join(made_of)})",
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        classes=len(class_names),
        class_names=tuple(class_names),
        source=source,
        licence=licence,
        largest_pixel=largest_pixel,
    )


def stratified_order(labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Shuffle rows so that every beginning of the order holds each class in about its share of the whole.

    Of a class with ``n`` samples, the sample ``i = 0, 1, ...`` of a random order stands at
    ``(i + 0.5) / n`` of the whole, and ties are broken at random.

    Args:
        labels: int64, shape ``(samples,)``.
        generator: Where the randomness comes from.

    Returns:
        Row numbers, int64, shape ``(samples,)``.
    """
    shuffled = generator.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels[shuffled] == label)
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    # A stable sort leaves ties as they were shuffled.
    return shuffled[np.argsort(place, kind="stable")]


def _kept(name: str, samples: int | None, available: int) -> int:
    kept = checks.optional_integer(name, samples, 1, available)
    return available if kept is None else kept
