"""An SQLite file of one kind and version, shared by threads, forks and processes."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nas_gym.errors import StoreError

BUSY_SECONDS = 60.0


class SqliteFile:
    """Opens a file, checks that it is what it should be, and says in one line what is wrong with it.

    Args:
        path: The file; made if it is missing.
        application_id: Number that marks files of this kind, SQLite's ``application_id``.
        version: Version of the schema, SQLite's ``user_version``.
        schema: Statement that makes the table of a new file.
        create: Whether the file may be made.

    Raises:
        StoreError: If it cannot be opened, or is of another kind or version.
    """

    def __init__(
        self, path: Path, *, application_id: int, version: int, schema: str, create: bool = True
    ) -> None:
        self.path = path
        self._application_id = application_id
        self._version = version
        self._schema = schema
        self._create = create
        self._inherited: list[sqlite3.Connection] = []
        self._begin()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread.

        Raises:
            StoreError: If SQLite cannot read.
        """
        self._leave_parent()
        with self._lock, self._one_line("read"):
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread, for one transaction: all of it is written or nothing.

        Raises:
            StoreError: If SQLite cannot write, for example because the disk is full.
        """
        self._leave_parent()
        with self._lock, self._one_line("written"):
            # At once, so that a busy file is waited for here: a transaction that begins by reading may
            # find that it cannot write any more.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # after some errors SQLite has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise

    def _leave_parent(self) -> None:
        if self._pid != os.getpid():
            # A connection may be neither used nor closed in a process that inherited it by a fork.
            self._inherited.append(self._connection)
            self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        if not self.path.parent.is_dir():
            raise StoreError(f"the store {self.path} cannot be opened: there is no folder {self.path.parent}")
        if not self._create and not self.path.exists():
            raise StoreError(f"there is no store {self.path}")
        uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if self._create else 'rw'}"
        with self._one_line("opened"):
            # The lock makes it safe to share the connection between threads.
            connection = sqlite3.connect(
                uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        weakref.finalize(self, _close, connection, self._pid)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Fill an empty file, check any other, before anything is changed in it."""
        if _is_empty(connection):
            connection.execute("BEGIN IMMEDIATE")
            if _is_empty(connection):  # still: another process may have been quicker
                connection.execute(self._schema)
                connection.execute(f"PRAGMA application_id = {self._application_id}")
                connection.execute(f"PRAGMA user_version = {self._version}")
            connection.execute("COMMIT")
        if _pragma(connection, "application_id") != self._application_id:
            raise StoreError(f"{self.path} is a database of another program, not a store of nas_gym")
        version = _pragma(connection, "user_version")
        if version != self._version:
            raise StoreError(
                f"the store {self.path} has schema {version}, this version of nas_gym needs {self._version}; "
                "give the name of a new file, in which children are trained anew"
            )
        _log_writes_ahead(connection)
        # With a write-ahead log NORMAL keeps the file whole whatever happens, and a killed process loses
        # no commit. Only a power failure may lose the last ones, children that can be trained again; FULL
        # would let every batch of children wait for the disk instead.
        connection.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def _one_line(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.path} cannot be {verb}: {error}") from None


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    return tables == 0 and _pragma(connection, "application_id") == 0


def _log_writes_ahead(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait where another process is about to switch, too."""
    given_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > given_up:
                raise
            time.sleep(0.01)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _close(connection: sqlite3.Connection, pid: int) -> None:
    if os.getpid() == pid:
        connection.close()
