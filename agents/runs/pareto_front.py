"""What accuracy costs: the architectures of a search that no other one beats in everything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

from agents.files import write_atomically

Row = Mapping[str, Any]
COSTS = {"parameters": "parameters", "multiply_adds": "multiply-adds for one sample"}


def known_costs(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return which of ``COSTS`` every trained architecture knows."""
    trained = [row for row in rows if row["status"] == "ok"]
    return tuple(cost for cost in COSTS if trained and all(row.get(cost) is not None for row in trained))


def pareto_front(rows: Sequence[Row], costs: Sequence[str]) -> list[dict[str, Any]]:
    """Return the architectures that no other one beats, cheapest first.

    One beats another if it is as good in validation accuracy and in every cost, and better in one of
    them. Among equals the one that was proposed first stands for all.

    Args:
        rows: All rows of a search.
        costs: What is to be small; without costs there is no front, and the list is empty.

    Returns:
        Dicts with ``architecture``, ``validation_accuracy`` (the mean if it was trained several times)
        and the costs.
    """
    points = _points(rows, costs) if costs else []
    points.sort(key=lambda point: (*(point[cost] for cost in costs), -point["validation_accuracy"]))
    front: list[dict[str, Any]] = []
    values = np.empty((0, len(costs)))  # a later point never beats an earlier one
    accuracies = np.empty(0)
    for point in points:
        cost = np.array([point[name] for name in costs])
        accuracy = point["validation_accuracy"]
        if not ((values <= cost).all(axis=1) & (accuracies >= accuracy)).any():
            front.append(point)
            values, accuracies = np.vstack([values, cost]), np.append(accuracies, accuracy)
    return front


def draw_pareto_front(path: Path, rows: Sequence[Row], title: str) -> bool:
    """Write a PNG of accuracy against each cost that is known.

    Returns:
        Whether there was anything to draw.
    """
    costs = known_costs(rows)
    if not costs:
        return False
    points, front = _points(rows, costs), pareto_front(rows, costs)
    figure = Figure(figsize=(8 if len(costs) == 1 else 6 * len(costs), 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(costs), squeeze=False, sharey=True)[0]
    for axes, cost in zip(panels, costs, strict=True):
        _draw(axes, cost, points, front, pareto_front(rows, (cost,)))
    panels[0].set_ylabel("validation accuracy")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(title)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
    return True


def _points(rows: Sequence[Row], costs: Sequence[str]) -> list[dict[str, Any]]:
    """Return one dict for each trained architecture, in the order of their first proposals."""
    accuracies: dict[str, list[float]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        if row["status"] == "ok":
            accuracies.setdefault(row["architecture"], []).append(row["validation_accuracy"])
            first.setdefault(row["architecture"], row)
    return [
        {
            "architecture": architecture,
            "validation_accuracy": sum(accuracies[architecture]) / len(accuracies[architecture]),
            **{cost: row[cost] for cost in costs},
        }
        for architecture, row in first.items()
    ]


def _draw(
    axes: Axes,
    cost: str,
    points: Sequence[Row],
    front: Sequence[Row],
    steps: Sequence[Row],
) -> None:
    """Draw all architectures, those of the front, and the steps that only this cost and accuracy make."""

    def column(some: Sequence[Row], name: str) -> list[float]:
        return [point[name] for point in some]

    accuracies = column(points, "validation_accuracy")
    axes.scatter(
        column(points, cost),
        accuracies,
        s=8,
        color="#6f8ea3",
        alpha=0.6,
        zorder=2,
        linewidths=0,
        label="one architecture",
    )
    right = max(column(points, cost)) * 1.1
    axes.plot(
        [*column(steps, cost), right],
        [*column(steps, "validation_accuracy"), steps[-1]["validation_accuracy"]],
        drawstyle="steps-post",
        color="#eec08f",
        linewidth=1.5,
        zorder=1.5,
        label="best at this cost or less",
    )
    axes.scatter(
        column(front, cost),
        column(front, "validation_accuracy"),
        s=28,
        color="#d9822b",
        zorder=3,
        label="Pareto front",
    )
    low = min(np.quantile(accuracies, 0.01), front[0]["validation_accuracy"])
    margin = 0.05 * max(max(accuracies) - low, 1e-3)
    axes.set_ylim(low - margin, max(accuracies) + margin)
    axes.set_xscale("log")
    axes.set_xlim(right=right)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(COSTS[cost])
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
