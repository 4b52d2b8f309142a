"""One test body, both clients.

A body is written as for the blocking client and wraps each call in `harness.run`: there a result
arrives as it is, here it is a coroutine that is run to its end. What differs between the two
clients beyond that would fail a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from cometapi_runway import AsyncRunwayClient, RunwayClient

from .scripted_transport import Event, ScriptedTransport
from .virtual_time import AsyncVirtualClock, FixedJitter, VirtualClock, VirtualLoop

Mode: TypeAlias = Literal["blocking", "awaiting"]
MODES: tuple[Mode, ...] = ("blocking", "awaiting")

KEY = "sk-both-0123456789abcdef"
BASE = "https://api.cometapi.com"
ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
CHARACTER = "https://your-video-host/character.mp4"
REFERENCE = "https://your-video-host/performance.mp4"
ASSETS = {"character": CHARACTER, "reference": REFERENCE}


class ClientHarness:
    """One of the two clients, on a scripted network and in virtual time.

    Attributes:
        client: The client under test.
        network: Where its requests go.
        interrupt: What stops a call of it from outside.
    """

    def __init__(self, mode: Mode, **options: Any) -> None:
        self.mode = mode
        self.is_async = mode == "awaiting"
        self._runner = asyncio.Runner(loop_factory=VirtualLoop) if self.is_async else None
        self.clock: VirtualClock | AsyncVirtualClock = self._clock()
        self.interrupt: type[BaseException] = (
            asyncio.CancelledError if self.is_async else KeyboardInterrupt
        )
        self.network = ScriptedTransport(self.clock, self.interrupt)
        self._clients: list[Any] = []
        self.client: Any = self.new(**options)

    def _clock(self) -> VirtualClock | AsyncVirtualClock:
        if self._runner is None:
            return VirtualClock()
        loop = self._runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return AsyncVirtualClock(loop)

    def new(self, api_key: str | None = KEY, **options: Any) -> Any:
        """Another client on the same network and clock, with jitter at its least."""
        kind: Any = AsyncRunwayClient if self.is_async else RunwayClient
        carrier = self.network.async_transport() if self.is_async else self.network.sync_transport()
        client = kind(api_key, **{"transport": carrier, "clock": self.clock, **options})
        client.session.rng = FixedJitter(0.0)
        self._clients.append(client)
        return client

    def run(self, result: Any) -> Any:
        """The result of a call."""
        if self._runner is not None and inspect.isawaitable(result):
            return self._runner.run(_awaited(result))
        return result

    def list(self, results: Any) -> list[Any]:
        """Everything an iterator brings."""
        if self._runner is not None:
            return list(self._runner.run(_collected(results)))
        return list(results)

    def create(self, **arguments: Any) -> Any:
        """A task from the least that a request needs."""
        return self.run(self.client.character_performance.create(**{**ASSETS, **arguments}))

    def wait(self, task_id: str = ID, **options: Any) -> Any:
        return self.run(self.client.tasks.wait(task_id, **options))

    def respond_with(self, *events: Event) -> ClientHarness:
        self.network.respond_with(*events)
        return self

    @property
    def time(self) -> float:
        return round(self.clock.now(), 6)

    @contextlib.contextmanager
    def renewed(self) -> Iterator[ClientHarness]:
        """Another harness like this one, for the next case of a test."""
        with contextlib.closing(ClientHarness(self.mode)) as harness:
            harness.client.session.rng = self.client.session.rng
            yield harness

    def close(self) -> None:
        for client in self._clients:
            self.run(client.close())
        if self._runner is not None:
            self._runner.close()


async def _awaited(result: Any) -> Any:
    return await result


async def _collected(results: Any) -> list[Any]:
    return [one async for one in results]


def make_harness(mode: Mode) -> Iterator[ClientHarness]:
    """A harness that is closed afterwards."""
    harness = ClientHarness(mode)
    try:
        yield harness
    finally:
        harness.close()
