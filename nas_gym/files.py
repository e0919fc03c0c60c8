"""IS THE FILE WHOLE? One way to write one: a reader, or a crash, never meets half of it."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

PATHS = ("path", "table", "store")
"""Keywords of environments that name files."""


def absolute_paths(keywords: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return keywords of an environment so that they can be read from any folder, and by any shell.

    Args:
        keywords: Values by name; before a name and a colon may stand the environment that it is meant for.
    """
    return {
        name: _absolute(value)
        if name.rpartition(":")[2] in PATHS and isinstance(value, (str, Path))
        else value
        for name, value in keywords.items()
    }


def _absolute(path: str | Path) -> str:
    known = Path(os.path.expanduser(path))
    # The home folder of nobody is left to whoever reads the path.
    return str(path) if str(known).startswith("~") else str(known.absolute())


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it to ``path``.

    Raises:
        OSError: If the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file whole; folders that are missing are made.

    Raises:
        OSError: If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(file: Path, values: Json) -> None:
    """Write a file of JSON, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    write_text_atomically(file, json.dumps(values, indent=2) + "\n")


def write_folder_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary folder beside ``path``, then rename it; one that is there is replaced.

    Two names cannot change at once: whoever looks in between meets no folder, but never half of one.

    Raises:
        OSError: If the folder cannot be written.
    """
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.mkdir()
        write(temporary)
        if path.exists():
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
