"""How long tasks took, as the journal records it."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    PastDuration,
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal, _queries
from cometapi_runway.journal._postgres import SCHEMA_VERSION

from ..support.journals import Location, change, connect_to_postgres

HERE, THERE = "https://api.cometapi.com", "https://other.example"
TOOK = PastDuration(61.5, 5.25)


@pytest.fixture
def journal(location: Location) -> Iterator[Journal]:
    journal = Journal(location)
    yield journal
    journal.close()


def end(
    journal: Journal,
    key: str,
    took: PastDuration | None = TOOK,
    *,
    model: object = "gen4",
    gateway: str = HERE,
) -> None:
    body = {} if model is None else {"model": model}
    call = PreparedRequest("o", "POST", "/x", {}, body)
    journal.write(SubmissionStarted(key, call, "tasks", 7), gateway)
    journal.write(SubmissionAccepted(key, key))
    journal.write(TaskEnded(Task(key, "SUCCEEDED"), took))


def test_the_latest_come_first_and_are_those_of_one_kind(journal: Journal) -> None:
    for seconds in (10.0, 20.0, 30.0):
        end(journal, f"k{seconds}", PastDuration(seconds, 1.0))
    end(journal, "unwatched", None)
    end(journal, "other model", model="gen3")
    end(journal, "no model", PastDuration(7.0, 1.0), model=None)
    end(journal, "no text", PastDuration(8.0, 1.0), model=[])
    end(journal, "elsewhere", PastDuration(9.0, 1.0), gateway=THERE)

    def seconds(model: str | None, limit: int = 100) -> list[float]:
        return [one.seconds for one in journal.durations("o", model, limit=limit, gateway=HERE)]

    assert seconds("gen4") == [30.0, 20.0, 10.0]
    assert seconds("gen4", 2) == [30.0, 20.0]
    assert seconds(None) == [8.0, 7.0]
    assert journal.durations("other", "gen4", limit=9) == []
    assert journal.durations("o", "gen4", limit=1) == [PastDuration(9.0, 1.0)]


def test_a_later_look_at_the_end_does_not_remove_it(journal: Journal) -> None:
    end(journal, "k")
    journal.write(TaskEnded(Task("k", "SUCCEEDED")))
    assert journal.durations("o", "gen4", limit=9) == [TOOK]


@pytest.mark.parametrize("value", [-1.0, 0.0, math.inf, 1e9, "text", b"x"])
@pytest.mark.parametrize("column", ["duration", "duration_gap"])
def test_damaged_ones_are_left_out(path: Path, column: str, value: object) -> None:
    journal = Journal(path)
    end(journal, "a")
    end(journal, "b", PastDuration(3.0, 1.0))
    change(path, f"UPDATE submission SET {column} = ? WHERE key = 'a'", value)  # noqa: S608
    kept = [PastDuration(3.0, 1.0)]
    # A gap of zero is an end that was seen as it came.
    if (column, value) == ("duration_gap", 0.0):
        kept.append(PastDuration(61.5, 0.0))
    assert journal.durations("o", "gen4", limit=9) == kept
    journal.close()


def test_reading_them_scans_no_table(path: Path) -> None:
    Journal(path).close()
    values = {"operation": "o", "model": "m", "gateway": HERE, "limit": 100}
    with sqlite3.connect(path) as db:
        steps = db.execute(f"EXPLAIN QUERY PLAN {_queries.DURATIONS}", values).fetchall()
    db.close()
    (step,) = (step for *_, step in steps)
    assert "submission_duration (operation=? AND model=?)" in step


@pytest.mark.postgres
def test_a_database_of_the_version_before_is_changed(postgres_url: str) -> None:
    Journal(postgres_url).close()
    with connect_to_postgres(postgres_url) as connection:
        for column in ("model", "duration", "duration_gap"):
            connection.execute(f"ALTER TABLE submission DROP COLUMN {column}".encode())
        connection.execute("UPDATE journal_version SET version = 2")
    journal = Journal(postgres_url)
    end(journal, "k")
    assert journal.durations("o", "gen4", limit=9) == [TOOK]
    journal.close()
    with connect_to_postgres(postgres_url) as connection:
        rows = connection.execute("SELECT version FROM journal_version").fetchall()
    assert rows == [(SCHEMA_VERSION,)]
