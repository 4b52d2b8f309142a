"""The journal's SQLite file: how it is created, opened, and changed from an older version."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from pathlib import Path
from typing import TypeAlias

from attrs import frozen

from cometapi_runway.journal._schema import (
    INDEXES_V2,
    OBJECT_NAMES,
    SCHEMA_VERSION,
    TABLES_V1,
    V1_TO_V2,
    V2_TO_V3,
)

_APPLICATION_ID = 0x4352574A
"""SQLite's ``application_id``, which distinguishes a journal from other programs' files."""
_STEPS = {1: V1_TO_V2 + INDEXES_V2, 2: V2_TO_V3}
"""From one schema version to the next."""


FileIdentity: TypeAlias = tuple[int, int] | None
"""Device and inode of a file; None if it does not exist."""


@frozen(eq=False)
class Database:
    """An open journal file.

    Attributes:
        path: Its path.
        connection: SQLite's connection.
        identity: Which file was opened.
        wal_identity: Which ``-wal`` file belongs to it.
    """

    path: Path
    connection: sqlite3.Connection
    identity: FileIdentity
    wal_identity: FileIdentity

    def is_in_place(self) -> bool:
        """Whether the open file is still the one at its path.

        SQLite goes on writing into a file that was removed or replaced, and reports no error. The
        same holds for the ``-wal`` file, where the last transactions are; SQLite does not remove
        it while a connection is open.
        """
        return not self.is_moved() and _identify(_wal_path(self.path)) == self.wal_identity

    def is_moved(self) -> bool:
        """Whether the path has no file, or another one than the open one."""
        return _identify(self.path) != self.identity


class _Connection(sqlite3.Connection):
    """A connection that closes itself when it is freed: Python 3.13 warns about an open one."""

    def __del__(self) -> None:
        # A connection that was never opened has nothing to close.
        with contextlib.suppress(sqlite3.Error):
            self.close()


def open_database(path: Path) -> Database:
    """Open a journal's file; it is created with its folder if it does not exist.

    It is tried once: while another process holds a lock on the file, SQLite's error is "busy".

    Raises:
        OSError: The file or folder cannot be created.
        ValueError: The system does not allow such a path.
        sqlite3.Error: The file cannot be opened, belongs to another program, has another version,
            or lacks a table or column.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Created here, because SQLite creates files that other users can read. Not with `touch`, which
    # would change the modification time of a file that may belong to another program.
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    # Before it is opened: if it is replaced in between, the next use notices and opens it again.
    identity = _identify(path)
    with contextlib.ExitStack() as on_failure:
        connection = sqlite3.connect(
            _database_uri(path),
            # The journal waits for locks itself, without holding its own.
            timeout=0,
            # Autocommit: each statement is its own transaction, on disk when it returns.
            isolation_level=None,
            # Several threads use the connection; the journal's lock admits one at a time.
            check_same_thread=False,
            factory=_Connection,
            uri=True,
        )
        on_failure.callback(connection.close)
        _prepare(connection)
        on_failure.pop_all()
    return Database(path, connection, identity, _identify(_wal_path(path)))


def check_schema(db: sqlite3.Connection, version: int = SCHEMA_VERSION) -> None:
    """Check that every table has its columns.

    Raises:
        sqlite3.DatabaseError: A table or a column is missing.
    """
    for table, columns in _expected_columns(version).items():
        missing = columns - _column_names(db, table)
        if missing:
            names = ", ".join(sorted(missing))
            raise sqlite3.DatabaseError(f"it is damaged: table {table} lacks {names}")


def is_busy(error: BaseException) -> bool:
    """Whether another process holds a lock on the file, so that a later attempt may succeed."""
    if not isinstance(error, sqlite3.OperationalError):
        return False
    return _primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _primary_code(error: sqlite3.OperationalError) -> int:
    # The low byte is the primary result code. An error that SQLite did not raise has no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF


def _identify(path: Path) -> FileIdentity:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _wal_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _database_uri(path: Path) -> str:
    """The URI under which SQLite opens the file.

    Even for reading, SQLite creates a ``-wal`` file next to a journal. Where neither the file nor
    its folder is writable and no such file exists, as in a backup, the journal is opened as
    immutable: all of its data is then in the one file.
    """
    is_writable = os.access(path, os.W_OK) or os.access(path.parent, os.W_OK)
    is_immutable = not (is_writable or _wal_path(path).exists())
    return f"{path.absolute().as_uri()}{'?immutable=1' if is_immutable else ''}"


def _prepare(db: sqlite3.Connection) -> None:
    """Check the file, set the connection's pragmas, and create or upgrade the tables."""
    db.row_factory = sqlite3.Row
    # Text that is not UTF-8 is read as surrogates; otherwise every query that meets it would fail.
    db.text_factory = _decode_text
    version = _read_version(db)
    # WAL: readers do not block a writer, nor a writer readers.
    db.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit is on disk when it returns. In WAL mode the weaker NORMAL may lose the last
    # commits at a power failure, and with them a paid task's id.
    db.execute("PRAGMA synchronous = FULL")
    if version != SCHEMA_VERSION:
        try:
            _upgrade(db)
        except sqlite3.OperationalError as error:
            if not version or _primary_code(error) != sqlite3.SQLITE_READONLY:
                raise
            raise sqlite3.DatabaseError(
                f"it has schema version {version}, must be changed to version {SCHEMA_VERSION}, "
                "and cannot be written"
            ) from error


def _upgrade(db: sqlite3.Connection) -> None:
    """Create the tables, or change those of an older version, in one transaction."""
    # IMMEDIATE takes the write lock first, so that one process at a time does this; the next one
    # finds it done. The marks are in the same transaction: a file never has the tables without
    # them.
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _read_version(db)
        if version != SCHEMA_VERSION:
            for statement in _list_statements(version):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _list_statements(version: int) -> list[str]:
    """What changes the tables of a version, 0 for none, into today's."""
    script = "" if version else TABLES_V1
    script += "".join(_STEPS[step] for step in range(max(version, 1), SCHEMA_VERSION))
    # Not `executescript`, which commits first.
    return [statement for statement in script.split(";") if statement.strip()]


def _read_version(db: sqlite3.Connection) -> int:
    """The file's schema version, 0 if it is empty; nothing in it is changed.

    Raises:
        sqlite3.DatabaseError: The file belongs to another program, or has another version.
    """
    names, version, owner = _read_marks(db)
    if not (names or version or owner):
        return 0
    # Journals of early versions have no application id; their tables identify them.
    if owner != _APPLICATION_ID and (owner or not names >= OBJECT_NAMES):
        raise sqlite3.DatabaseError("it is the database of another program")
    if version not in range(1, SCHEMA_VERSION + 1):
        raise sqlite3.DatabaseError(
            f"it has schema version {version}; this package reads versions up to {SCHEMA_VERSION}"
        )
    check_schema(db, version)
    return version


def _read_marks(db: sqlite3.Connection) -> tuple[set[str], int, int]:
    """The names of tables and indexes, the schema version and the application id."""
    # One read transaction, because another process may create the schema between two queries.
    is_own = not db.in_transaction
    if is_own:
        db.execute("BEGIN")
    try:
        names = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
        version = db.execute("PRAGMA user_version").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
    finally:
        if is_own:
            db.execute("ROLLBACK")
    return names, version, owner


@functools.cache
def _expected_columns(version: int) -> dict[str, frozenset[str]]:
    """The columns of each table of a journal of that version."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES_V1 + "".join(_STEPS[step] for step in range(1, version)))
        return {table: _column_names(db, table) for table in ("submission", "file")}


def _column_names(db: sqlite3.Connection, table: str) -> frozenset[str]:
    rows = db.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(row[0] for row in rows)


def _decode_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
