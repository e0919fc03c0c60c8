import json
import re

from plotly.offline import get_plotlyjs

from nas_gym.benchmark.findings import Findings
from nas_gym.benchmark.report.page import html_report
from nas_gym.benchmark.runs import Limits
from tests.nas_gym.benchmark.made_up import BUDGET

LIMITS = Limits(BUDGET, 4 * BUDGET)


def own(html: str) -> str:
    """Return a report without the library that draws its figures, which must stand in it."""
    assert get_plotlyjs() in html
    return html.replace(get_plotlyjs(), "")


def test_html_report__is_whole_and_asks_nothing_of_the_network(judged: Findings) -> None:
    html = own(html_report({"NAS-Bench-201-v0": judged}, None, LIMITS, "python <script>"))
    places = re.findall(r'<div id="([^"]+)" style="height:\d+px"', html)
    figures = re.search(r"Object\.entries\((.*)\)\) Plotly", html)
    assert figures is not None and set(json.loads(figures[1])) == set(places)
    assert len(places) == len(set(places)) == 10
    assert not re.search(r'(src|href)="(?!#)', html) and "{{" not in html
    assert "python &lt;script&gt;" in html
    assert "2 agents, 1 environment, 4 seeds: 8 runs, each up to 20 distinct children or 80 episodes" in html
    assert "By test accuracy of the answer: random is better than ppo" in html
    assert "<td>4 of 4 <span>[40%, 100%]</span></td>" in html
    assert "The architecture with the highest validation accuracy so far" in html


def test_html_report__tells_of_virtual_time_where_there_is_any(judged: Findings, simulated: Findings) -> None:
    with_workers = own(html_report({"one": simulated}, None, LIMITS, "python"))
    assert 'id="one-hours' in with_workers and "<dt>Virtual hours</dt>" in with_workers
    without = own(html_report({"one": judged}, None, LIMITS, "python"))
    assert "irtual" not in without


def test_html_report__explains_what_is_on_the_page(
    judged: Findings, unjudged: Findings, brackets: Findings
) -> None:
    with_table = own(html_report({"<one>": judged}, None, Limits(None, 20), "python"))
    assert "<dt>Regret</dt>" in with_table and "erplexity" not in with_table
    assert "&lt;one&gt;" in with_table and "<one>" not in with_table
    two = own(html_report({"one": judged, "two": judged}, [], LIMITS, "python"))
    assert "2 environments are no sample of all" in two
    assert "Where the time goes" in own(html_report({"one": unjudged}, None, LIMITS, "python"))
    without = own(html_report({"NAS-Brackets-v0": brackets}, None, LIMITS, "python"))
    assert "egret" not in without and "<dt>Perplexity</dt>" in without
    for words in (
        "Best so far: validation perplexity",
        "own: 3.500",
        "the lowest validation perplexity so far",
    ):
        assert words in without
