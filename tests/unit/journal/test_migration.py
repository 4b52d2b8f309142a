"""Journals that an older or a newer version of the package has written."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import ConfigurationError, SubmissionUnknownError
from cometapi_runway._flows.entries import IdempotencyKey, SubmissionAccepted, SubmissionStarted
from cometapi_runway.journal import Journal, Spending
from cometapi_runway.journal import _sqlite_file as file_module

from ..support.both_clients import ASSETS, BASE, ID, ClientHarness
from ..support.journal_processes import CALL
from ..support.journals import Location, change
from ..support.scripted_transport import HANG, json_reply

V1 = """
CREATE TABLE submission (
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
CREATE INDEX submission_task ON submission (task_id);
CREATE INDEX submission_open ON submission (state) WHERE state = 'SUBMITTED';
CREATE TABLE file (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    saved_at REAL NOT NULL,
    PRIMARY KEY (task_id, number)
);
PRAGMA user_version = 1;
PRAGMA application_id = 1129469770;
"""
"""What version 0.1.0 creates."""
INSERT = """INSERT INTO submission VALUES
    (?, 'control_a_character', '{"seed": 7}', 'f', 7, 'tasks', ?, ?, ?, ?, ?, ?, NULL, ?)"""
STATES = ["INTENDED", "REFUSED", "UNKNOWN", "SUBMITTED", "SUCCEEDED", "FAILED", "CANCELLED", "LOST"]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")


def write_v1(path: Path, rows: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(V1)
    for number in range(rows):
        state = STATES[number % len(STATES)]
        has_task = state in STATES[3:]
        task_id = f"t{number}" if has_task else None
        ended = time.time() if state in STATES[4:7] else None
        reason = "unknown_outcome" if state == "UNKNOWN" else None
        # The number of a process that is running.
        values = (f"k{number}", BASE, time.time(), os.getpid(), task_id, state, reason, ended)
        db.execute(INSERT, values)
    db.execute("INSERT INTO file VALUES ('t4', 0, '/out/a.mp4', 3, ?)", (time.time(),))
    db.commit()
    db.close()


def read_version(path: Path) -> int:
    db = sqlite3.connect(path)
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(*) FROM submission").fetchone() == (8,)
    db.close()
    return version


def test_its_rows_are_read_and_updated(path: Path) -> None:
    write_v1(path)
    journal = Journal(path)
    records = {one.key: one for one in journal.tasks()}
    assert [records[f"k{number}"].state for number in range(8)] == STATES
    assert [file.name for file in records["k4"].files] == ["a.mp4"]
    for record in records.values():
        assert (record.idempotency_key, record.label, record.scope) == (None, None, None)
        assert (record.price, record.settled_at, record.owner) == (None, None, None)
        assert record.seed == 7
    assert [one.key for one in journal.tasks(unfinished=True)] == ["k3"]
    # The process that has its number today is another one.
    assert {one.key for one in journal.unknown()} == {"k0", "k2"}
    assert journal.spent(None) == Spending(journal.spent().cost, 7, 7)
    assert journal.settle("k2", task_id="found").state == "SUBMITTED"
    assert journal.settle("k0", charged=False).state == "REFUSED"
    assert [row["key"] for row in journal.export()] == [f"k{number}" for number in range(8)]
    journal.close()
    assert read_version(path) == 3


def test_it_takes_new_entries(path: Path, harness: ClientHarness) -> None:
    write_v1(path)
    client = harness.new(journal=path)
    harness.respond_with(json_reply({"id": ID}), HANG)
    for _ in range(2):
        options = {"idempotency_key": "order-17", "label": "a"}
        task = harness.run(client.character_performance.create(**ASSETS, **options))
        assert task.id == ID
    with pytest.raises(SubmissionUnknownError):
        harness.run(client.character_performance.create(**ASSETS, idempotency_key="b"))
    assert len(harness.network.sent) == 2


def test_it_is_as_a_new_one(path: Path) -> None:
    write_v1(path)
    Journal(path).close()
    Journal(path.with_name("new")).close()

    def describe(file: Path) -> list[Any]:
        db = sqlite3.connect(file)
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master ORDER BY name")]
        columns = [
            db.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
            for name in names
        ]
        sizes = [db.execute(f"PRAGMA {one}").fetchone() for one in ("user_version",)]
        db.close()
        return [names, columns, sizes]

    assert describe(path) == describe(path.with_name("new"))


def test_one_of_the_older_package_goes_on_writing(path: Path) -> None:
    """Programs are not updated at the same moment."""
    write_v1(path)
    old = sqlite3.connect(path)
    journal = Journal(path)
    names = "key, operation, arguments, fingerprint, route, base_url, created_at, process, state"
    insert = f"INSERT INTO submission ({names}) VALUES ('old','o','{{}}','f','tasks',?,?,1,?)"  # noqa: S608
    old.execute(insert, (BASE, time.time(), "INTENDED"))
    old.execute("UPDATE submission SET task_id = 'o', state = 'SUBMITTED' WHERE key = 'old'")
    old.commit()
    old.close()
    found = journal.find("o")
    assert found is not None
    assert found.state == "SUBMITTED"
    journal.close()


@needs_fork
@pytest.mark.forks
def test_a_kill_at_any_statement_leaves_it_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_v1(path)
    versions = []
    for step in range(1, 60):
        copy = path.with_name(f"{step}")
        shutil.copy(path, copy)
        child = os.fork()
        if child == 0:
            _kill_at(step, monkeypatch)
            Journal(copy).close()
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        versions.append(read_version(copy))
        journal = Journal(copy)
        assert len(journal.tasks()) == 8
        journal.close()
        assert read_version(copy) == 3
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert versions == sorted(versions)
    assert set(versions) == {1, 3}
    assert len(versions) > 15


def _kill_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End this process before its statement of that number."""
    connect = sqlite3.connect
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(count)
        return connection

    monkeypatch.setattr(file_module.sqlite3, "connect", traced)


def open_journals(folder: Path, together: Any) -> None:
    for file in sorted(folder.glob("*.journal")):
        together.wait(20)
        journal = Journal(file)
        journal.write(SubmissionStarted(f"new-{os.getpid()}", CALL, "tasks", 7), timeout=20)
        journal.close()


@needs_fork
@pytest.mark.forks
def test_processes_change_it_at_the_same_time(tmp_path: Path) -> None:
    for number in range(10):
        write_v1(tmp_path / f"{number}.journal")
    context = multiprocessing.get_context("fork")
    together = context.Barrier(3)
    openers = [context.Process(target=open_journals, args=(tmp_path, together)) for _ in range(3)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 3
    for file in tmp_path.glob("*.journal"):
        journal = Journal(file)
        assert len(journal.tasks()) == 11
        journal.close()


def test_one_that_cannot_be_written_is_not_changed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_v1(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    with pytest.raises(ConfigurationError, match="cannot be opened") as caught:
        Journal(path)
    assert "schema version 1" in str(caught.value)
    assert "cannot be written" in str(caught.value)
    assert path.read_bytes() == before


def test_one_that_is_locked_is_waited_for(path: Path) -> None:
    write_v1(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, db.execute, ["ROLLBACK"])
    release.start()
    Journal(path).close()
    release.join()
    db.close()
    assert read_version(path) == 3


def test_a_newer_one_is_refused_and_left_alone(location: Location) -> None:
    journal = Journal(location)
    own_key = IdempotencyKey("order-17", "d")
    journal.write(SubmissionStarted("k", CALL, "tasks", 7, own_key))
    journal.write(SubmissionAccepted("k", "t"))
    journal.close()
    is_file = isinstance(location, Path)
    newer = "PRAGMA user_version = 4" if is_file else "UPDATE journal_version SET version = 4"
    change(location, newer)
    with pytest.raises(ConfigurationError, match=r"cannot be opened: .*schema version 4; "):
        Journal(location)
    change(location, newer.replace("4", "3"))
    journal = Journal(location)
    assert [one.task_id for one in journal.tasks()] == ["t"]
    journal.close()


@pytest.mark.parametrize("error", [KeyboardInterrupt, sqlite3.OperationalError])
def test_an_upgrade_that_is_interrupted_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupt(_: int) -> list[str]:
        raise error

    monkeypatch.setattr(file_module, "_list_statements", interrupt)
    db = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(error):
        file_module._upgrade(db)
    assert not db.in_transaction
    db.close()
