"""One test body, both clients.

A body is written as for the blocking client and wraps each call in `twin.run`: there a result
arrives as it is, here it is a coroutine that is run to its end. What differs between the two
clients beyond that would fail a test.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from cometapi_runway import AsyncRunwayClient, RunwayClient

from .virtual import AsyncClock, Clock, Fixed, Loop
from .wire import Event, Wire

Way: TypeAlias = Literal["blocking", "awaiting"]
WAYS: tuple[Way, ...] = ("blocking", "awaiting")

KEY = "sk-twin-0123456789abcdef"
BASE = "https://api.cometapi.com"
ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
CHARACTER = "https://your-video-host/character.mp4"
REFERENCE = "https://your-video-host/performance.mp4"
ASSETS = {"character": CHARACTER, "reference": REFERENCE}


class Twin:
    """One of the two clients, on a scripted network and in virtual time.

    Attributes:
        client: The client under test.
        wire: Where its requests go.
        interrupt: What stops a call of it from outside.
    """

    def __init__(self, way: Way, **options: Any) -> None:
        self.way = way
        self.is_async = way == "awaiting"
        self._runner = asyncio.Runner(loop_factory=Loop) if self.is_async else None
        self.clock: Clock | AsyncClock = self._clock()
        self.interrupt: type[BaseException] = (
            asyncio.CancelledError if self.is_async else KeyboardInterrupt
        )
        self.wire = Wire(self.clock, self.interrupt)
        self._clients: list[Any] = []
        self.client: Any = self.new(**options)

    def _clock(self) -> Clock | AsyncClock:
        if self._runner is None:
            return Clock()
        loop = self._runner.get_loop()
        assert isinstance(loop, Loop)
        return AsyncClock(loop)

    def new(self, api_key: str | None = KEY, **options: Any) -> Any:
        """Another client on the same wire and clock, with jitter at its least."""
        kind: Any = AsyncRunwayClient if self.is_async else RunwayClient
        carrier = self.wire.async_transport() if self.is_async else self.wire.transport()
        client = kind(api_key, **{"transport": carrier, "clock": self.clock, **options})
        client.session.rng = Fixed(0.0)
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

    def plays(self, *events: Event) -> Twin:
        self.wire.play(*events)
        return self

    @property
    def time(self) -> float:
        return round(self.clock.now(), 6)

    def close(self) -> None:
        for client in self._clients:
            self.run(client.close())
        if self._runner is not None:
            self._runner.close()


async def _awaited(result: Any) -> Any:
    return await result


async def _collected(results: Any) -> list[Any]:
    return [one async for one in results]


def twins(way: Way) -> Iterator[Twin]:
    """A twin that is closed afterwards."""
    twin = Twin(way)
    try:
        yield twin
    finally:
        twin.close()
