"""Draws panels for a page, as what ``Plotly.newPlot`` takes."""

from collections.abc import Iterator, Sequence
from math import log10

from nas_gym.pages.panels import Axis, Bars, Dot, HeatMap, Line, Panel, Points, Regions

Json = dict[str, object]
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
BUTTONS = [["toImage", "zoom2d", "pan2d", "resetScale2d"]]
HEIGHT = 460
MOST_NAMES, TALLEST = 20, 700
"""Cells of a heat map of more names say what they are to whoever points at them alone; pixels of all rows."""
LONGEST_NAME = 18


def draw_for_page(panel: Panel) -> Json:
    """Return data, layout and configuration of a panel, values of JSON."""
    layout: Json = {
        "font": {"family": FONT, "size": 13},
        "margin": {"l": 10, "r": 10, "t": 36, "b": 10},
        "xaxis": _axis(panel.x),
        "yaxis": _axis(panel.y),
        "showlegend": bool(panel.lines or panel.bars or panel.points),
    }
    rows: Json = {"autorange": "reversed", "showgrid": False, "automargin": True, "type": "category"}
    if panel.heat_map is not None:
        data = [_heat_map(panel.heat_map)]
        count = len(panel.heat_map.names)
        layout |= {"height": max(320, round(190 + min(38, TALLEST / count) * count))}
        ticks = _ticks(panel.heat_map.names)
        layout["xaxis"] = rows | ticks | {"tickangle": -40, "autorange": True, "title": _title(panel.x.title)}
        layout["yaxis"] = rows | ticks | {"title": _title(panel.y.title)}
    elif panel.lines or panel.points:
        data = list(_traces(panel))
        layout |= {"height": HEIGHT, "hovermode": "closest" if panel.points else "x unified"}
        layout["legend"] = {"orientation": "h", "y": -0.2}
    elif panel.dots:
        data = [_dot(dot, panel.x.form) for dot in panel.dots]
        layout |= {"height": 110 + 30 * len(panel.dots), "yaxis": rows}
    else:
        data = [_bars(bars, panel.x.form) for bars in panel.bars]
        layout |= {"height": 180 + 30 * len(panel.bars[0].rows), "yaxis": rows, "barmode": "stack"}
        layout["legend"] = {"orientation": "h", "y": -0.35, "traceorder": "normal"}
    if panel.x.may_be_logarithmic:
        layout["updatemenus"] = [_scales()]
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": BUTTONS}
    return {"data": data, "layout": layout, "config": config}


def _traces(panel: Panel) -> Iterator[Json]:
    """Yield what stands between two axes of numbers, what is drawn first first."""
    if panel.regions is not None:
        yield _regions(panel.regions)
    yield from (_band(line) for line in panel.lines if not (line.marked or line.y.is_certain))
    yield from (_points(points) for points in panel.points)
    yield from (_line(line, panel.y.form) for line in panel.lines)


def _ticks(names: Sequence[str]) -> Json:
    """Return what stands at rows and columns: some of many names, and no more of long ones than fits."""
    some = names[:: -(-len(names) // MOST_NAMES)]
    cut = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in some]
    return {"tickvals": some, "ticktext": cut}


def _title(text: str) -> Json:
    return {"text": text, "standoff": 8}


def _axis(axis: Axis) -> Json:
    shared: Json = {"gridcolor": "#e6e9ec", "zeroline": False, "automargin": True}
    shared["title"] = _title(axis.title)
    if axis.logarithmic:
        small = axis.ends is not None and min(axis.ends) < 1  # thousandths would get a letter, too
        shared |= {"type": "log", "dtick": "D2", "tickformat": "~g" if small else "~s"}
    if axis.whole:
        shared["dtick"] = 1
    if axis.ends is not None:
        shared["range"] = [log10(end) for end in axis.ends] if axis.logarithmic else axis.ends
    elif axis.falling:
        shared["autorange"] = "reversed"
    return shared | ({"tickformat": axis.form} if axis.form.endswith("%") else {})


def _band(line: Line) -> Json:
    red, green, blue = (int(line.colour[i : i + 2], 16) for i in (1, 3, 5))
    return {
        "x": [*line.x, *line.x[::-1]],
        "y": [*line.y.high, *line.y.low[::-1]],
        "fill": "toself",
        "fillcolor": f"rgba({red},{green},{blue},0.14)",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "legendgroup": line.name,
        "showlegend": False,
    }


def _line(line: Line, form: str) -> Json:
    style: Json = {"color": line.colour, "dash": "dash" if line.dashed else "solid", "width": 2.2}
    trace: Json = {
        "x": line.x,
        "y": line.y.mean,
        "mode": "lines+markers" if line.marked else "lines",
        "name": line.name,
        "legendgroup": line.name,
        "showlegend": bool(line.name),
        "line": style | ({"shape": "hv"} if line.steps else {}),
    }
    if line.dashed or not line.name:
        return trace | {"hoverinfo": "skip"}
    if line.y.is_certain:
        return trace | {"hovertemplate": f"%{{y:{form}}}"}
    if line.marked:
        trace["error_y"] = {
            "array": [high - mean for high, mean in zip(line.y.high, line.y.mean, strict=True)],
            "arrayminus": [mean - low for low, mean in zip(line.y.low, line.y.mean, strict=True)],
            "thickness": 1.5,
            "width": 3,
        }
    trace["customdata"] = list(zip(line.y.low, line.y.high, strict=True))
    trace["hovertemplate"] = f"%{{y:{form}}} [%{{customdata[0]:{form}}}, %{{customdata[1]:{form}}}]"
    return trace


def _points(points: Points) -> Json:
    marker: Json = {
        "size": points.size,
        "color": points.colour,
        "opacity": points.opacity,
        "symbol": points.symbol,
    }
    trace: Json = {"x": points.x, "y": points.y, "mode": "markers", "name": points.name, "marker": marker}
    if not points.meanings:
        return trace | {"hoverinfo": "skip"}
    return trace | {"hovertext": points.meanings, "hovertemplate": "%{hovertext}<extra></extra>"}


def _regions(regions: Regions) -> Json:
    """Return a heat map in which each kind has colours of its own, from white to the kind's."""
    count = len(regions.colours)
    ramps = [
        stop
        for kind, colour in enumerate(regions.colours)
        for stop in ((kind / count, "#FFFFFF"), ((kind + 1) / count, colour))
    ]
    values = [
        [round(kind + 0.999 * sure, 3) for kind, sure in zip(kinds, sureness, strict=True)]
        for kinds, sureness in zip(regions.kinds, regions.sureness, strict=True)
    ]
    return {
        "type": "heatmap",
        "x": regions.x,
        "y": regions.y,
        "z": values,
        "colorscale": ramps,
        "zmin": 0,
        "zmax": count,
        "opacity": 0.45,
        "showscale": False,
        "hoverinfo": "skip",
    }


def _dot(dot: Dot, form: str) -> Json:
    value, low, high = dot.x.value, dot.x.low, dot.x.high
    return {
        "x": [value],
        "y": [dot.name],
        "mode": "markers",
        "marker": {"size": 11, "color": dot.colour},
        "error_x": {
            "array": [high - value],
            "arrayminus": [value - low],
            "color": dot.colour,
            "thickness": 3,
            "width": 0,
        },
        "hovertemplate": f"{value:{form}} [{low:{form}}, {high:{form}}]<extra>{dot.name}</extra>",
    }


def _bars(bars: Bars, form: str) -> Json:
    return {
        "type": "bar",
        "orientation": "h",
        "x": bars.x,
        "y": bars.rows,
        "name": bars.name,
        "marker": {"color": bars.colour},
        "hovertemplate": f"%{{x:{form}}}<extra>{bars.name}</extra>",
    }


def _heat_map(heat: HeatMap) -> Json:
    trace: Json = {
        "type": "heatmap",
        "x": heat.names,
        "y": heat.names,
        "z": [[None if cell is None else cell.shade for cell in row] for row in heat.cells],
        "hovertext": [["" if cell is None else cell.meaning for cell in row] for row in heat.cells],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "colorscale": list(zip((0, 0.5, 1), heat.colours, strict=True)),
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
    }
    if len(heat.names) > MOST_NAMES:
        return trace | {"xgap": 1, "ygap": 1}
    texts = [["" if c is None else f"<b>{c.text}</b>" if c.bold else c.text for c in r] for r in heat.cells]
    return trace | {"text": texts, "texttemplate": "%{text}", "textfont": {"size": 11}}


def _scales() -> Json:
    """Return the buttons that choose the scale of x."""
    return {
        "type": "buttons",
        "direction": "right",
        "buttons": [
            {"label": label, "method": "relayout", "args": [{"xaxis.type": kind, "xaxis.autorange": True}]}
            for label, kind in (("linear scale", "linear"), ("logarithmic scale", "log"))
        ],
        "x": 0,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
        "pad": {"t": 0, "b": 0},
        "font": {"size": 11},
        "bgcolor": "white",
        "bordercolor": "#c9ced3",
    }
