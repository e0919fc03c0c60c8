"""Making a table: every architecture of a search space is trained, and only then test data are read.

Besides ``retraining`` the only reader of test data. The work is cut into blocks, each of which is written
as it is done, so that whoever kills the process loses no more than one.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import integer
from nas_gym.datasets.base import Dataset
from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.evaluators.trainers.base import Child, Trainer
from nas_gym.memory.tables.table import Table, smallest_counts
from nas_gym.memory.tables.table_file import Arrays, read_arrays, verified, write_arrays, write_table
from nas_gym.pools.base import Pool
from nas_gym.pools.fault import Fault
from nas_gym.search_spaces.ranked import RankedSpace
from nas_gym.tasks.metric import ACCURACY
from nas_gym.tasks.seeds import child_seed

BLOCK = 2048
"""Architectures of a block; with three seeds some seconds of work."""
CHUNK = 16
"""Architectures that a worker takes at once: few, so that all workers end a block together."""
COLUMNS = ("validation", "test", "failed", "parameters")


def tabulate(
    trainer: Trainer,
    path: Path,
    pool: Pool,
    seeds: int = 3,
    block: int = BLOCK,
    on_progress: Callable[[int], object] = lambda architectures: None,
) -> Table:
    """Train every architecture with every seed and write a table.

    Training i of an architecture has the seed ``child_seed(i, architecture)``: what an environment with
    ``training_seed=i`` gives for it. While it works, finished blocks stand in a folder beside the file, named
    as the file with ``.partial`` added; a call with equal arguments goes on from them, and the file is the
    same bit for bit.

    Args:
        trainer: How to train, with test data; its search space must be a ranked one.
        path: The table; must not exist yet.
        pool: Where to train.
        seeds: Trainings of each architecture.
        block: Architectures to train between two writes.
        on_progress: Called with the number of architectures done after each block, at the start too.

    Raises:
        InvalidArgumentError: If an argument is out of range, the data set came without its test part, or
            the trainer's children cannot be tabulated.
        InvalidTableError: If the file exists, or the folder beside it belongs to another table.
        OSError: If it cannot be written.
    """
    seeds, block = integer("seeds", seeds, 1), integer("block", block, 1)
    work = _TrainRanks.of(trainer, seeds)
    if path.exists():
        raise InvalidTableError(f"{path} exists already: move it away, or give another name")
    space, setting, partial = work.search_space, trainer.setting(), path.with_name(f"{path.name}.partial")
    known = (
        space.id,
        space.arguments,
        setting.dataset,
        setting.dataset_checksum,
        setting.recipe,
        seeds,
        block,
    )
    key = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    partial.mkdir(parents=True, exist_ok=True)
    total = space.count()
    ranks = {
        _block_file(partial, start): range(total)[start : start + block] for start in range(0, total, block)
    }
    missing = {file: of_block for file, of_block in ranks.items() if not _is_done(file, key)}
    done = total - sum(map(len, missing.values()))
    on_progress(done)
    for file, of_block in missing.items():
        write_arrays(file, {"key": np.asarray(key), **_train_block(work, of_block, pool)})
        done += len(of_block)
        on_progress(done)
    blocks = [read_arrays(file) for file in ranks]
    whole = {name: np.concatenate([columns[name] for columns in blocks]) for name in COLUMNS}
    table = Table(
        space,
        setting.dataset,
        setting.recipe,
        validation=smallest_counts(whole["validation"]),
        validation_samples=work.samples[0],
        test=smallest_counts(whole["test"]),
        test_samples=work.samples[1],
        failed=whole["failed"] if whole["failed"].any() else None,
        parameters=smallest_counts(whole["parameters"]),
    )
    write_table(table, path)
    shutil.rmtree(partial)
    return table


@dataclass(frozen=True, eq=False)
class _TrainRanks:
    """What a worker does: it trains the architectures at some ranks.

    Attributes:
        trainer: How.
        search_space: Whose ranks they are.
        samples: Sizes of validation and test part.
        seeds: Trainings of each.
    """

    trainer: Trainer
    search_space: RankedSpace
    samples: tuple[int, int]
    seeds: int

    @classmethod
    def of(cls, trainer: Trainer, seeds: int) -> "_TrainRanks":
        """Refuse what cannot be tabulated.

        Raises:
            InvalidArgumentError: If it cannot.
        """
        data, space, metric = trainer.task.data_of(), trainer.search_space, trainer.task.metric
        if (
            not isinstance(space, RankedSpace)
            or not isinstance(data, Dataset)
            or metric.name != ACCURACY.name
        ):
            raise InvalidArgumentError(
                f"a table holds accuracies of a search space whose networks are ranked, not "
                f"{metric.words} of {space.id}"
            )
        if data.test is None:
            raise InvalidArgumentError(f"{data.id} came without its test part, a table needs it")
        return cls(trainer, space, (len(data.validation), len(data.test)), seeds)

    def warm_up(self) -> None:
        """Have everything compiled before the first training."""
        self.trainer.warm_up()

    def __call__(self, ranks: range) -> NDArray[np.int64]:
        """Return validation hits (-1 if training failed), test hits and size, ``(ranks, seeds, 3)``."""
        found = np.zeros((len(ranks), self.seeds, 3), dtype=np.int64)
        for row, rank in enumerate(ranks):
            architecture = self.search_space.unrank(rank)
            for seed in range(self.seeds):
                trained = self.trainer.train(Child(architecture, child_seed(seed, architecture)))
                hits = [-1, 0]
                if trained.outcome.reason is None:
                    shares = (trained.outcome.scores, trained.scores("test"))
                    parts = zip(shares, self.samples, strict=True)
                    hits = [round(share[ACCURACY.name] * samples) for share, samples in parts]
                found[row, seed] = *hits, trained.parameters or 0
        return found


def _train_block(work: _TrainRanks, ranks: range, pool: Pool) -> Arrays:
    """Train the architectures at some ranks; results in the order of the ranks."""
    chunks = [ranks[start : start + CHUNK] for start in range(0, len(ranks), CHUNK)]
    found: dict[int, NDArray[np.int64]] = {}
    for index, result in pool.map(work, chunks):
        if isinstance(result, Fault):
            raise InvalidTableError(f"a worker was lost, {result.reason}: the same command goes on")
        found[index] = result
    counts = np.concatenate([found[index] for index in range(len(chunks))])
    return {
        "validation": np.maximum(counts[:, :, 0], 0),
        "test": counts[:, :, 1],
        "failed": counts[:, :, 0] < 0,
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
