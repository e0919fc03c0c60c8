"""``numbers``: the user's own arrays, a number for each row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nas_gym import checks
from nas_gym.datasets.base import Samples, Split, split_sizes
from nas_gym.datasets.tables.features import check_given, checked_features, scale_of
from nas_gym.errors import InvalidArgumentError, InvalidDataError


@dataclass(frozen=True, eq=False, kw_only=True)
class NumericDataset(Samples):
    """Samples that have a number each, kept as ``(number - mean) / unit``.

    Attributes:
        mean: Mean of the training part's numbers.
        unit: Their standard deviation.
    """

    mean: float
    unit: float


def numbers(
    X: ArrayLike, y: ArrayLike, split: Sequence[float] = (0.7, 0.1, 0.2), seed: int = 0
) -> NumericDataset:
    """Make a data set from arrays: split at random, features and numbers standardised.

    Mean and standard deviation are those of the training part; a constant feature becomes 0.

    Args:
        X: Real features, shape ``(samples, features)``.
        y: Number of each sample, shape ``(samples,)``.
        split: Relative sizes of training, validation and test part.
        seed: Seed of the split, not of the children's training.

    Raises:
        InvalidArgumentError: If ``split`` or ``seed`` is out of range.
        InvalidDataError: If shapes do not fit, values are not finite, or all numbers are the same.
    """
    from sklearn.model_selection import train_test_split  # tasks name this file's class, and start quickly

    features = checked_features(X)
    check_given("y", y)
    try:
        targets = np.asarray(np.real(y) if np.iscomplexobj(y) else y, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidDataError("y must hold one real number for each row of X") from None
    if targets.shape != (len(features),):
        raise InvalidDataError(
            f"y must have one number for each of the {len(features)} rows of X, got shape {targets.shape}"
        )
    if not np.isfinite(targets).all():
        bad = int(len(targets) - np.isfinite(targets).sum())
        raise InvalidDataError(f"{bad} values of y are NaN or infinite, all must be finite")
    seed = checks.seed("seed", seed)
    sizes = split_sizes(len(targets), split)
    if min(sizes) < 2:
        raise InvalidArgumentError(
            f"split leaves {', '.join(map(str, sizes))} samples, each part needs at least 2"
        )
    rest, test = train_test_split(np.arange(len(targets)), test_size=sizes[2], random_state=seed)
    train, validation = train_test_split(rest, test_size=sizes[1], random_state=seed)
    rows = [np.sort(each) for each in (train, validation, test)]
    if np.ptp(targets[train]) == 0:
        raise InvalidDataError(
            f"all numbers of the training part are {targets[train[0]]}, nothing is learned"
        )
    of_y = scale_of(targets[rows[0], None])
    labels = of_y.standardise(targets[:, None])[:, 0]
    standardised = scale_of(features[rows[0]]).standardise(features)
    parts = [Split(standardised[each], labels[each]) for each in rows]
    mean, unit = (float(np.ldexp(value[0], of_y.unit[0])) for value in (of_y.mean, of_y.std))
    return NumericDataset(
        id=f"numbers(split={'/'.join(str(len(part)) for part in parts)}, seed={seed})",
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        source="arrays given by the user",
        licence="the user's",
        mean=mean,
        unit=unit,
    )
