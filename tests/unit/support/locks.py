"""Another process that holds a journal's lock."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, *, against_readers: bool = False) -> Iterator[None]:
    """Hold the write lock of a journal, or every lock."""
    db = sqlite3.connect(path, isolation_level=None)
    if against_readers:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()
