"""The folder of a run: its settings, evaluations, checkpoint and summary."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.errors import RunFolderError
from agents.files import write_atomically

Row = Mapping[str, Any]


class RunFolder:
    """A folder that holds one run. Every file in it is written whole or not at all.

    Args:
        path: The folder; made if it is missing.
        settings: What decides on the run's result, as JSON values.
        resume: Whether to go on with the run that the folder holds, if it holds one.
        about: What else to note in ``config.json``, for example versions.
        columns: Columns that ``evaluations.csv`` must have to be gone on with.

    Raises:
        RunFolderError: If the folder holds a run and ``resume`` is False, or one with other settings, or
            it cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        resume: bool,
        about: Mapping[str, Any] | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        self.path = path
        self._columns = columns
        config = path / "config.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            if config.exists():
                self._compare(config, settings, resume)
            else:
                self._write_json(config, {"settings": settings, "about": about or {}})
        except OSError as error:
            raise RunFolderError(f"the run folder {path} cannot be written: {error.strerror}") from None

    def write_evaluations(self, rows: Sequence[Row]) -> None:
        """Write ``evaluations.csv``, one line for each row, the first row's keys as header."""

        def write(temporary: Path) -> None:
            with temporary.open("w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)

        if rows:
            write_atomically(self.path / "evaluations.csv", write)

    def read_evaluations(self) -> list[dict[str, Any]]:
        """Return the rows of ``evaluations.csv``, none if there is no such file.

        Raises:
            RunFolderError: If the file is not one that ``write_evaluations`` wrote.
        """
        file = self.path / "evaluations.csv"
        if not file.exists():
            return []
        try:
            with file.open(newline="") as lines:
                rows = [{name: _parse(text) for name, text in row.items()} for row in csv.DictReader(lines)]
            missing = [name for name in self._columns if rows and name not in rows[0]]
            if missing:
                raise ValueError(f"the column {missing[0]!r} is missing")
        except (OSError, csv.Error, ValueError, TypeError) as error:
            raise RunFolderError(f"{file} cannot be read: {error}") from None
        return rows

    def write_times(self, seconds: Mapping[str, float]) -> None:
        """Note how long the search took so far."""
        self._write_json(self.path / "times.json", seconds)

    def read_times(self) -> dict[str, float]:
        """Return what ``write_times`` noted, nothing if it did not.

        Raises:
            RunFolderError: If the file is not one that ``write_times`` wrote.
        """
        file = self.path / "times.json"
        if not file.exists():
            return {}
        try:
            return {str(name): float(seconds) for name, seconds in json.loads(file.read_text()).items()}
        except (ValueError, TypeError, AttributeError):
            raise RunFolderError(f"{file} does not hold the times of a run") from None

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write ``summary.json``."""
        self._write_json(self.path / "summary.json", summary)

    def _compare(self, config: Path, settings: Mapping[str, Any], resume: bool) -> None:
        if not resume:
            raise RunFolderError(
                f"{self.path} already holds a run; --resume goes on with it, or give another folder"
            )
        try:
            found = dict(json.loads(config.read_text())["settings"].items())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RunFolderError(f"{config} is not a run's configuration") from None
        wanted = json.loads(json.dumps(settings))
        other = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
        if other:
            differences = ", ".join(
                f"{name} {found.get(name)!r} there, {wanted.get(name)!r} here" for name in other
            )
            raise RunFolderError(f"{self.path} holds a run with other arguments: {differences}")

    def _write_json(self, file: Path, values: Mapping[str, Any]) -> None:
        write_atomically(file, lambda temporary: temporary.write_text(json.dumps(values, indent=2) + "\n"))


def read_run(
    path: Path, columns: Sequence[str] = ()
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Return settings, rows and summary of a finished run.

    The settings have at least ``env`` and ``env_kwargs``, the summary ``best`` with its ``architecture``.

    Args:
        path: Its folder.
        columns: What the rows must have.

    Raises:
        RunFolderError: If the folder holds none, or a column is missing.
    """
    try:
        settings = dict(json.loads((path / "config.json").read_text())["settings"])
        summary = dict(json.loads((path / "summary.json").read_text()))
        named = settings["env"], summary["best"]["architecture"]
        if not (isinstance(settings["env_kwargs"], dict) and all(isinstance(name, str) for name in named)):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError):
        raise RunFolderError(
            f"{path} holds no finished run: config.json or summary.json is missing or damaged"
        ) from None
    return settings, RunFolder(path, settings, resume=True, columns=columns).read_evaluations(), summary


def _parse(text: str) -> str | int | float | None:
    """Read a value as ``csv`` wrote it: nothing, an integer, a float or a string.

    A text is a number only where that number is written in just this way, so that what is read and
    written again stays the same.
    """
    if text == "":
        return None
    for kind in (int, float):
        try:
            if repr(kind(text)) == text:
                return kind(text)
        except ValueError:
            continue
    return text
