"""A PostgreSQL journal is far away: an entry is one round trip, and still one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from tests.counting_proxy import CountingProxy
from tests.postgres_server import PostgresServer

from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    Entry,
    IdempotencyKey,
    OutputRequested,
    OutputSaved,
    Reservation,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal, StorageError
from cometapi_runway.journal._backend import Statement

GATEWAY = "https://api.cometapi.com"
MAX_ROUND_TRIPS = 2
WITHIN = Reservation(Decimal("0.5"), "default", Decimal(100), 100)
TASK = Task(id="task-1", status="SUCCEEDED", operation="upscale_a_video")


def start(
    key: str, own_key: str | None = None, reservation: Reservation = WITHIN
) -> SubmissionStarted:
    call = PreparedRequest("upscale_a_video", "POST", "/runwayml/v1/video_upscale", {}, {"seed": 1})
    identity = None if own_key is None else IdempotencyKey(own_key, "digest")
    return SubmissionStarted(key, call, "tasks", 1, identity, reservation, "shoes/row-17")


ENTRIES: list[Entry] = [
    start("plain", reservation=Reservation()),
    start("with a key", "order-17"),
    start("refused"),
    SubmissionAccepted("plain", TASK.id),
    SubmissionFailed("refused", True, SubmissionFailureReason.QUOTA),
    OutputRequested(TASK.id, 0, Path("out"), 4),
    TaskEnded(TASK),
    OutputSaved(TASK.id, 0, Path("out/a.mp4"), 17),
    TaskMissing(TASK.id),
]


@pytest.fixture
def proxy(postgres_server: PostgresServer, postgres_url: str) -> Iterator[CountingProxy]:
    running = CountingProxy(postgres_server.folder / ".s.PGSQL.5432")
    yield running
    running.close()


@pytest.fixture
def journal(proxy: CountingProxy, postgres_database: str) -> Iterator[Journal]:
    opened = Journal(proxy.url(postgres_database))
    yield opened
    opened.close()


def test_an_entry_is_at_most_two_round_trips(proxy: CountingProxy, journal: Journal) -> None:
    for entry in ENTRIES:
        before = proxy.round_trips
        assert journal.write(entry, GATEWAY) is None
        assert proxy.round_trips - before <= MAX_ROUND_TRIPS, entry
    assert proxy.round_trips >= len(ENTRIES) // 2


def test_the_statements_of_an_entry_are_one_transaction(journal: Journal) -> None:
    journal.write(ENTRIES[0], GATEWAY)
    rename = Statement("UPDATE submission SET label = 'renamed' WHERE key = :key", {"key": "plain"})
    wrong = Statement("UPDATE submission SET price = 1 / 0 WHERE key = :key", {"key": "plain"})
    backend = journal._database.backend
    with pytest.raises(StorageError):
        backend.execute([rename, wrong], 1)
    assert journal.find(label="renamed") == []
    assert backend.execute([rename], 1) == [1]


def test_a_named_lock_is_held_until_the_entry_is_committed(
    journal: Journal, postgres_url: str
) -> None:
    # Tests of other processes have databases of their own on the same server.
    held = (
        "SELECT count(*) AS held FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        "WHERE locktype = 'advisory' AND objsubid = 1 AND datname = current_database()"
    )
    write_down = f"UPDATE submission SET price = ({held}) WHERE key = :key"  # noqa: S608 - a literal
    note = Statement(write_down, {"key": "plain"})
    journal.write(ENTRIES[0], GATEWAY)
    journal._database.backend.execute([note], 1, lock="a budget")
    with psycopg.connect(postgres_url) as other:
        assert other.execute("SELECT price FROM cometapi_runway.submission").fetchone() == (1,)
        assert other.execute(held).fetchone() == (0,)
