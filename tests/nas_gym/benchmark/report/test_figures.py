import json
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest

from nas_gym.benchmark.findings import Findings
from nas_gym.benchmark.report.figures import curve_ends, figures
from nas_gym.pages.drawer import draw_for_page
from nas_gym.pages.picture import draw_picture


def test_curve_ends__has_the_better_one_last_and_shows_a_best_possible_that_is_near(
    brackets: Findings,
) -> None:
    worse, better = curve_ends(brackets, "validation")
    assert 4.2 < worse < 4.5 and 3.8 < better < 4.0, "3.5 is farther than the curves are long"
    near = replace(brackets, metric=replace(brackets.metric, best_possible=3.8))
    worse, better = curve_ends(near, "validation")
    assert worse > 4.2 and 3.7 < better < 3.8


def test_figures__are_those_that_an_environment_allows(judged: Findings, unjudged: Findings) -> None:
    every = {"curves", "intervals", "improvement", "rewards", "seconds", "optimum"}
    assert set(figures(judged)) == every and set(figures(unjudged)) == every - {"optimum"}
    assert [len(figure.panels) for figure in figures(judged).values()] == [2, 2, 3, 1, 1, 1]
    (seconds,) = figures(judged)["seconds"].panels
    assert [(bars.rows, bars.x) for bars in seconds.bars] == [
        (["random", "ppo"], [1.5, 1.5]),
        (["random", "ppo"], [0.5, 0.5]),
    ]


def test_figures__show_virtual_time_where_workers_are_simulated(simulated: Findings) -> None:
    rewards, busy = figures(simulated)["hours"].panels
    assert [line.name for line in rewards.lines] == [line.name for line in busy.lines] == ["random", "ppo"]
    assert rewards.x.title == busy.x.title == "virtual minutes"
    # The last to learn for the first time did so after 618 s, the first to end after 1,200 s.
    assert [(line.x[0], line.x[-1]) for line in busy.lines] == [pytest.approx((618 / 60, 20))] * 2
    assert busy.lines[0].y.mean[0] == pytest.approx(0.9, abs=0.01)
    assert busy.lines[0].y.mean[-1] == pytest.approx(0.7, abs=0.01)
    assert rewards.lines[0].y.mean[-1] == pytest.approx(0.9, abs=0.02)


def test_figures__tell_a_pair_in_both_cells_and_fade_what_is_open(judged: Findings) -> None:
    heat_map = figures(judged)["improvement"].panels[0].heat_map
    assert heat_map is not None and heat_map.names == ["random", "ppo"]
    ((nothing, above), (below, _)) = heat_map.cells
    assert nothing is None and above is not None and below is not None
    assert (above.text, below.text, above.bold) == ("1.00", "0.00", True)
    assert (above.shade, below.shade) == (1.0, 0.0)
    assert above.meaning.startswith("random beats ppo with probability 1.000 [")
    (pair,) = judged.comparisons["test"]
    undecided = replace(judged, comparisons={"test": [replace(pair, decided=False)]})
    pale = figures(undecided)["improvement"].panels[0].heat_map
    assert pale is not None and pale.cells[0][1] is not None and pale.cells[0][1].shade == 0.625


def test_draw_for_page__is_what_plotly_understands(
    judged: Findings, simulated: Findings, brackets: Findings
) -> None:
    for found in (judged, simulated, brackets):
        for figure in figures(found).values():
            for panel in figure.panels:
                drawn = json.loads(json.dumps(draw_for_page(panel), allow_nan=False))
                assert len(go.Figure(drawn["data"], drawn["layout"]).data) == len(drawn["data"]) > 0
    (answers,) = figures(brackets)["intervals"].panels
    assert "reversed" in json.dumps(draw_for_page(answers)["layout"])


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["curves", "hours"])
def test_draw_picture__writes_a_picture(
    name: str, brackets: Findings, simulated: Findings, tmp_path: Path
) -> None:
    found = simulated if name == "hours" else brackets
    draw_picture(tmp_path / "figures" / f"{name}.png", "env, 4 seeds", figures(found)[name])
    (path,) = (tmp_path / "figures").iterdir()
    assert path.read_bytes().startswith(b"\x89PNG")
