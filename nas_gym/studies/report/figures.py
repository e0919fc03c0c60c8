"""Pictures of one search: how it learned, and what good networks cost."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nas_gym.envs.episode import Episode
from nas_gym.extras import needs
from nas_gym.files import write_atomically
from nas_gym.pages.curves import WINDOW, axis_ends, moving_average
from nas_gym.studies.summary import COSTS, Network, differing_costs, networks_of, pareto_front
from nas_gym.tasks.metric import Metric

with needs("report", "a picture of a search"):
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

INCHES, DOTS = (8.0, 4.5), 120


def draw_learning_curve(path: Path, rewards: Sequence[float], title: str) -> None:
    """Write a PNG of single rewards, their moving average and the best so far."""
    values = np.asarray(rewards, dtype=np.float64)
    episodes = np.arange(1, len(values) + 1)
    figure = _figure(INCHES)
    axes = figure.add_subplot()
    axes.scatter(episodes, values, s=3, color="#9fb3c1", alpha=0.5, linewidths=0, label="one architecture")
    axes.plot(
        episodes, moving_average(values), color="#1f6f9f", linewidth=2, label=f"mean of the last {WINDOW}"
    )
    axes.plot(episodes, np.maximum.accumulate(values), color="#d9822b", linewidth=1.5, label="best so far")
    _leave_room(axes, values.tolist(), 1)
    axes.set_xlim(0, len(values) + 1)
    axes.set_xlabel("architectures proposed")
    axes.set_ylabel("reward")
    axes.set_title(title)
    axes.legend(loc="lower right", frameon=False)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))


def draw_pareto_front(path: Path, rows: Sequence[Episode], metric: Metric, title: str) -> bool:
    """Write a PNG of the metric against each cost that is known; better is higher up.

    A cost that all architectures share, as recurrent cells of one base do, is left out.

    Returns:
        Whether there was anything to draw.
    """
    networks = networks_of(rows, metric)
    costs = differing_costs(networks)
    if not costs:
        return False
    figure = _figure(INCHES if len(costs) == 1 else (6.0 * len(costs), INCHES[1]))
    panels = figure.subplots(1, len(costs), squeeze=False, sharey=True)[0]
    for axes, cost in zip(panels, costs, strict=True):
        _draw_cost(axes, cost, metric, networks)
    panels[0].set_ylabel(f"validation {metric.words}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(title)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
    return True


def _figure(inches: tuple[float, float]) -> Figure:
    figure = Figure(figsize=inches, dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_cost(axes: Axes, cost: str, metric: Metric, networks: Sequence[Network]) -> None:
    front = pareto_front(networks, cost, metric)
    sizes, scores = [getattr(each, cost) for each in networks], [each.score for each in networks]
    left, right = min(sizes) / 1.15, max(sizes) * 1.15
    axes.scatter(sizes, scores, s=8, color="#6f8ea3", alpha=0.6, linewidths=0, label="one architecture")
    sizes, scores = [getattr(each, cost) for each in front], [each.score for each in front]
    steps = ([*sizes, right], [*scores, scores[-1]])
    axes.plot(*steps, drawstyle="steps-post", color="#eec08f", linewidth=1.5, zorder=0.5)
    axes.scatter(sizes, scores, s=28, color="#d9822b", zorder=3, label="Pareto front")
    _leave_room(axes, [each.score for each in networks], metric.sign, scores[0])
    if right > 5 * left:  # else a logarithmic axis might have no number at all
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if right > 50 * left else (1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlim(left, right)
    axes.set_xlabel(COSTS[cost])


def _leave_room(axes: Axes, values: Sequence[float], sign: int, shown: float | None = None) -> None:
    """Set the limits of ``axis_ends``: what is good is higher up."""
    axes.set_ylim(*axis_ends(values, sign, shown))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
