"""Replies over ASGI, message by message: delays, pieces, resets, disconnects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Unpack

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from cometapi_runway.simulator import (
    Fault,
    Gateway,
    Options,
    SimClock,
    create_app,
)
from cometapi_runway.simulator._responses.reply import Reply
from cometapi_runway.simulator._server.delivery import RESET, Delivery, wire_headers
from cometapi_runway.simulator._server.reset_protocol import ResettingProtocol

from .helpers import EXACT

pytestmark = pytest.mark.anyio


PATH = "/runwayml/v1/character_performance"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def make(**options: Unpack[Options]) -> tuple[Gateway, Starlette]:
    app = create_app(**{"clock": SimClock.manual(), "timings": EXACT, **options})
    return app.state.gateway, app


class Wire:
    """One request to an ASGI application, message by message."""

    def __init__(self, method: str = "GET", path: str = "/nowhere") -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = anyio.Event()
        self._first = True
        self.scope: dict[str, Any] = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "headers": [], "extensions": {},
        }  # fmt: skip

    async def receive(self) -> dict[str, Any]:
        if self._first:
            self._first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


async def until(done: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        for _ in iter(done, True):
            await anyio.sleep(0.001)


@asynccontextmanager
async def running(job: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    async with anyio.create_task_group() as group:
        group.start_soon(job)
        yield


async def test_a_hang_lasts_for_its_simulated_seconds() -> None:
    gateway, app = make(faults=[Fault("hang", seconds=30)])
    wire = Wire()
    async with running(lambda: app(wire.scope, wire.receive, wire.send)):
        await until(lambda: gateway.received == 1)
        gateway.clock.advance(29)
        await anyio.sleep(0.02)
        assert wire.sent == []
        gateway.clock.advance(1)
        await until(lambda: len(wire.sent) == 2)
    assert wire.sent[0]["status"] == 404


async def test_a_drip_sends_one_piece_per_interval() -> None:
    gateway, app = make(faults=[Fault("drip", seconds=16)])
    wire = Wire()
    async with running(lambda: app(wire.scope, wire.receive, wire.send)):
        for second in range(16):
            await until(lambda second=second: len(wire.sent) == 1 + second)
            gateway.clock.advance(1)
        await until(lambda: not wire.sent[-1].get("more_body", True))
    whole = dict(wire.sent[0]["headers"])[b"content-length"]
    assert len(wire.body) == int(whole)
    assert len(wire.sent) == 1 + 16
    sizes = [len(message["body"]) for message in wire.sent[1:]]
    assert max(sizes) - min(sizes) <= 1


async def test_a_jump_of_the_clock_sends_all_pieces_that_are_due() -> None:
    gateway, app = make(faults=[Fault("drip", seconds=16)])
    wire = Wire()
    async with running(lambda: app(wire.scope, wire.receive, wire.send)):
        await until(lambda: len(wire.sent) == 1)
        gateway.clock.advance(16)
        await until(lambda: not wire.sent[-1].get("more_body", True))


async def test_a_disconnect_ends_a_hang() -> None:
    gateway, app = make(faults=[Fault("hang", seconds=1e9)])
    wire = Wire()
    with anyio.fail_after(5):
        async with running(lambda: app(wire.scope, wire.receive, wire.send)):
            await until(lambda: gateway.received == 1)
            wire.gone.set()
    assert wire.sent == []


async def test_a_disconnect_during_the_upload_is_no_request() -> None:
    gateway, app = make()
    wire = Wire("POST", PATH)
    wire._first = False
    wire.gone.set()
    await app(wire.scope, wire.receive, wire.send)
    assert (gateway.received, wire.sent) == (0, [])


async def test_the_reset_of_the_server_is_used_if_it_has_one() -> None:
    wire = Wire()
    resets: list[bool] = []

    def reset() -> None:
        resets.append(True)
        wire.gone.set()

    wire.scope["extensions"]["cometapi_runway.reset"] = reset
    delivery = Delivery(SimClock.manual(), wire.scope, wire.receive, wire.send)
    await delivery.send_reply(Reply(200, body=b"12345678", drop="midway"))
    assert resets == [True]
    assert wire.body == b"1234"
    assert wire.sent[-1]["more_body"] is True


async def test_responses_without_a_body_have_no_length() -> None:
    for status, length in ((204, None), (304, None), (200, b"4")):
        wire = Wire()
        delivery = Delivery(SimClock.manual(), wire.scope, wire.receive, wire.send)
        await delivery.send_reply(Reply(status, body=b"body"))
        assert wire.body == (b"" if length is None else b"body")
        assert dict(wire.sent[0]["headers"]).get(b"content-length") == length


async def test_a_head_has_the_length_of_the_body_and_no_body() -> None:
    wire = Wire("HEAD")
    delivery = Delivery(SimClock.manual(), wire.scope, wire.receive, wire.send)
    await delivery.send_reply(Reply(200, body=b"body"))
    assert wire.body == b""
    assert dict(wire.sent[0]["headers"])[b"content-length"] == b"4"


def test_a_header_of_a_reply_is_sent_instead_of_the_servers_own() -> None:
    own = (("Content-Length", "2"), ("Date", "today"))
    assert wire_headers(Reply(200, own, b"body"), 0.0) == [
        (b"content-length", b"2"), (b"date", b"today"), (b"server", b"cometapi-runway-simulator"),
    ]  # fmt: skip
    assert wire_headers(Reply(200, (), b"body"), 0.0) == [
        (b"content-length", b"4"), (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        (b"server", b"cometapi-runway-simulator"),
    ]  # fmt: skip


async def test_a_request_keeps_the_servers_extensions_beside_the_reset() -> None:
    seen: list[Any] = []

    async def inner(scope: Any, _receive: object, _send: object) -> None:
        seen.append(scope["extensions"])

    config = uvicorn.Config(inner, log_config=None, proxy_headers=False)
    config.load()
    protocol: Any = ResettingProtocol(config, ServerState(), {})
    for given in ({"extensions": {"a": {}}}, {"extensions": None}, {}):
        await protocol.app({"type": "http", **given}, None, None)
    own = {RESET: protocol.reset}
    assert seen == [{"a": {}, **own}, own, own]
