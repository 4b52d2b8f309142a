"""A journal that another process has locked, or whose disk is full."""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import ConfigurationError
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    OutputSaved,
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway.journal import Journal, PendingEntryError, StorageError
from cometapi_runway.journal import _database as database_module

from ..support.both_clients import ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journal_processes import CALL
from ..support.journals import ASSETS, Location
from ..support.locks import LOCKED, locked
from ..support.scripted_transport import json_reply

SHORT = 0.1


@pytest.fixture
def journal(location: Location, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr(database_module, "JOURNAL_TIMEOUT", SHORT)
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    yield journal
    journal.close()


def write_late(journal: Journal) -> None:
    """Write three entries that must be kept."""
    for entry in (
        SubmissionAccepted("k", "t"),
        TaskEnded(Task("t", "SUCCEEDED")),
        OutputSaved("t", 0, Path("t.mp4"), 1),
    ):
        with pytest.raises(PendingEntryError, match=f"({LOCKED}); the entry is kept in memory"):
            journal.write(entry, timeout=SHORT)


def record_of(location: Location) -> Any:
    journal = Journal(location)
    (record,) = journal.tasks()
    journal.close()
    return record


def measure(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


class TestWait:
    def test_returns_at_its_deadline(self, harness: ClientHarness, location: Location) -> None:
        """The end of the task is known at once; only the journal's lock takes longer."""
        client = harness.new(journal=location)
        harness.respond_with(json_reply({"id": ID}))
        harness.run(client.character_performance.create(**ASSETS))
        harness.respond_with(DONE)
        with locked(location):
            ended: list[Any] = []
            seconds = measure(lambda: ended.append(harness.run(client.tasks.wait(ID, timeout=0.4))))
        assert ended[0].status == "SUCCEEDED"
        assert seconds < 1.5
        assert client.journal.find(ID).state == "SUCCEEDED"

    def test_does_not_wait_long_for_a_lock_against_readers(
        self, harness: ClientHarness, location: Location
    ) -> None:
        client = harness.new(journal=location)
        harness.respond_with(json_reply({"id": ID}))
        harness.run(client.character_performance.create(**ASSETS))
        client.journal.close()
        harness.respond_with(DONE)
        with locked(location, against_readers=True):
            seconds = measure(lambda: harness.run(client.tasks.wait(ID, timeout=0.4)))
        assert seconds < 3

    def test_of_many_tasks_waits_once(self, harness: ClientHarness, location: Location) -> None:
        client = harness.new(journal=location)
        harness.respond_with(json_reply({"id": ID}))
        harness.run(client.character_performance.create(**ASSETS))
        ids = [f"{ID[:-2]}{number:02}" for number in range(20)]
        harness.respond_with(DONE)
        with locked(location):
            seconds = measure(lambda: harness.run(client.tasks.wait_all(ids, timeout=0.4)))
        assert seconds < 2

    def test_of_many_tasks_waits_once_for_a_lock_against_readers(
        self, harness: ClientHarness, location: Location
    ) -> None:
        client = harness.new(journal=location)
        client.journal.close()
        ids = [f"{ID[:-2]}{number:02}" for number in range(20)]
        harness.respond_with(DONE)
        with locked(location, against_readers=True):
            seconds = measure(lambda: harness.run(client.tasks.wait_all(ids, timeout=0.4)))
            with pytest.raises(ConfigurationError, match="cannot be read") as refusal:
                client.journal.store.durations("tasks", limit=1, timeout=0.0)
            assert refusal.value.setting == "journal"
        assert seconds < 4


class TestCreate:
    def test_is_refused_within_the_request_timeout(
        self, harness: ClientHarness, location: Location
    ) -> None:
        client = harness.new(journal=location, timeout=0.3)
        harness.respond_with(json_reply({"id": ID}))

        def create() -> None:
            with pytest.raises(ConfigurationError, match=f"({LOCKED}).*nothing was sent"):
                harness.run(client.character_performance.create(**ASSETS))

        with locked(location):
            assert measure(create) < 1.5
        assert harness.network.sent == []
        assert client.journal.tasks() == []

    def test_waits_for_a_lock_that_is_released(
        self, harness: ClientHarness, location: Location
    ) -> None:
        client = harness.new(journal=location)
        harness.respond_with(json_reply({"id": ID}))
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with locked(location):
                held.set()
                done.wait(0.2)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(5)
        assert harness.run(client.character_performance.create(**ASSETS)).id == ID
        thread.join()

    def test_keeps_the_id_of_an_accepted_task(
        self, harness: ClientHarness, location: Location, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = harness.new(journal=location, timeout=5)
        lock = LockAfterIntent(client.journal.store)
        harness.respond_with(json_reply({"id": ID}))
        task = harness.run(client.character_performance.create(**ASSETS))
        assert task.id == ID
        assert f"task {ID} was accepted, but its id cannot be written" in caplog.text
        assert "is kept in memory and written with the next use of the journal" in caplog.text
        lock.release()
        harness.run(client.close())
        assert (record_of(location).task_id, record_of(location).state) == (ID, "SUBMITTED")


class LockAfterIntent:
    """A disk that is full from the second write of a journal on, until it is released."""

    def __init__(self, journal: Journal) -> None:
        self._database = journal._database
        self._apply = self._database._apply
        self._database._apply = self.apply  # type: ignore[method-assign]

    def apply(self, write: Any, timeout: float) -> None:
        raise StorageError("database or disk is full")

    def release(self) -> None:
        self._database._apply = self._apply  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "use",
    [
        Journal.close,
        Journal.tasks,
        lambda journal: journal.find("t"),
        lambda journal: journal.write(TaskEnded(Task("foreign", "FAILED"))),
        lambda journal: journal.write(SubmissionStarted("l", CALL, "tasks", 7)),
    ],
)
def test_late_entries_are_written_in_order_at_the_next_use(
    journal: Journal, location: Location, use: Callable[[Journal], object]
) -> None:
    with locked(location):
        write_late(journal)
        ended_before = time.time()
    time.sleep(0.05)
    use(journal)
    fresh = Journal(location)
    record = fresh.find("t")
    assert record is not None
    assert (record.state, [file.name for file in record.files]) == ("SUCCEEDED", ["t.mp4"])
    assert record.ended_at is not None
    assert record.ended_at.timestamp() <= ended_before
    fresh.close()


def test_entries_that_a_signal_handler_writes_meanwhile_are_written_once(
    journal: Journal, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(location):
        write_late(journal)
    database, apply = journal._database, journal._database._apply
    written: list[str] = []

    def apply_and_interrupt(write: Any, timeout: float) -> None:
        apply(write, timeout)
        written.append(write.description)
        if len(written) == 1:
            database._catch_up(timeout)

    monkeypatch.setattr(database, "_apply", apply_and_interrupt)
    (record,) = journal.tasks()
    assert (record.state, len(record.files)) == ("SUCCEEDED", 1)
    # The handler repeats the first one, which changes nothing, and writes the others.
    assert len(written) == 4
    assert not database._pending


def test_after_one_wait_the_next_entries_do_not_wait(journal: Journal, location: Location) -> None:
    with locked(location):
        write_late(journal)
        for _ in range(20):
            with pytest.raises(PendingEntryError):
                journal.write(TaskEnded(Task("t", "SUCCEEDED")), timeout=60)


def test_an_intent_is_not_kept(journal: Journal, location: Location) -> None:
    with locked(location), pytest.raises(StorageError, match=LOCKED) as caught:
        journal.write(SubmissionStarted("l", CALL, "tasks", 7), timeout=SHORT)
    assert not isinstance(caught.value, PendingEntryError)
    assert [one.key for one in journal.tasks()] == ["k"]


def test_closing_says_what_is_not_recorded(
    journal: Journal, location: Location, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(location):
        write_late(journal)
        journal.close()
        assert "task t was accepted; task t is SUCCEEDED; " in caplog.text
    journal.close()
    assert record_of(location).state == "SUCCEEDED"


def test_late_entries_survive_a_replaced_file(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("l", CALL, "tasks", 7))
    with locked(path), pytest.raises(PendingEntryError):
        journal.write(SubmissionAccepted("l", "u"), timeout=SHORT)
    if sys.platform != "win32":
        for file in path.parent.iterdir():
            file.unlink()
    found = journal.find("u")
    assert found is not None
    assert found.state == "SUBMITTED"
    journal.close()


def test_an_entry_that_can_never_be_written_blocks_no_other(
    journal: Journal, location: Location, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(location):
        with pytest.raises(PendingEntryError):
            journal.write(SubmissionAccepted("unheard-of", "x"), timeout=SHORT)
        write_late(journal)
    assert journal.tasks()[0].state == "SUCCEEDED"
    assert "not written: task x was accepted (the journal has no request unheard-of)" in caplog.text


def test_a_program_that_closes_nothing_writes_them_at_its_end(path: Path) -> None:
    program = """
import sqlite3, sys
from pathlib import Path
from cometapi_runway._flows.entries import *
from cometapi_runway.journal import Journal, PendingEntryError
path = Path(sys.argv[1])
journal = Journal(path)
journal.write(SubmissionStarted("k", PreparedRequest("o", "POST", "/x"), "tasks", 7))
lock = sqlite3.connect(path, isolation_level=None)
lock.execute("BEGIN EXCLUSIVE")
try:
    journal.write(SubmissionAccepted("k", "t"), timeout=0.1)
except PendingEntryError:
    lock.execute("ROLLBACK")
"""
    subprocess.run([sys.executable, "-c", program, path], check=True, timeout=30)
    assert record_of(path).task_id == "t"


def test_nothing_stays_registered_once_all_is_written(
    journal: Journal, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(atexit, "register", lambda _: calls.append("register"))
    monkeypatch.setattr(atexit, "unregister", lambda _: calls.append("unregister"))
    with locked(location):
        write_late(journal)
    journal.tasks()
    assert calls == ["register", "unregister"]


def test_a_locked_file_is_opened_within_a_bounded_time(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(location).close()
    monkeypatch.setattr(database_module, "JOURNAL_READ_TIMEOUT", SHORT)
    with (
        locked(location, against_readers=True),
        pytest.raises(ConfigurationError, match=f"cannot be opened: .*({LOCKED})"),
    ):
        Journal(location)


def test_a_thread_does_not_wait_for_another_threads_timeout(
    journal: Journal, location: Location
) -> None:
    """The journal's own lock is free while a write waits for another process."""

    def wait_in_vain() -> None:
        with pytest.raises(StorageError, match=LOCKED):
            journal.write(SubmissionStarted("l", CALL, "tasks", 7), timeout=1)

    with locked(location):
        waiting = threading.Thread(target=wait_in_vain)
        waiting.start()
        time.sleep(0.05)
        assert measure(journal.tasks) < 0.5
        waiting.join()


def test_attempts_in_vain_spoil_no_later_write(journal: Journal, location: Location) -> None:
    """psycopg would take a statement for prepared that a failed pipeline had left out."""
    with locked(location):
        for number in range(8):
            with pytest.raises(StorageError, match=LOCKED):
                journal.write(SubmissionStarted(f"v{number}", CALL, "tasks", 7), timeout=0.01)
    for number in range(8):
        journal.write(SubmissionStarted(f"w{number}", CALL, "tasks", 7))
        journal.write(SubmissionAccepted(f"w{number}", f"t{number}"))
    assert len(journal.tasks()) == 9
