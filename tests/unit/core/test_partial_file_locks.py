"""Locks of partial files, between threads and processes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.process_lines import read_line

from cometapi_runway._core import partial_file
from cometapi_runway._core.partial_file import PartialFile

from ..support.partial_files import DATA, KNOWN, POSIX, names, write

HOLDER = """
import sys, time
from pathlib import Path
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._core.file_identity import FileIdentity
part = PartialFile(Path(sys.argv[1]))
print(part.hold(), part.path.name, flush=True)
part.begin(0, FileIdentity('"theirs"'))
part.write(b"theirs")
part.sync()
print("written", flush=True)
sys.stdin.read()
"""


@POSIX
def test_it_is_let_go_also_where_a_forked_process_has_it_open(
    parts: list[PartialFile], shared: Path
) -> None:
    write(parts[0], DATA, KNOWN)
    # What a fork does to it: the lock is the open file's, and that is open twice.
    inherited = os.dup(parts[0]._open_file().fileno())
    parts[0].close()
    assert parts[1].hold() == len(DATA)
    assert parts[1].path == shared
    os.close(inherited)


def test_a_finished_file_is_never_written_to(parts: list[PartialFile], shared: Path) -> None:
    """Its process died after giving it its name, and before taking the part's away."""
    final = shared.with_name("a.mp4")
    shared.write_bytes(DATA)
    os.link(shared, final)
    write(parts[0], b"new")
    assert final.read_bytes() == DATA
    parts[0].publish(final, overwrite=True)
    assert final.read_bytes() == b"new"
    assert names(shared.parent) == {"a.mp4"}


@POSIX
@pytest.mark.parametrize("becomes", ["removed", "finished"])
def test_the_moment_between_opening_and_locking(
    becomes: str, parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(parts[0], DATA)
    final = shared.with_name("a.mp4")
    lock = partial_file.lock_file

    def late(file: object) -> None:
        monkeypatch.setattr(partial_file, "lock_file", lock)
        if becomes == "finished":
            parts[0].publish(final, overwrite=False)
        else:
            parts[0].close()
            shared.unlink()
        lock(file)

    monkeypatch.setattr(partial_file, "lock_file", late)
    assert parts[1].hold() == 0
    write(parts[1], b"new")
    assert shared.read_bytes() == b"new"
    if becomes == "finished":
        assert final.read_bytes() == DATA


def test_it_gives_up_where_everything_is_taken(
    parts: list[PartialFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As POSIX says it, and as Windows does.
    for error in (BlockingIOError(errno.EWOULDBLOCK, "taken"), PermissionError(13, "taken")):
        lock = Mock(side_effect=error)
        monkeypatch.setattr(partial_file, "lock_file", lock)
        with pytest.raises(OSError, match="other processes hold every partial file"):
            parts[0].hold()
        assert lock.call_count == 5


def test_where_there_are_no_locks_the_shared_name_is_no_ones(
    parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OSError(errno.ENOLCK, "no locks here")
    monkeypatch.setattr(partial_file, "lock_file", Mock(side_effect=error))
    parts[0].hold()
    assert parts[0].path != shared


def test_what_is_not_held_cannot_be_written(shared: Path) -> None:
    with pytest.raises(ValueError, match="not held"):
        PartialFile(shared).write(b"x")
    assert not shared.exists()


@pytest.fixture
def holder(shared: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the file."""
    wrapper = str(Path(partial_file.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, shared],
        env={**os.environ, "PYTHONPATH": wrapper},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_lock_holds_between_processes_and_dies_with_its_own(
    parts: list[PartialFile], shared: Path, holder: subprocess.Popen[str]
) -> None:
    assert read_line(holder).split() == ["0", "a.part"]
    assert read_line(holder) == "written\n"
    write(parts[0], DATA)
    assert parts[0].path != shared
    holder.kill()
    holder.wait(30)
    assert parts[1].hold() == len("theirs")
    assert shared.read_bytes() == b"theirs"


def test_what_dead_processes_left_goes_with_the_finished_file(
    parts: list[PartialFile], shared: Path, holder: subprocess.Popen[str]
) -> None:
    others = {"a-1.part", "ab.part", "a.mp4.part.txt", "b.0123.part"}
    for name in others:
        (shared.parent / name).write_bytes(b"not its own")
    parts[0].hold()
    own = read_line(holder).split()[1]
    assert read_line(holder) == "written\n"
    holder.kill()
    holder.wait(30)
    assert own in names(shared.parent)
    write(parts[1], DATA)
    parts[1].publish(shared.with_name("a.mp4"), overwrite=False)
    # What is held is left to whoever holds it.
    assert names(shared.parent) == {"a.mp4", "a.part", *others}
