"""The journal's SQLite file: its schema, and how it is created and opened."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

_SCHEMA_VERSION = 1
_APPLICATION_ID = 0x4352574A
"""SQLite's ``application_id``, which distinguishes a journal from other programs' files."""
# The tables and indexes of a journal.
_OBJECT_NAMES = frozenset({"submission", "submission_task", "submission_open", "file"})
_BUSY_TIMEOUT = 30.0
"""Seconds to wait for a lock of another process."""
_RETRY_INTERVAL = 0.01
"""Seconds between two attempts where SQLite does not wait by itself."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS submission (
    key TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    arguments TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seed INTEGER,
    route TEXT NOT NULL,
    base_url TEXT NOT NULL,
    created_at REAL NOT NULL,
    process INTEGER NOT NULL,
    task_id TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    failure_code TEXT,
    ended_at REAL
);
CREATE INDEX IF NOT EXISTS submission_task ON submission (task_id);
CREATE INDEX IF NOT EXISTS submission_open ON submission (state) WHERE state = 'SUBMITTED';
CREATE TABLE IF NOT EXISTS file (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    saved_at REAL NOT NULL,
    PRIMARY KEY (task_id, number)
);
"""


class _Connection(sqlite3.Connection):
    """A connection that closes itself when it is freed: Python 3.13 warns about an open one."""

    def __del__(self) -> None:
        # A connection that was never opened has nothing to close.
        with contextlib.suppress(sqlite3.Error):
            self.close()


def open_database(path: Path) -> sqlite3.Connection:
    """Open a journal's file; it is created with its folder if it does not exist.

    Raises:
        OSError: The file or folder cannot be created.
        ValueError: The system does not allow such a path.
        sqlite3.Error: The file cannot be opened, belongs to another program, or has another
            version.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Created here, because SQLite creates files that other users can read. Not with `touch`, which
    # would change the modification time of a file that may belong to another program.
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    with contextlib.ExitStack() as on_failure:
        db = sqlite3.connect(
            _database_uri(path),
            timeout=_BUSY_TIMEOUT,
            # Autocommit: each statement is its own transaction, on disk when it returns.
            isolation_level=None,
            # Several threads use the connection; the journal's lock admits one at a time.
            check_same_thread=False,
            factory=_Connection,
            uri=True,
        )
        on_failure.callback(db.close)
        _prepare_with_retries(db)
        on_failure.pop_all()
    return db


def _database_uri(path: Path) -> str:
    """The URI under which SQLite opens the file.

    Even for reading, SQLite creates a ``-wal`` file next to a journal. Where neither the file nor
    its folder is writable and no such file exists, as in a backup, the journal is opened as
    immutable: all of its data is then in the one file.
    """
    wal = path.with_name(f"{path.name}-wal")
    is_immutable = not (os.access(path, os.W_OK) or os.access(path.parent, os.W_OK) or wal.exists())
    return f"{path.absolute().as_uri()}{'?immutable=1' if is_immutable else ''}"


def _prepare_with_retries(db: sqlite3.Connection) -> None:
    """Prepare a connection, and retry while other processes open the same file.

    SQLite's busy timeout does not cover the change to WAL mode: it fails at once if the file is
    locked.
    """
    end = time.monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            _prepare(db)
        except sqlite3.OperationalError as error:
            # The low byte is the primary result code.
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > end:
                raise
            time.sleep(_RETRY_INTERVAL)
        else:
            return


def _prepare(db: sqlite3.Connection) -> None:
    """Check the file, set the connection's pragmas, and create the schema in a new file."""
    db.row_factory = sqlite3.Row
    is_new = _is_new(db)
    # WAL: readers do not block a writer, nor a writer readers.
    db.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit is on disk when it returns. In WAL mode the weaker NORMAL may lose the last
    # commits at a power failure, and with them a paid task's id.
    db.execute("PRAGMA synchronous = FULL")
    if is_new:
        # IMMEDIATE takes the write lock first, so that only one process creates the schema at a
        # time; IF NOT EXISTS lets the next one find it done. The marks are in the same transaction:
        # a file never has the tables without them.
        db.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION};"
            f" PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
        )


def _is_new(db: sqlite3.Connection) -> bool:
    """Whether the file is empty and can become a journal; nothing in it is changed.

    Raises:
        sqlite3.DatabaseError: The file belongs to another program, or has another version.
    """
    # One read transaction, because another process may create the schema between two queries.
    db.execute("BEGIN")
    try:
        names = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
        version = db.execute("PRAGMA user_version").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
    finally:
        db.execute("ROLLBACK")
    if not (names or version or owner):
        return True
    # Journals of early versions have no application id; their tables identify them.
    if owner != _APPLICATION_ID and (owner or not names >= _OBJECT_NAMES):
        raise sqlite3.DatabaseError("it is the database of another program")
    if version != _SCHEMA_VERSION:
        raise sqlite3.DatabaseError(
            f"it has schema version {version}; this package reads version {_SCHEMA_VERSION}"
        )
    return False
