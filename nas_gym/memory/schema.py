"""What the table of a store looks like, what it looked like before, and how a child is found in it."""

import hashlib
import json
import sqlite3

APPLICATION_ID = int.from_bytes(b"NASe", "big")
SCHEMA_VERSION = 4
COLUMNS = {
    "architecture": "TEXT NOT NULL",
    "score": "REAL",
    "metric": "TEXT",
    "scores": "TEXT NOT NULL",
    "parameters": "INTEGER",
    "multiply_adds": "INTEGER",
    "latency_seconds": "REAL",
    "status": "TEXT NOT NULL",
    "reason": "TEXT",
    "seconds": "REAL NOT NULL",
    "seed": "INTEGER NOT NULL",
    "rung": "INTEGER NOT NULL",
    "search_space": "TEXT NOT NULL",
    "dataset": "TEXT NOT NULL",
    "dataset_checksum": "TEXT NOT NULL",
    "evaluator": "TEXT NOT NULL",
    "recipe": "TEXT NOT NULL",
    "fidelity": "REAL NOT NULL",
    "evaluated_at": "TEXT NOT NULL",
}
"""``score`` is the value of the task's metric, ``metric`` its name, ``scores`` a JSON object of all."""
CREATE = (
    "CREATE TABLE evaluations (key BLOB PRIMARY KEY NOT NULL, "
    f"{', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())}) STRICT"
)


def key_of(
    search_space: str,
    architecture: str,
    seed: int | None,
    dataset: str,
    dataset_checksum: str,
    evaluator: str,
    recipe: str,
    fidelity: float,
) -> bytes:
    """Hash what a result depends on into 16 bytes: the index stays small, and no two are ever equal."""
    identity = [search_space, architecture, seed, dataset, dataset_checksum, evaluator, recipe, fidelity]
    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()


def _add_columns(connection: sqlite3.Connection, *columns: str) -> None:
    for column in columns:
        connection.execute(f"ALTER TABLE evaluations ADD COLUMN {column}")


def _from_1(connection: sqlite3.Connection) -> None:
    """What a network costs was not kept."""
    _add_columns(connection, "last_epochs_accuracy REAL", "multiply_adds INTEGER", "latency_seconds REAL")


def _from_2(connection: sqlite3.Connection) -> None:
    """There were no language models."""
    _add_columns(connection, "validation_perplexity REAL")


def _from_3(connection: sqlite3.Connection) -> None:
    """Scores had a column each, and one search space held chains and graphs of convolutions."""
    connection.create_function("key_of", 8, key_of, deterministic=True)
    connection.create_function("scores_of", 3, _scores_of, deterministic=True)
    _add_columns(
        connection,
        "score REAL",
        "metric TEXT",
        "scores TEXT NOT NULL DEFAULT '{}'",
        "rung INTEGER NOT NULL DEFAULT 0",
    )
    connection.execute(
        "UPDATE evaluations SET score = coalesce(validation_accuracy, validation_perplexity), "
        "metric = iif(validation_accuracy IS NOT NULL, 'accuracy', "
        "iif(validation_perplexity IS NOT NULL, 'perplexity', NULL)), "
        "scores = scores_of(validation_accuracy, last_epochs_accuracy, validation_perplexity)"
    )
    for column in ("validation_accuracy", "last_epochs_accuracy", "validation_perplexity"):
        connection.execute(f"ALTER TABLE evaluations DROP COLUMN {column}")
    connection.execute(  # only the layers of a chain say how much they drop
        "UPDATE evaluations SET search_space = "
        "iif(architecture LIKE '%-drop%', 'chain-v0', 'graph-v0') WHERE search_space = 'conv-v0'"
    )
    connection.execute(
        "UPDATE evaluations SET key = key_of(search_space, architecture, seed, dataset, dataset_checksum, "
        "evaluator, recipe, fidelity) WHERE search_space IN ('chain-v0', 'graph-v0')"
    )


def _scores_of(accuracy: float | None, last_epochs: float | None, perplexity: float | None) -> str:
    scores = {"accuracy": accuracy, "last_epochs_accuracy": last_epochs, "perplexity": perplexity}
    return json.dumps({name: value for name, value in scores.items() if value is not None})


MIGRATIONS = {1: _from_1, 2: _from_2, 3: _from_3}
"""How the table of a schema becomes that of the next one; run in a transaction."""
