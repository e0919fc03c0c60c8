"""The folder of a benchmark: where its records become JSON, and come back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nas_gym.benchmark.runs import Curve, Run, Simulated
from nas_gym.errors import RunFolderError
from nas_gym.files import absolute_paths, write_text_atomically


def check_settings(folder: Path, settings: Mapping[str, object]) -> None:
    """Write the settings into a new folder, or hold them against those its runs were made with.

    More seeds, agents and environments may be asked for later; whatever is in ``settings`` may not change.

    Raises:
        RunFolderError: If the folder's settings differ.
    """
    path = folder / "settings.json"
    if not path.exists():
        write_text_atomically(path, json.dumps(settings, indent=1) + "\n")
        return
    found = _read(path)
    for name, value in settings.items():
        before = found.get(name)
        if isinstance(before, dict):
            before = absolute_paths(before)  # those of earlier versions were written as they were given
        if before != json.loads(json.dumps(value)):
            raise RunFolderError(
                f"{folder} holds runs with {name} = {json.dumps(found.get(name))}, asked for is "
                f"{json.dumps(value)}; choose another folder, or delete this one"
            )


def write_run(path: Path, run: Run) -> None:
    """Write what the benchmark keeps of a run."""
    write_text_atomically(path, results_json(asdict(run)))


def read_run(path: Path) -> Run:
    """Read what ``write_run`` wrote.

    Raises:
        RunFolderError: If the file is something else.
    """
    content = _read(path)
    try:
        curve, simulated = Curve(**content["curve"]), content.get("simulated")
        known = None if simulated is None else Simulated(**simulated)
        return Run(**{**content, "curve": curve, "simulated": known})
    except (KeyError, TypeError):
        raise _foreign(path) from None


def results_json(results: Mapping[str, object]) -> str:
    """Return results as JSON in one line; what is not finite is an error of ours."""
    return json.dumps(results, allow_nan=False) + "\n"


def _read(path: Path) -> dict[str, Any]:  # what json gives
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise _foreign(path)
    return content


def _foreign(path: Path) -> RunFolderError:
    return RunFolderError(
        f"{path} was not written by this version of the benchmark, or is damaged; delete it and start again"
    )
