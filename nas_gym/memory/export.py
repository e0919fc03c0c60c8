"""What a store holds, for other programs: as CSV, or as a table."""

import csv
from pathlib import Path

import numpy as np

from nas_gym.errors import StoreError
from nas_gym.memory.schema import COLUMNS
from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.memory.tables.table import Table, smallest_counts
from nas_gym.search_spaces.ranked import RankedSpace
from nas_gym.tasks.metric import ACCURACY
from nas_gym.tasks.seeds import child_seed

CHUNK = 1000


def write_csv(store: EvaluationStore, path: Path) -> None:
    """Write every row of a store, failures too, with a header; an unknown value is an empty field.

    Raises:
        StoreError: If the store cannot be read.
        OSError: If the file cannot be written.
    """
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows(store.rows())


def table_of(
    store: EvaluationStore, search_space: RankedSpace, setting: Setting, validation_samples: int, seeds: int
) -> Table:
    """Put the trainings of a whole search space together in a table, without test results.

    Args:
        store: Where they are.
        search_space: Whose architectures the table holds.
        setting: What they were trained on, and how.
        validation_samples: Size of the validation part: a table counts samples classified correctly.
        seeds: Trainings of each architecture, those of the training seeds 0, 1, ...

    Raises:
        StoreError: If a training is missing or has no accuracy, or the store cannot be read.
    """
    total = search_space.count()
    hits = np.zeros((total, seeds), dtype=np.int64)
    failed = np.zeros((total, seeds), dtype=np.bool_)
    parameters = np.zeros(total, dtype=np.int64)
    missing: list[str] = []
    for start in range(0, total, CHUNK):
        ranks = range(start, min(start + CHUNK, total))
        architectures = [search_space.unrank(rank) for rank in ranks]
        for seed in range(seeds):
            children = [(architecture, child_seed(seed, architecture)) for architecture in architectures]
            found = store.find(setting, children, failures=True)
            for rank, child in zip(ranks, children, strict=True):
                if child not in found:
                    missing.append(f"{child[0]} with training seed {seed}")
                    continue
                evaluation = found[child]
                failed[rank, seed] = evaluation.status != "ok"
                metric = next(iter(evaluation.scores), ACCURACY.name)
                if metric != ACCURACY.name:
                    raise StoreError(f"a table holds accuracies, the children of {store.path} have {metric}")
                hits[rank, seed] = round((evaluation.score or 0.0) * validation_samples)
                parameters[rank] = evaluation.parameters or 0
    if missing:
        raise StoreError(
            f"the store {store.path} lacks {len(missing)} of {total * seeds} trainings of {search_space.id} "
            f"on {setting.dataset} with {setting.recipe}, for example {missing[0]}"
        )
    return Table(
        search_space,
        setting.dataset,
        setting.recipe,
        validation=smallest_counts(hits),
        validation_samples=validation_samples,
        failed=failed if failed.any() else None,
        parameters=smallest_counts(parameters),
    )
