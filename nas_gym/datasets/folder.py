"""Where data are looked for that do not come with the package."""

import os
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """Return ``$NAS_GYM_DATA`` if it is set, else the user's cache folder of nas_gym."""
    chosen = os.environ.get("NAS_GYM_DATA")
    return Path(chosen) if chosen else platformdirs.user_cache_path("nas_gym", appauthor=False)
