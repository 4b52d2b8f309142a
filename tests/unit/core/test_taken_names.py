"""A final name that is taken while a download runs: by a file, or by something else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway._core.file_links import open_without_link
from cometapi_runway._core.file_locks import has_name
from cometapi_runway._core.partial_file import PartialFile

from ..support.partial_files import DATA, names, write


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_came_meanwhile_is_kept_and_the_partial_file_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        refuse_links(monkeypatch)
    final, part = tmp_path / "final", PartialFile(tmp_path / "x.part")
    write(part, DATA)
    final.write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        part.publish(final, overwrite=False)
    assert names(tmp_path) == {"final"}
    assert final.read_bytes() == b"another's"


@each_case("has_links", [True, False])
@each_case("kind", ["folder", "dangling link"])
def test_what_is_no_file_is_said_and_the_partial_file_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool, kind: str
) -> None:
    if not has_links:
        refuse_links(monkeypatch)
    final, part = tmp_path / "final", PartialFile(tmp_path / "x.part")
    write(part, DATA)
    if kind == "folder":
        final.mkdir()
    else:
        final.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match=r"not a regular file|a symbolic link to no file") as caught:
        part.publish(final, overwrite=False)
    assert caught.value.errno == errno.EINVAL
    assert not isinstance(caught.value, FileExistsError)
    assert (tmp_path / "x.part").read_bytes() == DATA
    part.close()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_free_name_gets_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        refuse_links(monkeypatch)
    final, part = tmp_path / "final", PartialFile(tmp_path / "x.part")
    write(part, DATA)
    part.publish(final, overwrite=False)
    assert final.read_bytes() == DATA
    assert names(tmp_path) == {"final"}


def test_only_a_regular_file_is_opened_and_no_other_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    closed: list[int] = []
    close = os.close

    def record(descriptor: int) -> None:
        closed.append(descriptor)
        close(descriptor)

    monkeypatch.setattr(os, "close", record)
    for name, flags in (("pipe", os.O_RDONLY), ("pipe", os.O_RDWR), ("folder", os.O_RDONLY)):
        with pytest.raises(OSError, match="not a regular file") as caught:
            open_without_link(tmp_path / name, flags)
        assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(tmp_path / name))
    assert len(closed) == 3


def test_a_name_that_cannot_be_looked_at_is_not_the_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        assert has_name(file, path)
        for other in (tmp_path / "none", path / "below", tmp_path):
            assert not has_name(file, other)


def test_no_link_is_followed_whatever_it_was_a_moment_ago(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT):
        with pytest.raises(OSError, match="link") as caught:
            open_without_link(tmp_path / "link", flags)
        assert caught.value.errno == errno.ELOOP
