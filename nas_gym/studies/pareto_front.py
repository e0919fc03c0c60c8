"""What accuracy, or perplexity, costs: the architectures that no other one beats in everything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from agents.files import write_atomically
from nas_gym.studies.row_metric import Metric, metric_of

Row = Mapping[str, Any]
COSTS = {"parameters": "parameters", "multiply_adds": "multiply-adds for one sample"}


def pareto_fronts(rows: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Return for each of ``COSTS`` the architectures that no other one beats, cheapest first.

    One beats another if it is as good in the metric (``metric_of``) and in cost, and better in one of them.
    Among equals the one that was proposed first stands for all. A cost that some trained architecture
    does not know is left out.

    Args:
        rows: All rows of a search.

    Returns:
        Dicts with ``architecture``, ``validation_accuracy`` or ``validation_perplexity`` (the mean if it
        was trained several times) and the costs.
    """
    metric = metric_of(rows)
    points = _points(rows, metric)
    return {cost: _front(points, cost, metric) for cost in _known_costs(points)}


def draw_pareto_front(path: Path, rows: Sequence[Row], title: str) -> bool:
    """Write a PNG of the metric against each cost that is known; better is higher up.

    A cost that all architectures share, as recurrent cells of one base do, is left out.

    Returns:
        Whether there was anything to draw.
    """
    metric = metric_of(rows)
    points = _points(rows, metric)
    costs = [
        cost
        for cost in _known_costs(points)
        if len(points) == 1 or len({point[cost] for point in points}) > 1
    ]
    if not costs:
        return False
    figure = Figure(figsize=(8 if len(costs) == 1 else 6 * len(costs), 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(costs), squeeze=False, sharey=True)[0]
    for axes, cost in zip(panels, costs, strict=True):
        _draw(axes, cost, metric, points, _front(points, cost, metric))
    panels[0].set_ylabel(metric.name.replace("_", " "))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(title)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
    return True


def _points(rows: Sequence[Row], metric: Metric) -> list[dict[str, Any]]:
    """Return one dict for each trained architecture, in the order of their first proposals."""
    trainings: dict[str, list[Row]] = {}
    for row in rows:
        if row["status"] == "ok":
            trainings.setdefault(row["architecture"], []).append(row)
    return [
        {
            "architecture": architecture,
            metric.name: mean(row[metric.name] for row in same),  # exact: equal values stay equal
            **{cost: same[0][cost] for cost in COSTS if same[0].get(cost) is not None},
        }
        for architecture, same in trainings.items()
    ]


def _known_costs(points: Sequence[Row]) -> list[str]:
    return [cost for cost in COSTS if points and all(cost in point for point in points)]


def _front(points: Sequence[dict[str, Any]], cost: str, metric: Metric) -> list[dict[str, Any]]:
    front: list[dict[str, Any]] = []
    for point in sorted(points, key=lambda point: (point[cost], metric.rank(point))):
        if not front or metric.rank(point) < metric.rank(front[-1]):
            front.append(point)
    return front


def _draw(axes: Axes, cost: str, metric: Metric, points: Sequence[Row], front: Sequence[Row]) -> None:
    def column(some: Sequence[Row], name: str) -> list[float]:
        return [point[name] for point in some]

    sizes, values = column(points, cost), column(points, metric.name)
    left, right = min(sizes) / 1.15, max(sizes) * 1.15
    axes.scatter(
        sizes,
        values,
        s=8,
        color="#6f8ea3",
        alpha=0.6,
        zorder=2,
        linewidths=0,
        label="one architecture",
    )
    axes.plot(
        [*column(front, cost), right],
        [*column(front, metric.name), front[-1][metric.name]],
        drawstyle="steps-post",
        color="#eec08f",
        linewidth=1.5,
        zorder=1.5,
    )
    axes.scatter(
        column(front, cost),
        column(front, metric.name),
        s=28,
        color="#d9822b",
        zorder=3,
        label="Pareto front",
    )
    # Few very bad ones would leave no room for the others.
    ranks = [-metric.rank(point) for point in points]
    worst, best = min(float(np.quantile(ranks, 0.01)), -metric.rank(front[0])), max(ranks)
    margin = 0.05 * max(best - worst, 1e-3)
    axes.set_ylim(metric.sign * (worst - margin), metric.sign * (best + margin))
    if right > 5 * left:  # else a logarithmic axis might have no number at all
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if right > 50 * left else (1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlim(left, right)
    axes.set_xlabel(COSTS[cost])
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
