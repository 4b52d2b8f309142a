"""Partial files on a real disk."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import Mock

import pytest
from tests.cases import each_case

from cometapi_runway._core import file_locks, partial_file
from cometapi_runway._core.partial_file import PartialFile

from ..support.partial_files import DATA, KNOWN, NO_IDENTITY, POSIX, names, write


def test_each_holder_has_a_file_to_itself(parts: list[PartialFile], shared: Path) -> None:
    for number, part in enumerate(parts):
        write(part, bytes([number]) * 9)
    assert [part.path.read_bytes() for part in parts] == [b"\0" * 9, b"\1" * 9, b"\2" * 9]
    assert parts[0].path == shared
    assert all(one.suffix == ".part" for one in shared.parent.iterdir())


def test_what_stays_is_under_the_shared_name(parts: list[PartialFile], shared: Path) -> None:
    for part in parts:
        write(part, DATA)
        part.begin(5, NO_IDENTITY)
        part.write(b"x")
    for part in parts:
        part.close()
        part.close()
    assert names(shared.parent) == {"a.part"}
    assert shared.read_bytes() == DATA[:5] + b"x"


def test_the_next_holder_goes_on_there(parts: list[PartialFile], shared: Path) -> None:
    write(parts[0], DATA, KNOWN)
    assert parts[1].hold() == 0
    parts[0].close()
    assert parts[2].hold() == len(DATA)
    assert parts[2].path == shared
    assert parts[2].hold() == len(DATA)


def test_one_without_a_byte_goes(parts: list[PartialFile], shared: Path) -> None:
    parts[0].hold()
    assert names(shared.parent) == {"a.part"}
    parts[0].close()
    assert names(shared.parent) == set()


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_first_to_finish_names_the_file(parts: list[PartialFile], overwrite: bool) -> None:
    final = parts[0].shared.with_name("a.mp4")
    for part, content in zip(parts, (b"first", b"second", b"third"), strict=True):
        write(part, content)
    parts[1].publish(final, overwrite=overwrite)
    assert final.read_bytes() == b"second"
    for part in (parts[0], parts[2]):
        with contextlib.nullcontext() if overwrite else pytest.raises(FileExistsError):
            part.publish(final, overwrite=overwrite)
    assert final.read_bytes() == (b"third" if overwrite else b"second")
    assert names(final.parent) == {"a.mp4"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_disk_without_hard_links_will_do(
    parts: list[PartialFile], overwrite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    final = parts[0].shared.with_name("a.mp4")
    for part in parts[:2]:
        write(part, DATA)
    parts[0].publish(final, overwrite=overwrite)
    with contextlib.nullcontext() if overwrite else pytest.raises(FileExistsError):
        parts[1].publish(final, overwrite=overwrite)
    assert final.read_bytes() == DATA
    assert names(final.parent) == {"a.mp4"}


def test_a_disk_without_locks_will_do(
    parts: list[PartialFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can know whose the shared name is, so nobody writes there."""

    def refuse(_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(partial_file, "lock_file", refuse)
    monkeypatch.setattr(partial_file, "unlock_file", refuse)
    final = parts[0].shared.with_name("a.mp4")
    parts[0].shared.write_bytes(b"somebody's")
    for part in parts:
        write(part, DATA)
        assert part.path != part.shared
    parts[0].publish(final, overwrite=False)
    # What others may still be writing is left alone.
    assert all(part.path.exists() for part in parts[1:])
    for part in parts:
        part.close()
    assert names(final.parent) == {"a.mp4", "a.part"}
    assert final.read_bytes() == DATA
    assert parts[0].shared.read_bytes() == b"somebody's"


@POSIX
def test_a_part_removed_meanwhile_is_restarted(parts: list[PartialFile], shared: Path) -> None:
    write(parts[0], DATA)
    shared.unlink()
    write(parts[1], b"another's")
    assert parts[1].path == shared
    assert parts[0].hold() == 0
    write(parts[0], DATA)
    assert shared.read_bytes() == b"another's"
    assert parts[0].path.read_bytes() == DATA


@POSIX
def test_the_part_of_another_holder_is_not_published(
    parts: list[PartialFile], shared: Path
) -> None:
    """As it would be by its name, after the file that had the name was removed."""
    write(parts[0], DATA)
    shared.unlink()
    write(parts[1], b"not whole")
    with pytest.raises(FileNotFoundError, match="removed by another process"):
        parts[0].publish(shared.with_name("a.mp4"), overwrite=False)
    parts[0].close()
    assert names(shared.parent) == {"a.part"}
    assert shared.read_bytes() == b"not whole"


@POSIX
def test_the_part_of_another_holder_is_not_removed(parts: list[PartialFile], shared: Path) -> None:
    parts[0].hold()
    shared.unlink()
    write(parts[1], DATA)
    parts[0].close()
    assert shared.read_bytes() == DATA


@POSIX
def test_the_part_that_another_process_begins_meanwhile_stays(
    parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlock(_: BinaryIO) -> None:
        assert not shared.exists()
        shared.write_bytes(DATA)

    parts[0].hold()
    parts[0].begin(0, NO_IDENTITY)
    monkeypatch.setattr(partial_file, "unlock_file", unlock)
    parts[0].close()
    assert shared.read_bytes() == DATA


@each_case("code", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOENT])
def test_what_cannot_be_cleaned_up_is_left(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is complete: a failure to tidy up is none of the download."""
    final, partial = tmp_path / "a.mp4", tmp_path / "a.part"
    partial.write_bytes(DATA)
    os.link(partial, final)
    attempts = []

    def refuse(path: object, *_: object) -> None:
        attempts.append(path)
        raise OSError(code, os.strerror(code))

    for name in ("unlink", "iterdir", "samefile"):
        monkeypatch.setattr(Path, name, refuse)
    for clean_up in (
        partial_file._try_to_remove,
        partial_file.remove_identity,
        partial_file._remove_leftovers,
        lambda path: partial_file.remove_second_name(path, final),
    ):
        clean_up(partial)
    assert len(attempts) == 4
    monkeypatch.setattr(os, "open", refuse)
    partial_file._remove_abandoned(partial)
    file_locks.sync_folder(tmp_path)
    assert len(attempts) == 6
    assert final.read_bytes() == DATA


def test_bytes_that_are_not_on_disk_yet_are_no_empty_file(
    parts: list[PartialFile], shared: Path
) -> None:
    parts[0].hold()
    parts[0].begin(0, KNOWN)
    parts[0].write(b"x")
    parts[0].close()
    assert shared.read_bytes() == b"x"


@POSIX
def test_it_is_locked_until_it_has_its_name(
    parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(parts[0], DATA)
    replace = Path.replace

    def replace_late(path: Path, final: Path) -> Path:
        parts[1].hold()
        assert parts[1].path != shared
        return replace(path, final)

    monkeypatch.setattr(Path, "replace", replace_late)
    parts[0].publish(shared.with_name("a.mp4"), overwrite=True)
    assert shared.with_name("a.mp4").read_bytes() == DATA


def test_a_folder_that_was_made_durable_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_locks.os, "open", lambda *_: 17)
    calls: list[tuple[str, int]] = []
    monkeypatch.setattr(file_locks.os, "fsync", lambda one: calls.append(("fsync", one)))
    monkeypatch.setattr(file_locks.os, "close", lambda one: calls.append(("close", one)))
    file_locks.sync_folder(tmp_path)
    assert calls == [("fsync", 17), ("close", 17)]


class FailingFile:
    """A file on a disk that fails at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
        raise OSError(errno.EIO, "Input/output error")


def test_it_is_closed_whatever_the_disk_says(
    parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(parts[0], DATA)
    file: Any = parts[0]._file
    parts[0]._file = FailingFile(file)  # type: ignore[assignment]
    unlock = Mock(side_effect=OSError(errno.ENOLCK, "no locks"))
    monkeypatch.setattr(partial_file, "unlock_file", unlock)
    parts[0].close()
    assert file.closed
    assert unlock.call_count == 1
    assert shared.read_bytes() == DATA
