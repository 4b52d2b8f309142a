"""Requests that wait for a free connection slot, on both clients."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APITimeoutError,
    RunwayClient,
)
from cometapi_runway import _settings as settings

from ..support.both_clients import ASSETS, ID, KEY, ClientHarness
from ..support.fault_table import ACCEPTED, running


class TestRequestSlots:
    """More calls at once than connections."""

    def test_a_paid_request_has_all_its_time_when_its_turn_comes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And is not given up as unknown, or refused, for those before it."""
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 1)
        harness = ClientHarness("awaiting", timeout=10)
        patience: list[float] = []

        async def handle(request: httpx.Request) -> httpx.Response:
            patience.append(request.extensions["timeout"]["read"])
            await asyncio.sleep(6)
            return httpx.Response(200, content=ACCEPTED.content)

        client = harness.new(transport=httpx.MockTransport(handle), timeout=10)

        async def burst() -> list[Any]:
            create = client.character_performance.create
            return await asyncio.gather(*(create(**ASSETS) for _ in range(5)))

        assert [task.id for task in harness.run(burst())] == [ID] * 5
        assert patience == [10.0] * 5
        assert harness.time == 30
        harness.close()

    def test_a_question_has_what_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 1)
        harness = ClientHarness("awaiting")
        patience: list[float] = []

        async def handle(request: httpx.Request) -> httpx.Response:
            patience.append(round(request.extensions["timeout"]["read"], 6))
            await asyncio.sleep(4)
            return running(request)

        client = harness.new(transport=httpx.MockTransport(handle), timeout=10)

        async def burst() -> list[Any]:
            asked = (client.tasks.retrieve(f"t{number}") for number in range(4))
            return await asyncio.gather(*asked, return_exceptions=True)

        results = harness.run(burst())
        assert patience == [10.0, 6.0, 2.0]
        assert [type(one) for one in results[2:]] == [APITimeoutError] * 2
        assert [one.delivery for one in results[2:]] == ["unknown", "not_sent"]
        harness.close()

    def test_a_blocking_one_waits_for_its_turn_as_long_as_it_takes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 1)
        inside, leave = threading.Event(), threading.Event()

        def handle(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                inside.set()
                assert leave.wait(30)
                return running(request)
            return httpx.Response(200, content=ACCEPTED.content)

        transport = httpx.MockTransport(handle)
        client = RunwayClient(KEY, transport=transport, timeout=0.05)
        with client, ThreadPoolExecutor(2) as pool:
            first = pool.submit(client.tasks.retrieve, "first")
            assert inside.wait(30)
            paid = pool.submit(client.character_performance.create, **ASSETS)
            # It is over for a question while the paid request stands in the queue.
            with pytest.raises(APITimeoutError, match="no free connection"):
                client.tasks.retrieve("second")
            assert not paid.done()
            leave.set()
            assert paid.result(30).id == ID
            assert first.result(30).status == "RUNNING"
