"""Clients with a journal, and tasks that are recorded in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx

from cometapi_runway import (
    RunwayClient,
)
from cometapi_runway.journal import Journal

from .fault_table import family

if TYPE_CHECKING:
    import psycopg

Location: TypeAlias = Path | str
"""Where a journal is: a file, or the URL of a PostgreSQL database."""

ASSETS = {"character": "https://e.com/a.png?sig=1", "reference": "https://e.com/b.mp4"}
GONE = family(400, "task_not_exist")
DAY = 86_400


def connect_to_postgres(url: str) -> psycopg.Connection[Any]:
    """A connection to a journal's database, as another program has one."""
    import psycopg

    options = "-c search_path=cometapi_runway -c lock_timeout=5s"
    return psycopg.connect(url, autocommit=True, options=options)


def change(location: Location, statement: str, *values: object) -> None:
    """Change a journal's rows as no journal does; a value is written as ``?``."""
    if isinstance(location, Path):
        db = sqlite3.connect(location)
        db.execute(statement, values)
        db.commit()
        db.close()
        return
    with connect_to_postgres(location) as connection:
        connection.execute(statement.replace("?", "%s").encode(), values)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def client(
    journal: Location | Journal, answer: Callable[[httpx.Request], httpx.Response], **options: str
) -> RunwayClient:
    return RunwayClient(
        "the-key-of-the-user",
        journal=journal,
        transport=httpx.MockTransport(answer),
        clock=Clock(),
        **options,
    )
