"""A journal's file: its identity, how it is opened, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway.journal import StorageError
from cometapi_runway.journal._backend import Statement
from cometapi_runway.journal._sqlite import SqliteBackend
from cometapi_runway.journal._sqlite_file import _database_uri, _identify, is_busy


def test_a_file_has_one_and_another_file_has_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        file.touch()
    assert _identify(one) == _identify(one) is not None
    assert _identify(one) != _identify(other)
    (tmp_path / "link").hardlink_to(one)
    assert _identify(tmp_path / "link") == _identify(one)


@each_case("place", ["missing", "file/below", "loop", "long" * 100])
def test_what_cannot_be_found_has_none(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert _identify(tmp_path / place) is None


@each_case("has_wal", [False, True])
@each_case("writable", [(), ("journal",), ("folder",), ("journal", "folder")])
def test_only_a_backup_that_nobody_can_write_is_immutable(
    writable: tuple[str, ...], has_wal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "journal"
    for file in (path, *([folder / "journal-wal"] if has_wal else [])):
        file.touch()

    def access(place: Path, mode: int) -> bool:
        return mode == os.W_OK and place.name in writable

    monkeypatch.setattr(os, "access", access)
    end = "" if writable or has_wal else "?immutable=1"
    assert _database_uri(path) == f"{path.as_uri()}{end}"


@each_case(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY, True),
        # The high bytes say more of the same.
        (sqlite3.SQLITE_BUSY | 1 << 8, True),
        (sqlite3.SQLITE_LOCKED, True),
        (sqlite3.SQLITE_LOCKED | 1 << 8, True),
        (sqlite3.SQLITE_READONLY, False),
        (sqlite3.SQLITE_FULL, False),
        (None, False),
    ],
)
def test_a_lock_ends(code: int | None, expected: bool) -> None:
    error = sqlite3.OperationalError("any words, also database is locked")
    if code is not None:
        error.sqlite_errorcode = code
    assert is_busy(error) is expected
    other = sqlite3.DatabaseError("not of this kind")
    other.sqlite_errorcode = sqlite3.SQLITE_BUSY
    assert not is_busy(other)


INSERT = "INSERT INTO file VALUES (:task_id, :number, 'p', 1, 1)"


@each_case(
    ("statement", "is_permanent"),
    [
        (Statement(INSERT, {"task_id": "t", "number": 2**63}), True),
        (Statement(INSERT, {"task_id": "\ud800", "number": 1}), True),
        (Statement(INSERT, {"task_id": None, "number": 1}), True),
        (Statement(INSERT, {"task_id": "t"}), True),
        (Statement("INSERT INTO nothing VALUES (1)", {}), False),
    ],
)
def test_what_can_never_be_written_is_told_from_the_rest(
    statement: Statement, is_permanent: bool, tmp_path: Path
) -> None:
    backend = SqliteBackend(tmp_path / "journal")
    with pytest.raises(StorageError, match="the file is closed"):
        backend.execute([statement], 0.0)
    backend.connect(0.0)
    with pytest.raises(StorageError) as caught:
        backend.execute([statement], 0.0)
    assert (caught.value.is_permanent, caught.value.is_busy) == (is_permanent, False)
    assert str(caught.value) == str(caught.value.__cause__)
    backend.close()
