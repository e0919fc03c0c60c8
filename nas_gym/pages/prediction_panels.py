"""What a network says of samples beside what they are, as panels of a page."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from nas_gym.pages.intervals import Band
from nas_gym.pages.panels import (
    COLOURS,
    GREY,
    GROWING,
    Axis,
    Cell,
    HeatMap,
    Line,
    Panel,
    Points,
    Regions,
)

BINS = 10
GRID = 110
"""Columns and rows of decision regions."""
MARGIN = 0.08
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def confusion(names: Sequence[str], labels: Labels, probabilities: Floats) -> Panel:
    """Show how often samples of each class are taken for which class.

    Args:
        names: Of the classes.
        labels: Class of each sample, ``(samples,)``.
        probabilities: What the network says, ``(samples, classes)``.
    """
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)

    def cell(true: int, said: int) -> Cell:
        count, of = int(counts[true, said]), int(counts[true].sum())
        share = count / of if of else 0.0
        meaning = f"{names[true]} taken for {names[said]}: {count} of {of}" + (
            f" ({share:.0%})" if of else ""
        )
        return Cell(share, str(count) if count else "", true == said, meaning)

    right = int(counts.trace())
    return Panel(
        "Confusion matrix",
        Axis("the network's answer"),
        Axis("class of the sample"),
        heat_map=HeatMap(
            names, [[cell(true, said) for said in range(len(names))] for true in range(len(names))], GROWING
        ),
        note=f"{right} of {len(labels)} samples are on the diagonal. Darker: a larger share of the row.",
    )


def calibration(labels: Labels, probabilities: Floats) -> Panel:
    """Show how often the network is right when it is so sure: the reliability diagram.

    Ten bins of equal width, and the expected calibration error over them: Guo et al. 2017,
    https://arxiv.org/abs/1706.04599. Intervals are Wilson's.

    Args:
        labels: Class of each sample, ``(samples,)``.
        probabilities: What the network says, ``(samples, classes)``.
    """
    sure, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    x: list[float] = []
    error = 0.0
    means: list[float] = []
    lows: list[float] = []
    highs: list[float] = []
    for each in np.unique(bins).tolist():
        inside = bins == each
        count, right = int(inside.sum()), int(hit[inside].sum())
        wilson = binomtest(right, count).proportion_ci(method="wilson")
        x.append(float(sure[inside].mean()))
        means.append(right / count)
        lows.append(float(wilson.low))
        highs.append(float(wilson.high))
        error += count / len(labels) * abs(right / count - x[-1])
    band = Band(means, lows, highs)
    first = 1 / probabilities.shape[1]
    return Panel(
        "Calibration: is it right as often as it is sure?",
        Axis("how sure it is, mean of a bin", ".0%", (first - 0.03, 1.03)),
        Axis("share of right answers", ".0%", (-0.03, 1.03)),
        lines=[
            Line("as sure as right", GREY, [first, 1.0], Band.certain([first, 1.0]), dashed=True),
            Line("the network, with 95 % intervals", COLOURS[0], x, band, marked=True),
        ],
        note=f"Expected calibration error {error:.3f}, over {BINS} bins of equal width. Below the dashed "
        "line it is surer than it should be.",
    )


def regions(
    names: Sequence[str],
    features: NDArray[np.float32],
    labels: Labels,
    ask: Callable[[NDArray[np.float32]], Floats],
) -> Panel:
    """Show which class the network takes each place of a plane for, and samples.

    Args:
        names: Of the classes.
        features: Of samples, ``(samples, 2)``.
        labels: Their classes, ``(samples,)``.
        ask: Returns the probabilities of features.
    """
    low, high = features.min(axis=0), features.max(axis=0)
    room = MARGIN * np.maximum(high - low, 1e-6)
    x, y = (np.linspace(a, b, GRID) for a, b in zip(low - room, high + room, strict=True))
    places = np.stack([each.ravel() for each in np.meshgrid(x, y)], axis=1).astype(np.float32)
    said = ask(places)
    chance = 1 / len(names)
    sureness = ((said.max(axis=1) - chance) / (1 - chance)).clip(0, 1)
    colours = [COLOURS[label % len(COLOURS)] for label in range(len(names))]
    return Panel(
        "Decision regions",
        Axis("first feature", ends=(float(x[0]), float(x[-1]))),
        Axis("second feature", ends=(float(y[0]), float(y[-1]))),
        points=[
            Points(
                f"class {name}",
                colours[label],
                _rounded(features[labels == label, 0]),
                _rounded(features[labels == label, 1]),
                size=7,
                opacity=0.9,
                meanings=[f"class {name}"] * int((labels == label).sum()),
            )
            for label, name in enumerate(names)
        ],
        regions=Regions(
            _rounded(x),
            _rounded(y),
            said.argmax(axis=1).reshape(GRID, GRID).tolist(),
            sureness.round(3).reshape(GRID, GRID).tolist(),
            colours,
        ),
        note="The paler, the less sure; points are validation rows, as the network reads them.",
    )


def predicted_and_true(true: Floats, said: Floats) -> Panel:
    """Show what a network says of samples that have a number.

    Args:
        true: Number of each sample, in the units of the data.
        said: What the network says, likewise.
    """
    ends = float(min(true.min(), said.min())), float(max(true.max(), said.max()))
    room = MARGIN * max(ends[1] - ends[0], 1e-6)
    axis = ends[0] - room, ends[1] + room
    meanings = [
        f"{one:.4g}, said {other:.4g}" for one, other in zip(true.tolist(), said.tolist(), strict=True)
    ]
    return Panel(
        "What it says against what is true",
        Axis("true", ends=axis),
        Axis("said", ends=axis),
        lines=[Line("equal", GREY, ends, Band.certain(ends), dashed=True)],
        points=[Points("a validation row", COLOURS[0], true.tolist(), said.tolist(), 7, 0.6, meanings)],
    )


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return [round(float(value), 4) for value in values.tolist()]
