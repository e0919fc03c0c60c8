"""One search from its start, or its last checkpoint, to the table: what the training scripts share."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from math import log2
from pathlib import Path
from typing import Any

import torch
from command_line import INTERRUPTED
from rich.console import Console
from rich.table import Table

from agents import AgentSpec, agent_spec, make_agent
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.wrappers import ROW_FIELDS, RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import Parts, assemble
from nas_gym.problems.registration import env_of
from nas_gym.studies.comparison import Contender
from nas_gym.studies.confirmation import confirm
from nas_gym.studies.learning_curve import draw_learning_curve
from nas_gym.studies.models import found_models, retraining_keywords, schooling_of
from nas_gym.studies.pareto_front import draw_pareto_front
from nas_gym.studies.retraining import retrain_estimators
from nas_gym.studies.retraining_folder import RetrainingFolder
from nas_gym.studies.run_folder import RunFolder
from nas_gym.studies.search import search
from nas_gym.studies.summary import Row, finalists, summarise

PACKAGES = ("gymnasium", "nas-gym", "numba", "numpy", "scikit-learn", "stable-baselines3", "torch")
MIN_FINALISTS, MAX_FINALISTS = 3, 50


def run_experiment(
    env_id: str,
    env_kwargs: dict[str, Any],
    agent_name: str,
    episodes: int,
    seed: int,
    run_dir: Path | None,
    resume: bool,
    store: Path | None,
    spec: AgentSpec | None = None,
) -> int:
    """Search, retrain the best network, write the run folder and print the table; return an exit code.

    Children are kept in ``store``, by default a file in the run folder. So a run that is resumed trains
    none again, although its agent may propose them once more. ``spec`` makes the agent in another form
    than the one that its name stands for.
    """
    torch.set_num_threads(1)  # faster for networks this small, and the same result on any machine
    env_id = env_id.removeprefix("nas_gym:")
    if episodes < 1:
        raise InvalidArgumentError(f"episodes must be a positive integer, got {episodes}")
    if not 0 <= seed < 2**32:
        raise InvalidArgumentError(f"seed must be an integer from 0 to {2**32 - 1}, got {seed}")
    if "store" in env_kwargs:
        raise InvalidArgumentError("the store is given as --store FILE, not among the environment's keywords")
    spec = spec or agent_spec(agent_name)
    parts = assemble(env_id, **env_kwargs)
    if store is not None:
        parts = parts.with_store(store)
    settings = {
        "env": env_id,
        "env_kwargs": env_kwargs,
        "agent": agent_name,
        "seed": seed,
        "episodes": episodes,
        "agent_arguments": spec.arguments,
        "num_envs": spec.num_envs,
        **_origin(parts),
    }
    about = {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    path = run_dir or Path("runs") / env_id / agent_name / str(seed)
    console = Console()
    if resume and not (path / "config.json").exists():
        console.print(f"there is no run in {path} to resume, a new one starts")
    run = RunFolder(path, settings, resume, about, ROW_FIELDS)
    if store is None and parts.table is None:  # a table knows its children already
        parts = parts.with_store(run.path / "evaluations.sqlite")
    env = RecordEvaluations(NasVectorEnv(env_of(parts), spec.num_envs))
    # What a simulated budget has left, or how deep networks may be by now, stands in no checkpoint: such a
    # run is played again from its start.
    remembers = {"budget_seconds", "initial_layers"} & set(env_kwargs)
    checkpoint = None if remembers else run.path / "checkpoint.pt"
    agent = make_agent(spec, env, seed, run.path / "tensorboard", checkpoint)
    console.print(
        f"{agent_name} on {env_id}: {episodes} architectures, seed {seed}; everything goes to {run.path}"
    )
    if not search(agent, env, run, episodes):
        console.print(
            f"interrupted after {len(env.rows)} of {episodes} architectures; --resume goes on from here"
        )
        return INTERRUPTED
    rows = env.rows[:episodes]
    answer = _choose if parts.table is None else _answer_by_table
    best, found = answer(parts, rows, console)
    summary = summarise(env_id, agent_name, seed, rows, run.read_times(), best) | found | _known(parts)
    run.write_summary(summary)  # retraining may fail
    if parts.table is None and not parts.costly:
        again = assemble(env_id, **retraining_keywords(env_id, env_kwargs, {}))
        summary |= _retrain(again, best["architecture"], env_kwargs.get("device", "cpu"), run.path, console)
    curve, front = run.path / "learning_curve.png", run.path / "pareto_front.png"
    title = f"{agent_name} on {env_id}, seed {seed}"
    draw_learning_curve(curve, [row["reward"] for row in rows], title)
    has_front = draw_pareto_front(front, rows, title)
    run.write_summary(summary)
    _print_search(console, summary)
    if "retrained" in summary:
        _print_table(console, summary)
    else:
        console.print(
            f"[bold]python scripts/retrain.py --run-dir {run.path}[/bold] trains the best networks with all "
            "data and a longer recipe, beside hand-designed or published ones, and reads the test data",
            soft_wrap=True,
            highlight=False,
        )
    console.print(f"learning curve: {curve}")
    if has_front:
        console.print(f"accuracy against size: {front}")  # cells of a run have one size
    return 0


def _origin(parts: Parts) -> dict[str, str | None]:
    """Return what the results come from: a run goes on, and is retrained, with the same alone."""
    if parts.table is not None:
        return {"dataset": parts.table.dataset, "recipe": parts.table.recipe}
    data, recipe = parts.data, parts.training
    assert data is not None and recipe is not None
    return {
        "dataset": data.id,
        "dataset_checksum": data.checksum,
        "test_checksum": data.test_checksum,
        "recipe": recipe.id,
    }


def _known(parts: Parts) -> dict[str, Any]:
    """Return what is known of a text: what its tokens are, and the best perplexity there can be."""
    if parts.corpus is None:
        return {}
    return {"corpus": {"unit": parts.corpus.unit, "best_possible_perplexity": parts.corpus.best_perplexity}}


def _choose(parts: Parts, rows: Sequence[Row], console: Console) -> tuple[Row, dict[str, Any]]:
    """Choose a network by more trainings on validation data."""
    candidates = finalists(rows, max(MIN_FINALISTS, min(MAX_FINALISTS, len(rows) // 100)))
    architectures = [parts.search_space.parse(row["architecture"]) for row in candidates]
    console.print(
        f"choosing among {len(candidates)} finalists by {parts.trainings} more trainings each, "
        "on validation data"
    )
    confirmed = confirm(architectures, parts.evaluator, parts.env_options["reward"], parts.trainings)
    return candidates[max(range(len(candidates)), key=confirmed.__getitem__)], {"finalists": len(candidates)}


def _retrain(parts: Parts, best: str, device: str, path: Path, console: Console) -> dict[str, Any]:
    """Train the chosen network again, beside scikit-learn's models, and read the test data."""
    assert parts.dataset is not None
    console.print(
        f"training the best network again with {parts.trainings} seeds, then reading the test data once"
    )
    models = found_models(parts, [best])
    trainings = RetrainingFolder(path / "retraining", models, schooling_of(parts, device), parts.trainings)
    for _ in trainings.train():
        pass
    (found,) = trainings.contenders()
    if found.failures:
        console.print(f"{best}, trained again: {found.seeds_text}", soft_wrap=True, highlight=False)
    if not found.test_results:
        return {}
    estimators = retrain_estimators(parts.dataset, parts.reference_models, parts.trainings)
    references = {each.name: each.as_summary() for each in estimators}
    baselines = {
        name: {"test_accuracy": values["test_accuracy_mean"], **values} for name, values in references.items()
    }
    return {"retrained": found.as_summary(), "baselines": baselines}


def _answer_by_table(parts: Parts, rows: Sequence[Row], console: Console) -> tuple[Row, dict[str, Any]]:
    """Take the network that did best in the search and look up its test results."""
    table = parts.table
    assert table is not None
    (best,) = finalists(rows, 1)
    architecture = parts.search_space.parse(best["architecture"])
    console.print("reading the best network's test results from the table")
    known = Contender(
        str(architecture),
        True,
        tuple(table.validation_accuracies(architecture)),
        tuple(table.test_accuracies(architecture)),
    )
    return best, {
        "finalists": 1,
        "retrained": known.as_summary(),
        "baselines": {},
        "table": {
            "architectures": parts.search_space.count(),
            "rank": table.rank_of(architecture),
            "regret": table.regret(architecture),
            "optimum": table.optimum,
            "test_accuracy_of_optimum": table.best_test_accuracy,
        },
    }


def _print_search(console: Console, summary: dict[str, Any]) -> None:
    best = summary["best"]
    failed = f", {summary['failed_children']} failed" if summary["failed_children"] else ""
    size = "" if best["parameters"] is None else f", {best['parameters']} parameters"
    console.print(
        f"\nbest network: [bold]{best['architecture']}[/bold]{size}, {_result(summary)} in the search\n"
        f"{summary['episodes']} architectures, {summary['distinct_architectures']} of them distinct{failed}, "
        f"mean reward of the last 10 %: {summary['mean_reward_last_10_percent']:#.4g}\n"
        f"{summary['search_seconds']:.1f} s of search, {summary['evaluation_seconds']:.1f} s of it "
        "training children\n",
        soft_wrap=True,
        highlight=False,
    )


def _result(summary: dict[str, Any]) -> str:
    best, corpus = summary["best"], summary.get("corpus")
    if corpus is None:
        return f"validation accuracy {best['validation_accuracy']:.4f}"
    perplexity, limit = best["validation_perplexity"], corpus["best_possible_perplexity"]
    words = f"validation perplexity {perplexity:.4f}"
    if corpus["unit"] == "character":
        words += f" ({log2(perplexity):.4f} bits per character)"
    return words if limit is None else f"{words} (the grammar's own is {limit:.4f})"


def _print_table(console: Console, summary: dict[str, Any]) -> None:
    table = Table("model", "seeds", "validation accuracy", "test accuracy")
    known = summary.get("table")
    name = "best network, retrained" if known is None else "best network, from the table"
    models = {name: summary["retrained"], **summary["baselines"]}
    for name, values in models.items():
        test = f"{values['test_accuracy_mean']:.4f}"
        if values["seeds"] > 1:
            test += f" ± {values['test_accuracy_std']:.4f}"
        table.add_row(name, str(values["seeds"]), f"{values['validation_accuracy_mean']:.4f}", test)
    console.print(table)
    console.print("± is the standard deviation over seeds")
    if known is not None:
        console.print(
            f"rank {known['rank']} of {known['architectures']} by mean validation accuracy, "
            f"regret {known['regret']:.4f}: the optimum is {known['optimum']:.4f}, "
            f"with test accuracy {known['test_accuracy_of_optimum']:.4f}",
            soft_wrap=True,
            highlight=False,
        )
