"""Journal files: shared by processes, damaged, unreadable or not a journal."""

from __future__ import annotations

import gc
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case
from tests.forkserver import FORKS

from cometapi_runway import (
    ConfigurationError,
    RunwayClient,
)
from cometapi_runway._flows.entries import (
    SubmissionAccepted,
    SubmissionStarted,
)
from cometapi_runway.journal import Journal, StorageError, UnreadableRecord
from cometapi_runway.journal import _sqlite as sqlite_module

from ..support.both_clients import ClientHarness
from ..support.journal_processes import CALL, open_all, write_many
from ..support.journals import ASSETS, Location
from ..support.scripted_transport import Reply


def test_processes_share_it(location: Location) -> None:
    writers = [
        FORKS.Process(target=write_many, args=(location, f"p{number}", 30)) for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    journal = Journal(location)
    assert len(journal.tasks()) == 120
    assert len(journal.unknown()) == 40
    assert len(journal.tasks(unfinished=True)) == 40
    assert len(journal.tasks(limit=5)) == 5
    journal.close()


def test_processes_create_it_at_the_same_time(tmp_path: Path) -> None:
    """Several programs that start at once all find a journal that is whole."""
    together = FORKS.Barrier(4)
    openers = [FORKS.Process(target=open_all, args=(tmp_path, together, 40)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 4


@pytest.mark.parametrize(
    "content", [b"this is not a database, and much longer than any header of one" * 9]
)
def test_another_programs_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"notes\.txt cannot be opened"):
        Journal(file)
    assert file.read_bytes() == content


def test_a_newer_version_is_refused(path: Path) -> None:
    Journal(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Journal(path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Journal(tmp_path / "file" / "runway.journal")


def test_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "journal"
    Journal(path).close()
    assert path.is_file()
    Journal(path).close()


def test_an_empty_file_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    Journal(tmp_path / "empty").close()
    assert Journal(tmp_path / "empty").tasks() == []


@each_case(
    "statement",
    [
        "CREATE TABLE users (name)",
        "CREATE TABLE submission (x); CREATE TABLE file (x)",
        "CREATE TABLE users (name); PRAGMA user_version = 1",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 1196444487",
    ],
)
def test_another_programs_database_is_refused_and_left_alone(
    tmp_path: Path, statement: str
) -> None:
    file = tmp_path / "theirs.db"
    db = sqlite3.connect(file)
    db.executescript(statement)
    db.close()
    before = file.read_bytes(), file.stat().st_mtime_ns
    with pytest.raises(ConfigurationError, match=r"theirs\.db cannot be opened: .*another program"):
        Journal(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.db"]


def test_a_journal_from_before_they_bore_a_mark_is_read(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA application_id").fetchone() == (0x4352574A,)
    db.execute("PRAGMA application_id = 0")
    db.close()
    (entry,) = Journal(path).tasks()
    assert entry.seed == 7


@each_case("value", [True, 5, 1.5, b"journal", ["journal"], object()])
def test_what_is_no_path_is_named(value: Any) -> None:
    with pytest.raises(
        ConfigurationError, match="must be the path of a file, a URL, or a Journal; got"
    ):
        RunwayClient("a-key", journal=value)


def test_a_path_that_no_system_takes(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Journal(tmp_path / "a\0b")


def written(path: Path, count: int = 1) -> Journal:
    journal = Journal(path)
    for number in range(1, count + 1):
        journal.write(SubmissionStarted(f"k{number}", CALL, "tasks", number))
        journal.write(SubmissionAccepted(f"k{number}", f"task-{number}"))
    return journal


def damage(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    for statement in statements:
        db.executescript(statement)
    db.close()


DAMAGED_ROWS = [
    "arguments = '{'",
    f"arguments = '{'[' * 100_000}'",
    "arguments = CAST(x'22ff22' AS TEXT)",
    "created_at = 1e300",
    "created_at = 'yesterday'",
    "ended_at = 'soon'",
    "route = 'elsewhere'",
    "state = 'BROKEN'",
    "base_url = x'00'",
    "operation = CAST(x'ff' AS TEXT)",
    "seed = 'seven'",
]


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE submission", "ALTER TABLE submission RENAME COLUMN seed TO seeds"],
)
@pytest.mark.parametrize(
    "ask",
    [
        Journal.tasks,
        Journal.unknown,
        Journal.unfetched,
        lambda journal: journal.find("task-1"),
    ],
)
def test_a_damaged_file_is_named(
    path: Path, statement: str, ask: Callable[[Journal], object]
) -> None:
    journal = written(path)
    damage(path, statement)
    with pytest.raises(ConfigurationError, match=r"runway\.journal cannot be read"):
        ask(journal)
    journal.close()


@pytest.mark.parametrize("value", DAMAGED_ROWS)
def test_a_damaged_row_hides_no_other(
    path: Path, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal = written(path, count=3)
    damage(path, f"UPDATE submission SET {value} WHERE key = 'k2'")  # noqa: S608 - a literal
    unreadable: list[UnreadableRecord] = []
    assert {one.key for one in journal.tasks(on_unreadable=unreadable.append)} == {"k1", "k3"}
    (row,) = unreadable
    assert (row.key, row.task_id) == ("k2", "task-2")
    assert caplog.text == ""
    assert len(journal.tasks()) == 2
    assert "submission k2 (task task-2) cannot be read" in caplog.text
    journal.close()


@pytest.mark.parametrize("value", DAMAGED_ROWS)
def test_a_damaged_row_is_named_when_it_is_asked_for(path: Path, value: str) -> None:
    journal = written(path)
    damage(path, f"UPDATE submission SET {value}")  # noqa: S608 - a literal
    with pytest.raises(ConfigurationError, match=r"submission k1 \(task task-1\) cannot be read"):
        journal.find("task-1")
    journal.close()


DAMAGED_SCHEMAS = [
    ("DROP TABLE file", "table file lacks number, path, saved_at, size, task_id"),
    ("ALTER TABLE submission DROP COLUMN ended_at", "table submission lacks ended_at"),
    ("ALTER TABLE submission RENAME COLUMN reason TO reasons", "table submission lacks reason"),
    ("ALTER TABLE file RENAME COLUMN size TO bytes", "table file lacks size"),
]


@pytest.mark.parametrize(("statement", "problem"), DAMAGED_SCHEMAS)
def test_a_missing_table_or_column_is_found_when_it_is_opened(
    path: Path, statement: str, problem: str
) -> None:
    written(path).close()
    damage(path, statement)
    with pytest.raises(ConfigurationError, match=f"cannot be opened: it is damaged: {problem}"):
        Journal(path)


@pytest.mark.parametrize(("statement", "problem"), DAMAGED_SCHEMAS)
def test_a_missing_table_or_column_is_found_before_anything_is_paid(
    path: Path, harness: ClientHarness, statement: str, problem: str
) -> None:
    client = harness.new(journal=path)
    damage(path, statement)
    harness.respond_with(Reply(200, b"{}"))
    with pytest.raises(ConfigurationError, match=f"{problem}.*nothing was sent"):
        harness.run(client.character_performance.create(**ASSETS))
    assert harness.network.sent == []


def test_one_that_cannot_be_written_can_be_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would make files of its own beside it, where nothing can be made."""
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.close()
    beside = [path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm")]
    monkeypatch.setattr("os.access", lambda *_, **__: False)

    assert [one.key for one in journal.tasks()] == ["k"]
    assert not any(file.exists() for file in beside)
    with pytest.raises(StorageError, match="readonly"):
        journal.write(SubmissionStarted("l", CALL, "tasks", 7))


def test_a_journal_that_is_dropped_open_warns_of_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    journal = Journal(path)
    assert list(journal.tasks()) == []
    del journal
    gc.collect()
    assert ignored == []


def test_a_connection_closes_itself(path: Path) -> None:
    """Also on versions of Python that warn of nothing; one that was never opened has nothing."""
    journal = Journal(path)
    backend: Any = journal._database.backend
    connection = backend._database.connection
    connection.__del__()
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    type(connection).__new__(type(connection)).__del__()
    journal.close()


def test_a_fork_leaves_the_connection_to_the_parent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed in the child, it would end the parent's locks; so it is kept, open, for ever."""
    inherited: list[Any] = []
    monkeypatch.setattr(sqlite_module, "_inherited", inherited)
    journal = Journal(path)
    backend: Any = journal._database.backend
    database = backend._database
    journal._database.reset_after_fork()
    assert inherited == [database]
    assert database.connection.execute("SELECT 1").fetchone() is not None
    backend.abandon()
    assert inherited == [database]
    assert journal.tasks() == []
    assert backend._database not in (None, database)
    journal.close()
    database.connection.close()
