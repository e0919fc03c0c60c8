"""A comparison as one HTML file that needs no network: words, tables and interactive figures."""

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from nas_gym.benchmark import plots
from nas_gym.benchmark.conclusions import JUDGED_BY, conclude, conclude_together
from nas_gym.benchmark.findings import Findings
from nas_gym.benchmark.measures import MEASURES
from nas_gym.benchmark.runs import Limits
from nas_gym.benchmark.table import Cells, means_cells, milestone_cells, robust_cells
from nas_gym.studies.row_metric import PERPLEXITY, Metric

STYLE = """
:root { --ink: #1d2733; --soft: #5b6875; --line: #dfe4e8; --accent: #0072B2; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f6f8; color: var(--ink); 
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.45rem; margin: 3rem 0 .8rem; padding-top: 1.2rem; border-top: 3px solid var(--accent); }
h3 { font-size: 1.05rem; margin: 0 0 .5rem; }
p { margin: .4rem 0 .8rem; max-width: 78ch; }
.lead, .note { color: var(--soft); }
.note { font-size: .88rem; }
nav a { margin-right: 1.2rem; color: var(--accent); text-decoration: none; font-weight: 600; }
.card { background: white; border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.3rem;
  margin: 1rem 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 1rem; }
.pair .card { margin: 0; min-width: 0; }
.may { border-left: 5px solid var(--accent); } .not { border-left: 5px solid #E69F00; }
ul { margin: .2rem 0; padding-left: 1.15rem; } li { margin: .4rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: .42rem .7rem; white-space: nowrap; }
tr { border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; font-weight: 600; }
td span { color: var(--soft); display: block; font-size: .8rem; }
dt { font-weight: 600; margin-top: .7rem; } dd { margin: .1rem 0 0; color: var(--soft); max-width: 90ch; }
@media print { body { background: white; } .card { break-inside: avoid; } }
"""

BUTTONS = [["toImage", "zoom2d", "pan2d", "resetScale2d"]]
METHODS = {
    "Budget": "Distinct children: an architecture that is proposed again costs nothing, but counts as an "
    "episode. A run ends at its budget or at its limit of episodes, whichever comes first.",
    "Answer of a search": "The architecture with the {best} so far, among equals the first. Agents see "
    "validation data only; test accuracies are looked up after the run, where there is a table.",
    "Interquartile mean (IQM)": "Mean of the middle half of the runs. Interval: stratified bootstrap over "
    "runs (Agarwal et al. 2021), with tails widened for few runs (Hesterberg 2015).",
    "Probability of improvement": "How probable it is that a run of one agent beats a run of the other; a "
    "tie counts half. An order is called decided if the interval excludes 1/2 even after Bonferroni's "
    "correction for all pairs compared on the same scores, so that all of these decisions are right in 95 % "
    "of comparisons.",
    "Children up to the optimum": "Runs that did not reach the optimum are censored at the budget (Kaplan "
    "and Meier), those that ended early too: they had stopped proposing anything new. The restricted mean "
    "counts the budget for them; a median is given only where half of the runs arrived.",
    "Regret": "How far an answer is below the best architecture by validation, on validation and on test "
    "data. A test regret may be negative, since another architecture may be better on test data.",
    "Bands": "95 % bootstrap intervals of the mean at each point, not of all points together.",
    "Seconds": "Wall-clock time of a run in a process with one thread, while others ran beside it. Inside "
    "training: in the evaluator, or looking results up in a table.",
}
PERPLEXITIES = {
    "Perplexity": "exp of the mean loss of a language model, in nats per token. Lower is better; axes are "
    "turned round, so that better is higher up and farther right. Before its first answer a search counts as "
    "guessing, all tokens of the vocabulary equally likely. The perplexity of the grammar that wrote a text "
    "is one that no network can be expected to beat; on few tokens luck may do so by a little.",
}
"""More methods, where networks model language."""


def html_report(
    findings: Mapping[str, Findings],
    together: Sequence[Mapping[str, Any]] | None,
    limits: Limits,
    seeds: int,
    command: str,
) -> str:
    """Return the report.

    Args:
        findings: What ``find`` returns, by environment.
        together: What ``find_together`` returns.
        limits: Those of every run.
        seeds: Runs of each agent.
        command: The command that made the comparison.
    """
    agents = len(next(iter(findings.values()))["agents"])
    until = f"{limits.episodes:,} episodes"
    if limits.budget is not None:
        until = f"{limits.budget:,} distinct children or {until}, whichever comes first"
    lead = (
        f"{_count(agents, 'agent')}, {_count(len(findings), 'environment')}, {_count(seeds, 'seed')}: "
        f"{agents * len(findings) * seeds:,} runs, each up to {until}."
    )
    words = conclude_together(findings, together)
    drawn: dict[str, go.Figure] = {}
    links = "".join(f'<a href="#{escape(env)}">{escape(env)}</a>' for env in findings)
    body = [
        "<h1>Which agent searches best?</h1>",
        f'<p class="lead">{escape(lead)}</p>',
        f'<nav>{links}<a href="#methods">How to read it</a></nav>',
        _words(words) if len(findings) > 1 else "",
        *(_environment(env, found, limits, drawn) for env, found in findings.items()),
        '<h2 id="methods">How to read it</h2><div class="card"><dl>',
        *(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in _methods(findings).items()),
        f'</dl><p class="note">Made with <code>{escape(command)}</code>. All runs stand in results.json and '
        "results.csv beside this file.</p></div>",
    ]
    # Drawn at the very end, when the browser knows how wide each place is.
    scripts = [_plot(place, figure) for place, figure in drawn.items()]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Which agent searches best?</title><style>{STYLE}</style>"
        f'<script charset="utf-8">{get_plotlyjs()}</script></head>\n<body><main>\n'
        + "\n".join(body)
        + "\n</main>\n<script>\n"
        + "\n".join(scripts)
        + "\n</script></body></html>\n"
    )


def _methods(findings: Mapping[str, Findings]) -> dict[str, str]:
    """Return explanations by what they explain, those of the metrics there are."""
    metrics = {metric.name: metric for found in findings.values() for metric in _searched_by(found)}
    best = " or the ".join(f"{metric.extreme} {metric.words}" for metric in metrics.values())
    methods = {term: text.replace("{best}", best) for term, text in METHODS.items()}
    if PERPLEXITY.name in metrics:
        methods |= PERPLEXITIES
    return methods


def _searched_by(found: Findings) -> list[Metric]:
    """Return the metrics of validation data, by which answers are chosen."""
    return [MEASURES[measure] for measure in found["metrics"] if measure != "test"]


def _environment(env: str, found: Findings, limits: Limits, drawn: dict[str, go.Figure]) -> str:
    """Return the part of one environment, and put its figures into ``drawn`` by the ids of their places."""

    def figure(name: str, draw: Callable[..., go.Figure], *arguments: str) -> str:
        place = "-".join([env, name, *arguments])
        drawn[place] = draw(found, *arguments)
        return f'<div id="{escape(place)}" style="height:{drawn[place].layout.height}px"></div>'

    judged = "test" in found["metrics"]
    curves = [
        _card(f"Best so far: {MEASURES[measure].words}", figure("curves", plots.curves, measure))
        for measure in found["metrics"]
    ]
    answers = [
        _card(f"Final answers: {MEASURES[measure].words}", figure("intervals", plots.intervals, measure))
        for measure in found["metrics"]
    ]
    pairs = [
        _card(
            f"Row beats column, by {JUDGED_BY[measure]}",
            figure("improvement", plots.improvement, measure),
            "Bold: decided; pale: not decided. Hover for intervals.",
        )
        for measure in found["comparisons"]
    ]
    optimum = _card("Runs that have reached the optimum", figure("optimum", plots.optimum)) if judged else ""
    return "\n".join(
        [
            f'<h2 id="{escape(env)}">{escape(env)}</h2>',
            _words(conclude(found, limits)),
            *curves,
            _card(
                "Final answers and how runs ended",
                _table(robust_cells(found)),
                "In square brackets: 95 % intervals.",
            ),
            f'<div class="pair">{"".join(answers)}</div>' if judged else "".join(answers),
            optimum,
            f'<div class="pair">{"".join(pairs)}</div>' if judged else "".join(pairs),
            _card("Best so far on the way, means", _table(milestone_cells(found))),
            _card("Means over runs", _table(means_cells(found))),
            _card("Reward against architectures", figure("rewards", plots.rewards)),
            _card("Where the time goes", figure("seconds", plots.seconds)),
        ]
    )


def _plot(place: str, figure: go.Figure) -> str:
    """Return the JavaScript that draws a figure; a ``<`` in it must not end the script."""
    content = figure.to_json().replace("<", "\\u003c")
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": BUTTONS}
    return f"Plotly.newPlot({json.dumps(place)}, Object.assign({content}, {{config: {json.dumps(config)}}}));"


def _words(words: Mapping[str, Sequence[str]]) -> str:
    cards = []
    for key, title in (("may", "What may be concluded"), ("may_not", "What may not be concluded")):
        if words[key]:
            items = "".join(f"<li>{escape(sentence)}</li>" for sentence in words[key])
            style = "may" if key == "may" else "not"
            cards.append(f'<div class="card {style}"><h3>{title}</h3><ul>{items}</ul></div>')
    return "".join(cards)


def _card(title: str, content: str, note: str = "") -> str:
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<div class="card"><h3>{escape(title)}</h3>{content}{below}</div>'


def _table(cells: Cells) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in cells[0])
    rows = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in cells[1:])
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(cell: str) -> str:
    """Return a cell whose interval stands below its value."""
    value, bracket, interval = escape(cell).partition(" [")
    return f"{value} <span>[{interval}</span>" if bracket else value


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
