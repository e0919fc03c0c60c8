"""Draws figures of lines as pictures (PNG); a page draws all others, too, and saves them as pictures."""

from pathlib import Path

from nas_gym.extras import needs
from nas_gym.files import write_atomically
from nas_gym.pages.panels import Figure, Panel

with needs("report", "a figure"):
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Picture


def draw_picture(path: Path, about: str, figure: Figure) -> None:
    """Write a PNG of a figure whose panels have lines, with what it is about above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Picture(figsize=(6.2 * len(figure.panels), 4.4), dpi=130, layout="constrained")
    FigureCanvasAgg(picture)
    panels = picture.subplots(1, len(figure.panels), squeeze=False)[0]
    for axes, panel in zip(panels, figure.panels, strict=True):
        _draw(axes, panel)
    picture.suptitle(f"{about}: {figure.title}", fontsize=11, x=0.01, ha="left", fontweight="bold")
    write_atomically(path, lambda temporary: picture.savefig(temporary, format="png"))


def _draw(axes: Axes, panel: Panel) -> None:
    for line in panel.lines:
        axes.plot(line.x, line.y.mean, "--" if line.dashed else "-", color=line.colour, label=line.name)
        axes.fill_between(line.x, line.y.low, line.y.high, color=line.colour, alpha=0.12, linewidth=0)
    first, last = min(line.x[0] for line in panel.lines), max(line.x[-1] for line in panel.lines)
    axes.set_xlim(first, last if last > first else first + 1)
    axes.set_ylim(panel.y.ends)
    axes.set_xlabel(panel.x.title)
    axes.set_ylabel(panel.y.title)
    if panel.y.form.endswith("%"):
        axes.yaxis.set_major_formatter(lambda value, _: format(value, panel.y.form))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    axes.legend(frameon=False, fontsize=8, loc="best")
