"""The best networks of a run against references: trained with all data, then compared on test data."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.files import Json, absolute_paths, write_json, write_text_atomically
from nas_gym.kept.folder import WINNER
from nas_gym.pools.base import Pool
from nas_gym.problems import registration
from nas_gym.problems.problem import Problem
from nas_gym.studies.choosing import finalists
from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.references import retrain_models
from nas_gym.studies.report.findings import Findings, read_latencies
from nas_gym.studies.report.words import say
from nas_gym.studies.report.writing import write_page
from nas_gym.studies.retraining import FULL, Trainings, found_networks, hand_designed_networks
from nas_gym.studies.run_folder import FinishedRun, read_run
from nas_gym.tasks.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Which networks of which run are trained again, and how.

    Attributes:
        run_dir: Folder of a finished run.
        top: So many networks of it compete: the one it chose, and the next by reward.
        seeds: Trainings of each network.
        env: Id of another environment with the same search space, to train the networks in: transfer. Its
            results go to a folder of that name in the run's. By default that of the run.
        env_kwargs: Keywords of the environment instead of the run's, for example ``full``, the recipe.
        device: PyTorch's name of the device to train on, by default that of the search.
    """

    run_dir: Path
    top: int = 3
    seeds: int = 3
    env: str | None = None
    env_kwargs: Mapping[str, Json] = field(default_factory=dict)
    device: str | None = None


def hold_contest(contest: Contest, pool: Pool, console: Console) -> Comparison:
    """Train what is not trained yet, write comparison.json, comparison.md and winner/, tell what they hold.

    Networks that were found in another environment bring the keywords of their search space along, and no
    others.

    Raises:
        NasGymError: If there is no finished run, its networks cannot be trained in the environment, or the
            test data are others than those that the search had locked away.
    """
    seeds, top = integer("seeds", contest.seeds, 1), integer("top", contest.top, 1)
    run = read_run(contest.run_dir)
    env = (contest.env or run.settings.env).removeprefix("nas_gym:")
    transfer = env != run.settings.env
    folder = contest.run_dir / env if transfer else contest.run_dir
    keywords = _keywords(run, transfer, contest.env_kwargs)
    problem = registration.problem(env, **keywords)
    trainer, metric = problem.make_trainer(contest.device), problem.metric
    data = trainer.task.data_of(FULL)
    # Another environment's data: the search has seen nothing of their test part, whatever the split.
    if not transfer and data.test_checksum != run.settings.test_checksum:
        raise InvalidArgumentError(
            f"{data.id} has other test data than the search in {contest.run_dir} locked away: "
            "its new test part may hold what the search has seen"
        )
    best = dict.fromkeys([*run.best, *(str(each.architecture) for each in finalists(run.episodes, top))])
    found = found_networks(problem, [problem.search_space.parse(name) for name in list(best)[:top]])
    recipe = trainer.recipe_id(FULL)
    say(console, f"{data.id}\n{recipe}")
    trainings = Trainings(folder / "retraining", found, trainer, seeds)
    contenders = _trained(trainings, "networks", pool, console)
    winner = Comparison(contenders, metric).winner
    beside = next((each for each in found if winner is not None and each.name == winner.name), found[0])
    references = Trainings(folder / "retraining", hand_designed_networks(problem, beside), trainer, seeds)
    contenders += _trained(references, "references of its size", pool, console)
    compared = Comparison([*contenders, *retrain_models(problem, seeds)], metric)
    table, verdict = compared.markdown(), compared.verdict()
    write_json(
        folder / "comparison.json",
        {
            "env": env,
            "task": data.id,
            "recipe": recipe,
            "seeds": seeds,
            "metric": asdict(metric),
            "winner": None if winner is None else winner.name,
            "verdict": verdict,
            "models": compared.as_json(),
        },
    )
    write_text_atomically(folder / "comparison.md", f"{table}\n{verdict}\n")
    written = ["comparison.json", "comparison.md"]
    if winner is not None:
        trainings.keep_best(winner.name, folder / WINNER, env)
        written.append(WINNER)
    else:
        shutil.rmtree(folder / WINNER, ignore_errors=True)  # of an earlier comparison
    say(console, f"\n{table}\n{verdict}\n\nin {folder}: {', '.join(written)}")
    if not transfer:  # elsewhere it is no page of this study
        findings = Findings(
            path=folder,
            problem=problem,
            metric=_metric_of(run, problem, contest.env_kwargs),
            settings=run.settings,
            episodes=run.episodes,
            times=run.times,
            best=run.best[0],
            climbed=run.climbed,
            compared=compared,
            winner=None if winner is None else folder / WINNER,
            latencies=read_latencies(folder / "evaluations.sqlite", run.episodes),
        )
        write_page(findings, console)
    return compared


def _trained(trainings: Trainings, what: str, pool: Pool, console: Console) -> list[Contender]:
    """Train what is not there yet, tell how far it is, and return what came of all."""
    jobs, missing, networks = len(trainings.jobs), len(trainings.missing()), len(trainings.candidates)
    if networks:
        say(console, f"{networks} {what}, {jobs // networks} seeds each")
    if missing < jobs:
        say(console, f"{jobs - missing} of {jobs} trainings are in {trainings.path} already")
    trainings.train(pool, console)
    return trainings.contenders()


def _metric_of(run: FinishedRun, problem: Problem, given: Mapping[str, Json]) -> Metric:
    """Return what a search judged by: another metric, if one is given for the last training."""
    if "metric" not in given:
        return problem.metric
    return registration.problem(run.settings.env, **run.settings.env_kwargs).metric


def _keywords(run: FinishedRun, transfer: bool, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the keywords of the problem to train in: those of the run, then those that are given."""
    searched = run.settings.env_kwargs
    if transfer:
        space = searched.get("space") or {}
        space = space if isinstance(space, Mapping) else {"name": space}
        source = registration.problem(run.settings.env, **searched)
        spaces = registration.entry_of(run.settings.env).spaces.items()
        name = next((name for name, make in spaces if type(source.search_space) is make), None)
        searched = {"space": {"name": name, **space}}
    return _merged(searched, absolute_paths(given))


def _merged(first: Mapping[str, Json], second: Mapping[str, Json]) -> dict[str, Json]:
    """Return both, the second before the first; a part's keywords one by one."""
    both = {**first, **second}
    for name in first.keys() & second.keys():
        one, other = first[name], second[name]
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            both[name] = _merged(one, other)
    return both
