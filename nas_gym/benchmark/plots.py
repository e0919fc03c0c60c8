"""A comparison as interactive figures (Plotly), the same that ``figures`` draws as pictures."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from nas_gym.benchmark.figures import (
    EVEN,
    LOSES,
    REFERENCE,
    WINS,
    axis_title,
    colours,
    curve_range,
    fade,
    improvement_matrix,
    reference_label,
)
from nas_gym.benchmark.findings import Findings, ranking
from nas_gym.benchmark.measures import MEASURES

FONT = {"family": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif", "size": 13}
GRID = "#e6e9ec"


def curves(found: Findings, measure: str) -> go.Figure:
    """Best so far against distinct children."""
    form = MEASURES[measure].form
    figure = _bands(found, lambda result: (found["children"], result["curves"][measure]), form)
    for name, value in found.get("references", {}).items():
        ends = [found["children"][0], found["children"][-1]]
        figure.add_trace(
            go.Scatter(
                x=ends,
                y=[value] * 2,
                mode="lines",
                name=reference_label(measure, name, value),
                line={"dash": "dash", "width": 1.5, "color": REFERENCE},
                hoverinfo="skip",
            )
        )
    figure.update_layout(yaxis_title=axis_title(measure), xaxis_title="distinct children trained")
    figure.update_yaxes(range=curve_range(found, measure))
    return _with_scale_buttons(figure)


def optimum(found: Findings) -> go.Figure:
    """Share of runs that have reached the optimum."""
    figure = _bands(found, lambda result: (found["children"], result["reached_curve"]), ".0%")
    figure.update_layout(xaxis_title="distinct children trained", yaxis_title="runs that reached the optimum")
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    return _with_scale_buttons(figure)


def rewards(found: Findings) -> go.Figure:
    """Reward against episodes."""
    figure = _bands(found, lambda result: (result["reward_curve"]["episodes"], result["reward_curve"]), ".4r")
    means = np.concatenate([result["reward_curve"]["mean"] for result in found["agents"].values()])
    low, high = np.quantile(means, [0.05, 1.0])
    margin = 0.1 * max(high - low, 1e-3)
    figure.update_yaxes(range=[low - margin, high + margin])
    figure.update_layout(
        xaxis_title="architectures proposed, up to the end of the shortest run",
        yaxis_title=f"reward, mean of the last {found['reward_window']}",
    )
    return figure


def intervals(found: Findings, measure: str) -> go.Figure:
    """Interquartile means of the final answers."""
    order, palette = ranking(found)[::-1], colours(found)
    metric = MEASURES[measure]
    figure = go.Figure()
    for agent in order:
        value = found["agents"][agent]["interquartile_means"][measure]
        middle, low, high = (f"{value[name]:{metric.form}}" for name in ("value", "low", "high"))
        figure.add_trace(
            go.Scatter(
                x=[value["value"]],
                y=[agent],
                mode="markers",
                marker={"size": 11, "color": palette[agent]},
                error_x={
                    "array": [value["high"] - value["value"]],
                    "arrayminus": [value["value"] - value["low"]],
                    "color": palette[agent],
                    "thickness": 3,
                    "width": 0,
                },
                hovertemplate=f"{middle} [{low}, {high}]<extra>{agent}</extra>",
                showlegend=False,
            )
        )
    _style(figure, 90 + 30 * len(order))
    figure.update_layout(xaxis_title=f"interquartile mean of {axis_title(measure)}")
    if metric.sign < 0:
        figure.update_xaxes(autorange="reversed")
    return figure


def improvement(found: Findings, measure: str) -> go.Figure:
    """Probabilities of improvement between every two agents."""
    order = ranking(found)
    pairs = found["comparisons"][measure]
    matrix, decided = improvement_matrix(pairs, order)
    hover = np.full(matrix.shape, "", dtype=object)
    for pair in pairs:
        row, column = order.index(pair["first"]), order.index(pair["second"])
        verdict = "decided" if pair["decided"] else "not decided"
        hover[row, column] = hover[column, row] = (
            f"{pair['first']} beats {pair['second']} with probability {pair['probability']:.3f} "
            f"[{pair['low']:.3f}, {pair['high']:.3f}]<br>{verdict}"
        )
    text = [
        [
            "" if np.isnan(value) else f"<b>{value:.2f}</b>" if sure else f"{value:.2f}"
            for value, sure in zip(*rows, strict=True)
        ]
        for rows in zip(matrix, decided, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=fade(matrix, decided).tolist(),
            x=order,
            y=order,
            text=text,
            texttemplate="%{text}",
            textfont={"size": 12},
            hovertext=hover.tolist(),
            hovertemplate="%{hovertext}<extra></extra>",
            colorscale=[[0, LOSES], [0.5, EVEN], [1, WINS]],
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            showscale=False,
        )
    )
    _style(figure, 190 + 38 * len(order))
    figure.update_xaxes(side="bottom", tickangle=-40, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def seconds(found: Findings) -> go.Figure:
    """Seconds of a run inside and outside training."""
    order = ranking(found)[::-1]
    figure = go.Figure()
    parts = (
        ("training_seconds", "inside training, or looking up", "#0072B2"),
        ("agent_seconds", "outside: the agent", "#E69F00"),
    )
    for name, title, colour in parts:
        values = [found["agents"][agent]["metrics"][name]["mean"] for agent in order]
        hover = f"%{{x:.2f}} s<extra>{title}</extra>"
        figure.add_trace(
            go.Bar(x=values, y=order, name=title, orientation="h", marker_color=colour, hovertemplate=hover)
        )
    _style(figure, 130 + 30 * len(order))
    figure.update_layout(barmode="stack", xaxis_title="mean seconds of a run")
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return figure


def _bands(
    found: Findings, of: Callable[[Mapping[str, Any]], tuple[list[int], Mapping[str, Any]]], form: str
) -> go.Figure:
    """Draw a line and its band for each agent; a click on the legend hides both."""
    figure, palette = go.Figure(), colours(found)
    for agent in ranking(found):  # all bands first, so that none lies over a line
        x, band = of(found["agents"][agent])
        figure.add_trace(
            go.Scatter(
                x=[*x, *x[::-1]],
                y=[*band["high"], *band["low"][::-1]],
                fill="toself",
                fillcolor=_transparent(palette[agent]),
                line={"width": 0},
                hoverinfo="skip",
                legendgroup=agent,
                showlegend=False,
            )
        )
    for agent in ranking(found):
        x, band = of(found["agents"][agent])
        figure.add_trace(
            go.Scatter(
                x=x,
                y=band["mean"],
                customdata=np.stack([band["low"], band["high"]], axis=1).tolist(),
                name=agent,
                line={"width": 2.2, "color": palette[agent]},
                legendgroup=agent,
                hovertemplate=f"%{{y:{form}}} [%{{customdata[0]:{form}}}, %{{customdata[1]:{form}}}]",
            )
        )
    _style(figure, 460)
    figure.update_layout(hovermode="x unified")
    return figure


def _style(figure: go.Figure, height: int) -> None:
    figure.update_layout(
        template="none",
        height=height,
        font=FONT,
        margin={"l": 10, "r": 10, "t": 36, "b": 10},
        paper_bgcolor="white",
        plot_bgcolor="white",
        legend={"itemclick": "toggle", "itemdoubleclick": "toggleothers"},
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, title_standoff=8)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True, title_standoff=8)


def _with_scale_buttons(figure: go.Figure) -> go.Figure:
    buttons = [
        {
            "label": f"{name} scale",
            "method": "relayout",
            "args": [{"xaxis.type": kind, "xaxis.autorange": True}],
        }
        for name, kind in (("linear", "linear"), ("logarithmic", "log"))
    ]
    menu = {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "x": 0,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
        "pad": {"t": 0, "b": 0},
        "font": {"size": 11},
        "bgcolor": "white",
        "bordercolor": "#c9ced3",
    }
    figure.update_layout(updatemenus=[menu])
    return figure


def _transparent(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"
