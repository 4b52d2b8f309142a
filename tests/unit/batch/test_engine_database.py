"""The engine's connection to SQLite, whatever its version."""

from __future__ import annotations

import contextlib
import sqlite3
import time

import pytest

from cometapi_runway.batch._engine import SqliteConnection


def test_the_time_to_the_millisecond_is_a_default_of_columns() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", factory=SqliteConnection)) as db:
        db.execute("CREATE TABLE t (id, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        db.execute("INSERT INTO t (id) VALUES (1)")
        ((at,),) = db.execute("SELECT at FROM t").fetchall()
    assert at / 1000 == pytest.approx(time.time(), abs=5)
