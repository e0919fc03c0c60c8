"""Compare agents on environments: equal budgets and seeds, intervals, and what they allow to say."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import joblib
import numpy as np
from command_line import SAME_COMMAND, parse_keywords, run
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import nas_gym
from agents import agent_spec
from agents.files import write_atomically
from nas_gym.benchmark.conclusions import conclude, conclude_together
from nas_gym.benchmark.figures import draw_all
from nas_gym.benchmark.findings import find, find_together
from nas_gym.benchmark.pool import Job, check_settings, missing_jobs, read_runs, run_jobs
from nas_gym.benchmark.report import html_report
from nas_gym.benchmark.runs import Limits, Run, judge_run, play
from nas_gym.benchmark.table import markdown, means_cells, milestone_cells, robust_cells, runs_csv
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import Parts, assemble
from nas_gym.studies.row_metric import ACCURACY, Metric, perplexity_of
from nas_gym.testing import random_sentence


@dataclass
class Args:
    """Who is compared, on what, how long, and where to write."""

    env: list[str] = field(default_factory=lambda: ["NAS-Moons-v0"])
    """Ids of the environments."""
    agents: list[str] = field(default_factory=lambda: ["reinforce", "ppo", "maskable_ppo", "random"])
    """Agents to compare, keys of agents.AGENTS; an unknown one is answered with the list of all."""
    budget: int | None = None
    """Distinct children that each run trains; 500, unless --episodes is given."""
    episodes: int | None = None
    """Episodes after which a run ends at the latest, repeated and illegal sentences included; by default
    four times the budget."""
    seeds: int = 5
    """Runs of each agent, with the seeds 0, 1, ...; differences between agents often need 50."""
    out: Path = Path("runs/benchmark")
    """Folder for the results. A benchmark that was interrupted goes on in it; more seeds, agents and
    environments may be added, while budget, episodes and keywords must stay."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environments as name=value, the values in JSON; for one environment <id>:name=value."""
    processes: int = field(default_factory=joblib.cpu_count)
    """Runs at the same time, with one thread each; by default one a core."""


def main(args: Args) -> int:
    """Play every run that is not there yet, and write what all of them show."""
    envs = list(dict.fromkeys(name.removeprefix("nas_gym:") for name in args.env))
    agents = list(dict.fromkeys(args.agents))
    if not envs or not agents or args.seeds < 1 or args.processes < 1:
        raise InvalidArgumentError("at least one environment, agent, seed and process is needed")
    budget = 500 if args.budget is None and args.episodes is None else args.budget
    limits = Limits(budget, 4 * (budget or 0) if args.episodes is None else args.episodes)
    keywords = keywords_by_env(envs, parse_keywords(args.env_kwargs))
    metrics = {env: metric_of_parts(assemble(env, **keywords[env])) for env in envs}
    for agent in agents:
        agent_spec(agent)
    settings = {"budget": limits.budget, "episodes": limits.episodes, "nas_gym": nas_gym.__version__}
    check_settings(args.out, {**settings, "env_kwargs": args.env_kwargs})
    jobs = [Job(env, agent, seed) for seed in range(args.seeds) for env in envs for agent in agents]
    missing = missing_jobs(jobs, args.out)
    if len(missing) < len(jobs):
        print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are in {args.out} already")
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("runs", total=len(missing))
        for _ in run_jobs(missing, partial(play_job, keywords, limits), args.out, args.processes):
            progress.advance(task)
    write_results(args.out, metrics, agents, args.seeds, limits, {**settings, "env_kwargs": keywords})
    return 0


def write_results(
    out: Path,
    metrics: Mapping[str, Metric],
    agents: Sequence[str],
    seeds: int,
    limits: Limits,
    settings: dict[str, Any],
) -> None:
    """Read all runs and write results.json, results.csv, table.md, figures and report.html."""
    findings = {
        env: find(
            {a: read_runs([Job(env, a, seed) for seed in range(seeds)], out) for a in agents},
            limits.budget,
            metric,
        )
        for env, metric in metrics.items()
    }
    together = find_together(findings, limits.budget)
    words = {env: conclude(found, limits) for env, found in findings.items()}
    results = {
        **settings,
        "seeds": seeds,
        "environments": {env: {**found, "conclusions": words[env]} for env, found in findings.items()},
        "together": {"comparisons": together, "conclusions": conclude_together(findings, together)},
    }
    report = html_report(findings, together, limits, seeds, shlex.join(["python", *sys.argv]))
    text = []
    for env, found in findings.items():
        draw_all(out / "figures", env, found, seeds)
        tables = [markdown(cells(found)) for cells in (means_cells, robust_cells, milestone_cells)]
        sentences = "".join(f"- {sentence}\n" for part in words[env].values() for sentence in part)
        text.append("\n".join([f"## {env}\n", *tables, sentences]))
        print(f"\n{env}: means over {seeds} seeds [95 % bootstrap interval]\n\n{tables[0]}\n{sentences}")
    files = {
        "results.json": json.dumps(results, allow_nan=False) + "\n",
        "results.csv": runs_csv(findings),
        "table.md": "\n".join(text),
        "report.html": report,
    }
    for name, content in files.items():
        write_atomically(out / name, lambda path, content=content: path.write_text(content))  # type: ignore[misc]
    print(f"{', '.join(files)} and figures are in {out}")


def play_job(keywords: dict[str, dict[str, Any]], limits: Limits, job: Job) -> Run:
    """Let one agent search once, in this process, and judge what it found."""
    parts = parts_of(job.env, json.dumps(keywords[job.env]))
    spec = agent_spec(job.agent)
    # More lanes than children would train some that nobody counts.
    lanes = min(spec.num_envs, limits.budget or limits.episodes)
    env = RecordEvaluations(gym.make_vec(f"nas_gym:{job.env}", num_envs=lanes, **keywords[job.env]))
    played = play(spec, env, env, job.seed, limits)
    metric, parse = metric_of_parts(parts), parts.search_space.parse
    return judge_run(job.seed, limits=limits, table=parts.table, parse=parse, metric=metric, **played)


def metric_of_parts(parts: Parts) -> Metric:
    """Return what the networks of an environment are compared by."""
    corpus = parts.corpus
    return ACCURACY if corpus is None else perplexity_of(len(corpus.vocabulary), corpus.best_perplexity)


@cache
def parts_of(env: str, keywords: str) -> Parts:
    """Assemble an environment once in each process, and evaluate a child, which compiles the kernel."""
    parts = assemble(env, **json.loads(keywords))
    sentence = random_sentence(parts.search_space, np.random.default_rng(0))
    parts.evaluator.evaluate([parts.search_space.architecture(sentence)])
    return parts


def keywords_by_env(envs: Sequence[str], keywords: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each environment's keywords: those without an id, and those with its own before a colon."""
    found: dict[str, dict[str, Any]] = {env: {} for env in envs}
    for name, value in keywords.items():
        meant_for, colon, rest = name.rpartition(":")
        meant_for = meant_for.removeprefix("nas_gym:")
        if colon and meant_for not in found:
            raise InvalidArgumentError(f"{name} is meant for {meant_for!r}; compared are {', '.join(envs)}")
        for env in [meant_for] if colon else envs:
            found[env][rest] = value
    return found


if __name__ == "__main__":
    run(Args, main, __doc__ or "", SAME_COMMAND)
