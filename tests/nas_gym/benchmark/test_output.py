import csv
import io
import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from nas_gym.benchmark.figures import curve_range, draw_all
from nas_gym.benchmark.findings import Findings, find
from nas_gym.benchmark.report import html_report
from nas_gym.benchmark.runs import Limits
from nas_gym.benchmark.table import markdown, means_cells, milestone_cells, robust_cells, runs_csv
from tests.nas_gym.benchmark.results import BRACKETS, BUDGET, make_runs

LIMITS = Limits(BUDGET, 4 * BUDGET)


@pytest.fixture(scope="module")
def judged() -> Findings:
    return find(make_runs({"ppo": 0.8, "random": 0.9}, seeds=4, reached=["random"]), BUDGET)


@pytest.fixture(scope="module")
def unjudged() -> Findings:
    return find(make_runs({"ppo": 0.8}, seeds=1, judged=False), None)


@pytest.fixture(scope="module")
def brackets() -> Findings:
    runs = make_runs({"ppo": 4.2, "random": 4.0}, seeds=4, judged=False, metric=BRACKETS)
    return find(runs, BUDGET, BRACKETS)


def test_tables__have_a_line_for_each_agent_best_first(judged: Findings, unjudged: Findings) -> None:
    for cells in (means_cells, robust_cells, milestone_cells):
        lines = markdown(cells(judged)).splitlines()
        assert [line.split("|")[1].strip() for line in lines] == ["agent", "---", "random", "ppo"]
        assert len({line.count("|") for line in lines}) == 1
        assert len(markdown(cells(unjudged)).splitlines()) == 3
    assert "| 4 of 4 [40%, 100%] | 10 [10, 10] | 10 [10, 10] | 4 / 0 |" in markdown(robust_cells(judged))
    assert "| 0 of 4 [0%, 60%] | > 20 [> 20, > 20] | 20 [20, 20] | 4 / 0 |" in markdown(robust_cells(judged))
    needed = ("mean reward, last 10 %", "best validation accuracy", "distinct architectures", "seconds")
    assert set(needed) < set(means_cells(unjudged)[0])


def test_runs_csv__has_a_line_for_each_run(judged: Findings) -> None:
    rows = list(csv.DictReader(io.StringIO(runs_csv({"NAS-Moons-v0": judged}))))
    assert [(row["agent"], row["seed"]) for row in rows] == [
        (a, str(s)) for a in ("ppo", "random") for s in range(4)
    ]
    assert (rows[0]["children_to_optimum"], rows[4]["children_to_optimum"]) == ("", "10")


def test_tables__of_perplexities_end_with_the_grammars_own(judged: Findings, brackets: Findings) -> None:
    head, *rows = means_cells(brackets)
    assert [row[0] for row in rows] == ["random", "ppo", "the grammar's own"]
    column = head.index("best validation perplexity")
    assert rows[0][column].startswith("4.0") and rows[2][column] == "3.500"
    assert [len(row) for row in rows] == [len(head)] * 3
    assert not any("accuracy" in cell for cells in (means_cells, robust_cells) for cell in cells(brackets)[0])
    assert milestone_cells(brackets)[0][1] == "validation perplexity after 4"

    both = list(csv.DictReader(io.StringIO(runs_csv({"moons": judged, "brackets": brackets}))))
    assert both[0]["best_validation_perplexity"] == both[-1]["best_validation_accuracy"] == ""
    assert float(both[-1]["best_validation_perplexity"]) == pytest.approx(4, abs=0.05)
    assert "perplexity" not in runs_csv({"moons": judged}) and "best_validation_accuracy" not in runs_csv(
        {"brackets": brackets}
    )


def test_curve_range__has_the_better_end_above_and_shows_a_reference_that_is_near(brackets: Findings) -> None:
    bottom, top = curve_range(brackets, "validation_perplexity")
    assert 4.2 < bottom < 4.5 and 3.8 < top < 4.0, "3.5 is farther than the curves are long"
    bottom, top = curve_range({**brackets, "references": {"near": 3.8}}, "validation_perplexity")
    assert bottom > 4.2 and 3.7 < top < 3.8


@pytest.mark.slow  # six pictures
@pytest.mark.timeout(30)
def test_draw_all__writes_pictures(judged: Findings, tmp_path: Path) -> None:
    paths = draw_all(tmp_path, "env", judged, 4)
    assert set(paths) == {"curves", "intervals", "improvement", "optimum", "rewards", "seconds"}
    assert sorted(paths.values()) == sorted(tmp_path.iterdir())
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths.values())


@pytest.mark.slow  # importing Plotly's figures
@pytest.mark.timeout(20)
def test_html_report__is_whole_and_asks_nothing_of_the_network(
    judged: Findings, unjudged: Findings, brackets: Findings
) -> None:
    findings = {"NAS-Bench-201-v0": judged}
    html = html_report(findings, None, LIMITS, 4, "python <script>")
    places = set(re.findall(r'<div id="([^"]+)" style', html))
    assert places == set(re.findall(r'Plotly\.newPlot\("([^"]+)"', html))
    assert len(places) == 10
    assert get_plotlyjs() in html
    own = re.sub(r'<script charset="utf-8">.*?</script>', "", html, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!#)', own)
    assert "python &lt;script&gt;" in own
    assert "By test accuracy of the answer: random is better than ppo" in own
    assert "NAS-Moons-v0" in html_report({"NAS-Moons-v0": unjudged}, None, Limits(None, 20), 1, "python")
    html = html_report({"NAS-Brackets-v0": brackets}, None, LIMITS, 4, "python")
    own = html.replace(get_plotlyjs(), "")
    for words in (
        "Best so far: validation perplexity",
        "the grammar's own: 3.500",
        "the lowest validation perp",
    ):
        assert words in own
