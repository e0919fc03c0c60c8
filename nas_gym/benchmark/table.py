"""A comparison as Markdown tables, and all of its runs as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from nas_gym.benchmark.findings import Findings, ranking
from nas_gym.benchmark.measures import MEASURES
from nas_gym.studies.row_metric import ACCURACY, PERPLEXITY

COLUMNS = {
    "mean_reward_last_10_percent": ("mean reward, last 10 %", "{:#.4g}"),  # small where perplexity is large
    **{m.answer: (f"best {m.words}", f"{{:{m.form}}}") for m in (ACCURACY, PERPLEXITY)},
    "test_accuracy": ("its test accuracy", "{:.4f}"),
    "validation_regret": ("validation regret", "{:.4f}"),
    "test_regret": ("test regret", "{:.4f}"),
    "distinct_architectures": ("distinct architectures", "{:,.0f}"),
    "seconds": ("seconds", "{:.1f}"),
    "training_seconds": ("of these training", "{:.1f}"),
}
RUN_COLUMNS = (
    "ended_by",
    "episodes",
    "illegal_episodes",
    "distinct_architectures",
    "best_architecture",
    ACCURACY.answer,
    PERPLEXITY.answer,
    "test_accuracy",
    "validation_regret",
    "test_regret",
    "children_to_optimum",
    "mean_reward_last_10_percent",
    "seconds",
    "training_seconds",
    "agent_seconds",
)

Cells = list[list[str]]
"""Rows of a table, the head first."""


def means_cells(found: Findings) -> Cells:
    """Return a row for each agent, best first: the mean of every metric with its 95 % interval.

    Below them a row for each reference, a value that the environment is known to allow.
    """
    known = next(iter(found["agents"].values()))["metrics"]
    columns = {name: column for name, column in COLUMNS.items() if name in known}
    rows = [["agent", *(title for title, _ in columns.values())]]
    for agent in ranking(found):
        metrics = found["agents"][agent]["metrics"]
        rows.append([agent, *(_interval(metrics[name], form) for name, (_, form) in columns.items())])
    metric = MEASURES[found["metrics"][0]]
    for name, value in found.get("references", {}).items():
        cells = {metric.answer: f"{value:{metric.form}}"}
        rows.append([name, *(cells.get(column, "") for column in columns)])
    return rows


def robust_cells(found: Findings) -> Cells:
    """Return a row for each agent, best first: interquartile means, the optimum, and how runs ended."""
    measured = {measure: MEASURES[measure] for measure in found["metrics"]}
    judged = "test" in measured
    rows = [["agent", *(f"IQM of {metric.words}" for metric in measured.values())]]
    if judged:
        rows[0] += ["reached the optimum", "children to it, median", "restricted mean"]
    rows[0] += ["ended by budget / episodes"]
    for agent in ranking(found):
        result = found["agents"][agent]
        row = [agent]
        row += [
            _interval(result["interquartile_means"][name], f"{{:{metric.form}}}", "value")
            for name, metric in measured.items()
        ]
        if judged:
            reached = result["optimum"]
            row.append(
                f"{reached['runs']} of {len(result['runs'])} {_interval(reached['share'], '{:.0%}', None)}"
            )
            row.append(_median(reached["median"], found["children"][-1]))
            row.append(_interval(reached["restricted_mean"], "{:.0f}", "value"))
        ended = result["ended_by"]
        row.append(f"{ended.get('budget', 0)} / {ended.get('episodes', 0)}")
        rows.append(row)
    return rows


def milestone_cells(found: Findings) -> Cells:
    """Return a row for each agent, best first: mean of the best so far after some numbers of children."""
    rows = [["agent"]]
    for measure in found["metrics"]:
        name = measure.replace("_", " ")
        rows[0] += [f"{name} after {children:,}" for children in found["milestones"]]
    for agent in ranking(found):
        row = [agent]
        for measure in found["metrics"]:
            points, form = found["agents"][agent]["milestones"][measure], MEASURES[measure].form
            row += [
                _interval(dict(zip(("mean", "low", "high"), point, strict=True)), f"{{:{form}}}")
                for point in zip(points["mean"], points["low"], points["high"], strict=True)
            ]
        rows.append(row)
    return rows


def markdown(cells: Cells) -> str:
    """Return a table in Markdown."""
    head, *rows = (f"| {' | '.join(row)} |" for row in cells)
    return "\n".join([head, "|---" * len(cells[0]) + "|", *rows]) + "\n"


def runs_csv(findings: Mapping[str, Findings]) -> str:
    """Return one line for each run; a metric that no environment has is no column."""
    runs = [run for found in findings.values() for one in found["agents"].values() for run in one["runs"]]
    columns = [name for name in RUN_COLUMNS if any(name in run for run in runs)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["env", "agent", "seed", *columns])
    for env, found in findings.items():
        for agent, result in found["agents"].items():
            for run in result["runs"]:
                writer.writerow([env, agent, run["seed"], *_known(run, columns)])
    return text.getvalue()


def _known(run: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    return ["" if run.get(name) is None else run[name] for name in names]


def _interval(metric: Mapping[str, float], form: str, middle: str | None = "mean") -> str:
    """Return the interval, and before it the value of the name ``middle``, if any."""
    interval = f"[{form.format(metric['low'])}, {form.format(metric['high'])}]"
    return interval if middle is None else f"{form.format(metric[middle])} {interval}"


def _median(median: Mapping[str, int | None], budget: int) -> str:
    value, low, high = (
        f"> {budget}" if median[n] is None else str(median[n]) for n in ("value", "low", "high")
    )
    return f"{value} [{low}, {high}]"
