"""An httpx transport that replies and fails by a script, with the time each event takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, TypeAlias

import httpx
from attrs import define, evolve, field, frozen

from .virtual_time import AsyncVirtualClock, VirtualClock

FOREVER = float("inf")


@frozen
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        content: The body; a break in it is where the connection ends.
        headers: Header fields; the content type is JSON unless given.
        takes: Seconds until it is there.
        breaks: How the connection ends after the body, or None for well.
        declared: Content-Length if it is not the body's own; -1 for none.
    """

    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    takes: float = 0.0
    breaks: type[httpx.TransportError] | None = None
    declared: int | None = None


@frozen
class Failure:
    """No answer: the connection fails in one of httpx's ways.

    Attributes:
        error: How.
        takes: Seconds until it does; FOREVER for as long as httpx has patience.
    """

    error: type[httpx.TransportError]
    takes: float = 0.0
    words: str = "made to fail"


@frozen
class Interruption:
    """Somebody stops the program while it waits for the answer."""


Event: TypeAlias = Reply | Failure | Interruption
Handler: TypeAlias = Callable[[httpx.Request], Event]


def json_reply(value: Any, status: int = 200, **more: Any) -> Reply:
    """A JSON answer."""
    return Reply(status, json.dumps(value).encode(), **more)


def delayed(event: Reply | Failure, seconds: float) -> Reply | Failure:
    """The same, so many seconds later."""
    return evolve(event, takes=seconds)


HANG = Failure(httpx.ReadTimeout, FOREVER, "no answer")


@frozen
class Sent:
    """A request as it left."""

    at: float
    method: str
    url: httpx.URL
    headers: httpx.Headers
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@define(eq=False)
class ScriptedTransport:
    """What both clients send into.

    Attributes:
        script: What is answered, in order; the last one again and again.
        clock: Whose time passes.
        interrupt: What stops a program: KeyboardInterrupt, or a cancellation.
        sent: Every request that left, in order.
    """

    clock: VirtualClock | AsyncVirtualClock
    interrupt: type[BaseException] = KeyboardInterrupt
    script: Iterator[Event] | Handler = field(factory=lambda: iter(()))
    sent: list[Sent] = field(factory=list)
    _last: Event | None = None

    def respond_with(self, *events: Event) -> None:
        self.script = iter(events)
        self._last = None

    def respond_by(self, handler: Handler) -> None:
        """Answer by the request instead of by the order."""
        self.script = handler

    @property
    def times(self) -> list[float]:
        return [round(one.at, 6) for one in self.sent]

    @property
    def methods(self) -> list[str]:
        return [one.method for one in self.sent]

    def _next(self, request: httpx.Request) -> Event:
        self.sent.append(
            Sent(self.clock.now(), request.method, request.url, request.headers, request.content)
        )
        if callable(self.script):
            return self.script(request)
        self._last = next(self.script, self._last)
        assert self._last is not None, f"nobody expected {request.method} {request.url}"
        return self._last

    def sync_transport(self) -> httpx.BaseTransport:
        return _SyncTransport(self)

    def async_transport(self) -> httpx.AsyncBaseTransport:
        return _AsyncTransport(self)


def _patience(request: httpx.Request) -> float:
    """How long httpx lets a server think."""
    seconds = request.extensions["timeout"]["read"]
    assert seconds is not None, "a request without a timeout"
    return float(seconds)


def _due(event: Event, request: httpx.Request) -> tuple[float, Event]:
    """When what happens: a server that takes longer than httpx waits is not waited for."""
    takes = getattr(event, "takes", 0.0)
    patience = _patience(request)
    return (patience, HANG) if takes > patience else (takes, event)


class _SyncTransport(httpx.BaseTransport):
    def __init__(self, network: ScriptedTransport) -> None:
        self._wire = network

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        takes, event = _due(self._wire._next(request), request)
        assert isinstance(self._wire.clock, VirtualClock)
        if takes:
            self._wire.clock.sleep(takes)
        return _happen(event, request, self._wire.interrupt)


class _AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, network: ScriptedTransport) -> None:
        self._wire = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        takes, event = _due(self._wire._next(request), request)
        if takes:
            await asyncio.sleep(takes)
        return _happen(event, request, self._wire.interrupt)


def _happen(event: Event, request: httpx.Request, interrupt: type[BaseException]) -> httpx.Response:
    if isinstance(event, Interruption):
        raise interrupt
    if isinstance(event, Failure):
        raise event.error(event.words, request=request)
    headers = {"content-type": "application/json", **event.headers}
    if event.declared is None:
        headers["content-length"] = str(len(event.content))
    elif event.declared >= 0:
        headers["content-length"] = str(event.declared)
    # Absent is spelt as empty in a script.
    kept = {name: value for name, value in headers.items() if value != ""}
    return httpx.Response(event.status, headers=kept, stream=_Body(event, request))


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, reply: Reply, request: httpx.Request) -> None:
        self._reply = reply
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._reply.content), 65536):
            yield self._reply.content[start : start + 65536]
        if self._reply.breaks is not None:
            raise self._reply.breaks("broken off", request=self._request)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
