"""The whole benchmark: every run that is not there yet is played, and what all of them show is written."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

import nas_gym
from agents import AgentSpec, agent_spec
from agents.progress import CountProgress
from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.benchmark.files import check_settings, results_json
from nas_gym.benchmark.findings import Findings, find, find_together
from nas_gym.benchmark.jobs import Job, Keywords, missing_jobs, read_runs, run_jobs
from nas_gym.benchmark.report.figures import figures
from nas_gym.benchmark.report.tables import markdown, means_cells, milestone_cells, robust_cells, runs_csv
from nas_gym.benchmark.report.words import conclude, conclude_together
from nas_gym.benchmark.runs import Limits
from nas_gym.checks import optional_integer
from nas_gym.command_line import parse_keywords
from nas_gym.errors import InvalidArgumentError, MissingPackageError
from nas_gym.files import absolute_paths, write_text_atomically
from nas_gym.tasks.metric import Metric

ABOUT_TABLES = (
    "In square brackets: 95 % intervals. The interquartile mean is that of the middle half of the runs.\n"
)


def run_benchmark(arguments: BenchmarkArguments) -> None:
    """Play every run that is not there yet, and write what all of them show.

    Raises:
        InvalidArgumentError: If an argument is unknown or out of range.
        RunFolderError: If the folder holds runs with other settings, or a process was lost.
    """
    envs = list(dict.fromkeys(name.removeprefix("nas_gym:") for name in arguments.env))
    specs = {agent: spec_of(agent, arguments) for agent in arguments.agents}
    if not envs or not specs or arguments.seeds < 1 or arguments.processes < 1:
        raise InvalidArgumentError("at least one environment, agent, seed and process is needed")
    budget = 500 if arguments.budget is None and arguments.episodes is None else arguments.budget
    limits = Limits(budget, 4 * (budget or 0) if arguments.episodes is None else arguments.episodes)
    keywords = absolute_paths(parse_keywords(arguments.env_kwargs))
    by_env = keywords_by_env(envs, keywords)
    metrics = {env: nas_gym.problem(env, **by_env[env]).metric for env in envs}
    order = None if arguments.order == "batch" else arguments.order
    settings = {
        **asdict(limits),
        "nas_gym": nas_gym.__version__,
        "env_kwargs": keywords,
        "order": order,
        "lanes": arguments.lanes,
    }
    check_settings(arguments.out, settings)
    jobs = [
        Job(env, agent, seed, spec, limits, by_env[env], arguments.order)
        for seed in range(arguments.seeds)
        for env in envs
        for agent, spec in specs.items()
    ]
    play_missing(jobs, arguments.out, arguments.processes)
    write_results(jobs, metrics, limits, arguments.out)


def spec_of(agent: str, arguments: BenchmarkArguments) -> AgentSpec:
    """Return how to make an agent with the lanes that are asked for.

    Raises:
        AgentError: If there is no such agent, or it does not learn in the order that is asked for.
        InvalidArgumentError: If there cannot be as many lanes.
    """
    spec = agent_spec(agent)
    spec.check_order(agent, arguments.order)
    lanes = optional_integer("lanes", arguments.lanes, 1)
    return spec if lanes is None else replace(spec, num_envs=lanes)


def play_missing(jobs: Sequence[Job], folder: Path, processes: int) -> None:
    """Play the jobs that have no result in the folder yet, and show how far it is."""
    missing = missing_jobs(jobs, folder)
    if len(missing) < len(jobs):
        print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are in {folder} already")
    if not missing:
        return
    with CountProgress(Console()) as progress:
        progress.tell("runs", 0, len(missing))
        for done, _ in enumerate(run_jobs(missing, folder, processes), 1):
            progress.tell("runs", done, len(missing))


def write_results(jobs: Sequence[Job], metrics: Mapping[str, Metric], limits: Limits, folder: Path) -> None:
    """Read all runs and write results.json, results.csv, table.md, figures and report.html.

    Where a package that draws is missing, one line names it, and neither figures nor report.html are there.
    """
    findings = {}
    for env, metric in metrics.items():
        of_env = [job for job in jobs if job.env == env]
        names = dict.fromkeys(job.agent for job in of_env)
        runs = {name: read_runs([job for job in of_env if job.agent == name], folder) for name in names}
        findings[env] = find(runs, limits.budget, metric)
    together = find_together(findings)
    words = {env: conclude(found, limits) for env, found in findings.items()}
    results = {
        **asdict(limits),
        "nas_gym": nas_gym.__version__,
        "env_kwargs": {job.env: dict(job.keywords) for job in jobs},
        "environments": {
            env: {**asdict(found), "conclusions": asdict(words[env])} for env, found in findings.items()
        },
        "together": {
            "comparisons": None if together is None else [asdict(pair) for pair in together],
            "conclusions": asdict(conclude_together(findings, together)),
        },
    }
    text = []
    for env, found in findings.items():
        tables = [markdown(cells(found)) for cells in (means_cells, robust_cells, milestone_cells)]
        sentences = "".join(f"- {sentence}\n" for sentence in (*words[env].may, *words[env].may_not))
        text.append("\n".join([f"## {env}\n", *tables, sentences]))
        print(
            f"\n{env}: means over {found.seeds} seeds [95 % bootstrap interval]\n\n{tables[0]}\n{sentences}"
        )
    files = {
        "results.json": results_json(results),
        "results.csv": runs_csv(findings),
        "table.md": "\n".join([*text, ABOUT_TABLES]),
    }
    for name, content in files.items():
        write_text_atomically(folder / name, content)
    try:
        _draw(findings, folder)
        from nas_gym.benchmark.report.page import html_report
    except MissingPackageError as error:
        print(f"{', '.join(files)} are in {folder}, figures and report.html are not: {error}")
        return
    write_text_atomically(folder / "report.html", html_report(findings, together, limits, _command()))
    print(f"{', '.join(files)}, report.html and figures are in {folder}")


def _draw(findings: Mapping[str, Findings], folder: Path) -> None:
    from nas_gym.pages.picture import draw_picture

    for env, found in findings.items():
        about = f"{env}, {found.seeds} seed{'s' if found.seeds > 1 else ''}"
        for name, figure in figures(found).items():
            if figure.panels[0].lines:
                draw_picture(folder / "figures" / f"{env}_{name}.png", about, figure)


def keywords_by_env(envs: Sequence[str], keywords: Keywords) -> dict[str, dict[str, object]]:
    """Return each environment's keywords: those without an id, and those with its own before a colon."""
    found: dict[str, dict[str, object]] = {env: {} for env in envs}
    for name, value in keywords.items():
        meant_for, colon, rest = name.rpartition(":")
        meant_for = meant_for.removeprefix("nas_gym:")
        if colon and meant_for not in found:
            raise InvalidArgumentError(f"{name} is meant for {meant_for!r}; compared are {', '.join(envs)}")
        for env in [meant_for] if colon else envs:
            found[env][rest] = value
    return found


def _command() -> str:
    """Return the command that this process was started with."""
    program = Path(sys.argv[0])
    return shlex.join(
        [*(["python", str(program)] if program.suffix == ".py" else [program.name]), *sys.argv[1:]]
    )
