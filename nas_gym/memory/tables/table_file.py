"""Tables on disk: ``.npz`` files that are read without pickle and verified by a checksum.

Equal contents give equal bytes, so that a table can be compared and published by its hash.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.files import write_atomically
from nas_gym.memory.tables.table import Table
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.search_spaces.ranked import RankedSpace
from nas_gym.tasks.metric import ACCURACY, Metric

FORMAT = "nas-gym-table-1"
"""Layout of tables of accuracies."""
FORMAT_WITH_METRIC = "nas-gym-table-2"
"""Layout of all others: the same, and what their scores are."""
TEXTS = ("format", "search_space", "arguments", "dataset", "recipe")
COLUMNS = ("validation", "test", "failed", "parameters", "seconds")
SAMPLES = ("validation_samples", "test_samples")

Arrays = dict[str, NDArray[Any]]


def write_table(table: Table, path: Path) -> None:
    """Write a table, the whole file or none; equal tables give equal bytes.

    The file holds ``format``, ``search_space``, ``arguments`` (JSON), ``tokens``, ``dataset``, ``recipe``,
    the columns of ``Table`` that are known, ``metric`` (JSON) where that is not the accuracy, and
    ``checksum``, SHA-256 over all the others.

    Raises:
        OSError: If it cannot be written.
    """
    space = table.search_space
    known = table.metric == ACCURACY
    layout = FORMAT if known else FORMAT_WITH_METRIC
    texts = (layout, space.id, json.dumps(space.arguments, sort_keys=True), table.dataset, table.recipe)
    arrays: dict[str, ArrayLike] = {**dict(zip(TEXTS, texts, strict=True)), "tokens": space.tokens}
    if not known:
        arrays["metric"] = json.dumps(asdict(table.metric))
    for name in (*COLUMNS, *SAMPLES):
        if getattr(table, name) is not None:
            arrays[name] = getattr(table, name)
    write_arrays(path, arrays)


def read_table(path: Path) -> Table:
    """Read a table and verify it.

    Raises:
        InvalidTableError: If the file is missing, truncated or none of these tables, its checksum is
            another one, or it holds what cannot be results of its search space.
    """
    return table_of(read_arrays(path), path)


def given_table(
    table: str | Path | Table, search_space: str, read: Callable[[Path], Table] = read_table
) -> Table:
    """Return a table that was given, itself or its path, which must be one of a search space.

    Raises:
        InvalidArgumentError: If it is neither.
        InvalidTableError: If it cannot be read or is of another search space.
    """
    if not isinstance(table, (str, Path, Table)):
        raise InvalidArgumentError(f"table must be a path or a Table, got {table!r}")
    found = table if isinstance(table, Table) else read(Path(table))
    if found.search_space.id != search_space:
        raise InvalidTableError(
            f"a table of the search space {search_space!r} is needed, "
            f"one of {found.search_space.id!r} on {found.dataset} came"
        )
    return found


def table_of(arrays: Arrays, path: Path) -> Table:
    """Verify the arrays of a file, named in errors as ``path``, and turn them into a table."""
    arrays = verified(arrays, path)
    missing = [name for name in (*TEXTS, "tokens", "validation") if name not in arrays]
    if missing or str(arrays["format"]) not in (FORMAT, FORMAT_WITH_METRIC):
        lacking = f"it lacks {missing[0]!r}" if missing else f"its format is {str(arrays['format'])!r}"
        raise InvalidTableError(f"{path} is no table of the format {FORMAT!r}: {lacking}")
    texts = {name: str(arrays[name]) for name in TEXTS}
    space = _search_space(texts["search_space"], texts["arguments"], path)
    if space.tokens != tuple(arrays["tokens"].tolist()):
        raise InvalidTableError(
            f"{path} has the tokens {' '.join(map(str, arrays['tokens'].tolist()))}, "
            f"its search space {space.id} has {' '.join(space.tokens)}"
        )
    columns: dict[str, Any] = {name: arrays[name] for name in COLUMNS if name in arrays}
    columns |= {name: int(arrays[name]) for name in SAMPLES if name in arrays}
    try:
        if texts["format"] == FORMAT_WITH_METRIC:
            columns["metric"] = Metric(**json.loads(str(arrays.get("metric", "{}"))))
        return Table(space, texts["dataset"], texts["recipe"], **columns)
    except (TypeError, ValueError) as error:  # an InvalidTableError is one
        raise InvalidTableError(f"{path} cannot be used: {error}") from None


def write_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays and their checksum as ``.npz``, the whole file or none, without the time of writing."""
    stored = {name: np.asarray(array) for name, array in arrays.items()}
    stored["checksum"] = np.asarray(checksum(stored))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: _write_archive(temporary, stored))


def _write_archive(path: Path, arrays: Arrays) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its date is 1980, always
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def read_arrays(path: Path) -> Arrays:
    """Read the arrays of an ``.npz`` file, never unpickling anything; nothing is verified yet.

    Raises:
        InvalidTableError: If it is missing, truncated or no such file.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it is no .npz file")
            with archive:
                return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InvalidTableError(f"there is no table {path}") from None
    except Exception as error:  # a damaged archive can raise anything
        cause = " ".join(str(error).split())[:80] or type(error).__name__
        raise InvalidTableError(f"{path} is truncated or no table: {cause}") from None


def verified(arrays: Arrays, path: Path) -> Arrays:
    """Return the arrays without their checksum, which must be the one that ``write_arrays`` wrote.

    Raises:
        InvalidTableError: If the checksum is missing or another one.
    """
    contents = {name: array for name, array in arrays.items() if name != "checksum"}
    found, wanted = str(arrays.get("checksum", "missing")), checksum(contents)
    if found != wanted:
        raise InvalidTableError(
            f"the checksum in {path} is {found:.16}, that of its contents {wanted:.16}: it was changed"
        )
    return contents


def checksum(arrays: Arrays) -> str:
    """Return SHA-256 over names, types, shapes and contents, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _search_space(name: str, arguments: str, path: Path) -> RankedSpace:
    kind = SEARCH_SPACES.get(name)
    if kind is None or not issubclass(kind, RankedSpace):
        ranked = ", ".join(key for key, space in SEARCH_SPACES.items() if issubclass(space, RankedSpace))
        raise InvalidTableError(f"{path} is a table of the search space {name!r}; there are {ranked}")
    try:
        return kind(**json.loads(arguments))
    except (TypeError, ValueError, InvalidArgumentError) as error:
        raise InvalidTableError(f"{path} makes {name} with the arguments {arguments}: {error}") from None
