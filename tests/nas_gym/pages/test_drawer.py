import json
from typing import Any

import plotly.graph_objects as go
import pytest

from nas_gym.pages.drawer import MOST_NAMES, draw_for_page
from nas_gym.pages.intervals import Band, Interval
from nas_gym.pages.panels import Axis, Cell, Dot, HeatMap, Line, Panel, Points, Regions

SURE, UNSURE = Band.certain([1.0, 3.0]), Band([1.0, 3.0], [0.5, 2.0], [1.5, 4.0])


def drawn(panel: Panel) -> Any:  # noqa: ANN401, any JSON
    """Return what a page gets, which Plotly's own checks must accept."""
    found = json.loads(json.dumps(draw_for_page(panel), allow_nan=False))
    assert len(go.Figure(found["data"], found["layout"]).data) == len(found["data"])
    return found


def test_line__has_a_band_bars_or_neither() -> None:
    x = [1, 2]
    band, line = drawn(Panel("", lines=[Line("a", "#112233", x, UNSURE)]))["data"]
    assert band["fillcolor"] == "rgba(17,34,51,0.14)" and band["y"] == [1.5, 4.0, 2.0, 0.5]
    assert "error_y" not in line and "customdata[0]" in line["hovertemplate"]
    (bars,) = drawn(Panel("", lines=[Line("a", "#112233", x, UNSURE, marked=True)]))["data"]
    assert bars["error_y"]["array"] == [0.5, 1.0] and bars["error_y"]["arrayminus"] == [0.5, 1.0]
    (plain,) = drawn(Panel("", lines=[Line("a", "#112233", x, SURE, steps=True)]))["data"]
    assert plain["line"]["shape"] == "hv" and "customdata" not in plain


def test_line__without_a_name_is_in_no_legend() -> None:
    named, nameless = drawn(Panel("", lines=[Line(name, "#112233", [1, 2], SURE) for name in ("a", "")]))[
        "data"
    ]
    assert (named["showlegend"], nameless["showlegend"]) == (True, False)
    assert nameless["hoverinfo"] == "skip"


def test_axis__logarithmic_has_the_ends_that_were_given() -> None:
    panel = Panel("", x=Axis(ends=(10, 1000), logarithmic=True), points=[Points("a", "#112233", [20], [1])])
    assert drawn(panel)["layout"]["xaxis"]["range"] == pytest.approx([1, 3])


def test_regions__are_below_the_points_and_each_kind_has_its_own_colours() -> None:
    regions = Regions([0, 1], [0], [[0, 1]], [[1.0, 0.0]], ["#ff0000", "#0000ff"])
    below, above = drawn(Panel("", points=[Points("a", "#112233", [0], [0])], regions=regions))["data"]
    assert (below["type"], above["mode"]) == ("heatmap", "markers")
    assert below["z"] == [[0.999, 1.0]], "surest of the first kind, unsure of the second"
    assert below["colorscale"] == [[0, "#FFFFFF"], [0.5, "#ff0000"], [0.5, "#FFFFFF"], [1, "#0000ff"]]


def test_heat_map__has_words_for_axes_even_where_names_are_numbers() -> None:
    panel = Panel("", heat_map=HeatMap(["0", "1"], [[Cell(1, "5", True, "m"), None]] * 2))
    found = drawn(panel)
    assert found["layout"]["xaxis"]["type"] == found["layout"]["yaxis"]["type"] == "category"
    assert found["data"][0]["text"] == [["<b>5</b>", ""]] * 2


def test_heat_map__of_many_names_is_no_taller_and_has_no_texts() -> None:
    def square(names: int) -> Any:  # noqa: ANN401
        row = [Cell(0.5, "1", False, "")] * names
        return drawn(Panel("", heat_map=HeatMap([str(n) for n in range(names)], [row] * names)))

    few, many = square(MOST_NAMES), square(10 * MOST_NAMES)
    assert len(many["layout"]["xaxis"]["tickvals"]) == MOST_NAMES
    assert few["layout"]["height"] == many["layout"]["height"]
    assert "text" in few["data"][0] and "text" not in many["data"][0]


def test_heat_map__has_long_names_cut_at_its_sides_alone() -> None:
    names = ["a" * 50 + "1", "a" * 50 + "2"]
    found = drawn(Panel("", heat_map=HeatMap(names, [[None, None]] * 2)))
    assert found["data"][0]["x"] == found["layout"]["xaxis"]["tickvals"] == names, "they are two columns"
    assert max(map(len, found["layout"]["xaxis"]["ticktext"])) < 20


def test_dots__have_a_row_each() -> None:
    dots = [Dot(name, "#112233", Interval(1.0, 0.5, 2.5)) for name in "ab"]
    found = drawn(Panel("", dots=dots))
    assert [trace["y"] for trace in found["data"]] == [["a"], ["b"]]
    assert found["data"][0]["error_x"]["array"] == [1.5]
