"""The table behind ``NAS-Bench-Moons-v0``."""

from importlib.resources import as_file, files
from pathlib import Path

from nas_gym.errors import InvalidTableError
from nas_gym.memory.tables.table import Table
from nas_gym.memory.tables.table_file import given_table
from nas_gym.search_spaces.mlp.grammar import MlpSpace


def moons_table(table: str | Path | Table | None = None) -> Table:
    """Return the table of ``NAS-Bench-Moons-v0``: every network of ``mlp-v0``, trained on ``moons-v0``.

    It was made with ``python scripts/tabulate.py --env NAS-Moons-v0 --seeds 3``, so the column of seed i is
    what ``NAS-Moons-v0`` returns with ``training_seed=i``.

    Args:
        table: Another table of ``mlp-v0``, or the path of one; by default the one in the package.

    Raises:
        InvalidTableError: If it is missing, damaged or of another search space.
    """
    if table is not None:
        return given_table(table, MlpSpace.id)
    with as_file(files("nas_gym") / "memory" / "tables" / "nas-bench-moons-v0.npz") as path:
        if not path.exists():
            raise InvalidTableError(
                "this installation of nas_gym lacks memory/tables/nas-bench-moons-v0.npz; "
                "python scripts/tabulate.py --env NAS-Moons-v0 --seeds 3 makes one, to be given as table=..."
            )
        return given_table(path, MlpSpace.id)
