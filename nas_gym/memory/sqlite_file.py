"""An SQLite file of one kind and version, shared by threads, forks and processes."""

import os
import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nas_gym.errors import StoreError
from nas_gym.memory.file_system import file_system_of

BUSY_SECONDS = 60.0


class SqliteFile:
    """Opens a file, checks that it is what it should be, and says in one line what is wrong with it.

    A file of an older schema becomes one of the present schema. One that cannot be written is refused when it
    is opened; if it need not be made, it is opened for reading, unless its schema is an older one.

    Args:
        path: The file; made if it is missing.
        application_id: Number that marks files of this kind, SQLite's ``application_id``.
        version: Version of the schema, SQLite's ``user_version``.
        schema: Statement that makes the table of a new file.
        migrations: For older versions, how the table becomes that of the next version.
        create: Whether the file may be made, and must be writable.

    Raises:
        StoreError: If it cannot be opened, or must be written and cannot, or is of another kind or of a
            version unknown here.
    """

    def __init__(
        self,
        path: Path,
        *,
        application_id: int,
        version: int,
        schema: str,
        migrations: Mapping[int, Callable[[sqlite3.Connection], None]],
        create: bool = True,
    ) -> None:
        self.path = path
        self._application_id = application_id
        self._version = version
        self._schema = schema
        self._migrations = migrations
        self._create = create
        self._file_system = file_system_of(path)
        if self._file_system.is_shared and not self._file_system.locks_everywhere:
            warnings.warn(
                f"{path} is on {self._file_system.type}, mounted so that other machines see no locks: only "
                "one machine at a time may use this store",
                stacklevel=4,
            )
        self._inherited: list[sqlite3.Connection | None] = []
        self._pid, self._lock = os.getpid(), threading.Lock()
        self._connection: sqlite3.Connection | None = self._open()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread.

        Raises:
            StoreError: If SQLite cannot read.
        """
        with self._lent("read") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread, for one transaction: all of it is written or nothing.

        Raises:
            StoreError: If SQLite cannot write, for example because the disk is full.
        """
        with self._lent("written") as connection, _transaction(connection):
            yield connection

    def close(self) -> None:
        """Close the connection; a later use opens the file anew."""
        if self._pid == os.getpid():
            with self._lock:
                self._finalizer()
                self._connection = None

    @contextmanager
    def _lent(self, verb: str) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            # A connection may be neither used nor closed in a process that inherited it by a fork.
            self._inherited.append(self._connection)
            self._pid, self._lock, self._connection = os.getpid(), threading.Lock(), None
        with self._lock, self._one_line(verb):
            if self._connection is None:
                self._connection = self._open()
            yield self._connection

    def _open(self) -> sqlite3.Connection:
        if not self.path.parent.is_dir():
            raise StoreError(f"the store {self.path} cannot be opened: there is no folder {self.path.parent}")
        if not self._create and not self.path.exists():
            raise StoreError(f"there is no store {self.path}")
        with self._one_line("opened"):
            try:
                connection = self._connect("rwc" if self._create else "rw")
            except sqlite3.OperationalError:
                if self._create or not self._is_at_rest():
                    raise
                # Even to read, SQLite makes files beside this one, unless it is told that nobody writes.
                connection = self._connect("ro&immutable=1")
        self._finalizer = weakref.finalize(self, _close, connection, self._pid)
        return connection

    def _is_at_rest(self) -> bool:
        """Say whether the file lies where it cannot change, and all of it is in this one file."""
        log = self.path.with_name(f"{self.path.name}-wal")
        return not os.access(self.path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)

    def _connect(self, mode: str) -> sqlite3.Connection:
        # The lock makes it safe to share the connection between threads.
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Check a file before anything is changed in it, then make or migrate its table."""
        version = None if _is_empty(connection) else self._check(connection)
        if version == self._version and not self._create:
            return  # it can be read as it is
        try:
            self._write_first(connection)
        except sqlite3.OperationalError as error:
            if version in (None, self._version):
                raise
            raise StoreError(
                f"the store {self.path} cannot be brought from schema {version} to {self._version}: {error}"
            ) from None

    def _write_first(self, connection: sqlite3.Connection) -> None:
        if self._file_system.is_shared:
            # A write-ahead log needs memory that all who use the file share, so they must be on one machine.
            _switch(connection, "DELETE")
            connection.execute("PRAGMA synchronous = FULL")
        else:
            _switch(connection, "WAL")
            # With a write-ahead log NORMAL keeps the file whole whatever happens, and a killed process loses
            # no commit. Only a power failure may lose the last ones, children that can be trained again; FULL
            # would let every batch of children wait for the disk instead.
            connection.execute("PRAGMA synchronous = NORMAL")
        with _transaction(connection):
            if _is_empty(connection):  # still: another process may have been quicker
                connection.execute(self._schema)
                connection.execute(f"PRAGMA application_id = {self._application_id}")
            else:
                for version in range(self._check(connection), self._version):
                    self._migrations[version](connection)
            # Written always: whoever may not write shall know before a child is trained.
            connection.execute(f"PRAGMA user_version = {self._version}")

    def _check(self, connection: sqlite3.Connection) -> int:
        """Return the version of a file that holds something, if it is one that can be used."""
        if _pragma(connection, "application_id") != self._application_id:
            raise StoreError(f"{self.path} is a database of another program, not a store of nas_gym")
        version, oldest = _pragma(connection, "user_version"), min(self._migrations)
        if not oldest <= version <= self._version:
            raise StoreError(
                f"the store {self.path} has schema {version}, this version of nas_gym reads {oldest} to "
                f"{self._version}; give the name of a new file, in which children are trained anew"
            )
        return version

    @contextmanager
    def _one_line(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.path} cannot be {verb}: {error}") from None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # At once, so that a busy file is waited for here: a transaction that begins by reading may find that
    # it cannot write any more.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # after some errors SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    return tables == 0 and _pragma(connection, "application_id") == 0


def _switch(connection: sqlite3.Connection, journal: str) -> None:
    """Switch the kind of journal; SQLite does not wait where another process is about to switch, too."""
    given_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode = {journal}")
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
