"""Clocks look up their functions when called."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from cometapi_runway import (
    RunwayClient,
    TaskTimeoutError,
)
from cometapi_runway._core.clock import AsyncSystemClock, SystemClock

from ..support.both_clients import ID, KEY
from ..support.fault_table import (
    RUNNING,
)


class TestClocks:
    def test_functions_are_looked_up_when_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr(time, "sleep", slept.append)
        monkeypatch.setattr(time, "monotonic", lambda: 42.0)
        clock = SystemClock()
        clock.sleep(5)
        assert (slept, clock.now()) == ([5], 42.0)

    def test_and_so_are_those_of_asyncio(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []

        async def note(seconds: float) -> None:
            slept.append(seconds)

        monkeypatch.setattr(asyncio, "sleep", note)
        clock = AsyncSystemClock()
        asyncio.run(clock.sleep(5))
        assert slept == [5]
        assert clock.now() <= time.monotonic()

    def test_a_program_that_patches_sleep_reaches_its_deadline(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        polls: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            polls.append(request)
            return httpx.Response(200, content=RUNNING.content)

        with RunwayClient(KEY, transport=httpx.MockTransport(handle)) as client:
            started = time.monotonic()
            with pytest.raises(TaskTimeoutError):
                client.tasks.wait(ID)
            assert time.monotonic() - started < 30
        # Jitter is real here: an interval is 5 to 6 s.
        assert 101 <= len(polls) <= 121
