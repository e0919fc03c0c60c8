"""Findings as one HTML file that needs no network: words, tables and interactive figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nas_gym.benchmark.findings import Findings, Pair
from nas_gym.benchmark.report.figures import figures
from nas_gym.benchmark.report.tables import means_cells, milestone_cells, robust_cells
from nas_gym.benchmark.report.words import conclude, conclude_together
from nas_gym.benchmark.runs import Limits
from nas_gym.pages.page import Drawings, Places, render

TEMPLATE = Path(__file__).parent / "templates" / "report.html.jinja"


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
    drawings = Drawings()
    return render(
        TEMPLATE,
        drawings,
        lead=_lead(findings, limits),
        together=conclude_together(findings, together),
        sections=[_section(env, found, limits, drawings) for env, found in findings.items()],
        judged=any("test" in found.parts for found in findings.values()),
        simulated=any("hours" in figures(found) for found in findings.values()),
        metrics=list({found.metric.name: found.metric for found in findings.values()}.values()),
        command=command,
    )


def _section(env: str, found: Findings, limits: Limits, drawings: Drawings) -> dict[str, object]:
    """Return what the page says of one environment, and draw its figures."""
    places: dict[str, Places] = {"optimum": [], "hours": []}
    for name, figure in figures(found).items():
        places[name] = drawings.place(f"{env}-{name}", figure.panels)
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
