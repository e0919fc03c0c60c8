"""A data set with its frozen split."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas_gym.datasets.features import FeatureReading
from nas_gym.datasets.images.reading import BYTE, ImageReading
from nas_gym.errors import InvalidArgumentError, InvalidDataError


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one part of a data set.

    Attributes:
        features: float32, shape ``(samples, *feature_shape)``, finite, ready to be learned from; or
            images as their files have them, uint8, shape ``(samples, channels, height, width)``, which
            a trainer normalises batch by batch with ``Dataset.channel_statistics``.
        labels: The answers: classes, int64, shape ``(samples,)``, from 0 to ``classes - 1``; or numbers,
            float32, of the same shape.
        weights: How much each sample counts when it is learned from, float32, of the same shape; ``None``
            for all alike.
    """

    features: NDArray[np.float32] | NDArray[np.uint8]
    labels: NDArray[np.int64] | NDArray[np.float32]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """What images are normalised with: ``(image - mean) / std``, channel by channel.

    Attributes:
        mean: Mean over samples and pixels, float32, shape ``(channels,)``, in the units of the features.
        std: Their standard deviation, float32, shape ``(channels,)``; 1 for a constant channel.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples that have an answer each, split once and for all into training, validation and test part.

    Whoever searches gets ``without_test()``; only retraining after the search sees the test part.

    Attributes:
        id: Versioned name and the arguments that made it.
        train: What a child learns from.
        validation: What a child is judged on during the search.
        test: What a finished search is judged on, or ``None`` where it is locked away.
        source: Where the data come from.
        licence: Terms of use.
        largest_pixel: Largest value that a pixel of an image may have.

    Raises:
        InvalidDataError: If a part is empty or a feature is not finite.
    """

    id: str
    train: Split
    validation: Split
    test: Split | None
    source: str
    licence: str
    largest_pixel: int = field(default=BYTE, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse data that nothing can be learned from."""
        for name, split in self._parts().items():
            if len(split) == 0:
                raise InvalidDataError(f"the {name} part of {self.id} is empty, at least 1 sample is needed")
            if split.features.dtype == np.uint8:
                continue  # always finite, and often large
            bad = split.features.size - int(np.isfinite(split.features).sum())
            if bad:
                raise InvalidDataError(
                    f"{bad} features in the {name} part of {self.id} are NaN or infinite, all must be finite"
                )

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.train.features.shape[1:])

    def without_test(self) -> Self:
        """Return the data set with its test part locked away."""
        return replace(self, test=None)

    @cached_property
    def channel_statistics(self) -> ChannelStatistics | None:
        """Mean and standard deviation of the training part's channels; ``None`` unless it is uint8.

        float32 features are to be learned from as they are.
        """
        features = self.train.features
        if features.dtype != np.uint8:
            return None
        values = np.arange(256)
        counts = np.zeros((features.shape[1], 256), dtype=np.int64)
        for start in range(0, len(features), 1024):  # counting makes a large copy of what it is given
            for channel, pixels_of_channel in enumerate(features[start : start + 1024].swapaxes(0, 1)):
                counts[channel] += np.bincount(pixels_of_channel.ravel(), minlength=256)
        pixels = counts.sum(axis=1)
        mean = counts @ values / pixels
        variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / pixels
        std = np.sqrt(np.where(variance > 0, variance, 1.0))
        return ChannelStatistics(mean.astype(np.float32), std.astype(np.float32))

    @property
    def reading(self) -> ImageReading | FeatureReading:
        """How raw input becomes what a network reads, for use without the data."""
        statistics = self.channel_statistics
        if statistics is None:
            return FeatureReading(self.feature_shape)
        channels, height, width = self.feature_shape
        mean, std = (tuple(values.tolist()) for values in (statistics.mean, statistics.std))
        return ImageReading(channels, height, width, mean, std, self.largest_pixel)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over all parts present, in hexadecimal digits."""
        digest = hashlib.sha256()
        for split in self._parts().values():
            digest.update(np.ascontiguousarray(split.features).tobytes())
            digest.update(np.ascontiguousarray(split.labels).tobytes())
            if split.weights is not None:
                digest.update(np.ascontiguousarray(split.weights).tobytes())
        return digest.hexdigest()

    @property
    def test_checksum(self) -> str | None:
        """SHA-256 over the test part alone, in hexadecimal digits, ``None`` without one."""
        return None if self.test is None else replace(self, train=self.test, validation=self.test).checksum

    def _parts(self) -> dict[str, Split]:
        parts = {"training": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in parts.items() if split is not None}


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset(Samples):
    """Samples that belong to classes.

    Attributes:
        classes: Number of classes.
        class_names: What they are called, in the order of their labels; by default ``0``, ``1``, ...

    Raises:
        InvalidDataError: If there are fewer than two classes, or the training part lacks one.
    """

    classes: int
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse data that nothing can be learned from."""
        if self.classes < 2:
            raise InvalidDataError(f"{self.id} has {self.classes} class, at least 2 are needed")
        if not self.class_names:
            object.__setattr__(self, "class_names", tuple(map(str, range(self.classes))))
        if len(self.class_names) != self.classes:
            raise InvalidDataError(f"{self.id} has {self.classes} classes and {len(self.class_names)} names")
        super().__post_init__()
        missing = sorted(set(range(self.classes)) - set(self.train.labels.tolist()))
        if missing:
            raise InvalidDataError(f"class {missing[0]} is missing from the training part of {self.id}")


def split_sizes(
    size: int, split: ArrayLike, parts: Sequence[str] = ("train", "validation", "test")
) -> tuple[int, ...]:
    """Turn relative sizes of the parts of a data set into numbers of samples.

    Args:
        size: Number of samples to share out.
        split: A positive number for each part, absolute or relative: ``(700, 100, 200)`` or
            ``(0.7, 0.1, 0.2)``.
        parts: Names of the parts.

    Returns:
        Numbers that sum to ``size``, one for each part.

    Raises:
        InvalidArgumentError: If a part would be empty or ``split`` is not that many positive numbers.
    """
    try:
        shares = np.asarray(split, dtype=np.float64)
    except (TypeError, ValueError):
        shares = np.empty(0)
    if shares.shape != (len(parts),) or not np.isfinite(shares).all() or (shares <= 0).any():
        came = " ".join(repr(split).split())  # an array's text may have several lines
        count = {2: "two", 3: "three"}[len(parts)]
        raise InvalidArgumentError(f"split must be {count} positive numbers ({', '.join(parts)}), got {came}")
    bounds = np.rint(np.cumsum(shares) / shares.sum() * size).astype(int)
    sizes: tuple[int, ...] = tuple(np.diff(bounds, prepend=0).tolist())
    if min(sizes) < 1:
        raise InvalidArgumentError(
            f"split {split!r} of {size} samples leaves a part empty: {', '.join(map(str, sizes))}"
        )
    return sizes
