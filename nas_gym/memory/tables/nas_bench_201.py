"""The tables behind ``NAS-Bench-201-v0``: where they are, and what their rows mean."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import choice, integer
from nas_gym.datasets.folder import data_folder
from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.memory.tables.table import Table
from nas_gym.memory.tables.table_file import given_table, read_arrays, table_of
from nas_gym.search_spaces.nas_bench_201.grammar import EDGES, NasBench201Space
from nas_gym.search_spaces.ranked import RankedSpace

DATASETS_201 = ("cifar10", "cifar100", "ImageNet16-120")
EPOCHS_201 = (200, 12)


def nas_bench_201_table(
    dataset: str = "cifar10", table: str | Path | Table | None = None, epochs: int = 200
) -> Table:
    """Return the table of ``NAS-Bench-201-v0``: every cell, trained on a data set of images.

    By default the accuracies are means over seeds after 200 epochs. That is a different and easier task
    than the published comparisons of search algorithms, whose signal is one training of 12 epochs and
    whose budget is simulated time: take ``epochs=12`` and ``budget_seconds`` for these, with tables that
    ``scripts/import_nas_bench_201.py`` made. On ``cifar10`` validation accuracies are those of networks
    trained on half of the training images, test accuracies those of networks trained on all of them.

    Args:
        dataset: One of ``DATASETS_201``.
        table: A table of this search space, or the path of one; by default it is looked for in
            ``$NAS_GYM_DATA``, else in the user's cache folder, under the names that the importer gives.
        epochs: 200 or 12: length of the trainings that the validation accuracies come from.

    Raises:
        InvalidArgumentError: If there is no such data set or number of epochs.
        InvalidTableError: If the table is missing, damaged or of another search space.
    """
    dataset = choice("dataset", dataset, DATASETS_201)
    if integer("epochs", epochs, 1) not in EPOCHS_201:
        raise InvalidArgumentError(f"epochs must be one of {', '.join(map(str, EPOCHS_201))}, got {epochs!r}")
    if table is not None:
        return given_table(table, NasBench201Space.id, _read)
    path = data_folder() / file_name_201(dataset, epochs)
    if not path.exists():
        raise InvalidTableError(
            f"there is no table {path}; set NAS_GYM_DATA to the folder that holds {path.name}, "
            "give table=..., or make it from the official files with python scripts/import_nas_bench_201.py"
        )
    return given_table(path, NasBench201Space.id, _read)


def file_name_201(dataset: str, epochs: int) -> str:
    """Return the file name of a table of NAS-Bench-201."""
    return f"nas-bench-201-{dataset}.npz" if epochs == 200 else f"nas-bench-201-{dataset}-{epochs}-epochs.npz"


def _read(path: Path) -> Table:
    """Read a table in our layout, or in the plain one of 200-epoch means, which has no checksum."""
    arrays = read_arrays(path)
    if "operations" not in arrays or "format" in arrays:
        return table_of(arrays, path)
    space = NasBench201Space()
    missing = sorted({"edges", "architectures", "validation_accuracy", "test_accuracy"} - set(arrays))
    if missing:
        raise InvalidTableError(f"{path} is no table of NAS-Bench-201: it lacks {missing[0]!r}")
    if (
        tuple(arrays["operations"].tolist()) != space.tokens
        or tuple(arrays["edges"].tolist()) != tuple(f"{target}<-{source}" for target, source in EDGES)
        or not np.array_equal(arrays["architectures"], _every_cell(space))
    ):
        raise InvalidTableError(f"{path} does not hold the cells of {space.id} in the order of enumerate()")
    try:
        return Table(
            space,
            dataset=path.stem.removeprefix("nas-bench-201-"),
            recipe=recipe_201(200),
            validation=arrays["validation_accuracy"].reshape(-1, 1),
            test=arrays["test_accuracy"].reshape(-1, 1),
        )
    except InvalidTableError as error:
        raise InvalidTableError(f"{path} cannot be used: {error}") from None


def recipe_201(epochs: int) -> str:
    """Return the recipe id of a table of NAS-Bench-201."""
    return f"nas-bench-201(epochs={epochs}, test after 200)"


def _every_cell(space: RankedSpace) -> NDArray[np.int64]:
    """Return all sentences in the order of their ranks, shape ``(rows, max_length)``."""
    shape = (len(space.tokens),) * space.max_length
    return np.stack(np.unravel_index(np.arange(space.count()), shape), axis=1)
