"""Every evaluation in one SQLite database, which many processes may read and write at the same time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from nas_gym.memory.schema import APPLICATION_ID, COLUMNS, CREATE, MIGRATIONS, SCHEMA_VERSION, key_of
from nas_gym.memory.sqlite_file import SqliteFile
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation

Child: TypeAlias = tuple[Architecture, int]
"""An architecture and the seed it is trained with."""
Row: TypeAlias = dict[str, str | int | float | None]

_RESULT = ("status", "parameters", "seconds", "reason", "multiply_adds", "latency_seconds", "rung")
"""What an evaluation holds beside its scores and what its key says."""
_NAMES = ", ".join(COLUMNS)
# A result is never replaced, a failure by whatever comes later.
_INSERT = (
    f"INSERT INTO evaluations (key, {_NAMES}) VALUES (:key{''.join(f', :{name}' for name in COLUMNS)}) "
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS)} "
    "WHERE evaluations.status != 'ok'"
)
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Setting:
    """What a child's result depends on, beside its architecture and seed.

    Attributes:
        dataset: Id of the data set.
        dataset_checksum: Checksum of the parts that a search sees, training and validation.
        evaluator: Id of the way of training: two ways draw other random numbers from one seed.
        recipe: Id of the training recipe.
        fidelity: Share of the recipe that is carried out, 1 for all of it. A cheaper evaluation never
            stands in for a whole one.
    """

    dataset: str
    dataset_checksum: str
    evaluator: str
    recipe: str
    fidelity: float = 1.0


class EvaluationStore:
    """A file with one row for each child that was trained, in the table ``evaluations``.

    A row has the columns ``COLUMNS``; ``evaluated_at`` is UTC in ISO 8601, and an unknown value is NULL.
    ``key`` is a hash of all that a result depends on: search space, architecture, seed and ``Setting``.
    Any SQLite tool reads the file, also during a search.

    Any number of processes may use a store at once. On a file system that machines share, NFS and the like,
    its journal is one that they may share, too, as far as the file system locks files: where its options say
    that it does not, a warning does. A process that is killed loses the ``add`` under way and nothing else.
    A store may cross a fork or be pickled; the copy opens the file for itself. A file that an older
    version of nas_gym made is brought to the present schema when it is opened.

    Args:
        path: The file; made if it is missing.
        create: Whether it may be made, and must be writable; without, it may be one that can only be read.

    Raises:
        StoreError: If the file cannot be opened, or must be written and cannot, is none of nas_gym or has a
            newer schema. Each method raises it if the file cannot be read or written.
    """

    def __init__(self, path: str | Path, create: bool = True) -> None:
        self.path = Path(path).absolute()  # this process may change its folder and open it anew
        self._create = create
        self._file = SqliteFile(
            self.path,
            application_id=APPLICATION_ID,
            version=SCHEMA_VERSION,
            schema=CREATE,
            migrations=MIGRATIONS,
            create=create,
        )

    def find(
        self, setting: Setting, children: Sequence[Child], failures: bool = False
    ) -> dict[Child, Evaluation]:
        """Return the evaluations of those children that have one.

        Args:
            setting: What they were trained on, and how.
            children: Which ones.
            failures: Whether to return also what has another status than ``"ok"``.
        """
        child_of = {_key(setting, *child): child for child in children}
        keys = list(child_of)
        found: dict[Child, Evaluation] = {}
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            part = keys[start : start + _ROWS_AT_ONCE]
            query = (
                f"SELECT key, scores, {', '.join(_RESULT)} FROM evaluations "
                f"WHERE key IN (?{', ?' * (len(part) - 1)})"
            )
            with self._file.reading() as connection:
                rows = connection.execute(query, part).fetchall()
            for key, scores, *values in rows:
                result = dict(zip(_RESULT, values, strict=True))
                if result["status"] == "ok" or failures:
                    architecture, seed = child_of[key]
                    found[architecture, seed] = Evaluation(
                        architecture,
                        setting.dataset,
                        setting.recipe,
                        seed,
                        scores=json.loads(scores),
                        **result,
                    )
        return found

    def add(self, setting: Setting, evaluations: Sequence[Evaluation]) -> None:
        """Write evaluations, all or none; an ``"ok"`` that is already there stays as it is."""
        of_all = asdict(setting) | {"evaluated_at": datetime.now(UTC).isoformat(timespec="seconds")}
        rows = [
            {
                "key": _key(setting, e.architecture, e.seed),
                "architecture": str(e.architecture),
                "search_space": e.architecture.search_space,
                "score": e.score,
                "metric": next(iter(e.scores), None),
                "scores": json.dumps(dict(e.scores)),
                "seed": e.seed,
            }
            | {name: getattr(e, name) for name in _RESULT}
            | of_all
            for e in evaluations
        ]
        with self._file.writing() as connection:
            connection.executemany(_INSERT, rows)

    def rows(self) -> Iterator[Row]:
        """Yield every row, failures too, as a dict with the keys ``COLUMNS``; first come, first served."""
        query = (
            f"SELECT rowid, {_NAMES} FROM evaluations WHERE rowid > ? ORDER BY rowid LIMIT {_ROWS_AT_ONCE}"
        )
        last = 0
        while True:
            with self._file.reading() as connection:
                rows = connection.execute(query, [last]).fetchall()
            if not rows:
                return
            for last, *values in rows:  # noqa: B007, the last rowid is where the next query begins
                yield dict(zip(COLUMNS, values, strict=True))

    def close(self) -> None:
        """Close the file; a later use opens it anew."""
        self._file.close()

    def __len__(self) -> int:
        """Return the number of rows, failures too."""
        with self._file.reading() as connection:
            count: int = connection.execute("SELECT count(*) FROM evaluations").fetchone()[0]
            return count

    def __reduce__(self) -> tuple[type["EvaluationStore"], tuple[Path, bool]]:
        """Pickle, and copy, as the name of the file."""
        return EvaluationStore, (self.path, self._create)


def _key(setting: Setting, architecture: Architecture, seed: int | None) -> bytes:
    return key_of(architecture.search_space, str(architecture), seed, *astuple(setting))
