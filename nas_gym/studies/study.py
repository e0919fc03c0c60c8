"""One study: search, choose a network, train it again, read the test data once, tell what came of it."""

import platform
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from rich.console import Console

from agents import AgentSpec, agent_spec, make_agent
from agents.base import Order
from nas_gym.checks import integer, number
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.extras import is_there
from nas_gym.files import Json, absolute_paths
from nas_gym.kept.folder import WINNER
from nas_gym.memory.tables.table import Table
from nas_gym.pools.here import Here
from nas_gym.problems import registration
from nas_gym.problems.problem import Problem
from nas_gym.studies.choosing import choose
from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.references import retrain_models
from nas_gym.studies.report.findings import Findings, read_latencies
from nas_gym.studies.report.words import print_models, print_search, say
from nas_gym.studies.report.writing import write_report
from nas_gym.studies.retraining import Trainings, found_networks
from nas_gym.studies.run_folder import RunFolder, RunSettings
from nas_gym.studies.search import search
from nas_gym.studies.summary import Results, Summary, TableFacts, summarise

SEARCH_SHARE = 0.6
"""Of the time for search and climb, what the search takes."""
MAX_SEED = 2**32 - 1  # of stable-baselines3
PACKAGES = ("gymnasium", "nas-gym", "numba", "numpy", "scikit-learn", "stable-baselines3", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What to search, how long, and where to write.

    Attributes:
        env: Id of the environment.
        env_kwargs: Its keywords, values of JSON.
        agent: Name of the agent, a key of ``agents.AGENTS`` or ``ALIASES``.
        spec: Makes the agent in another form than the one that its name stands for.
        episodes: Number of architectures to propose; sentences with an illegal token count.
        minutes: How long search and climb may take together; the search ends at ``episodes`` or when its
            share of the time is over. ``None`` for no limit.
        seed: Seed of the agent.
        run_dir: Folder of the run; by default ``runs/<env>/<agent>/<seed>``.
        resume: Whether to go on with the run that the folder holds.
        store: File that keeps every evaluation, also of other runs; by default one in the folder.
        order: In which order the agent learns, see ``agents.base.EpisodicAgent.learn``.
        lanes: How many sentences are under way at the same time; by default what suits the agent.
    """

    env: str
    env_kwargs: Mapping[str, Json] = field(default_factory=dict)
    agent: str = "reinforce"
    spec: AgentSpec | None = None
    episodes: int = 5000
    minutes: float | None = None
    seed: int = 0
    run_dir: Path | None = None
    resume: bool = False
    store: Path | None = None
    order: Order = "batch"
    lanes: int | None = None


def run_study(study: Study, console: Console) -> Summary | None:
    """Search, retrain the best network, write the run folder and tell what came of it.

    Children are kept in a store. So a run that is resumed trains none again, although its agent may propose
    them once more.

    Returns:
        The summary; ``None`` if Ctrl-C ended the search.

    Raises:
        NasGymError: If an argument is out of range, a folder or a store cannot be used, or nothing was found.
        AgentError: If there is no such agent, its package is missing, or its checkpoint does not fit.
    """
    torch.set_num_threads(1)  # faster for networks this small, and the same result on any machine
    episodes, seed = integer("episodes", study.episodes, 1), integer("seed", study.seed, 0, MAX_SEED)
    minutes = study.minutes
    if minutes is not None:
        minutes = number("minutes", minutes, "a positive number", above=0)
    if "store" in study.env_kwargs:
        raise InvalidArgumentError("the store is given as --store FILE, not among the environment's keywords")
    spec = study.spec or agent_spec(study.agent)
    spec.check_order(study.agent, study.order)  # so what is wrong or missing is told before there is a folder
    if study.lanes is not None:
        spec = replace(spec, num_envs=integer("lanes", study.lanes, 1))
    ordered: dict[str, Json] = {} if study.order == "batch" else {"order": study.order}
    env_id, keywords = study.env.removeprefix("nas_gym:"), absolute_paths(study.env_kwargs)
    problem = registration.problem(env_id, **keywords)
    settings = RunSettings(
        env=env_id,
        env_kwargs=keywords,
        agent=study.agent,
        agent_arguments={**spec.arguments, **ordered},
        num_envs=spec.num_envs,
        seed=seed,
        episodes=episodes,
        minutes=minutes,
        **_origin(problem),
    )
    if study.store is not None:
        problem.make_evaluator(study.store).close()  # what is wrong with it is told before there is a folder
    path = study.run_dir or Path("runs") / env_id / study.agent / str(seed)
    if study.resume and not (path / "config.json").exists():
        say(console, f"there is no run in {path} to resume, a new one starts")
    run = RunFolder(
        path, settings, study.resume, {"python": platform.python_version(), "packages": _versions()}
    )
    # A table knows its children already.
    store = study.store or (None if problem.table is not None else path / "evaluations.sqlite")
    with closing(problem.make_vector_env(spec.num_envs, store)) as env:
        recorder = RecordEvaluations(env)
        # In order of submission a run is the same each time, and its children are in the store.
        is_replayed = _remembers(problem) or study.order == "submission"
        checkpoint = None if is_replayed else path / "checkpoint.pt"
        log = path / "tensorboard" if is_there("tensorboard") else None
        agent = make_agent(spec, recorder, seed, log, checkpoint)
        say(
            console,
            f"{study.agent} on {env_id}: {episodes} architectures, seed {seed}; everything goes to {path}",
        )
        if log is None:
            say(console, "without TensorBoard's log, which needs tensorboard: pip install 'nas_gym[report]'")
        seconds = None if minutes is None else 60 * minutes * SEARCH_SHARE
        bar = not console.quiet
        if not search(agent, recorder, run, episodes, progress_bar=bar, seconds=seconds, order=study.order):
            done = len(recorder.episodes)
            say(console, f"interrupted after {done} of {episodes} architectures; --resume goes on from here")
            return None
        played = recorder.episodes[:episodes]
        times = run.read_times()
        left = None if minutes is None else 60 * minutes - times.search_seconds
        chosen = choose(problem, played, env.evaluator, console, times, left)
    summary = summarise(settings, problem.metric, played, times, chosen)
    run.write_summary(summary)  # retraining may fail
    summary, compared = _judge(problem, summary, path, console)
    run.write_summary(summary)
    print_search(console, summary)
    print_models(console, summary, path)
    kept = problem.table is None and compared is not None and compared.winner is not None
    findings = Findings(
        path=path,
        problem=problem,
        metric=problem.metric,
        settings=settings,
        episodes=played,
        times=times,
        best=summary.best.architecture,
        climbed=summary.climbed,
        compared=compared,
        winner=path / WINNER if kept else None,
        table=summary.table,
        latencies=read_latencies(store, played),
    )
    write_report(findings, console)
    return summary


def _versions() -> dict[str, Json]:
    """Return the versions of packages that the results may depend on, ``None`` for one that is not there."""
    versions: dict[str, Json] = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def _origin(problem: Problem) -> dict[str, str]:
    """Return what the results come from: a run goes on, and is retrained, with the same alone."""
    if problem.table is not None:
        return {"task": problem.table.dataset, "recipe": problem.table.recipe}
    trainer = problem.make_trainer()
    setting, test = trainer.setting(), trainer.task.data_of().test_checksum
    assert test is not None
    return {
        "task": setting.dataset,
        "recipe": setting.recipe,
        "dataset_checksum": setting.dataset_checksum,
        "test_checksum": test,
    }


def _remembers(problem: Problem) -> bool:
    """Say whether the environment knows more than a checkpoint: such a run is played again from its start.

    What a simulated budget has left, what simulated workers do, or how deep networks may be by now, stands
    in no checkpoint.
    """
    return (
        problem.rules.initial_layers is not None
        or problem.workers is not None
        or getattr(problem.lookup, "budget_seconds", None) is not None
    )


def _judge(
    problem: Problem, summary: Summary, path: Path, console: Console
) -> tuple[Summary, Comparison | None]:
    """Read the test data once: after training the chosen network again, or in the table.

    Returns:
        What is known now, and the network beside references; ``None`` if test data were not read.
    """
    if problem.table is not None:
        say(console, "reading the best network's test results from the table")
        return _look_up(problem.table, summary)
    if problem.costly:
        return summary, None
    seeds = problem.trainings
    say(console, f"training the best network again with {seeds} seeds, then reading the test data once")
    networks = found_networks(problem, [problem.search_space.parse(summary.best.architecture)])
    trainings = Trainings(path / "retraining", networks, problem.make_trainer(), seeds)
    trainings.train(Here(), console)
    (found,) = trainings.contenders()
    if found.failures:
        say(console, f"{found.name}, trained again: {found.seeds_text}")
    if not found.test_scores:
        return summary, Comparison([found], problem.metric)
    trainings.keep_best(found.name, path / WINNER, problem.id)
    say(console, f"the network: {path / WINNER}")
    models = retrain_models(problem, seeds)
    judged = replace(
        summary,
        retrained=Results.of(found.validation_scores, found.test_scores),
        baselines={each.name: Results.of(each.validation_scores, each.test_scores) for each in models},
    )
    return judged, Comparison([found, *models], problem.metric)


def _look_up(table: Table, summary: Summary) -> tuple[Summary, Comparison]:
    architecture = table.search_space.parse(summary.best.architecture)
    validation, test = table.validation_scores(architecture), table.test_scores(architecture)
    facts = TableFacts(
        table.search_space.count(),
        table.rank_of(architecture),
        table.regret(architecture),
        table.optimum,
        table.best_test_score,
    )
    found = Contender(str(architecture), True, tuple(validation), tuple(test), summary.best.parameters)
    judged = replace(summary, retrained=Results.of(validation, test), table=facts)
    return judged, Comparison([found], summary.metric)
