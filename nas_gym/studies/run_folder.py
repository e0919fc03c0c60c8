"""The folder of a run: its settings, evaluations, checkpoint and summary. Records here, text in its files."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from nas_gym.envs.episode import Episode
from nas_gym.errors import RunFolderError
from nas_gym.files import Json, write_atomically, write_json
from nas_gym.studies.climb import Climbed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from nas_gym.studies.summary import Summary

BEFORE_SCORES = ("episode", "architecture", "reward", "status")
AFTER_SCORES = ("parameters", "multiply_adds", "seed", "reason")
"""Columns of ``evaluations.csv``; one for each score stands between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What decides on the result of a run.

    Attributes:
        env: Id of the environment.
        env_kwargs: Its keywords.
        agent: Name of the agent.
        agent_arguments: What picks out its form.
        num_envs: Number of its lanes.
        seed: Its seed.
        episodes: Number of episodes of the whole run, the largest one if it ends by the clock.
        task: Id of what children learn, or what a table is of.
        recipe: Id of how they are trained.
        dataset_checksum: Of what children learn and are judged on; ``None`` for a table.
        test_checksum: Of the test data that the search had locked away; ``None`` for a table.
        minutes: How long search and climb may take; ``None`` for no limit.
    """

    env: str
    env_kwargs: Mapping[str, Json]
    agent: str
    agent_arguments: Mapping[str, Json]
    num_envs: int
    seed: int
    episodes: int
    task: str
    recipe: str
    dataset_checksum: str | None = None
    test_checksum: str | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """How long a search took, all its parts together.

    Attributes:
        search_seconds: Time of the whole.
        evaluation_seconds: Time of these in the evaluator.
    """

    search_seconds: float = 0.0
    evaluation_seconds: float = 0.0

    def __add__(self, other: "Times") -> "Times":
        """Return both together."""
        return Times(
            self.search_seconds + other.search_seconds, self.evaluation_seconds + other.evaluation_seconds
        )


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a finished run left behind.

    Attributes:
        settings: What it was made with.
        episodes: What happened.
        best: Texts of its best networks, the best first: the one it chose, then those that climbed highest.
        climbed: What came of networks at the rungs between search and full training.
        times: How long the search took.
    """

    settings: RunSettings
    episodes: list[Episode]
    best: list[str]
    climbed: tuple[Climbed, ...] = ()
    times: Times = Times()


class RunFolder:
    """A folder that holds one run. Every file in it is written whole or not at all.

    Args:
        path: The folder; made if it is missing.
        settings: What decides on the run's result.
        resume: Whether to go on with the run that the folder holds, if it holds one.
        about: What else to note in ``config.json``, for example versions.

    Raises:
        RunFolderError: If the folder holds a run and ``resume`` is False, or one with other settings, or
            it cannot be read or written.
    """

    def __init__(
        self, path: Path, settings: RunSettings, resume: bool, about: Mapping[str, Json] | None = None
    ) -> None:
        self.path = path
        config = path / "config.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            if config.exists():
                self._compare(settings, resume)
            else:
                write_json(config, {"settings": known_values(settings), "about": about or {}})
        except OSError as error:
            raise RunFolderError(f"the run folder {path} cannot be written: {error.strerror}") from None

    def write_evaluations(self, rows: Sequence[Episode]) -> None:
        """Write ``evaluations.csv``, a line for each episode, with the scores that came."""
        scores = list(dict.fromkeys(name for row in rows for name in row.scores))

        def write(temporary: Path) -> None:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow([*BEFORE_SCORES, *scores, *AFTER_SCORES])
                for row in rows:
                    before = row.number, row.architecture, row.reward, row.status
                    values = (row.scores.get(name) for name in scores)
                    writer.writerow([*before, *values, *(getattr(row, name) for name in AFTER_SCORES)])

        if rows:
            write_atomically(self.path / "evaluations.csv", write)

    def read_evaluations(self) -> list[Episode]:
        """Return the episodes of ``evaluations.csv``, none if there is no such file.

        Raises:
            RunFolderError: If the file is not one that ``write_evaluations`` wrote.
        """
        return _read_evaluations(self.path / "evaluations.csv")

    def write_times(self, times: Times) -> None:
        """Note how long the search took so far."""
        write_json(self.path / "times.json", asdict(times))

    def read_times(self) -> Times:
        """Return what ``write_times`` noted, no time if it did not.

        Raises:
            RunFolderError: If the file is not one that ``write_times`` wrote.
        """
        return _read_times(self.path / "times.json")

    def write_summary(self, summary: "Summary") -> None:
        """Write ``summary.json``."""
        write_json(self.path / "summary.json", known_values(summary))

    def _compare(self, settings: RunSettings, resume: bool) -> None:
        if not resume:
            raise RunFolderError(
                f"{self.path} already holds a run; --resume goes on with it, or give another folder"
            )
        found = _read_settings(self.path / "config.json")
        wanted = RunSettings(**json.loads(json.dumps(asdict(settings))))
        differences = [
            f"{name} {getattr(found, name)!r} there, {getattr(wanted, name)!r} here"
            for name in (field.name for field in fields(RunSettings))
            if getattr(found, name) != getattr(wanted, name)
        ]
        if differences:
            raise RunFolderError(f"{self.path} holds a run with other arguments: {', '.join(differences)}")


def read_run(path: Path) -> FinishedRun:
    """Return what a finished run left behind.

    Raises:
        RunFolderError: If the folder holds none.
    """
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        climbed = tuple(Climbed(**{"score": None, **each}) for each in summary.get("climbed", []))
        highest = sorted(climbed, key=lambda each: -each.rung)  # as sorting is stable, by rung alone
        best = list(
            dict.fromkeys([summary["best"]["architecture"], *(each.architecture for each in highest)])
        )
        settings = _read_settings(path / "config.json")
        if not all(isinstance(each, str) for each in best):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise RunFolderError(
            f"{path} holds no finished run: config.json or summary.json is missing or damaged"
        ) from None
    evaluations = _read_evaluations(path / "evaluations.csv")
    return FinishedRun(settings, evaluations, best, climbed, _read_times(path / "times.json"))


def known_values(record: "DataclassInstance") -> dict[str, Json]:
    """Return a record as JSON, within records too; what is ``None`` is left out."""
    return asdict(record, dict_factory=lambda items: {n: value for n, value in items if value is not None})


def _read_times(file: Path) -> Times:
    if not file.exists():
        return Times()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Times(**{name: float(seconds) for name, seconds in found.items()})
    except (ValueError, TypeError, AttributeError):
        raise RunFolderError(f"{file} does not hold the times of a run") from None


def _read_settings(config: Path) -> RunSettings:
    try:
        found = RunSettings(**json.loads(config.read_text(encoding="utf-8"))["settings"])
        if not (isinstance(found.env, str) and isinstance(found.env_kwargs, dict)):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise RunFolderError(
            f"{config} is not a run's configuration, or that of an earlier version"
        ) from None
    return found


def _read_evaluations(file: Path) -> list[Episode]:
    if not file.exists():
        return []
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            header, *rows = csv.reader(lines)
        scores = header[len(BEFORE_SCORES) : -len(AFTER_SCORES)]
        if header != [*BEFORE_SCORES, *scores, *AFTER_SCORES]:
            raise ValueError("its columns are not those of a run's evaluations")
        return [_episode(row, scores) for row in rows]
    except (OSError, csv.Error, ValueError) as error:
        raise RunFolderError(f"{file} cannot be read: {error}") from None


def _episode(row: Sequence[str], names: Sequence[str]) -> Episode:
    number, architecture, reward, status, *scores, parameters, multiply_adds, seed, reason = row
    return Episode(
        int(number),
        architecture or None,
        float(reward),
        status,
        {name: float(score) for name, score in zip(names, scores, strict=True) if score},
        int(parameters) if parameters else None,
        int(multiply_adds) if multiply_adds else None,
        int(seed) if seed else None,
        reason or None,
    )
