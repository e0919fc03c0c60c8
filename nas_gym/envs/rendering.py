"""Unfinished and finished sentences as pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.extras import needs
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.diagram import Block

with needs("report", "a picture of a network"):
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
    from matplotlib.path import Path

INK, EDGE, FILL, PALE, FRAME = "#22313f", "#b8c4ce", "#4c8fbd", "#f3c98b", "#e8eef3"
MAX_DRAWN_UNITS = 16
WIDE_PITCH, NARROW_PITCH, MAX_WIDE_COLUMNS = 1.25, 0.9, 8
"""Inches from column to column, and up to how many columns they are wide."""
ROW_PITCH = 0.5
"""Smallest distance of blocks above one another; the height of a column without any is 2."""
SKIPS = ("#4c8fbd", "#d98032", "#5a9e6f", "#a0649c")
"""Colours of connections that skip columns; all that end at one block have the same."""


def as_picture(
    search_space: SearchSpace, sentence: Sequence[int], reward: float | None, titled: bool = True
) -> NDArray[np.uint8]:
    """Draw the network, input on the left.

    Args:
        search_space: Whose tokens they are.
        sentence: Legal token indices so far.
        reward: What the finished sentence earned, ``None`` if it goes on.
        titled: Whether the reward stands above it.

    Returns:
        RGB picture, uint8, shape ``(height, width, 3)``.
    """
    blocks = search_space.diagram([search_space.tokens[token] for token in sentence])
    width = search_space.drawing_columns
    pitch = WIDE_PITCH if width <= MAX_WIDE_COLUMNS else NARROW_PITCH
    stretch = max(1.0, search_space.drawing_rows * ROW_PITCH / 2)
    figure = Figure(figsize=(2.2 + pitch * (width + 1), 4.2 * stretch), dpi=80)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 0.9))
    axes.set_xlim(-1.7, width + 0.7)
    axes.set_ylim(-1.35 * stretch, 1.15 * stretch)
    axes.axis("off")
    columns = {-1: -1.0}
    heights = {-1: np.zeros(1)}
    reads, answers = search_space.drawing_ends
    _draw_box(axes, (-1.0, 0.0), reads)
    for index, block in enumerate(blocks):
        columns[index], height = block.place or (float(index), 0.0)
        heights[index] = _unit_heights(block) + height * stretch
        for source in block.inputs:
            if block.place is None and columns[index] - columns[source] > 1:
                label = blocks[source].label if source >= 0 else reads
                _draw_skip(axes, (columns[source], label), (columns[index], block.label), width)
            else:
                _draw_edges(
                    axes, (columns[source], heights[source]), (columns[index], heights[index]), block.dense
                )
    for index, block in enumerate(blocks):
        _draw_block(axes, columns[index], block, heights[index])
    if reward is not None:
        last = len(blocks) - 1
        end = columns[last] + 1
        _draw_edges(axes, (columns[last], heights[last]), (end, np.zeros(1)), dense=True)
        _draw_box(axes, (end, 0.0), answers)
    status = "the sentence goes on" if reward is None else f"reward {reward:#.4g}"
    if titled:
        figure.suptitle(status, color=INK, fontsize=13, y=0.96)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _unit_heights(block: Block) -> NDArray[np.float64]:
    units = min(block.units or 1, MAX_DRAWN_UNITS)
    return np.linspace(-1, 1, units + 2)[1:-1] if units > 1 else np.zeros(1)


def _draw_edges(
    axes: Axes,
    left: tuple[float, NDArray[np.float64]],
    right: tuple[float, NDArray[np.float64]],
    dense: bool,
) -> None:
    """Draw lines between two columns of units, all to all or each to the one beside it."""
    pairs = [(a, b) for a in left[1] for b in right[1]]
    if not dense and len(left[1]) == len(right[1]):
        pairs = list(zip(left[1], right[1], strict=True))
    lines = [((left[0], a), (right[0], b)) for a, b in pairs]
    linewidth = 0.8 if len(lines) > 1 else 1.6
    axes.add_collection(LineCollection(lines, colors=EDGE, linewidths=linewidth, zorder=1))


def _draw_skip(axes: Axes, source: tuple[float, str], target: tuple[float, str], width: int) -> None:
    """Draw an arrow over the blocks between two, or under them if the target's column is odd.

    Args:
        axes: Where to draw.
        source: Column and label of the block that is read.
        target: Column and label of the one that reads it.
        width: Number of columns of the picture.
    """
    side = -1.0 if target[0] % 2 else 1.0
    share = (target[0] - source[0]) / (width + 1)
    # Arrows leave on the right half of a block and arrive on the left half, short ones inside long ones.
    left, right = source[0] + 0.36 - 0.6 * share, target[0] - 0.36 + 0.6 * share
    start, end = (
        (x, side * (_half_height(label) + 0.02)) for x, (_, label) in ((left, source), (right, target))
    )
    height = side * (0.5 + 0.9 * share)
    points = [start, (left + 0.15, height), (right - 0.15, height), end]
    path = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    colour = SKIPS[int(target[0]) % len(SKIPS)]
    axes.add_patch(FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=7, color=colour, lw=0.9))


def _draw_block(axes: Axes, column: float, block: Block, heights: NDArray[np.float64]) -> None:
    if block.units is None:
        _draw_box(axes, (column, float(heights[0])), block.label)
        return
    size = 170 if len(heights) <= 8 else 60
    fill = FILL if block.dense else PALE
    axes.scatter([column] * len(heights), heights, s=size, color=fill, edgecolor=INK, linewidth=0.8, zorder=2)
    axes.text(column, -1.2, block.label, ha="center", va="center", color=INK, fontsize=11)


def _draw_box(axes: Axes, place: tuple[float, float], label: str) -> None:
    x, y = place
    half, tall = 0.4 if len(label) > 1 else 0.14, _half_height(label)
    box = FancyBboxPatch(
        (x - half, y - tall), 2 * half, 2 * tall, boxstyle="round,pad=0.02", fc=FRAME, ec=INK, zorder=2
    )
    axes.add_patch(box)
    size = 11 if max(map(len, label.split("\n"))) <= 8 else 9
    axes.text(x, y, label, ha="center", va="center", color=INK, fontsize=size, zorder=3)


def _half_height(label: str) -> float:
    return max(0.16, 0.085 * (label.count("\n") + 1))
