"""Where data are looked for that do not come with the package, and where the user's own are."""

import os
from pathlib import Path

import platformdirs

from nas_gym.errors import InvalidArgumentError, InvalidDataError


def data_folder() -> Path:
    """Return ``$NAS_GYM_DATA`` if it is set, else the user's cache folder of nas_gym."""
    chosen = os.environ.get("NAS_GYM_DATA")
    return Path(chosen) if chosen else platformdirs.user_cache_path("nas_gym", appauthor=False)


def users_path(path: str | Path, what: str) -> Path:
    """Return where data of the user's own are, ``~`` read as a shell reads it.

    Args:
        path: As the user gave it.
        what: What should be there, for the error: ``"file"`` or ``"folder"``.

    Raises:
        InvalidArgumentError: If it is not the name of anything.
        InvalidDataError: If it is in the home folder of nobody.
    """
    if not isinstance(path, (str, Path)) or "\0" in str(path):
        raise InvalidArgumentError(f"path must be the name of a {what}, got {path!r}")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InvalidDataError(f"there is no {what} {path}, nobody has that home folder") from None
