"""The picture of a search: reward against architectures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agents.files import write_atomically

WINDOW = 100


def moving_average(values: NDArray[np.float64], window: int = WINDOW) -> NDArray[np.float64]:
    """Average each value with those before it, at most ``window`` in all; shape as given."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def draw_learning_curve(path: Path, rewards: Sequence[float], title: str) -> None:
    """Write a PNG of single rewards, their moving average and the best so far."""
    values = np.asarray(rewards, dtype=np.float64)
    episodes = np.arange(1, len(values) + 1)
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(episodes, values, s=3, color="#9fb3c1", alpha=0.5, linewidths=0, label="one architecture")
    axes.plot(
        episodes, moving_average(values), color="#1f6f9f", linewidth=2, label=f"mean of the last {WINDOW}"
    )
    axes.plot(episodes, np.maximum.accumulate(values), color="#d9822b", linewidth=1.5, label="best so far")
    low, high = np.quantile(values, 0.01), values.max()
    margin = 0.05 * max(high - low, 1e-3)
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(0, len(values) + 1)
    axes.set_xlabel("architectures proposed")
    axes.set_ylabel("reward")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
