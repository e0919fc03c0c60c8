"""Pictures of unfinished and finished sentences."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from nas_gym.search_spaces.base import Block, SearchSpace

INK, EDGE, FILL, PALE, FRAME = "#22313f", "#b8c4ce", "#4c8fbd", "#f3c98b", "#e8eef3"
MAX_DRAWN_UNITS = 16


def as_text(search_space: SearchSpace, sentence: Sequence[int], reward: float | None) -> str:
    """Return two lines: the sentence, and what may follow or what it earned.

    Args:
        search_space: Whose tokens they are.
        sentence: Legal token indices so far.
        reward: What the finished sentence earned, ``None`` if it goes on.
    """
    names = [search_space.tokens[token] for token in sentence]
    blanks = ["_"] * (search_space.max_length - len(names))
    if reward is not None:
        return f"{' '.join(names)}\nreward: {reward:.4f}\n"
    legal = np.array(search_space.tokens)[search_space.legal_next(sentence)]
    return f"{' '.join(names + blanks)}\nnext: {' '.join(legal)}\n"


def as_picture(search_space: SearchSpace, sentence: Sequence[int], reward: float | None) -> NDArray[np.uint8]:
    """Draw the network, input on the left; arguments as in ``as_text``.

    Returns:
        RGB picture, uint8, shape ``(height, width, 3)``.
    """
    blocks = search_space.diagram([search_space.tokens[token] for token in sentence])
    figure = Figure(figsize=(2.2 + 1.25 * (search_space.max_length + 1), 4.2), dpi=80)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 0.9))
    axes.set_xlim(-1.7, search_space.max_length + 0.7)
    axes.set_ylim(-1.35, 1.15)
    axes.axis("off")
    heights = {-1: np.zeros(1)}
    _draw_box(axes, -1, "input")
    for index, block in enumerate(blocks):
        heights[index] = _unit_heights(block)
        for source in block.inputs:
            _draw_edges(axes, (source, heights[source]), (index, heights[index]), block.dense)
    for index, block in enumerate(blocks):
        _draw_block(axes, index, block, heights[index])
    if reward is not None:
        end = len(blocks)
        _draw_edges(axes, (end - 1, heights[end - 1]), (end, np.zeros(1)), dense=True)
        _draw_box(axes, end, "classes")
    status = "the sentence goes on" if reward is None else f"reward {reward:.4f}"
    figure.suptitle(status, color=INK, fontsize=13, y=0.96)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _unit_heights(block: Block) -> NDArray[np.float64]:
    units = min(block.units or 1, MAX_DRAWN_UNITS)
    return np.linspace(-1, 1, units + 2)[1:-1] if units > 1 else np.zeros(1)


def _draw_edges(
    axes: Axes, left: tuple[int, NDArray[np.float64]], right: tuple[int, NDArray[np.float64]], dense: bool
) -> None:
    """Draw lines between two columns of units, all to all or each to the one beside it."""
    pairs = [(a, b) for a in left[1] for b in right[1]]
    if not dense and len(left[1]) == len(right[1]):
        pairs = list(zip(left[1], right[1], strict=True))
    lines = [((left[0], a), (right[0], b)) for a, b in pairs]
    axes.add_collection(LineCollection(lines, colors=EDGE, linewidths=0.8, zorder=1))


def _draw_block(axes: Axes, index: int, block: Block, heights: NDArray[np.float64]) -> None:
    if block.units is None:
        _draw_box(axes, index, block.label)
        return
    size = 170 if len(heights) <= 8 else 60
    fill = FILL if block.dense else PALE
    axes.scatter([index] * len(heights), heights, s=size, color=fill, edgecolor=INK, linewidth=0.8, zorder=2)
    axes.text(index, -1.2, block.label, ha="center", va="center", color=INK, fontsize=11)


def _draw_box(axes: Axes, x: float, label: str) -> None:
    box = FancyBboxPatch((x - 0.4, -0.16), 0.8, 0.32, boxstyle="round,pad=0.02", fc=FRAME, ec=INK, zorder=2)
    axes.add_patch(box)
    axes.text(x, 0, label, ha="center", va="center", color=INK, fontsize=11, zorder=3)
