"""Downloads on a disk that is full, slow or not writable."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway.errors import DownloadError

from ...support.both_clients import ID, KEY, ClientHarness
from ...support.downloads import (
    DATA,
    FROM_HALF,
    HALF,
    HOST,
    ONE,
    VIDEO,
    broken,
    fetch,
    finished,
    ranges,
    rest,
    whole,
)
from ...support.scripted_transport import Event, Reply


class TestDisk:
    def test_a_full_disk_is_reported_and_leaves_no_file(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match="No space left") as caught:
            fetch(harness, tmp_path)
        assert isinstance(caught.value.__cause__, OSError)
        assert [path.name for path in tmp_path.iterdir()] == [f"{ID}.part"]
        assert len(harness.network.sent) == 1

    def test_an_unwritable_path_is_reported(self, harness: ClientHarness, tmp_path: Path) -> None:
        (tmp_path / f"{ID}.part").mkdir()
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match="cannot write"):
            fetch(harness, tmp_path)

    def test_a_failed_rename_is_reported(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(PartialFile, "publish", refuse)
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match="cannot rename"):
            fetch(harness, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [f"{ID}.part"]

    @pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
    def test_a_disk_that_fills_up_ends_it_at_once_and_keeps_what_it_took(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        harness.respond_with(whole(**ONE), rest(HALF, **ONE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, before[1]))
        try:
            with pytest.raises(DownloadError, match=r"cannot write .*File too large"):
                fetch(harness, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert (tmp_path / f"{ID}.part").read_bytes() == DATA[:HALF]
        assert (len(harness.network.sent), harness.time) == (1, 0.0)
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None, FROM_HALF]

    def test_an_unwritable_folder_is_reported(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(DownloadError, match=r"cannot write .*Read-only"):
            fetch(harness, tmp_path)
        assert harness.network.sent == []

    @pytest.mark.skipif(sys.platform == "win32", reason="there it cannot go: a file in it is open")
    @pytest.mark.parametrize(
        ("event", "told"), [(broken(), "cannot write"), (whole(), "cannot rename")]
    )
    def test_a_removed_folder_is_reported_and_not_recreated(
        self, event: Reply, told: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """It may have been a disk that is no longer there."""
        folder = tmp_path / "out"

        def vanish(_: httpx.Request) -> Event:
            shutil.rmtree(folder)
            return event

        harness.network.respond_by(vanish)
        with pytest.raises(DownloadError, match=told) as caught:
            fetch(harness, folder)
        assert isinstance(caught.value.__cause__, FileNotFoundError)
        assert len(harness.network.sent) == 1
        assert not folder.exists()

    def test_an_interruption_is_not_lost_in_a_failure_of_the_disk(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def interrupt(*_: object) -> None:
            raise harness.interrupt

        monkeypatch.setattr(os, "fsync", full)
        harness.respond_with(whole())
        with pytest.raises(harness.interrupt):
            fetch(harness, tmp_path, on_progress=interrupt)
        assert (tmp_path / f"{ID}.part").stat().st_size > 0


def test_the_loop_goes_on_while_the_disk_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on = threading.Event(), threading.Event()
    waited: list[bool] = []

    def slow(_: int) -> None:
        began.set()
        waited.append(goes_on.wait(10))

    async def release() -> None:
        await asyncio.to_thread(began.wait, 10)
        goes_on.set()

    async def both() -> list[Path]:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=VIDEO, content=DATA))
        async with AsyncRunwayClient(KEY, transport=transport) as client:
            paths, _ = await asyncio.gather(client.bind(finished()).download(tmp_path), release())
            return paths

    monkeypatch.setattr(os, "fsync", slow)
    (path,) = asyncio.run(both())
    assert path.read_bytes() == DATA
    # The file's bytes, then its folder's entry.
    assert waited == [True, True]


class Endless(httpx.SyncByteStream):
    """A file that never ends; a piece comes whenever somebody lets one through."""

    def __init__(self) -> None:
        self.began, self.goes_on, self.closed = (threading.Event() for _ in range(3))

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        self.began.set()
        while self.goes_on.wait(30):
            yield b"more"

    def close(self) -> None:
        self.closed.set()


def test_files_under_way_end_with_the_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that went on reading would hold the process for as long as the files are."""
    files = {f"/{number}.mp4": Endless() for number in range(2)}

    def interrupted(_fetched: object) -> None:
        for file in files.values():
            assert file.began.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr("cometapi_runway.resources._downloads.futures.wait", interrupted)
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers=VIDEO, stream=files[request.url.path])
    )
    with RunwayClient(KEY, transport=transport) as client:
        task = client.bind(finished(*(HOST + path for path in files)))
        with pytest.raises(KeyboardInterrupt):
            task.download(tmp_path)
        for file in files.values():
            file.goes_on.set()
        assert all(file.closed.wait(10) for file in files.values())
    assert len(list(tmp_path.glob("*.part"))) == 2
