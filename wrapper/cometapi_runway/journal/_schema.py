"""The file that a journal is in: its schema, and how it is opened and made."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

_VERSION = 1
_APPLICATION = 0x4352574A
"""What tells a journal from other programs' SQLite files."""
_NAMES = frozenset({"submission", "submission_task", "submission_open", "file"})
_BUSY = 30.0
_TURN = 0.01
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


def open_database(path: Path) -> sqlite3.Connection:
    """Open a journal's file; made, with its folder, if it is not there.

    Raises:
        OSError: It cannot be made.
        ValueError: No system has such a path.
        sqlite3.Error: It cannot be opened, or is another program's or of another version.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not `touch`, which changes the date of a file that may be another program's.
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    with contextlib.ExitStack() as failing:
        db = sqlite3.connect(
            _address(path), timeout=_BUSY, isolation_level=None, check_same_thread=False, uri=True
        )
        failing.callback(db.close)
        _prepare_in_turn(db)
        failing.pop_all()
    return db


def _address(path: Path) -> str:
    """Where SQLite finds a file, and as what it takes it.

    It needs its own files beside a journal even to read it. Where neither can be written and none
    is there, as in a backup, the journal is read as it is: all of it is in the one file.
    """
    beside = path.with_name(f"{path.name}-wal")
    is_fixed = not (os.access(path, os.W_OK) or os.access(path.parent, os.W_OK) or beside.exists())
    return f"{path.absolute().as_uri()}{'?immutable=1' if is_fixed else ''}"


def _prepare_in_turn(db: sqlite3.Connection) -> None:
    # SQLite does not wait by itself where a file is turned to WAL while others open it.
    end = time.monotonic() + _BUSY
    while True:
        try:
            _prepare(db)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_TURN)
        else:
            return


def _prepare(db: sqlite3.Connection) -> None:
    db.row_factory = sqlite3.Row
    is_new = _is_new(db)
    # Readers beside a writer, and a commit that is on the disk when it returns: to lose the last
    # entry to a power cut would be to lose a paid task.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if is_new:
        db.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION};"
            f" PRAGMA application_id = {_APPLICATION}; COMMIT;"
        )


def _is_new(db: sqlite3.Connection) -> bool:
    """Whether a file is empty and may become a journal; nothing in it is changed.

    Raises:
        sqlite3.DatabaseError: It is another program's, or of another version.
    """
    # All as of one moment, since another process may be making it.
    db.execute("BEGIN")
    try:
        names = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
        version = db.execute("PRAGMA user_version").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
    finally:
        db.execute("ROLLBACK")
    if not (names or version or owner):
        return True
    # The first journals bore no mark.
    if owner != _APPLICATION and (owner or not names >= _NAMES):
        raise sqlite3.DatabaseError("it is a database of another program")
    if version != _VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}; this package reads {_VERSION}")
    return False
