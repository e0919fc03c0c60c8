"""A comparison as pictures (PNG), a handful for each environment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from agents.files import write_atomically
from nas_gym.benchmark.findings import Findings, ranking
from nas_gym.benchmark.measures import MEASURES

# Told apart by colour-blind readers, too (Okabe and Ito 2008; yellow, which is pale on white, is replaced).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6A3D9A", "#555555")
LOSES, EVEN, WINS = "#D55E00", "#F7F7F7", "#0072B2"
"""Colours of a probability of improvement of 0, 1/2 and 1."""
JUDGED_BY = {
    **{measure: metric.words for measure, metric in MEASURES.items()},
    "children": "children to the optimum",
}
"""What agents are compared by, in words."""
REFERENCE = "#5b6875"
"""Colour of a value that is known without any search."""


def colours(found: Findings) -> dict[str, str]:
    """Return each agent's colour, the same in all figures of a comparison."""
    return {agent: COLOURS[index % len(COLOURS)] for index, agent in enumerate(found["agents"])}


def draw_all(folder: Path, env: str, found: Findings, seeds: int) -> dict[str, Path]:
    """Write the figures of one environment; return their paths by what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    about = f"{env}, {seeds} seed{'s' if seeds > 1 else ''}"
    figures: dict[str, Callable[[Findings], Figure]] = {
        "curves": curves,
        "intervals": intervals,
        "improvement": improvement,
        "rewards": rewards,
        "seconds": seconds,
    }
    if "test" in found["metrics"]:
        figures["optimum"] = optimum
    paths = {}
    for name, draw in figures.items():
        figure = draw(found)
        title, letters = f"{about}: {_SUBTITLES[name]}", int(10 * figure.get_figwidth())  # ten an inch
        if len(title) > letters:
            title = f"{about}:\n{fill(_SUBTITLES[name], letters)}"
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
        paths[name] = folder / f"{env}_{name}.png"
        write_atomically(paths[name], lambda path, figure=figure: figure.savefig(path, format="png"))  # type: ignore[misc]
    return paths


_SUBTITLES = {
    "curves": "mean of the best so far, 95 % bands",
    "intervals": "final answers, interquartile means with 95 % intervals",
    "improvement": "probability that the row's agent beats the column's",
    "rewards": "mean reward, 95 % bands",
    "seconds": "mean seconds of a run",
    "optimum": "runs that reached the optimum, 95 % bands",
}


def curves(found: Findings) -> Figure:
    """Best so far against distinct children, a panel for each metric; better is higher up."""
    figure, panels = _panels(len(found["metrics"]), 5.4, 4.4)
    children = np.array(found["children"])
    for axes, metric in zip(panels, found["metrics"], strict=True):
        bands = {agent: result["curves"][metric] for agent, result in found["agents"].items()}
        _draw_bands(axes, children, bands, found)
        for name, value in found.get("references", {}).items():
            label = reference_label(metric, name, value)
            axes.axhline(value, color=REFERENCE, linestyle="--", linewidth=1.2, label=label)
        axes.set_ylim(*curve_range(found, metric))
        axes.set_xlabel("distinct children trained")
        axes.set_title(axis_title(metric, " of the best so far"), fontsize=10)
    _legend(panels[0], found)
    return figure


def axis_title(measure: str, of: str = "") -> str:
    """Return what stands at an axis that points to the better values."""
    return JUDGED_BY[measure] + of + ("" if MEASURES[measure].sign > 0 else " (lower is better)")


def reference_label(measure: str, name: str, value: float) -> str:
    """Return what the line of a reference is called."""
    return f"{name}: {value:{MEASURES[measure].form}}"


def curve_range(found: Findings, measure: str) -> tuple[float, float]:
    """Return both ends of the axis, the upper one last, that shows how curves end.

    The steep start is cut off. A reference is within the range if it is as near to the best of the curves
    as their start: farther away it would press all curves together.
    """
    agents, sign = found["agents"].values(), MEASURES[measure].sign
    early = max(0, int(np.searchsorted(found["children"], 0.04 * found["children"][-1])) - 1)
    low = min(sign * result["curves"][measure]["mean"][early] for result in agents)
    best = "high" if sign > 0 else "low"
    high = max(sign * value for result in agents for value in result["curves"][measure][best])
    near = [sign * value for value in found.get("references", {}).values()]
    high = max([high, *(value for value in near if value < high + (high - low))])
    margin = 0.04 * max(high - low, 1e-3)
    return sign * (low - margin), sign * (high + margin)


def intervals(found: Findings) -> Figure:
    """Interquartile means of the final answers, a panel for each metric; better is farther right."""
    order = ranking(found)[::-1]
    figure, panels = _panels(len(found["metrics"]), 5.4, 1.3 + 0.34 * len(order))
    palette = colours(found)
    for axes, metric in zip(panels, found["metrics"], strict=True):
        for height, agent in enumerate(order):
            value = found["agents"][agent]["interquartile_means"][metric]
            axes.plot(
                [value["low"], value["high"]], [height] * 2, color=palette[agent], linewidth=5, alpha=0.35
            )
            axes.plot(value["value"], height, "o", color=palette[agent], markersize=7)
        axes.set_yticks(range(len(order)), order)
        axes.set_ylim(-0.6, len(order) - 0.4)
        axes.set_title(axis_title(metric), fontsize=10)
        if MEASURES[metric].sign < 0:
            axes.invert_xaxis()
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="y", visible=False)
    return figure


def improvement(found: Findings) -> Figure:
    """Probabilities of improvement between every two agents; what is not decided is pale."""
    measures = list(found["comparisons"])
    order = ranking(found)
    size = 1.9 + 0.52 * len(order)
    figure, panels = _panels(len(measures), size, size)
    colour_map = LinearSegmentedColormap.from_list("improvement", [LOSES, EVEN, WINS])
    for axes, measure in zip(panels, measures, strict=True):
        matrix, decided = improvement_matrix(found["comparisons"][measure], order)
        axes.imshow(fade(matrix, decided), cmap=colour_map, vmin=0, vmax=1)
        for row in range(len(order)):
            for column in range(len(order)):
                if row == column:
                    continue
                value, sure = matrix[row, column], decided[row, column]
                ink = "#6b7681" if not sure else "white" if abs(value - 0.5) > 0.3 else "black"
                weight = "bold" if sure else "normal"
                text = f"{value:.2f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink, weight=weight)
        axes.set_xticks(range(len(order)), order, rotation=40, ha="right", fontsize=8)
        axes.set_yticks(range(len(order)), order if axes is panels[0] else [""] * len(order), fontsize=8)
        axes.set_title(JUDGED_BY[measure], fontsize=10)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def improvement_matrix(pairs: Sequence[dict[str, Any]], order: Sequence[str]) -> tuple[Any, Any]:
    """Return probabilities that a row's agent beats a column's, NaN on the diagonal, and what is decided."""
    matrix = np.full((len(order), len(order)), np.nan)
    decided = np.zeros(matrix.shape, dtype=np.bool_)
    for pair in pairs:
        row, column = order.index(pair["first"]), order.index(pair["second"])
        matrix[row, column], matrix[column, row] = pair["probability"], 1 - pair["probability"]
        decided[row, column] = decided[column, row] = pair["decided"]
    return matrix, decided


def fade(matrix: Any, decided: Any) -> Any:  # noqa: ANN401
    """Return what decides the colours of the matrix: near 1/2 where nothing is decided."""
    return np.where(decided, matrix, 0.5 + (matrix - 0.5) / 4)


def optimum(found: Findings) -> Figure:
    """Share of runs that have reached the optimum, against distinct children."""
    figure, (axes,) = _panels(1, 7, 4.2)
    bands = {agent: result["reached_curve"] for agent, result in found["agents"].items()}
    _draw_bands(axes, np.array(found["children"]), bands, found)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("distinct children trained")
    _legend(axes, found)
    return figure


def rewards(found: Findings) -> Figure:
    """Reward against episodes, moving averages."""
    figure, (axes,) = _panels(1, 7, 4.2)
    palette = colours(found)
    everything = []
    for agent, result in found["agents"].items():
        curve = result["reward_curve"]
        axes.plot(curve["episodes"], curve["mean"], color=palette[agent], linewidth=1.8, label=agent)
        axes.fill_between(
            curve["episodes"], curve["low"], curve["high"], color=palette[agent], alpha=0.15, linewidth=0
        )
        everything.append(curve["mean"])
    # The first sentences of agents without masks earn -1; all else would be squeezed into a stripe.
    low, high = np.quantile(np.concatenate(everything), [0.05, 1.0])
    axes.set_ylim(low - 0.1 * (high - low) - 1e-3, high + 0.1 * (high - low) + 1e-3)
    axes.set_xlabel("architectures proposed, up to the end of the shortest run")
    axes.set_ylabel(f"reward, mean of the last {found['reward_window']}")
    _legend(axes, found)
    return figure


def seconds(found: Findings) -> Figure:
    """Seconds of a run inside and outside training."""
    order = ranking(found)[::-1]
    figure, (axes,) = _panels(1, 7, 1.3 + 0.34 * len(order))
    metrics = [found["agents"][agent]["metrics"] for agent in order]
    inside = np.array([metric["training_seconds"]["mean"] for metric in metrics])
    outside = np.array([metric["agent_seconds"]["mean"] for metric in metrics])
    axes.barh(order, inside, color="#0072B2", label="inside training, or looking up", height=0.6)
    axes.barh(order, outside, left=inside, color="#E69F00", label="outside: the agent", height=0.6)
    axes.set_xlabel("seconds")
    axes.grid(axis="y", visible=False)
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def _panels(count: int, width: float, height: float) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(width * count, height), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, count, squeeze=False)[0])
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return figure, panels


def _draw_bands(axes: Any, x: Any, bands: dict[str, Any], found: Findings) -> None:  # noqa: ANN401
    palette = colours(found)
    for agent, band in bands.items():
        axes.plot(x, band["mean"], color=palette[agent], linewidth=1.8, label=agent)
        axes.fill_between(x, band["low"], band["high"], color=palette[agent], alpha=0.12, linewidth=0)
    axes.set_xlim(x[0], x[-1])


def _legend(axes: Any, found: Findings) -> None:  # noqa: ANN401
    """Name the agents in the order of their answers, then whatever else has a name."""
    by_name = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    order = ranking(found)
    order += [name for name in by_name if name not in order]
    axes.legend([by_name[agent] for agent in order], order, frameon=False, fontsize=8, loc="best")
