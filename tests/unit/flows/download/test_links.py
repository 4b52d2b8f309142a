"""Names that are in use by something that is not the file: links, folders, pipes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cometapi_runway.errors import DownloadError

from ...support.both_clients import ID, ClientHarness
from ...support.downloads import DATA, HALF, HOST, ONE, broken, fetch, finished, ranges, rest, whole
from ...support.partial_files import POSIX

pytestmark = POSIX
TREASURE = b"not ours"


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    path = tmp_path / "treasure"
    path.write_bytes(TREASURE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "output"
    path.mkdir()
    return path


@pytest.mark.parametrize("name", [f"{ID}.part", f"{ID}.part.json"])
def test_a_link_is_not_written_through(
    name: str, harness: ClientHarness, folder: Path, treasure: Path
) -> None:
    (folder / name).symlink_to(treasure)
    harness.respond_with(broken(**ONE), rest(**ONE))
    (path,) = fetch(harness, folder)
    assert path.read_bytes() == DATA
    assert treasure.read_bytes() == TREASURE


@pytest.mark.parametrize("name", [f"{ID}.part", f"{ID}.part.json"])
def test_a_dangling_link_creates_no_file(
    name: str, harness: ClientHarness, folder: Path, tmp_path: Path
) -> None:
    (folder / name).symlink_to(tmp_path / "elsewhere")
    harness.respond_with(broken(**ONE), rest(**ONE))
    (path,) = fetch(harness, folder)
    assert path.read_bytes() == DATA
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_to_an_unfinished_file_is_not_continued(
    harness: ClientHarness, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.part"
    other.write_bytes(DATA[:HALF])
    (tmp_path / "other.part.json").write_text('{"etag": "\\"one\\"", "size": null}')
    (folder / f"{ID}.part").symlink_to(other)
    (folder / f"{ID}.part.json").symlink_to(tmp_path / "other.part.json")
    harness.respond_with(whole(**ONE))
    (path,) = fetch(harness, folder)
    assert (path.read_bytes(), ranges(harness)) == (DATA, [None])
    assert other.read_bytes() == DATA[:HALF]


def make_pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no such pipes")
    os.mkfifo(path)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_part_that_is_no_file(kind: str, harness: ClientHarness, folder: Path) -> None:
    part = folder / f"{ID}.part"
    part.mkdir() if kind == "folder" else make_pipe(part)
    harness.respond_with(whole())
    with pytest.raises(DownloadError, match="cannot write") as caught:
        fetch(harness, folder)
    assert part.name in str(caught.value)


@pytest.mark.parametrize("kind", ["dangling link", "folder", "link to a folder", "pipe"])
@pytest.mark.parametrize("url", [f"{HOST}/output.mp4", f"{HOST}/output"], ids=["named", "unnamed"])
class TestFinalName:
    def occupy(self, kind: str, folder: Path) -> Path:
        path = folder / f"{ID}.mp4"
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            make_pipe(path)
        else:
            path.symlink_to(folder if "folder" in kind else folder / "nothing")
        return path

    def test_what_is_no_file_is_not_returned(
        self, kind: str, url: str, harness: ClientHarness, folder: Path
    ) -> None:
        path = self.occupy(kind, folder)
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match=r"symbolic link|not a regular file") as caught:
            fetch(harness, folder, finished(url))
        assert str(path) in str(caught.value)
        assert os.path.lexists(path)
        assert not (folder / "nothing").exists()

    def test_overwrite_replaces_all_but_a_folder(
        self, kind: str, url: str, harness: ClientHarness, folder: Path
    ) -> None:
        path = self.occupy(kind, folder)
        harness.respond_with(whole())
        if kind == "folder":
            with pytest.raises(DownloadError, match="cannot rename the download"):
                fetch(harness, folder, finished(url), overwrite=True)
            return
        (saved,) = fetch(harness, folder, finished(url), overwrite=True)
        assert saved == path
        assert not path.is_symlink()
        assert path.read_bytes() == DATA


def test_a_link_to_a_file_is_the_file(harness: ClientHarness, folder: Path, treasure: Path) -> None:
    """Users move large files elsewhere and leave a link."""
    (folder / f"{ID}.mp4").symlink_to(treasure)
    (path,) = fetch(harness, folder)
    assert (path.read_bytes(), harness.network.sent) == (TREASURE, [])
