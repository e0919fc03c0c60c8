"""Draws figures of lines and points as pictures (PNG); a page draws all others, too, and can save them."""

from pathlib import Path

from nas_gym.extras import needs
from nas_gym.files import write_atomically
from nas_gym.pages.panels import Axis as Description
from nas_gym.pages.panels import Figure, Line, Panel, Points

with needs("report", "a picture"):
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Picture
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

COLUMNS = 4
"""Of the legend."""


def draw_picture(path: Path, about: str, figure: Figure) -> None:
    """Write a PNG of a figure whose panels have lines or points, with what it is about above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Picture(figsize=(6.2 * len(figure.panels), 4.4), dpi=130, layout="constrained")
    FigureCanvasAgg(picture)
    named: dict[str, Artist] = {}
    axes_in_a_row = picture.subplots(1, len(figure.panels), squeeze=False)[0]
    for axes, panel in zip(axes_in_a_row, figure.panels, strict=True):
        _draw(axes, panel)
        named |= {name: mark for mark, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    picture.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=min(COLUMNS * len(figure.panels), len(named)),
        frameon=False,
        fontsize=8,
    )
    picture.suptitle(f"{about}: {figure.title}", fontsize=11, x=0.01, ha="left", fontweight="bold")
    write_atomically(path, lambda temporary: picture.savefig(temporary, format="png"))


def _draw(axes: Axes, panel: Panel) -> None:
    for points in panel.points:
        _draw_points(axes, points)
    for line in panel.lines:
        _draw_line(axes, line)
    if panel.x.ends is not None:
        axes.set_xlim(panel.x.ends)
    elif panel.lines:
        first, last = min(line.x[0] for line in panel.lines), max(line.x[-1] for line in panel.lines)
        axes.set_xlim(first, last if last > first else first + 1)
    if panel.x.logarithmic:
        _space_logarithmically(axes, panel.x)
    axes.set_ylim(panel.y.ends)
    axes.set_xlabel(panel.x.title)
    axes.set_ylabel(panel.y.title)
    if panel.y.form.endswith("%"):
        axes.yaxis.set_major_formatter(lambda value, _: format(value, panel.y.form))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def _draw_points(axes: Axes, points: Points) -> None:
    axes.scatter(
        points.x,
        points.y,
        s=(points.size / 2) ** 2,
        color=points.colour,
        alpha=points.opacity,
        marker="*" if points.symbol == "star" else "o",
        linewidths=0,
        zorder=3 if points.opacity == 1 else 1,
        label=points.name,
    )


def _draw_line(axes: Axes, line: Line) -> None:
    axes.plot(
        line.x,
        line.y.mean,
        "--" if line.dashed else "-",
        color=line.colour,
        drawstyle="steps-post" if line.steps else "default",
        label=line.name,
    )
    axes.fill_between(line.x, line.y.low, line.y.high, color=line.colour, alpha=0.12, linewidth=0)


def _space_logarithmically(axes: Axes, described: Description) -> None:
    low, high = sorted(described.ends or axes.get_xlim())
    axes.set_xscale("log")
    # Between one power of ten and the next there might be no number at all.
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 50 * low else (1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep="") if low >= 1 else lambda value, _: f"{value:.4g}")
