"""``tabular``: the user's own arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split

from nas_gym import checks
from nas_gym.datasets.base import Dataset, Split, split_sizes
from nas_gym.datasets.tables.features import check_given, checked_features, scale_of
from nas_gym.errors import InvalidArgumentError, InvalidDataError


def tabular(
    X: ArrayLike,
    y: ArrayLike,
    split: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> Dataset:
    """Make a data set from arrays: split stratified by class, features standardised.

    Mean and standard deviation are those of the training part; a constant feature becomes 0.

    Args:
        X: Real features, shape ``(samples, features)``.
        y: Class of each sample, shape ``(samples,)``, numbers or strings; the sorted distinct values
            become the labels 0, 1, ...
        split: Relative sizes of training, validation and test part.
        seed: Seed of the split, not of the children's training.

    Raises:
        InvalidArgumentError: If ``split`` or ``seed`` is out of range.
        InvalidDataError: If shapes do not fit, values are not finite, or a class is too rare to split.
    """
    features = checked_features(X)
    check_given("y", y)
    try:
        classes_of_samples = np.asarray(y)
        names, labels, counts = np.unique(classes_of_samples, return_inverse=True, return_counts=True)
    except (TypeError, ValueError):
        raise InvalidDataError("y must hold one class for each row, all numbers or all strings") from None
    if classes_of_samples.ndim != 1 or len(classes_of_samples) != len(features):
        raise InvalidDataError(
            f"y must have one class for each of the {len(features)} rows of X, "
            f"got shape {classes_of_samples.shape}"
        )
    if classes_of_samples.dtype.kind == "f" and not np.isfinite(classes_of_samples).all():
        raise InvalidDataError("y holds NaN or infinite values, all must be classes")
    seed = checks.seed("seed", seed)
    if len(names) < 2:
        raise InvalidDataError(f"y holds {len(names)} class, at least 2 are needed")
    if counts.min() < 3:
        raise InvalidDataError(
            f"class {names[counts.argmin()]} has {counts.min()} samples, "
            "at least 3 are needed: one for each of train, validation, test"
        )
    train, validation, test = _stratified(labels, split_sizes(len(labels), split), len(names), seed)
    standardised = scale_of(features[train]).standardise(features)
    parts = [Split(standardised[rows], labels[rows].astype(np.int64)) for rows in (train, validation, test)]
    return Dataset(
        id=f"tabular(split={'/'.join(str(len(part)) for part in parts)}, seed={seed})",
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        classes=len(names),
        source="arrays given by the user",
        licence="the user's",
    )


def _stratified(
    labels: np.ndarray, sizes: tuple[int, ...], classes: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sorted row numbers of training, validation and test part."""
    if min(sizes) < classes:
        raise InvalidArgumentError(
            f"split leaves {sizes[0]}, {sizes[1]} and {sizes[2]} samples for {classes} classes, "
            "each part needs at least one sample a class"
        )
    rest, test = train_test_split(
        np.arange(len(labels)), test_size=sizes[2], stratify=labels, random_state=seed
    )
    rare = np.bincount(labels[rest], minlength=classes).min()
    if rare < 2:
        raise InvalidDataError(f"a class keeps {rare} samples outside the test part, at least 2 are needed")
    train, validation = train_test_split(rest, test_size=sizes[1], stratify=labels[rest], random_state=seed)
    return np.sort(train), np.sort(validation), np.sort(test)
