"""Partial files, on a real disk and under real locks."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometapi_runway._core import partial_file
from cometapi_runway._core.file_identity import FileIdentity
from cometapi_runway._core.partial_file import PartialFile

DATA = bytes(range(256)) * 40
KNOWN = FileIdentity('"v1"', len(DATA))
NOBODY_S = FileIdentity()
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there an open file cannot be removed")
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


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "a.part"


@pytest.fixture
def parts(shared: Path) -> Iterator[list[PartialFile]]:
    """Three that want the same file."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(PartialFile(shared))) for _ in range(3)]


def write(part: PartialFile, content: bytes, origin: FileIdentity = NOBODY_S) -> None:
    part.hold()
    part.begin(0, origin)
    part.write(content)
    assert part.sync() is None


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_each_holder_has_a_file_to_itself(parts: list[PartialFile], shared: Path) -> None:
    for number, part in enumerate(parts):
        write(part, bytes([number]) * 9)
    assert [part.path.read_bytes() for part in parts] == [b"\0" * 9, b"\1" * 9, b"\2" * 9]
    assert parts[0].path == shared
    assert all(one.suffix == ".part" for one in shared.parent.iterdir())


def test_what_stays_is_under_the_shared_name(parts: list[PartialFile], shared: Path) -> None:
    for part in parts:
        write(part, DATA)
        part.begin(5, NOBODY_S)
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

    monkeypatch.setattr(partial_file, "_lock", refuse)
    monkeypatch.setattr(partial_file, "_unlock", refuse)
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
def test_one_that_is_removed_meanwhile_is_begun_anew(
    parts: list[PartialFile], shared: Path
) -> None:
    write(parts[0], DATA)
    shared.unlink()
    write(parts[1], b"another's")
    assert parts[1].path == shared
    assert parts[0].hold() == 0
    write(parts[0], DATA)
    assert shared.read_bytes() == b"another's"
    assert parts[0].path.read_bytes() == DATA


@POSIX
def test_another_s_part_is_not_published(parts: list[PartialFile], shared: Path) -> None:
    """As it would be by its name, after the file that had the name was removed."""
    write(parts[0], DATA)
    shared.unlink()
    write(parts[1], b"not whole")
    with pytest.raises(FileNotFoundError, match="removed by somebody else"):
        parts[0].publish(shared.with_name("a.mp4"), overwrite=False)
    parts[0].close()
    assert names(shared.parent) == {"a.part"}
    assert shared.read_bytes() == b"not whole"


@POSIX
def test_another_s_part_is_not_removed(parts: list[PartialFile], shared: Path) -> None:
    parts[0].hold()
    shared.unlink()
    write(parts[1], DATA)
    parts[0].close()
    assert shared.read_bytes() == DATA


@POSIX
def test_it_is_let_go_also_where_a_forked_process_has_it_open(
    parts: list[PartialFile], shared: Path
) -> None:
    write(parts[0], DATA, KNOWN)
    # What a fork does to it: the lock is the open file's, and that is open twice.
    inherited = os.dup(parts[0]._held().fileno())
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
    lock = partial_file._lock

    def late(file: object) -> None:
        monkeypatch.setattr(partial_file, "_lock", lock)
        if becomes == "finished":
            parts[0].publish(final, overwrite=False)
        else:
            parts[0].close()
            shared.unlink()
        lock(file)

    monkeypatch.setattr(partial_file, "_lock", late)
    assert parts[1].hold() == 0
    write(parts[1], b"new")
    assert shared.read_bytes() == b"new"
    if becomes == "finished":
        assert final.read_bytes() == DATA


def test_it_gives_up_where_everything_is_taken(
    parts: list[PartialFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(_: object) -> None:
        raise BlockingIOError(errno.EWOULDBLOCK, "taken")

    monkeypatch.setattr(partial_file, "_lock", taken)
    with pytest.raises(OSError, match="others take every part"):
        parts[0].hold()


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
    assert holder.stdout is not None
    assert holder.stdout.readline().split() == ["0", "a.part"]
    assert holder.stdout.readline() == "written\n"
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
    assert holder.stdout is not None
    own = holder.stdout.readline().split()[1]
    assert holder.stdout.readline() == "written\n"
    holder.kill()
    holder.wait(30)
    assert own in names(shared.parent)
    write(parts[1], DATA)
    parts[1].publish(shared.with_name("a.mp4"), overwrite=False)
    # What is held is left to whoever holds it.
    assert names(shared.parent) == {"a.mp4", "a.part", *others}


class TestNotes:
    """Which file the bytes are of is beside them, and outlives a process as they do."""

    def test_what_nothing_vouches_for_is_not_added_to(
        self, parts: list[PartialFile], shared: Path
    ) -> None:
        shared.write_bytes(DATA)
        assert (parts[0].hold(), parts[0].origin) == (0, None)
        parts[0].close()
        assert shared.read_bytes() == DATA

    def test_it_is_told_to_the_next_holder(self, parts: list[PartialFile], shared: Path) -> None:
        write(parts[0], DATA, KNOWN)
        parts[0].close()
        assert names(shared.parent) == {"a.part", "a.part.json"}
        assert (parts[1].hold(), parts[1].origin) == (len(DATA), KNOWN)

    def test_it_is_on_the_disk_before_the_first_byte(
        self, parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the bytes that it does not tell of are off it before: power may go at any time."""
        write(parts[0], b"old", FileIdentity('"old"'))
        seen: list[tuple[int, bytes]] = []
        note = shared.with_name("a.part.json")
        sync = os.fsync

        def look(descriptor: int) -> None:
            sync(descriptor)
            seen.append((shared.stat().st_size, note.read_bytes()))

        monkeypatch.setattr(os, "fsync", look)
        parts[0].begin(0, KNOWN)
        (first, before), (second, after) = seen
        assert (first, second) == (0, 0)
        assert b"old" in before
        assert b"v1" in after

    @pytest.mark.parametrize("anew", [NOBODY_S, FileIdentity(None, 7)])
    def test_it_goes_where_the_next_file_has_none(
        self, anew: FileIdentity, parts: list[PartialFile], shared: Path
    ) -> None:
        write(parts[0], DATA, KNOWN)
        write(parts[0], b"new", anew)
        assert names(shared.parent) == {"a.part"}
        assert (parts[0].hold(), parts[0].origin) == (3, anew)
        parts[0].close()
        assert parts[1].hold() == 0

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"{}", b"\xff", b'{"etag": null}', b'{"etag": "W/\\"v1\\""}',
         b'{"etag": "v1"}', b'{"etag": "\\"\\u00e9\\""}', b'{"etag": "\\"a\\r\\nb\\""}'],
    )  # fmt: skip
    def test_one_that_cannot_be_read_vouches_for_nothing(
        self, content: bytes, parts: list[PartialFile], shared: Path
    ) -> None:
        shared.write_bytes(DATA)
        shared.with_name("a.part.json").write_bytes(content)
        assert parts[0].hold() == 0

    @pytest.mark.parametrize("how", ["named", "renamed", "swept", "empty", "beaten"])
    def test_it_goes_with_the_part(self, how: str, parts: list[PartialFile], shared: Path) -> None:
        final = shared.with_name("a.mp4")
        write(parts[0], DATA, KNOWN)
        write(parts[1], DATA, KNOWN)
        if how == "swept":
            parts[0].close()
            parts[1].publish(final, overwrite=False)
        elif how == "empty":
            parts[0].begin(0, KNOWN)
            parts[0].close()
            parts[1].close()
        elif how == "beaten":
            parts[1].publish(final, overwrite=False)
            with pytest.raises(FileExistsError):
                parts[0].publish(final, overwrite=False)
        else:
            parts[1].close()
            parts[0].publish(final, overwrite=how == "renamed")
        assert names(shared.parent) == ({"a.mp4"} if how != "empty" else set())

    @POSIX
    def test_another_s_is_left_alone(self, parts: list[PartialFile], shared: Path) -> None:
        write(parts[0], DATA, KNOWN)
        shared.unlink()
        write(parts[1], b"theirs", FileIdentity('"theirs"'))
        parts[0].begin(0, FileIdentity('"mine"'))
        parts[0].close()
        parts[1].close()
        assert (parts[2].hold(), parts[2].origin) == (6, FileIdentity('"theirs"'))
