"""Closed clients send nothing."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    AsyncRunwayClient,
    ConfigurationError,
    Journal,
    RunwayClient,
)
from cometapi_runway import _settings as settings

from .support.both_clients import ASSETS, ID, KEY, ClientHarness
from .support.fault_table import DONE, running


class TestClosed:
    def test_nothing_is_sent(self, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(DONE)
        task = harness.run(harness.client.tasks.retrieve(ID))
        client = harness.client
        harness.run(client.close())
        asked = len(harness.network.sent)
        for call in (
            lambda: client.character_performance.create(**ASSETS),
            lambda: client.tasks.retrieve(ID),
            lambda: client.tasks.wait("another"),
            lambda: task.download(tmp_path),
        ):
            with pytest.raises(ConfigurationError, match="the client is closed; nothing was sent"):
                harness.run(call())
        assert len(harness.network.sent) == asked

    def test_a_paid_request_is_on_record_as_come_to_nothing(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        client = harness.new(journal=tmp_path / "runway.journal")
        harness.run(client.close())
        with pytest.raises(ConfigurationError):
            harness.run(client.character_performance.create(**ASSETS))
        (entry,) = harness.run(client.journal.tasks())
        assert entry.state == "REFUSED"
        assert harness.network.sent == []

    def test_each_of_many_waits_reports_it(self, harness: ClientHarness) -> None:
        harness.run(harness.client.close())
        tasks = harness.run(harness.client.tasks.wait_all(["a", "b"]))
        assert [type(task.error) for task in tasks] == [ConfigurationError] * 2


def test_a_client_closes_the_journal_that_it_opened_and_no_other(
    harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Path | None] = []
    close = Journal.close

    def note(journal: Journal) -> None:
        closed.append(journal.path)
        close(journal)

    monkeypatch.setattr(Journal, "close", note)
    with contextlib.closing(Journal(tmp_path / "theirs")) as theirs:
        harness.run(harness.new(journal=theirs).close())
        assert closed == []
        harness.run(harness.new(journal=tmp_path / "own").close())
        assert closed == [tmp_path / "own"]


class TestClosedDuringARequest:
    """By another thread, or another task."""

    def test_a_request_in_the_queue_is_never_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 1)
        inside, leave, queued = threading.Event(), threading.Event(), threading.Event()
        sent: list[str] = []

        def handle(request: httpx.Request) -> httpx.Response:
            sent.append(request.method)
            inside.set()
            assert leave.wait(30)
            return running(request)

        class Noticing:
            def now(self) -> float:
                if inside.is_set():
                    queued.set()
                return 0.0

            def sleep(self, seconds: float) -> None:
                raise AssertionError("nothing is tried again")

        transport = httpx.MockTransport(handle)
        client = RunwayClient(KEY, transport=transport, clock=Noticing(), timeout=2)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(client.tasks.retrieve, "first")
            assert inside.wait(30)
            paid = pool.submit(client.character_performance.create, **ASSETS)
            assert queued.wait(30)
            client.close()
            # A later call does not wait for its turn, which may never come.
            with pytest.raises(ConfigurationError, match="closed; nothing was sent"):
                client.tasks.retrieve("late")
            leave.set()
            with pytest.raises(ConfigurationError, match="closed; nothing was sent"):
                paid.result(30)
            assert first.result(30).status == "RUNNING"
        assert sent == ["GET"]

    def test_a_task_in_the_queue_is_never_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 1)
        sent: list[str] = []

        async def main() -> list[Any]:
            inside, leave = asyncio.Event(), asyncio.Event()

            async def handle(request: httpx.Request) -> httpx.Response:
                sent.append(request.method)
                inside.set()
                await leave.wait()
                return running(request)

            client = AsyncRunwayClient(KEY, transport=httpx.MockTransport(handle), timeout=2)
            first = asyncio.create_task(client.tasks.retrieve("first"))
            await inside.wait()
            paid = asyncio.create_task(client.character_performance.create(**ASSETS))
            await asyncio.sleep(0.01)
            await client.close()
            with pytest.raises(ConfigurationError, match="closed; nothing was sent"):
                await client.tasks.retrieve("late")
            leave.set()
            return await asyncio.gather(first, paid, return_exceptions=True)

        first, paid = asyncio.run(main())
        assert first.status == "RUNNING"
        assert isinstance(paid, ConfigurationError)
        assert "nothing was sent" in str(paid)
        assert sent == ["GET"]

    def test_one_that_is_about_to_be_sent_stays_in_the_tree(self, harness: ClientHarness) -> None:
        """httpx has a RuntimeError for it, at any moment."""

        def handle(_: httpx.Request) -> httpx.Response:
            client._transport._is_closed = True
            raise RuntimeError("Cannot send a request, as the client has been closed.")

        client = harness.new(transport=httpx.MockTransport(handle))
        with pytest.raises(APIConnectionError, match="has been closed"):
            harness.run(client.tasks.retrieve(ID))

    def test_a_defect_is_not_taken_for_it(self, harness: ClientHarness) -> None:
        def handle(_: httpx.Request) -> httpx.Response:
            raise RuntimeError("a defect of the transport's own")

        client = harness.new(transport=httpx.MockTransport(handle))
        with pytest.raises(RuntimeError, match="of the transport's own"):
            harness.run(client.tasks.retrieve(ID))
