"""Tasks that succeeded and whose files are not on record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    OutputRequested,
    OutputSaved,
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway.journal import Journal

from ..support.both_clients import ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journal_processes import CALL
from ..support.journals import ASSETS, DAY, Location, change
from ..support.scripted_transport import Reply, json_reply

FILM = Reply(200, b"film", {"content-type": "video/mp4"})


@pytest.fixture
def client(harness: ClientHarness, location: Location) -> Any:
    """A client whose process ended after the wait, before any download."""
    harness.respond_with(json_reply({"id": ID}))
    first = harness.new(journal=location)
    task = harness.run(first.character_performance.create(**ASSETS))
    harness.respond_with(DONE)
    harness.run(task.wait())
    harness.network.sent.clear()
    return harness.new(journal=location)


def set_times(location: Location, column: str, days: float) -> None:
    # A column's name, which cannot be a parameter.
    change(location, f"UPDATE submission SET {column} = ?", time.time() - days * DAY)  # noqa: S608


def test_they_are_listed_and_not_unfinished(client: Any) -> None:
    (task,) = client.journal.unfetched()
    assert task.id == ID
    assert client.journal.unfinished() == []
    (record,) = client.journal.tasks()
    assert record.is_unfetched


def test_resume_leaves_them_alone_unless_asked(client: Any, harness: ClientHarness) -> None:
    assert harness.list(client.journal.resume()) == []
    assert harness.network.sent == []


def test_resume_polls_them_and_their_files_can_be_saved(
    client: Any, harness: ClientHarness, tmp_path: Path
) -> None:
    harness.respond_with(DONE)
    (task,) = harness.list(client.journal.resume(include_unfetched=True))
    assert task.result().output
    harness.respond_with(FILM)
    (file,) = harness.run(task.download(tmp_path / "out"))
    assert file.read_bytes() == b"film"
    assert client.journal.unfetched() == []
    assert harness.list(client.journal.resume(include_unfetched=True)) == []


@pytest.mark.parametrize(("days", "count"), [(6.9, 1), (7.1, 0)])
def test_they_are_offered_for_a_week(
    client: Any, location: Location, days: float, count: int
) -> None:
    set_times(location, "ended_at", days)
    assert len(client.journal.unfetched()) == count
    assert client.journal.tasks()[0].is_unfetched is bool(count)


@pytest.mark.parametrize(("days", "count"), [(1, 1), (3, 0)])
def test_they_are_given_up_when_the_gateway_has_forgotten_them(
    client: Any, location: Location, days: float, count: int
) -> None:
    """A young task may belong to the account of another key."""
    set_times(location, "created_at", days)
    client.journal.write(TaskMissing(ID))
    assert len(client.journal.unfetched()) == count
    assert client.journal.tasks()[0].state == "SUCCEEDED"
    client.journal.write(TaskEnded(Task(ID, "SUCCEEDED")))
    assert len(client.journal.unfetched()) == 1


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_others_have_nothing_to_fetch(client: Any, status: str) -> None:
    client.journal.write(TaskEnded(Task(ID, status)))
    assert client.journal.unfetched() == []


@pytest.mark.parametrize(
    ("saved", "requested", "is_unfetched"),
    [(0, 0, True), (0, 3, True), (2, 3, True), (3, 3, False), (1, 0, False)],
)
def test_a_task_with_several_outputs_needs_them_all(
    location: Location, tmp_path: Path, saved: int, requested: int, is_unfetched: bool
) -> None:
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.write(SubmissionAccepted("k", "t"))
    journal.write(TaskEnded(Task("t", "SUCCEEDED")))
    if requested:
        journal.write(OutputRequested("t", 0, tmp_path, requested))
    for index in range(saved):
        journal.write(OutputSaved("t", index, tmp_path / f"{index}.mp4", 1))
    assert [one.is_unfetched for one in journal.tasks()] == [is_unfetched]
    assert len(journal.unfetched()) == is_unfetched
    journal.close()


def test_only_this_gateways_are_fetched(location: Location, harness: ClientHarness) -> None:
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7), "https://other.example")
    journal.write(SubmissionAccepted("k", "t"))
    journal.write(TaskEnded(Task("t", "SUCCEEDED")))
    client = harness.new(journal=journal)
    assert client.journal.unfetched() == []
    assert len(journal.unfetched()) == 1
    journal.close()
