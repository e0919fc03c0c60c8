"""One search from its start, or its last checkpoint, to the table: what the training scripts share."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from command_line import INTERRUPTED
from rich.console import Console
from rich.table import Table

from agents import AgentSpec, agent_spec, make_agent
from agents.runs import RunFolder, search
from agents.runs.learning_curve import draw_learning_curve
from agents.runs.summary import finalists, summarise
from nas_gym.envs.registration import assemble
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.confirmation import confirm
from nas_gym.evaluation.retraining import reference_models, retrain
from nas_gym.wrappers import ROW_FIELDS, RecordEvaluations

PACKAGES = ("gymnasium", "nas-gym", "numba", "numpy", "scikit-learn", "stable-baselines3", "torch")
SEEDS = 10
MAX_FINALISTS = 50


def run_experiment(
    env_id: str,
    env_kwargs: dict[str, Any],
    agent_name: str,
    episodes: int,
    seed: int,
    run_dir: Path | None,
    resume: bool,
    spec: AgentSpec | None = None,
) -> int:
    """Search, retrain the best network, write the run folder and print the table; return an exit code.

    ``spec`` makes the agent in another form than the one that its name stands for.
    """
    torch.set_num_threads(1)  # faster for networks this small, and the same result on any machine
    env_id = env_id.removeprefix("nas_gym:")
    if episodes < 1:
        raise InvalidArgumentError(f"episodes must be a positive integer, got {episodes}")
    if not 0 <= seed < 2**32:
        raise InvalidArgumentError(f"seed must be an integer from 0 to {2**32 - 1}, got {seed}")
    spec = spec or agent_spec(agent_name)
    num_envs = spec.num_envs
    parts = assemble(env_id, **env_kwargs)
    settings = {
        "env": env_id,
        "env_kwargs": env_kwargs,
        "agent": agent_name,
        "seed": seed,
        "episodes": episodes,
        "num_envs": num_envs,
    }
    about = {
        "dataset": parts.dataset.id,
        "dataset_checksum": parts.dataset.checksum,
        "recipe": parts.recipe.id,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    path = run_dir or Path("runs") / env_id / agent_name / str(seed)
    run = RunFolder(path, settings, resume, about, ROW_FIELDS)
    console = Console()
    env = RecordEvaluations(gym.make_vec(f"nas_gym:{env_id}", num_envs=num_envs, **env_kwargs))
    agent = make_agent(spec, env, seed, run.path / "tensorboard", run.path / "checkpoint.pt")
    env.recall(run.read_evaluations())
    console.print(
        f"{agent_name} on {env_id}: {episodes} architectures, seed {seed}; everything goes to {run.path}"
    )
    if not search(agent, env, run, episodes):
        console.print(
            f"interrupted after {len(env.rows)} of {episodes} architectures; --resume goes on from here"
        )
        return INTERRUPTED
    rows = env.rows[:episodes]
    candidates = finalists(rows, max(1, min(MAX_FINALISTS, episodes // 100)))
    architectures = [parts.search_space.parse(row["architecture"]) for row in candidates]
    console.print(
        f"choosing among {len(candidates)} finalists by {SEEDS} more trainings each, on validation data"
    )
    confirmed = confirm(architectures, parts.evaluator, SEEDS)
    winner = max(range(len(candidates)), key=confirmed.__getitem__)
    summary = summarise(env_id, agent_name, seed, rows, run.read_times(), candidates[winner])
    summary["finalists"] = len(candidates)
    console.print(f"training the best network again with {SEEDS} seeds, then reading the test data once")
    retrained = retrain(architectures[winner], parts.build, parts.dataset, parts.recipe, SEEDS)
    references = {name: a.as_summary() for name, a in reference_models(parts.dataset, SEEDS).items()}
    summary["retrained"] = retrained.as_summary()
    summary["baselines"] = {
        name: {"test_accuracy": values["test_accuracy_mean"], **values} for name, values in references.items()
    }
    curve = run.path / "learning_curve.png"
    draw_learning_curve(curve, [row["reward"] for row in rows], f"{agent_name} on {env_id}, seed {seed}")
    run.write_summary(summary)
    _print_table(console, summary)
    console.print(f"learning curve: {curve}")
    return 0


def _print_table(console: Console, summary: dict[str, Any]) -> None:
    best = summary["best"]
    console.print(
        f"\nbest network: [bold]{best['architecture']}[/bold], {best['parameters']} parameters, "
        f"validation accuracy {best['validation_accuracy']:.4f} in the search\n"
        f"{summary['episodes']} architectures, {summary['distinct_architectures']} of them distinct, "
        f"mean reward of the last 10 %: {summary['mean_reward_last_10_percent']:.4f}\n"
        f"{summary['search_seconds']:.1f} s of search, {summary['evaluation_seconds']:.1f} s of it "
        "training children\n",
        soft_wrap=True,
        highlight=False,
    )
    table = Table("model", "seeds", "validation accuracy", "test accuracy")
    models = {"best network, retrained": summary["retrained"], **summary["baselines"]}
    for name, values in models.items():
        test = f"{values['test_accuracy_mean']:.4f}"
        if values["seeds"] > 1:
            test += f" ± {values['test_accuracy_std']:.4f}"
        table.add_row(name, str(values["seeds"]), f"{values['validation_accuracy_mean']:.4f}", test)
    console.print(table)
    console.print("± is the standard deviation over seeds")
