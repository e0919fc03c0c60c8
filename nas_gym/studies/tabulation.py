"""Making a table: every architecture of a search space is trained, and only then test data are read.

Besides ``retraining`` the only reader of test data. The work is cut into blocks, each of which is written
as it is done, so that whoever kills the process loses no more than one.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np

from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.evaluators.base import child_seed
from nas_gym.evaluators.fused import mlp_kernel
from nas_gym.evaluators.fused.evaluator import check_kernel_recipe, train_fused
from nas_gym.memory.tables.table import Table, smallest_counts
from nas_gym.memory.tables.table_file import Arrays, read_arrays, verified, write_arrays, write_table
from nas_gym.search_spaces.ranked import RankedSpace
from nas_gym.tasks.supervised.recipe import TrainingRecipe

BLOCK = 2048
"""Architectures of a block; with three seeds some seconds of work."""
CHUNK = 16
"""Architectures that a thread takes at once: few, so that all threads end a block together."""
COLUMNS = ("validation", "test", "failed", "parameters")


def tabulate(
    search_space: RankedSpace,
    dataset: Dataset,
    recipe: TrainingRecipe,
    path: Path,
    seeds: int = 3,
    threads: int | None = None,
    block: int = BLOCK,
    on_progress: Callable[[int], object] = lambda architectures: None,
) -> Table:
    """Train every architecture with every seed and write a table.

    Training i of an architecture has the seed ``child_seed(i, architecture)``: what ``FusedMlpEvaluator``
    with seed i, that is, an environment with ``training_seed=i``, gives for it. While it works, finished
    blocks stand in a folder beside the file, named as the file with ``.partial`` added; a call with equal
    arguments goes on from them, and the file is the same bit for bit.

    Args:
        search_space: What to train; its networks must be those of ``mlp-v0``.
        dataset: With its test part.
        recipe: How to train.
        path: The table; must not exist yet.
        seeds: Trainings of each architecture.
        threads: By default one for each core this process may use.
        block: Architectures to train between two writes.
        on_progress: Called with the number of architectures done after each block, at the start too.

    Raises:
        InvalidArgumentError: If an argument is out of range, the data set came without its test part, or
            the recipe asks for what the kernel does not do.
        InvalidTableError: If the file exists, or the folder beside it belongs to another table.
        OSError: If it cannot be written.
    """
    for name, value in (("seeds", seeds), ("block", block), ("threads", threads or joblib.cpu_count())):
        if type(value) is not int or value < 1:
            raise InvalidArgumentError(f"{name} must be a positive integer, got {value!r}")
    check_kernel_recipe(recipe)
    if dataset.test is None:
        raise InvalidArgumentError(f"{dataset.id} came without its test part, a table needs it")
    if path.exists():
        raise InvalidTableError(f"{path} exists already: move it away, or give another name")
    partial = path.with_name(f"{path.name}.partial")
    settings = (
        search_space.id,
        search_space.arguments,
        dataset.id,
        dataset.checksum,
        recipe.id,
        seeds,
        block,
    )
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    partial.mkdir(parents=True, exist_ok=True)
    total = search_space.count()
    on_progress(0)
    for start in range(0, total, block):
        file = _block_file(partial, start)
        if not _is_done(file, key):
            ranks = range(start, min(start + block, total))
            columns = _train_block(search_space, dataset, recipe, ranks, seeds, threads or joblib.cpu_count())
            write_arrays(file, {"key": np.asarray(key), **columns})
        on_progress(min(start + block, total))
    blocks = [read_arrays(_block_file(partial, start)) for start in range(0, total, block)]
    whole = {name: np.concatenate([columns[name] for columns in blocks]) for name in COLUMNS}
    table = Table(
        search_space,
        dataset.id,
        recipe.id,
        validation=smallest_counts(whole["validation"]),
        validation_samples=len(dataset.validation),
        test=smallest_counts(whole["test"]),
        test_samples=len(dataset.test),
        failed=whole["failed"] if whole["failed"].any() else None,
        parameters=smallest_counts(whole["parameters"]),
    )
    write_table(table, path)
    shutil.rmtree(partial)
    return table


def _train_block(
    search_space: RankedSpace,
    dataset: Dataset,
    recipe: TrainingRecipe,
    ranks: range,
    seeds: int,
    threads: int,
) -> Arrays:
    """Train the architectures at some ranks, in parallel; results in the order of the ranks."""
    assert dataset.test is not None
    test = dataset.test
    # Validation hits, test hits, number of weights, for each training.
    counts = np.zeros((len(ranks), seeds, 3), dtype=np.int64)

    def train(rows: range) -> None:
        for row in rows:
            architecture = search_space.unrank(ranks[row])
            for seed in range(seeds):
                child = train_fused(architecture, dataset, recipe, child_seed(seed, architecture))
                hits = 0
                if child.correct >= 0:
                    hits = mlp_kernel.count_hits(
                        child.kinds, child.widths, child.weights, test.features, test.labels
                    )
                counts[row, seed] = child.correct, hits, len(child.weights)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(train, [range(len(ranks))[i : i + CHUNK] for i in range(0, len(ranks), CHUNK)]))
    validation = counts[:, :, 0]
    return {
        "validation": np.maximum(validation, 0),
        "test": counts[:, :, 1],
        "failed": validation < 0,
        "parameters": counts[:, 0, 2],
    }


def _block_file(partial: Path, start: int) -> Path:
    return partial / f"{start:09}.npz"


def _is_done(file: Path, key: str) -> bool:
    """Say whether a block is whole; one that is damaged is trained again.

    Raises:
        InvalidTableError: If it is a block of another table.
    """
    try:
        arrays = verified(read_arrays(file), file)
    except InvalidTableError:
        return False
    if str(arrays.get("key")) != key:
        raise InvalidTableError(
            f"{file.parent} holds the beginning of a table with other arguments: "
            "move it away, or go on with those"
        )
    return True
