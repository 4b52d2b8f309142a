"""Limits on the time of a response and on the requests in flight."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    APITimeoutError,
    RunwayClient,
    TaskTimeoutError,
)
from cometapi_runway import _settings as settings

from ..support.both_clients import ASSETS, ID, KEY, ClientHarness
from ..support.fault_table import (
    DONE,
    running,
)
from ..support.scripted_transport import Reply
from ..support.transports import retrieve


class Drip(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes byte by byte, each soon enough for httpx."""

    def __init__(self, harness: ClientHarness, content: bytes, pause: float) -> None:
        self._twin = harness
        self._content = content
        self._pause = pause

    def __iter__(self) -> Iterator[bytes]:
        for byte in self._content:
            self._twin.clock.sleep(self._pause)  # type: ignore[unused-coroutine] # of this kind
            yield bytes([byte])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for byte in self._content:
            await asyncio.sleep(self._pause)
            yield bytes([byte])


def dripping(harness: ClientHarness, pause: float) -> Any:
    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip(harness, DONE.content, pause))

    return harness.new(transport=httpx.MockTransport(handle), timeout=10)


class TestLimits:
    def test_an_answer_that_drips_is_bounded_as_a_whole(self, harness: ClientHarness) -> None:
        """httpx counts from byte to byte, and would wait for minutes."""
        with pytest.raises(APITimeoutError, match="was not complete after 10 s"):
            retrieve(harness, dripping(harness, 1.0))
        assert 10 <= harness.time <= 11

    def test_an_answer_that_is_only_slow_is_read(self, harness: ClientHarness) -> None:
        assert retrieve(harness, dripping(harness, 0.05)).status == "SUCCEEDED"

    def test_a_wait_ends_in_time_though_every_answer_drips(self, harness: ClientHarness) -> None:
        with pytest.raises(TaskTimeoutError):
            harness.run(dripping(harness, 1.0).tasks.wait(ID, timeout=25))
        assert harness.time <= 26 + 1

    def test_an_answer_that_is_no_answer_is_not_read_to_its_end(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "MAX_RESPONSE_BYTES", 100_000)
        harness.respond_with(Reply(200, b" " * 1_000_000))
        with pytest.raises(APIConnectionError, match="larger than 100000 bytes"):
            retrieve(harness)

    def test_no_more_are_in_flight_than_the_pool_can_bear(self) -> None:
        harness = ClientHarness("awaiting")
        busy, most = 0, 0

        async def handle(request: httpx.Request) -> httpx.Response:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.01)
            busy -= 1
            return running(request)

        client = harness.new(transport=httpx.MockTransport(handle))

        async def burst() -> list[Any]:
            return await asyncio.gather(*(client.tasks.retrieve(f"task-{n}") for n in range(200)))

        assert len(harness.run(burst())) == 200
        assert most == settings.MAX_IN_FLIGHT
        harness.close()

    def test_a_place_that_does_not_come_free_means_not_sent(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So a create call behind it may be tried again."""
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 0)
        crowded = harness.new(timeout=0.01)
        with pytest.raises(APITimeoutError, match="no free connection") as caught:
            retrieve(harness, crowded)
        assert caught.value.delivery == "not_sent"
        assert harness.network.sent == []


class TestThreads:
    def test_one_client_serves_many(self) -> None:
        def handle(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"id": request.headers["x-number"]})

        with RunwayClient(KEY, transport=httpx.MockTransport(handle)) as client:

            def create(number: int) -> str:
                headers = {"X-Number": f"task-{number}"}
                task = client.character_performance.create(**ASSETS, extra_headers=headers)
                return task.id

            with ThreadPoolExecutor(8) as pool:
                ids = list(pool.map(create, range(200)))
        assert ids == [f"task-{number}" for number in range(200)]

    def test_the_gate_holds_threads_back_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 2)
        lock, count = threading.Lock(), {"busy": 0, "most": 0}

        def handle(request: httpx.Request) -> httpx.Response:
            with lock:
                count["busy"] += 1
                count["most"] = max(count["most"], count["busy"])
            time.sleep(0.002)
            with lock:
                count["busy"] -= 1
            return running(request)

        transport = httpx.MockTransport(handle)
        with RunwayClient(KEY, transport=transport) as client, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: client.tasks.retrieve(f"t{n}"), range(24)))
        assert count["most"] == 2
