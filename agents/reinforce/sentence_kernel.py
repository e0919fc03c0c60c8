"""How alike are two sentences?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Kernel, NormalizedKernelMixin, StationaryKernelMixin

NOTHING = -1


class SentenceKernel(StationaryKernelMixin, NormalizedKernelMixin, Kernel):  # type: ignore[misc]
    """A kernel of scikit-learn that falls exponentially with the number of places where sentences differ.

    The distance is that of one-hot tokens, without their thousands of columns: the places that hold other
    tokens, counted from the front and from the end and averaged, so that a token put in shifts only one of
    the two. It has no free parameters for an optimiser; ``Surrogate`` chooses them from a grid.

    Args:
        length_scale: Distance over which the correlation falls to 1 / e.
        variance: Value at distance 0.
    """

    def __init__(self, length_scale: float = 1.0, variance: float = 1.0) -> None:
        self.length_scale = length_scale
        self.variance = variance

    def __call__(
        self, X: NDArray[np.int64], Y: NDArray[np.int64] | None = None, eval_gradient: bool = False
    ) -> Any:  # noqa: ANN401, scikit-learn's interface: an array, or two
        """Return the kernel between rows of ``encoded``, shape ``(len(X), len(Y))``; see ``Kernel``."""
        distances = X.shape[1] / 2 * cdist(X, X if Y is None else Y, "hamming")
        values = self.variance * np.exp(-distances / self.length_scale)
        return (values, np.empty((*values.shape, 0))) if eval_gradient else values

    def diag(self, X: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the kernel of each row with itself, shape ``(len(X),)``."""
        return np.full(len(X), self.variance)


def encoded(sentences: Sequence[tuple[int, ...]], steps: int) -> NDArray[np.int64]:
    """Write each sentence twice into a row: once from the front, and once so that it ends at the row's end.

    Args:
        sentences: Of any lengths; of a longer one than ``steps`` its first and its last tokens count.
        steps: Half of a row.

    Returns:
        int64, shape ``(sentences, 2 * steps)``, ``NOTHING`` in the gaps.
    """
    rows = np.full((len(sentences), 2 * steps), NOTHING)
    for row, sentence in zip(rows, sentences, strict=True):
        length = min(len(sentence), steps)
        row[:length] = sentence[:length]
        row[len(row) - length :] = sentence[len(sentence) - length :]
    return rows
