"""Clients that are closed, carried between event loops, or made of the wrong things."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    AsyncRunwayClient,
    ConfigurationError,
    RunwayClient,
    RunwayError,
    TaskFailedError,
)
from cometapi_runway import _settings as settings
from cometapi_runway.journal import Journal
from cometapi_runway.simulator import SimulatorServer

from .support.both_clients import ASSETS, ID, KEY, ClientHarness
from .support.fault_table import ACCEPTED, DONE, RUNNING
from .support.scripted_transport import json_reply


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

    def test_many_waits_are_told_one_by_one(self, harness: ClientHarness) -> None:
        harness.run(harness.client.close())
        tasks = harness.run(harness.client.tasks.wait_all(["a", "b"]))
        assert [type(task.error) for task in tasks] == [ConfigurationError] * 2


class TestClosedMeanwhile:
    """By another thread, or another task."""

    def test_a_request_in_the_queue_is_never_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 1)
        inside, leave, queued = threading.Event(), threading.Event(), threading.Event()
        sent: list[str] = []

        def handle(request: httpx.Request) -> httpx.Response:
            sent.append(request.method)
            inside.set()
            assert leave.wait(30)
            return httpx.Response(200, content=RUNNING.content)

        class Noticing:
            def now(self) -> float:
                if inside.is_set():
                    queued.set()
                return 0.0

            def sleep(self, seconds: float) -> None:
                raise AssertionError("nothing is tried again")

        transport = httpx.MockTransport(handle)
        client = RunwayClient(KEY, transport=transport, clock=Noticing())
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(client.tasks.retrieve, "first")
            assert inside.wait(30)
            paid = pool.submit(client.character_performance.create, **ASSETS)
            assert queued.wait(30)
            client.close()
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
                return httpx.Response(200, content=RUNNING.content)

            client = AsyncRunwayClient(KEY, transport=httpx.MockTransport(handle))
            first = asyncio.create_task(client.tasks.retrieve("first"))
            await inside.wait()
            paid = asyncio.create_task(client.character_performance.create(**ASSETS))
            await asyncio.sleep(0.01)
            await client.close()
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


class TestEventLoops:
    """`asyncio.run` makes a new one each time, and a script may well call it twice."""

    @staticmethod
    def client() -> AsyncRunwayClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            reply = ACCEPTED if request.method == "POST" else DONE
            return httpx.Response(200, content=reply.content)

        return AsyncRunwayClient(KEY, transport=httpx.MockTransport(handle))

    def test_one_client_serves_one_after_another(self) -> None:
        client = self.client()

        async def create() -> Any:
            return await client.character_performance.create(**ASSETS)

        async def burst() -> list[Any]:
            return await asyncio.gather(*(client.tasks.retrieve(f"t{n}") for n in range(100)))

        task = asyncio.run(create())
        assert len(asyncio.run(burst())) == 100
        assert len(asyncio.run(burst())) == 100
        assert asyncio.run(task.wait()).status == "SUCCEEDED"

    def test_closed_in_another_than_it_was_used_in(self) -> None:
        client = self.client()

        async def ask() -> Any:
            return await client.tasks.retrieve(ID)

        asyncio.run(ask())
        asyncio.run(client.close())
        with pytest.raises(ConfigurationError, match="closed"):
            asyncio.run(ask())

    def test_so_with_connections_of_its_own_too(self, tmp_path: Path) -> None:
        """Those of a loop that is gone cannot be closed any more, and the journal can."""

        def use() -> None:
            journal = Journal(tmp_path / "runway.journal")
            client = AsyncRunwayClient(KEY, base_url=server.base_url, journal=journal.path)

            async def make() -> str:
                task = await client.video_upscale.create(video_uri="https://e.com/a.mp4")
                return task.id

            assert asyncio.run(make()) != asyncio.run(make())
            asyncio.run(client.close())
            assert client.journal.store is not None
            assert client.journal.store._process == 0
            assert len(journal.tasks()) == 2
            journal.close()

        with SimulatorServer() as server, warnings.catch_warnings():
            # Python says so whenever it comes upon them, so here and in no later test.
            warnings.simplefilter("ignore", ResourceWarning)
            use()
            gc.collect()

    def test_interrupted_by_a_program_that_goes_on(self) -> None:
        """What was under way in a loop that is gone holds no place in the next."""
        started = 0

        async def handle(_: httpx.Request) -> httpx.Response:
            nonlocal started
            started += 1
            if started <= 64:
                await asyncio.sleep(3600)
            return httpx.Response(200, content=RUNNING.content)

        client = AsyncRunwayClient(KEY, transport=httpx.MockTransport(handle))

        async def give_up() -> None:
            asked = [asyncio.create_task(client.tasks.retrieve(f"t{n}")) for n in range(64)]
            await asyncio.sleep(0.01)
            for one in asked:
                one.cancel()

        async def ask() -> Any:
            return await client.tasks.retrieve(ID)

        asyncio.run(give_up())
        started = 100
        assert asyncio.run(ask()).status == "RUNNING"


class TestWrongThings:
    @pytest.mark.parametrize("kind", [RunwayClient, AsyncRunwayClient])
    @pytest.mark.parametrize(
        "given", [httpx.Client(), "https://proxy.example", 5, httpx.MockTransport, object()]
    )
    def test_no_transport(self, kind: Any, given: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"transport must be an httpx\.\w+Transport"):
            kind(KEY, transport=given)

    def test_the_other_clients_transport(self) -> None:
        with pytest.raises(ConfigurationError, match="BaseTransport, got AsyncHTTPTransport"):
            RunwayClient(KEY, transport=httpx.AsyncHTTPTransport())  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="AsyncBaseTransport, got HTTPTransport"):
            AsyncRunwayClient(KEY, transport=httpx.HTTPTransport())  # type: ignore[arg-type]

    @pytest.mark.parametrize("kind", [RunwayClient, AsyncRunwayClient])
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HTTPS_PROXY", "gopher://proxy.example:70"),
            ("HTTPS_PROXY", "http://proxy.example:port"),
            ("ALL_PROXY", "::::"),
            ("SSL_CERT_FILE", "/nowhere/at/all.pem"),
        ],
    )
    def test_an_environment_that_httpx_cannot_use(
        self, kind: Any, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(ConfigurationError, match="no connections can be made here"):
            kind(KEY)

    def test_a_proxys_password_is_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "gopher://me:MARKERMARKER@proxy.example:70")
        with pytest.raises(ConfigurationError) as caught:
            RunwayClient(KEY)
        assert "MARKERMARKER" not in str(caught.value)

    @pytest.mark.parametrize("given", ["no", 1, None, []])
    def test_a_check_that_is_neither_on_nor_off(self, given: Any, harness: ClientHarness) -> None:
        with pytest.raises(ConfigurationError, match="validate"):
            harness.new(validate=given)


def test_an_error_of_a_wait_crosses_processes(harness: ClientHarness) -> None:
    """A task that knows its client would not: pools pickle what a worker raises."""
    failed = json_reply({"id": ID, "status": "FAILED", "failure": "no", "failureCode": "X.Y"})
    harness.respond_with(RUNNING, failed)
    task = harness.run(harness.client.tasks.retrieve(ID))
    with pytest.raises(TaskFailedError) as caught:
        harness.run(task.wait())
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert isinstance(again, TaskFailedError)
    assert (again.task_id, again.task_details.failure) == (ID, "no")
    assert str(again) == str(caught.value)


def test_every_error_of_many_waits_crosses_processes(harness: ClientHarness) -> None:
    harness.respond_with(json_reply({"error": {"message": "no", "code": ""}}, 401))
    for task in harness.run(harness.client.tasks.wait_all(["a", ".."])):
        assert isinstance(pickle.loads(pickle.dumps(task.error)), RunwayError)  # noqa: S301
