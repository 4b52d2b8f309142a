"""Recorded tasks that the gateway does not know."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest

from cometapi_runway import (
    TaskNotFoundError,
)
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway.journal import Journal

from ..support.both_clients import ID, ClientHarness
from ..support.fault_table import DONE, RUNNING
from ..support.journal_processes import CALL
from ..support.journals import ASSETS, DAY, GONE, Location, change
from ..support.scripted_transport import json_reply


class TestMissing:
    """A task that the gateway does not know, as another process takes it up later."""

    @pytest.fixture
    def client(self, harness: ClientHarness, location: Location) -> Any:
        harness.respond_with(json_reply({"id": ID}))
        client = harness.new(journal=location)
        harness.run(client.character_performance.create(**ASSETS))
        harness.network.sent.clear()
        return client

    def age(self, location: Location, seconds: float) -> None:
        change(location, "UPDATE submission SET created_at = ?", time.time() - seconds)

    @pytest.mark.parametrize(
        ("seconds", "state"),
        [(125, "SUBMITTED"), (1.9 * DAY, "SUBMITTED"), (2.1 * DAY, "LOST"), (10 * DAY, "LOST")],
    )
    def test_after_its_grace_is_missing_at_once(
        self, client: Any, harness: ClientHarness, location: Location, seconds: float, state: str
    ) -> None:
        self.age(location, seconds)
        harness.respond_with(GONE)
        began = harness.time
        (task,) = harness.list(client.journal.resume())
        assert isinstance(task.error, TaskNotFoundError)
        assert (len(harness.network.sent), harness.time) == (1, began)
        (entry,) = client.journal.tasks()
        assert (entry.state, entry.task_id, entry.ended_at) == (state, ID, None)
        assert len(harness.list(client.journal.resume())) == (state == "SUBMITTED")

    def test_within_its_grace_is_waited_for(
        self, client: Any, harness: ClientHarness, location: Location
    ) -> None:
        self.age(location, 100)
        harness.respond_with(GONE, GONE, DONE)
        (task,) = harness.list(client.journal.resume())
        assert task.result().status == "SUCCEEDED"

    def test_made_by_a_clock_that_is_ahead_has_its_grace(
        self, client: Any, harness: ClientHarness, location: Location
    ) -> None:
        self.age(location, -10 * DAY)
        harness.respond_with(GONE)
        (task,) = harness.list(client.journal.resume())
        assert isinstance(task.error, TaskNotFoundError)
        assert 120 <= harness.time <= 130

    def test_is_no_longer_lost_once_it_is_seen(
        self, client: Any, harness: ClientHarness, location: Location
    ) -> None:
        self.age(location, 10 * DAY)
        harness.respond_with(GONE)
        harness.list(client.journal.resume())
        assert client.journal.find(ID).state == "LOST"
        harness.respond_with(DONE)
        harness.run(client.tasks.wait(ID))
        assert (client.journal.find(ID).state, client.journal.find(ID).reason) == (
            "SUCCEEDED",
            None,
        )

    def test_is_what_no_task_with_another_trouble_is(
        self, client: Any, harness: ClientHarness, location: Location
    ) -> None:
        self.age(location, 10 * DAY)
        harness.respond_with(RUNNING, GONE)
        harness.list(client.journal.resume(timeout=20))
        assert client.journal.find(ID).state == "SUBMITTED"

    def test_is_reported_though_the_journal_cannot_be_written(
        self,
        client: Any,
        harness: ClientHarness,
        location: Location,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("disk is full")

        self.age(location, 10 * DAY)
        harness.respond_with(GONE)
        endings = client.journal.resume()
        client.journal.store.write = fail
        (task,) = harness.list(endings)
        assert isinstance(task.error, TaskNotFoundError)
        assert "is missing, but the journal cannot be written (disk is full)" in caplog.text


def test_an_end_that_another_process_saw_is_not_lost_again(location: Location) -> None:
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.write(SubmissionAccepted("k", "task-1"))
    change(location, "UPDATE submission SET created_at = 0")
    journal.write(TaskEnded(Task("task-1", "SUCCEEDED")))
    journal.write(TaskMissing("task-1"))
    (entry,) = journal.tasks()
    assert entry.state == "SUCCEEDED"
    journal.close()
