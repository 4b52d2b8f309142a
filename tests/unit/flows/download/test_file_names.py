"""The names of downloaded files."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._core.file_names import make_stem
from cometapi_runway._flows.download import DownloadRequest, download
from cometapi_runway.errors import DownloadError, InvalidRequestError

from ...support.both_clients import ID, ClientHarness
from ...support.downloads import DATA, DEAD, HOST, VIDEO, broken, fetch, finished, rest, whole
from ...support.flow_runner import POLL, FlowRunner
from ...support.scripted_transport import Reply
from ...support.virtual_time import FixedJitter


class TestNames:
    def test_the_name_is_there_only_when_the_file_is_whole(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        seen: list[list[str]] = []

        def look(*_: object) -> None:
            seen.append(sorted(path.name for path in tmp_path.iterdir()))

        harness.respond_with(broken(), rest())
        (path,) = fetch(harness, tmp_path, on_progress=look)
        assert {name for names in seen for name in names} == {f"{ID}.part"}
        assert path.name == f"{ID}.mp4"

    @each_case(
        "strange",
        ["../../etc/passwd", "/etc/passwd", "..", "a/b\\c:d\0e", "x" * 500, "é 한\n", "~"],
    )
    def test_no_id_writes_outside_the_folder(
        self, strange: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        order = DownloadRequest(finished(task_id=strange), 0, tmp_path, POLL)
        harness.respond_with(whole())
        path = harness.run(
            harness.client.session.driver.run(download(order, started=0.0, rng=FixedJitter(1.0)))
        )
        assert path.parent == tmp_path
        assert path.read_bytes() == DATA
        assert len(path.name.encode()) < 200

    @each_case(
        ("text", "stem"),
        [
            ("task-1_A", "task-1_A"),
            ("a/b.c", "a_b_c-c0620514"),
            ("x" * 100, "x" * 100),
            ("x" * 101, "x" * 100 + "-c675a2e6"),
        ],
    )
    def test_a_name_is_the_same_in_each_version(self, text: str, stem: str) -> None:
        """Files are found again by their names."""
        assert make_stem(text) == stem

    def test_two_tasks_never_share_a_name(self, harness: ClientHarness, tmp_path: Path) -> None:
        """Ids may hold what names may not, and the one's file would be taken for the other's."""
        harness.respond_with(whole(), whole(), whole(), whole())
        ids = ("task.1", "task:1", "task~1", "task_1")
        paths = [fetch(harness, tmp_path, finished(task_id=task_id))[0] for task_id in ids]
        assert len(set(paths)) == 4
        assert len(harness.network.sent) == 4

    @each_case(
        ("url", "headers", "suffix"),
        [
            (f"{HOST}/a.MP4?x=.png", VIDEO, ".mp4"),
            (f"{HOST}/a.webm#f.gif", VIDEO, ".webm"),
            (f"{HOST}/a", VIDEO, ".mp4"),
            (f"{HOST}/a", {"content-type": "image/png; q=1"}, ".png"),
            (f"{HOST}/a", {"content-type": "application/octet-stream"}, ".bin"),
            (f"{HOST}/a.part", VIDEO, ".mp4"),
            (f"{HOST}/a%2Fb%00.sh%2F..%2Fx", VIDEO, ".mp4"),
            (f"{HOST}/a.averylongone", VIDEO, ".mp4"),
            (f"{HOST}/get.php?file=a.mov", VIDEO, ".mp4"),
            (HOST.replace("example", "com"), {"content-type": "image/webp"}, ".webp"),
            (f"{HOST}/cdn.example.com", {"content-type": "audio/x-wav"}, ".wav"),
            (f"{HOST}/a.exe", {"content-type": "video/unheard-of"}, ".bin"),
            (f"{HOST}/a.php", {"content-type": ""}, ".bin"),
            *((f"{HOST}/a{known}", {"content-type": "binary/octet-stream"}, known)
              for known in (".mp4", ".mov", ".webm", ".mkv", ".avi", ".gif", ".png", ".jpg",
                            ".jpeg", ".webp", ".mp3", ".wav", ".m4a")),
            (f"{HOST}/a.m p", VIDEO, ".mp4"),
        ],
    )  # fmt: skip
    def test_the_extension_is_a_plain_one(
        self, url: str, headers: dict[str, str], suffix: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(Reply(200, DATA, headers))
        (path,) = fetch(harness, tmp_path, finished(url))
        assert path == tmp_path / f"{ID}{suffix}"

    def test_an_invalid_address_is_an_error_of_the_package(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(DEAD)
        with pytest.raises(DownloadError):
            fetch(harness, tmp_path, finished("https://[not-an-address/x.mp4"))

    def test_an_existing_file_is_kept_without_a_request(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.mp4").write_bytes(b"mine")
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == b"mine"
        assert harness.network.sent == []

    def test_an_existing_file_is_replaced_on_request(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.mp4").write_bytes(b"mine")
        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, overwrite=True)
        assert path.read_bytes() == DATA

    def test_an_existing_file_is_kept_when_only_the_response_names_it(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.png").write_bytes(b"mine")
        harness.respond_with(Reply(200, DATA, {"content-type": "image/png"}))
        (path,) = fetch(harness, tmp_path, finished(f"{HOST}/a.php"))
        assert path.read_bytes() == b"mine"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_file_created_meanwhile_is_kept(self, harness: ClientHarness, tmp_path: Path) -> None:
        def appear(*_: object) -> None:
            (tmp_path / f"{ID}.mp4").write_bytes(b"another's")

        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, on_progress=appear)
        assert path.read_bytes() == b"another's"
        assert list(tmp_path.iterdir()) == [path]

    def test_the_folder_is_made(self, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path / "a" / "b")
        assert path.parent == tmp_path / "a" / "b"

    def test_a_folder_that_is_a_file_is_an_error(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").write_bytes(b"")
        with pytest.raises(DownloadError, match="cannot create the folder") as caught:
            fetch(harness, tmp_path / "taken")
        assert caught.value.task_id == ID

    @each_case(
        "folder",
        [
            *(5, None, b"out", "\0", "out/\0/x"),
            # Windows takes halves of characters in names.
            *(["\ud800"] if sys.platform != "win32" else []),
        ],
    )
    def test_a_value_that_is_no_folder_is_refused(
        self, folder: Any, harness: ClientHarness
    ) -> None:
        with pytest.raises(InvalidRequestError, match="folder: is ") as caught:
            fetch(harness, folder)
        assert str(caught.value).encode()
        assert harness.network.sent == []


def test_an_existing_file_is_kept_by_default(tmp_path: Path) -> None:
    """As an order to a flow says it by itself, before any client has."""
    runner = FlowRunner(exists=True)
    order = DownloadRequest(finished(), 0, tmp_path, POLL)
    path = runner.run(download(order, started=0.0, rng=FixedJitter(0.0)))
    assert (path, runner.fetched) == (tmp_path / f"{ID}.mp4", [])


def test_a_batch_names_the_files_itself(tmp_path: Path) -> None:
    """Each output by its own name; a file of that name is an attempt's of the same row."""
    with contextlib.closing(ClientHarness("awaiting")) as harness:
        bound = harness.client.bind(finished())
        (tmp_path / "row-7.mp4").write_bytes(b"old")
        harness.respond_with(whole())
        (path,) = harness.run(bound.download_as(tmp_path, ["row-7"]))
        assert path == tmp_path / "row-7.mp4"
        assert path.read_bytes() == DATA
        for stems in ([], ["a", "b"]):
            with pytest.raises(ValueError, match="zip"):
                harness.run(bound.download_as(tmp_path, stems))
        assert len(harness.network.sent) == 1
