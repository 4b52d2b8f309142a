"""Another process that holds a journal's lock."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from .journals import Location, connect_to_postgres

LOCKED = "locked|lock timeout"
"""What the databases say of a lock that is not released in time."""


@contextlib.contextmanager
def locked(location: Location, *, against_readers: bool = False) -> Iterator[None]:
    """Hold the write lock of a journal, or every lock."""
    lock = _lock_file if isinstance(location, Path) else _lock_tables
    with lock(location, against_readers):
        yield


@contextlib.contextmanager
def _lock_file(path: Location, against_readers: bool) -> Iterator[None]:
    db = sqlite3.connect(path, isolation_level=None)
    if against_readers:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()


@contextlib.contextmanager
def _lock_tables(url: Location, against_readers: bool) -> Iterator[None]:
    tables = "submission, file"
    lock = f"{tables}, journal_version IN ACCESS" if against_readers else f"{tables} IN"
    with connect_to_postgres(str(url)) as db, db.transaction(force_rollback=True):
        db.execute(f"LOCK TABLE {lock} EXCLUSIVE MODE".encode())
        yield
