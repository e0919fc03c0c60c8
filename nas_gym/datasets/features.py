"""How rows of numbers become features, as plain data."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas_gym.errors import InvalidDataError


@dataclass(frozen=True, slots=True)
class FeatureReading:
    """Features are read as they are: what has been standardised comes standardised.

    Attributes:
        shape: Shape of one sample.
    """

    kind: ClassVar[Literal["features"]] = "features"
    shape: tuple[int, ...]

    def read(self, raw: ArrayLike) -> NDArray[np.float32]:
        """Return features, float32, shape ``(samples, *shape)``.

        Raises:
            InvalidDataError: If they have another shape, or one is not a finite number.
        """
        try:
            features = np.asarray(raw, dtype=np.float32)
        except (TypeError, ValueError):
            raise InvalidDataError("features must be real numbers, all samples of one shape") from None
        if features.shape[1:] != self.shape or features.ndim != len(self.shape) + 1:
            wanted = ", ".join(["samples", *map(str, self.shape)])
            raise InvalidDataError(f"features must have the shape ({wanted}), got {features.shape}")
        if not np.isfinite(features).all():
            raise InvalidDataError("features must be finite, some are NaN or infinite")
        return features
