"""The journal in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._backend import SQLValue, Statement, StorageError
from cometapi_runway.journal._process_locks import process_locks
from cometapi_runway.journal._sqlite_file import (
    Database,
    FileIdentity,
    check_schema,
    is_busy,
    open_database,
)

T = TypeVar("T")

logger = logging.getLogger("cometapi_runway.journal")

_PERMANENT: Final = (
    OverflowError,
    ValueError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.NotSupportedError,
    sqlite3.ProgrammingError,
)
"""A lock ends and a disk gets space; these errors stay."""

_inherited: list[Database] = []
"""In a forked child, the parent's databases: SQLite forbids a child to use or to close them."""


class SqliteBackend:
    """A journal file; see `Backend`. It does not wait for the lock of another process."""

    row_order = "rowid"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.was_replaced = False
        self._database: Database | None = None
        self._identity: FileIdentity = None
        self._is_synced = True

    def connect(self, timeout: float) -> None:
        """Open the file that is now at the path, and notice a removed or replaced one."""
        if self._database is not None and not self._database.is_in_place():
            # Before the old file is closed: afterwards its inode may be the new file's.
            self._note_replacement(self._database.is_moved())
            self.close()
        if self._database is None:
            self._database = self._open()
            self._is_synced = True
            if self._identity not in {None, self._database.identity}:
                self._note_replacement(not self.was_replaced)
            self._identity = self._database.identity

    def check_tables(self) -> None:
        """Check that no table or column is missing."""
        self._run(check_schema)

    def execute(
        self, statements: Sequence[Statement], timeout: float, *, lock: str | None = None
    ) -> list[int]:
        """Execute statements, each of which SQLite commits by itself (autocommit).

        A statement that writes holds the file's write lock from its beginning, so that none needs
        the named lock.
        """

        def execute_all(db: sqlite3.Connection) -> list[int]:
            counts: list[int] = []
            for one in statements:
                if one.is_synced and not self._is_synced:
                    db.execute("PRAGMA synchronous = FULL")
                    self._is_synced = True
                elif self._is_synced and not one.is_synced:
                    # Before the change: Ctrl-C may come between the two.
                    self._is_synced = False
                    db.execute("PRAGMA synchronous = NORMAL")
                counts.append(db.execute(one.sql, one.values).rowcount)
            return counts

        return self._run(execute_all)

    def fetch(
        self, query: str, values: Mapping[str, SQLValue], timeout: float
    ) -> list[sqlite3.Row]:
        """The rows of a query."""

        def fetch_all(db: sqlite3.Connection) -> list[sqlite3.Row]:
            # A cursor that an interruption leaves open would keep the file's lock against writers
            # of the whole file as long as the traceback lives.
            with contextlib.closing(db.cursor()) as cursor:
                return cursor.execute(query, values).fetchall()

        return self._run(fetch_all)

    def get_owner(self) -> int | None:
        """This process's number, whose byte in the file of locks it has locked."""
        return process_locks.get_owner(self._locks_path)

    def find_living(self, owners: Collection[int], timeout: float) -> frozenset[int]:
        """The numbers whose byte is locked."""
        return process_locks.find_living(self._locks_path, owners)

    def close(self) -> None:
        """Close the file."""
        database, self._database = self._database, None
        if database is not None:
            database.connection.close()

    def abandon(self) -> None:
        """Leave the connection to the parent process."""
        if self._database is not None:
            _inherited.append(self._database)
        self._database = None

    @property
    def _locks_path(self) -> Path:
        return self.path.absolute().with_name(f"{self.path.name}-locks")

    def _open(self) -> Database:
        try:
            return open_database(self.path)
        except (OSError, ValueError, sqlite3.Error) as error:
            if is_busy(error):
                raise StorageError(str(error), is_busy=True) from error
            raise ConfigurationError(
                f"journal {self.name} cannot be opened: {error}", setting="journal"
            ) from error

    def _run(self, use: Callable[[sqlite3.Connection], T]) -> T:
        if self._database is None:
            raise StorageError("the file is closed")
        try:
            return use(self._database.connection)
        except (OverflowError, ValueError, sqlite3.Error) as error:
            is_permanent = isinstance(error, _PERMANENT)
            raise StorageError(
                str(error), is_busy=is_busy(error), is_permanent=is_permanent
            ) from error

    def _note_replacement(self, is_news: bool) -> None:
        self.was_replaced = True
        if is_news:
            logger.warning(
                "journal %s was removed or replaced while it was in use; what this process recorded"
                " is written again, entries of other processes may be missing",
                self.name,
            )
