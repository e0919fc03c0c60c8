"""How the columns of a table become features: gaps filled, numbers scaled or cut into bins, names one-hot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.tables.columns import Cells
from nas_gym.datasets.tables.features import Scale, scale_of

Numeric = Literal["standard", "quantile", "bins_8", "bins_24"]
NUMERIC: tuple[Numeric, ...] = get_args(Numeric)
BINS = {"bins_8": 8, "bins_24": 24}
QUANTILES = 256
MOST_NAMES = 64
"""Names of a column that are told apart; all others are read as unknown ones are, as none of these."""
LEAST_RANK = 1e-3
"""Ranks nearer to 0 and 1 are read as if they were not."""
FAR = 8.0
"""Standard deviations from the mean, beyond which a number is not told from larger ones."""

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NumberEncoding:
    """What becomes of a column of numbers.

    Attributes:
        median: What fills a gap.
        has_gaps: Whether gaps are told by a feature of their own.
        edges: Of bins, or quantiles, rising; none for what is scaled alone.
        exponent, mean, std: See ``Scale``.
    """

    median: float
    has_gaps: bool
    edges: tuple[float, ...]
    exponent: int
    mean: float
    std: float


@dataclass(frozen=True, eq=False)
class Encoding:
    """Turns cells into what a network reads; fitted on rows that it learns from alone.

    Numbers: gaps are filled with the median, and told by a feature of their own. ``"standard"`` brings a
    column to mean 0 and standard deviation 1; ``"quantile"`` to a normal distribution by its ranks;
    ``"bins_8"`` and ``"bins_24"`` add to the former how much of each of so many bins with equally many rows
    lies below the number: the piecewise-linear encoding of Gorishniy et al. 2022,
    https://arxiv.org/abs/2203.05556. Names are one-hot; an unknown one is none of them.

    Attributes:
        numeric: What is done to numbers.
        numbers: For each column of numbers.
        names: For each column of names, those that are told apart; the empty one is a gap.
    """

    numeric: Numeric
    numbers: tuple[NumberEncoding, ...]
    names: tuple[tuple[str, ...], ...]

    @classmethod
    def fitted(cls, cells: Cells, numeric: Numeric = "standard") -> Self:
        """Return the encoding of these rows."""
        numbers = tuple(_of_numbers(column, numeric) for column in cells.numbers.T)
        names = []
        for column in cells.names.T:
            counts = Counter(column.tolist())
            common = [name for name, _ in counts.most_common(MOST_NAMES)]
            names.append(tuple(sorted(common)))
        return cls(numeric, numbers, tuple(names))

    @property
    def width(self) -> int:
        """Number of features."""
        blank = Cells((), np.zeros((1, len(self.numbers))), np.full((1, len(self.names)), "", dtype=object))
        return int(self.encode(blank).shape[1])

    def encode(self, cells: Cells) -> Features:
        """Return features, float32 ``(rows, width)``."""
        parts = [
            _encode_numbers(known, column, self.numeric)
            for known, column in zip(self.numbers, cells.numbers.T, strict=True)
        ]
        parts += [_one_hot(known, column) for known, column in zip(self.names, cells.names.T, strict=True)]
        features = np.concatenate(parts, axis=1) if parts else np.zeros((len(cells), 0), np.float32)
        return np.ascontiguousarray(features)


def _of_numbers(column: NDArray[np.float64], numeric: Numeric) -> NumberEncoding:
    gaps = np.isnan(column)
    known = column[~gaps]
    if not len(known):
        known = np.zeros(1)
    median = float(np.median(known))
    filled = np.where(gaps, median, column)
    scale = scale_of(filled[:, None])
    edges: tuple[float, ...] = ()
    count = QUANTILES if numeric == "quantile" else BINS.get(numeric, 0)
    if count:
        edges = tuple(np.unique(np.quantile(known, np.linspace(0.0, 1.0, count + 1))).tolist())
    return NumberEncoding(
        median, bool(gaps.any()), edges, int(scale.unit[0]), float(scale.mean[0]), float(scale.std[0])
    )


def _encode_numbers(known: NumberEncoding, column: NDArray[np.float64], numeric: Numeric) -> Features:
    gaps = np.isnan(column)
    filled = np.where(gaps, known.median, column)
    edges = np.asarray(known.edges)
    parts = []
    if numeric == "quantile" and len(edges) > 1:
        from scipy.special import ndtri

        # A column with ties has several ranks for one number: its middle one, from both sides.
        ranks = np.linspace(0.0, 1.0, len(edges))
        share = np.interp(filled, edges, ranks)
        parts.append(ndtri(np.clip(share, LEAST_RANK, 1.0 - LEAST_RANK))[:, None])
    else:
        scale = Scale(np.array([known.exponent]), np.array([known.mean]), np.array([known.std]))
        parts.append(np.clip(scale.distances(filled[:, None]), -FAR, FAR))
    if numeric in BINS and len(edges) > 2:
        low, high = edges[:-1], edges[1:]
        parts.append(np.clip((filled[:, None] - low) / (high - low), 0.0, 1.0))
    if known.has_gaps:
        parts.append(gaps[:, None])
    return np.concatenate(parts, axis=1).astype(np.float32)


def _one_hot(known: Sequence[str], column: NDArray[np.object_]) -> Features:
    position: Mapping[object, int] = {name: index for index, name in enumerate(known)}
    found = np.array([position.get(name, -1) for name in column.tolist()], dtype=np.int64)
    return np.asarray(found[:, None] == np.arange(len(known)), dtype=np.float32)
