"""Findings as tables, and all runs as CSV."""

import csv
import io
from collections.abc import Mapping

from nas_gym.benchmark.findings import Findings
from nas_gym.benchmark.optimum import Median
from nas_gym.pages.intervals import Interval

RUN_COLUMNS = (
    "seed",
    "ended_by",
    "episodes",
    "illegal_episodes",
    "distinct_architectures",
    "best_architecture",
    "validation_score",
    "test_score",
    "validation_regret",
    "test_regret",
    "children_to_optimum",
    "mean_reward_last_10_percent",
    "seconds",
    "training_seconds",
    "agent_seconds",
)
SIMULATED_COLUMNS = ("virtual_hours", "busy_share")
"""Only where workers are simulated."""

Cells = list[list[str]]
"""Rows of a table, the head first."""


def means_cells(found: Findings) -> Cells:
    """Return a row for each agent, best first: the mean of every number of a run with its 95 % interval.

    Below them a row for the best possible value, where it is known.
    """
    metric = found.metric
    columns = {
        "mean_reward_last_10_percent": ("mean reward, last 10 %", "#.4g"),  # small where perplexity is large
        "validation_score": (f"best {found.words('validation')}", metric.form),
        "test_score": (f"its {found.words('test')}", metric.form),
        "validation_regret": ("validation regret", metric.form),
        "test_regret": ("test regret", metric.form),
        "distinct_architectures": ("distinct architectures", ",.0f"),
        "seconds": ("seconds", ".1f"),
        "training_seconds": ("of these training", ".1f"),
        "virtual_hours": ("virtual hours", ".3g"),
        "busy_share": ("workers busy", ".0%"),
    }
    columns = {name: columns[name] for name in columns if name in found.agents[found.ranking[0]].means}
    rows = [["agent", *(title for title, _ in columns.values())]]
    for agent in found.ranking:
        known = found.agents[agent].means
        rows.append([agent, *(_text(known[name], form) for name, (_, form) in columns.items())])
    if metric.best_possible is not None:
        cells = {"validation_score": metric.value_text(metric.best_possible)}
        rows.append([metric.best_is, *(cells.get(name, "") for name in columns)])
    return rows


def robust_cells(found: Findings) -> Cells:
    """Return a row for each agent, best first: interquartile means, the optimum, and how runs ended."""
    rows = [["agent", *(f"interquartile mean of {found.words(part)}" for part in found.parts)]]
    if "test" in found.parts:
        rows[0] += ["reached the optimum", "children to it, median", "restricted mean"]
    rows[0] += ["ended by budget / episodes"]
    for agent in found.ranking:
        result = found.agents[agent]
        row = [agent, *(_text(result.interquartile_means[part], found.metric.form) for part in found.parts)]
        if result.optimum is not None:
            share = _text(result.optimum.share, ".0%").partition(" ")[2]
            row.append(f"{result.optimum.runs} of {found.seeds} {share}")
            row.append(_median(result.optimum.median, found.children[-1]))
            row.append(_text(result.optimum.restricted_mean, ".0f"))
        row.append(f"{result.ended_by('budget')} / {result.ended_by('episodes')}")
        rows.append(row)
    return rows


def milestone_cells(found: Findings) -> Cells:
    """Return a row for each agent, best first: mean of the best so far after some numbers of children."""
    titles = [f"{found.words(part)} after {n:,}" for part in found.parts for n in found.milestones]
    rows = [["agent", *titles]]
    for agent in found.ranking:
        bands = found.agents[agent].milestones
        points = [point for part in found.parts for point in bands[part].points()]
        rows.append([agent, *(_text(point, found.metric.form) for point in points)])
    return rows


def markdown(cells: Cells) -> str:
    """Return a table in Markdown."""
    head, *rows = (f"| {' | '.join(row)} |" for row in cells)
    return "\n".join([head, "|---" * len(cells[0]) + "|", *rows]) + "\n"


def runs_csv(findings: Mapping[str, Findings]) -> str:
    """Return one line for each run; scores are by the metric whose name stands before them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    runs = [run for found in findings.values() for result in found.agents.values() for run in result.runs]
    is_simulated = any(run.simulated is not None for run in runs)
    columns = (*RUN_COLUMNS, *SIMULATED_COLUMNS) if is_simulated else RUN_COLUMNS
    writer.writerow(["env", "agent", "metric", *columns])
    for env, found in findings.items():
        for agent, result in found.agents.items():
            for run in result.runs:
                values = [getattr(run, name) for name in columns]
                known = ["" if value is None else value for value in values]
                writer.writerow([env, agent, found.metric.name, *known])
    return text.getvalue()


def _text(interval: Interval, form: str) -> str:
    return f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def _median(median: Median, budget: int) -> str:
    value, low, high = (
        f"> {budget}" if n is None else str(n) for n in (median.value, median.low, median.high)
    )
    return f"{value} [{low}, {high}]"
