"""Draws panels for a page, as what ``Plotly.newPlot`` takes."""

from nas_gym.benchmark.report.figures import SCALE, Axis, Bars, Dot, HeatMap, Line, Panel

Json = dict[str, object]
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
BUTTONS = [["toImage", "zoom2d", "pan2d", "resetScale2d"]]


def draw_for_page(panel: Panel) -> Json:
    """Return data, layout and configuration of a panel, values of JSON."""
    layout: Json = {
        "font": {"family": FONT, "size": 13},
        "margin": {"l": 10, "r": 10, "t": 36, "b": 10},
        "xaxis": _axis(panel.x),
        "yaxis": _axis(panel.y),
        "showlegend": bool(panel.lines or panel.bars),
    }
    rows: Json = {"autorange": "reversed", "showgrid": False, "automargin": True}
    if panel.heat_map is not None:
        data = [_heat_map(panel.heat_map)]
        layout |= {"height": 190 + 38 * len(panel.heat_map.names), "yaxis": rows}
        layout["xaxis"] = {"tickangle": -40, "showgrid": False, "automargin": True}
    elif panel.lines:
        data = [*map(_band, panel.lines), *(_line(line, panel.y.form) for line in panel.lines)]
        layout |= {"height": 460, "hovermode": "x unified"}
        layout["legend"] = {"orientation": "h", "y": -0.2}
    elif panel.dots:
        data = [_dot(dot, panel.x.form) for dot in panel.dots]
        layout |= {"height": 90 + 30 * len(panel.dots), "yaxis": rows}
    else:
        data = [_bars(bars, panel.x.form) for bars in panel.bars]
        layout |= {"height": 180 + 30 * len(panel.bars[0].rows), "yaxis": rows, "barmode": "stack"}
        layout["legend"] = {"orientation": "h", "y": -0.35, "traceorder": "normal"}
    if panel.x.may_be_logarithmic:
        layout["updatemenus"] = [_scales()]
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": BUTTONS}
    return {"data": data, "layout": layout, "config": config}


def _axis(axis: Axis) -> Json:
    shared: Json = {"gridcolor": "#e6e9ec", "zeroline": False, "automargin": True}
    shared["title"] = {"text": axis.title, "standoff": 8}
    if axis.ends is not None:
        shared["range"] = axis.ends
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
    trace: Json = {
        "x": line.x,
        "y": line.y.mean,
        "mode": "lines",
        "name": line.name,
        "legendgroup": line.name,
        "line": {"color": line.colour, "dash": "dash" if line.dashed else "solid", "width": 2.2},
    }
    if line.dashed:
        return trace | {"hoverinfo": "skip"}
    trace["customdata"] = list(zip(line.y.low, line.y.high, strict=True))
    trace["hovertemplate"] = f"%{{y:{form}}} [%{{customdata[0]:{form}}}, %{{customdata[1]:{form}}}]"
    return trace


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
    texts = [["" if c is None else f"<b>{c.text}</b>" if c.bold else c.text for c in r] for r in heat.cells]
    return {
        "type": "heatmap",
        "x": heat.names,
        "y": heat.names,
        "z": [[None if cell is None else cell.shade for cell in row] for row in heat.cells],
        "text": texts,
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "hovertext": [["" if cell is None else cell.meaning for cell in row] for row in heat.cells],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "colorscale": list(zip((0, 0.5, 1), SCALE, strict=True)),
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
    }


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
