"""Tasks with several outputs, and tasks without any."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve
from tests.cases import each_case

from cometapi_runway import RunwayClient
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import TaskEnded
from cometapi_runway._flows.steps import Flow
from cometapi_runway._io.drivers import Driver
from cometapi_runway._settings import PARALLEL_DOWNLOADS
from cometapi_runway.errors import DownloadError
from cometapi_runway.resources import _downloads

from ...support.both_clients import ID, KEY, ClientHarness
from ...support.downloads import DATA, HOST, VIDEO, Meter, fetch, finished, whole
from ...support.fault_table import page
from ...support.scripted_transport import Event, Reply, json_reply


class TestSeveral:
    URLS = tuple(f"{HOST}/{n}.mp4" for n in range(6))

    def network(self, handlers: dict[int, Event]) -> Callable[[httpx.Request], Event]:
        def by_path(request: httpx.Request) -> Event:
            number = int(request.url.path.removeprefix("/").removesuffix(".mp4"))
            content = hashlib.sha256(str(number).encode()).digest()
            return handlers.get(number, Reply(200, content, VIDEO))

        return by_path

    def test_each_gets_its_own_name_in_the_tasks_order(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.network.respond_by(self.network({}))
        paths = fetch(harness, tmp_path, finished(*self.URLS))
        assert [path.name for path in paths] == [f"{ID}-{n}.mp4" for n in range(1, 7)]
        for number, path in enumerate(paths):
            assert path.read_bytes() == hashlib.sha256(str(number).encode()).digest()
        assert len(harness.network.sent) == 6

    def test_the_progress_of_each_output_is_reported(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        meter = Meter()
        harness.network.respond_by(self.network({}))
        fetch(harness, tmp_path, finished(*self.URLS), on_progress=meter)
        ends = {index: count for index, count, total in meter.told if count == total}
        assert ends == dict.fromkeys(range(6), 32)

    def test_a_failed_output_does_not_stop_the_others(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """And it is raised as itself, not in a group."""
        harness.network.respond_by(self.network({1: page(400), 4: page(451)}))
        with pytest.raises(DownloadError, match="output 2 of task"):
            fetch(harness, tmp_path, finished(*self.URLS))
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == [f"{ID}-{n}.mp4" for n in (1, 3, 4, 6)]

    def test_no_more_than_four_at_once(self, tmp_path: Path) -> None:
        harness = ClientHarness("awaiting")
        busy, most = 0, 0
        transport = harness.client.session.driver.transport

        @contextlib.asynccontextmanager
        async def counted(*arguments: Any) -> Any:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            try:
                async with transport.files.open(*arguments) as stream:
                    yield stream
            finally:
                busy -= 1

        class Counting:
            @property
            def files(self) -> Counting:
                return self

            open = staticmethod(counted)

        harness.client.session.driver = evolve(harness.client.session.driver, transport=Counting())
        harness.network.respond_by(lambda _: Reply(200, DATA, VIDEO, takes=1.0))
        fetch(harness, tmp_path, finished(*self.URLS))
        harness.close()
        assert most == 4


@each_case("status", ["PENDING", "RUNNING", "FAILED", "CANCELLED", "Warming_up"])
def test_a_task_without_output_has_nothing_to_fetch(
    status: str, harness: ClientHarness, tmp_path: Path
) -> None:
    task = harness.client.bind(Task(ID, status))
    with pytest.raises(DownloadError, match=status) as caught:
        harness.run(task.download(tmp_path / "out"))
    assert caught.value.task_id == ID
    assert not (tmp_path / "out").exists()


def test_a_saved_file_is_in_the_journal(harness: ClientHarness, tmp_path: Path) -> None:
    client = harness.new(journal=tmp_path / "journal.db")
    harness.respond_with(json_reply({"id": ID}), whole())
    harness.run(
        client.character_performance.create(
            character="https://a.example/a.mp4", reference="https://a.example/b.mp4"
        )
    )
    (path,) = harness.run(client.bind(finished()).download(tmp_path / "out"))
    record = client.journal.find(ID)
    assert record is not None
    assert record.files == (path,)


def test_a_journal_that_fails_takes_no_file_away(
    tmp_path: Path, harness: ClientHarness, caplog: pytest.LogCaptureFixture
) -> None:
    class Full:
        def write(self, entry: object, timeout: float) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    harness.client.session.driver = evolve(harness.client.session.driver, journal=Full())
    harness.respond_with(whole())
    with caplog.at_level(logging.WARNING, "cometapi_runway"):
        (path,) = fetch(harness, tmp_path)
    assert path.read_bytes() == DATA
    (message,) = caplog.messages
    assert message == (
        f"{path} is saved, but the journal cannot be written ([Errno {errno.ENOSPC}] "
        "No space left on device)"
    )


def created(harness: ClientHarness, folder: Path) -> Any:
    """A client whose journal has the task."""
    client = harness.new(journal=folder / "journal.db")
    harness.respond_with(json_reply({"id": ID}))
    harness.run(
        client.character_performance.create(
            character="https://a.example/a.mp4", reference="https://a.example/b.mp4"
        )
    )
    harness.network.sent.clear()
    return client


def test_a_file_that_was_named_and_not_recorded_is_recorded(
    harness: ClientHarness, tmp_path: Path
) -> None:
    """A process that is killed between the two leaves a file without a record."""
    client = created(harness, tmp_path)
    folder = tmp_path / "out"
    client.journal.request_output(ID, folder)
    folder.mkdir()
    (folder / f"{ID}.mp4").write_bytes(DATA)
    (folder / f"{ID}.part").hardlink_to(folder / f"{ID}.mp4")
    (path,) = harness.run(client.bind(finished()).download(folder))
    record = client.journal.find(ID)
    assert record is not None
    assert (record.files, record.unsaved) == ((path,), 0)
    assert [file.name for file in folder.iterdir()] == [f"{ID}.mp4"]
    assert harness.network.sent == []


def test_a_partial_file_of_another_attempt_stays(harness: ClientHarness, tmp_path: Path) -> None:
    client = created(harness, tmp_path)
    (tmp_path / f"{ID}.mp4").write_bytes(DATA)
    (tmp_path / f"{ID}.part").write_bytes(DATA[:3])
    harness.run(client.bind(finished()).download(tmp_path))
    assert (tmp_path / f"{ID}.part").read_bytes() == DATA[:3]


def test_all_outputs_are_requested_before_the_first_is_fetched(
    harness: ClientHarness, tmp_path: Path
) -> None:
    """A process that is killed during the first download leaves the others' too."""
    client = created(harness, tmp_path)
    client.journal.write(TaskEnded(Task(ID, "SUCCEEDED")))
    counts: list[int] = []

    def answer(_: object) -> Reply:
        record = client.journal.find(ID)
        counts.append(record.unsaved + len(record.files))
        return whole()

    harness.network.respond_by(answer)
    urls = [f"https://out.example/{number}.mp4" for number in range(6)]
    harness.run(client.bind(finished(*urls)).download(tmp_path / "out"))
    assert set(counts) == {6}
    assert len(client.journal.find(ID).files) == 6


def test_no_download_starts_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, is_over = threading.Semaphore(0), threading.Event()
    count = 0

    def run(_driver: Driver, flow: Flow[Path]) -> Path:
        nonlocal count
        count += 1
        started.release()
        is_over.wait(10)
        flow.close()
        return tmp_path

    def interrupt(_: object) -> None:
        for _ in range(PARALLEL_DOWNLOADS):
            assert started.acquire(timeout=10)
        raise KeyboardInterrupt

    monkeypatch.setattr(Driver, "run", run)
    monkeypatch.setattr(_downloads.futures, "wait", interrupt)
    urls = tuple(f"https://cdn.example/{n}.mp4" for n in range(PARALLEL_DOWNLOADS + 3))
    with RunwayClient(KEY) as client:
        before = set(threading.enumerate())
        with pytest.raises(KeyboardInterrupt):
            client.bind(Task("t", "SUCCEEDED", output=urls)).download(tmp_path)
        is_over.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
    assert count == PARALLEL_DOWNLOADS
