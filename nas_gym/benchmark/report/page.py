"""Findings as one HTML file that needs no network: words, tables and interactive figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from nas_gym.benchmark.findings import Findings, Pair
from nas_gym.benchmark.report.figures import Panel, figures
from nas_gym.benchmark.report.plotly_drawer import Json, draw_for_page
from nas_gym.benchmark.report.tables import means_cells, milestone_cells, robust_cells
from nas_gym.benchmark.report.words import conclude, conclude_together
from nas_gym.benchmark.runs import Limits

TEMPLATES = Path(__file__).parent / "templates"


def html_report(
    findings: Mapping[str, Findings], together: Sequence[Pair] | None, limits: Limits, command: str
) -> str:
    """Return the report.

    Args:
        findings: What ``find`` returns, by environment.
        together: What ``find_together`` returns.
        limits: Those of every run.
        command: The command that made the benchmark.
    """
    drawn: dict[str, Json] = {}
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("report.html.jinja").render(
        lead=_lead(findings, limits),
        together=conclude_together(findings, together),
        sections=[_section(env, found, limits, drawn) for env, found in findings.items()],
        judged=any("test" in found.parts for found in findings.values()),
        metrics=list({found.metric.name: found.metric for found in findings.values()}.values()),
        drawn=drawn,
        plotly=get_plotlyjs(),
        command=command,
    )


def _section(env: str, found: Findings, limits: Limits, drawn: dict[str, Json]) -> dict[str, object]:
    """Return what the page says of one environment, and put its figures into ``drawn`` by their places."""
    places: dict[str, list[tuple[str, Panel]]] = {"optimum": []}
    for name, figure in figures(found).items():
        places[name] = [(f"{env}-{name}-{number}", panel) for number, panel in enumerate(figure.panels)]
        drawn |= {place: draw_for_page(panel) for place, panel in places[name]}
    return {
        "env": env,
        "words": conclude(found, limits),
        "places": places,
        "robust": robust_cells(found),
        "milestones": milestone_cells(found),
        "means": means_cells(found),
    }


def _lead(findings: Mapping[str, Findings], limits: Limits) -> str:
    first = next(iter(findings.values()))
    until = f"{limits.episodes:,} episodes"
    if limits.budget is not None:
        until = f"{limits.budget:,} distinct children or {until}, whichever comes first"
    return (
        f"{_count(len(first.agents), 'agent')}, {_count(len(findings), 'environment')}, "
        f"{_count(first.seeds, 'seed')}: {len(first.agents) * len(findings) * first.seeds:,} runs, each up "
        f"to {until}."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
