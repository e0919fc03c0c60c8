"""Results of a comparison as JSON values, as a Markdown table and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agents.comparison.statistics import bootstrap_interval
from agents.files import write_atomically
from agents.runs.learning_curve import moving_average
from agents.runs.summary import distinct_architectures, last_tenth_mean

METRICS = {
    "mean_reward_last_10_percent": ("mean reward, last 10 %", "{:.4f}"),
    "best_validation_accuracy": ("best validation accuracy", "{:.4f}"),
    "distinct_architectures": ("distinct architectures", "{:,.0f}"),
    "seconds": ("seconds", "{:.1f}"),
}


def run_result(seed: int, rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what the comparison keeps of one run, as JSON values."""
    rewards = [row["reward"] for row in rows]
    accuracies = [row["validation_accuracy"] for row in rows if row["validation_accuracy"] is not None]
    return {
        "seed": seed,
        "mean_reward_last_10_percent": last_tenth_mean(rewards),
        "best_validation_accuracy": max(accuracies, default=0.0),
        "distinct_architectures": distinct_architectures(rows),
        "seconds": seconds,
        "rewards": rewards,
    }


def aggregate(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return mean and 95 % interval over one agent's runs, by metric."""
    metrics = {}
    for name in METRICS:
        values = np.array([run[name] for run in runs], dtype=np.float64)
        low, high = bootstrap_interval(values)
        metrics[name] = {"mean": float(values.mean()), "low": float(low), "high": float(high)}
    return metrics


def markdown_table(agents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one line for each agent: every metric's mean and 95 % interval.

    Args:
        agents: ``{"metrics": ...}`` of each agent, the metrics as ``aggregate`` returns them.
    """
    lines = [
        "| agent | " + " | ".join(title for title, _ in METRICS.values()) + " |",
        "|---" * (len(METRICS) + 1) + "|",
    ]
    for agent, result in agents.items():
        cells = []
        for name, (_, form) in METRICS.items():
            mean, low, high = (form.format(result["metrics"][name][end]) for end in ("mean", "low", "high"))
            cells.append(f"{mean} [{low}, {high}]")
        lines.append(f"| {agent} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw_comparison(path: Path, agents: Mapping[str, Mapping[str, Any]], title: str) -> None:
    """Write a PNG of reward against architectures, each agent's mean over seeds with its 95 % interval.

    Args:
        path: The picture.
        agents: ``{"runs": [{"rewards": [...]}, ...]}`` of each agent.
        title: What stands above.
    """
    figure = Figure(figsize=(8.5, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    means: list[NDArray[np.float64]] = []
    window = max(1, min(len(run["rewards"]) for result in agents.values() for run in result["runs"]) // 20)
    for agent, result in agents.items():
        length = min(len(run["rewards"]) for run in result["runs"])
        curves = np.stack(
            [moving_average(np.array(run["rewards"][:length]), window) for run in result["runs"]]
        )
        low, high = bootstrap_interval(curves, resamples=1_000)
        episodes = np.arange(1, length + 1)
        mean = curves.mean(axis=0)
        means.append(mean)
        (line,) = axes.plot(episodes, mean, linewidth=1.8, label=agent)
        axes.fill_between(episodes, low, high, color=line.get_color(), alpha=0.18, linewidth=0)
    # The first sentences of agents without masks earn -1; all else would be squeezed into a stripe.
    low, high = np.quantile(np.concatenate(means), [0.05, 1.0])
    axes.set_ylim(low - 0.1 * (high - low) - 1e-3, high + 0.1 * (high - low) + 1e-3)
    axes.set_xlabel("architectures proposed")
    axes.set_ylabel(f"reward, mean of the last {window}")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
