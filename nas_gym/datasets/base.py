"""A data set with its frozen split."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas_gym.errors import InvalidArgumentError, InvalidDataError


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one part of a data set.

    Attributes:
        features: float32, shape ``(samples, *feature_shape)``, finite.
        labels: int64, shape ``(samples,)``, from 0 to ``classes - 1``.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification task, split once and for all into training, validation and test part.

    Whoever searches gets ``without_test()``; only retraining after the search sees the test part.

    Attributes:
        id: Versioned name and the arguments that made it.
        train: What a child learns from.
        validation: What a child is judged on during the search.
        test: What a finished search is judged on, or ``None`` where it is locked away.
        classes: Number of classes.
        source: Where the data come from.
        licence: Terms of use.

    Raises:
        InvalidDataError: If a value is not finite, or the training part lacks a class.
    """

    id: str
    train: Split
    validation: Split
    test: Split | None
    classes: int
    source: str
    licence: str

    def __post_init__(self) -> None:
        """Refuse data that nothing can be learned from."""
        if self.classes < 2:
            raise InvalidDataError(f"{self.id} has {self.classes} class, at least 2 are needed")
        for name, split in self._parts().items():
            if len(split) == 0:
                raise InvalidDataError(f"the {name} part of {self.id} is empty, at least 1 sample is needed")
            bad = split.features.size - int(np.isfinite(split.features).sum())
            if bad:
                raise InvalidDataError(
                    f"{bad} features in the {name} part of {self.id} are NaN or infinite, all must be finite"
                )
        missing = sorted(set(range(self.classes)) - set(self.train.labels.tolist()))
        if missing:
            raise InvalidDataError(f"class {missing[0]} is missing from the training part of {self.id}")

    def without_test(self) -> "Dataset":
        """Return the data set with its test part locked away."""
        return replace(self, test=None)

    @property
    def checksum(self) -> str:
        """SHA-256 over all parts present, in hexadecimal digits."""
        digest = hashlib.sha256()
        for split in self._parts().values():
            digest.update(np.ascontiguousarray(split.features).tobytes())
            digest.update(np.ascontiguousarray(split.labels).tobytes())
        return digest.hexdigest()

    def _parts(self) -> dict[str, Split]:
        parts = {"training": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in parts.items() if split is not None}


def split_sizes(size: int, split: ArrayLike) -> tuple[int, int, int]:
    """Turn relative sizes of training, validation and test part into numbers of samples.

    Args:
        size: Number of samples to share out.
        split: Three positive numbers, absolute or relative: ``(700, 100, 200)`` or ``(0.7, 0.1, 0.2)``.

    Returns:
        Three numbers that sum to ``size``.

    Raises:
        InvalidArgumentError: If a part would be empty or ``split`` is not three positive numbers.
    """
    try:
        parts = np.asarray(split, dtype=np.float64)
    except (TypeError, ValueError):
        parts = np.empty(0)
    if parts.shape != (3,) or not np.isfinite(parts).all() or (parts <= 0).any():
        came = " ".join(repr(split).split())  # an array's text may have several lines
        raise InvalidArgumentError(
            f"split must be three positive numbers (train, validation, test), got {came}"
        )
    bounds = np.rint(np.cumsum(parts) / parts.sum() * size).astype(int)
    train, validation, test = np.diff(bounds, prepend=0).tolist()
    if min(train, validation, test) < 1:
        raise InvalidArgumentError(
            f"split {split!r} of {size} samples leaves a part empty: {train}, {validation}, {test}"
        )
    return train, validation, test
