"""The application over ASGI: both origins, delays, pieces, dropped connections. No socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Unpack

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from cometapi_runway.simulator import (
    ConnectionDropped,
    Fault,
    Gateway,
    Options,
    SimClock,
    When,
    create_app,
)
from cometapi_runway.simulator._responses.reply import Reply
from cometapi_runway.simulator._server.delivery import Delivery

from .story import BODY, EXACT, HEADERS, KEY

pytestmark = pytest.mark.anyio
API = "http://api.simulator.test"
PATH = "/runwayml/v1/character_performance"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def make(**options: Unpack[Options]) -> tuple[Gateway, Starlette]:
    app = create_app(**{"clock": SimClock.manual(), "timings": EXACT, **options})
    return app.state.gateway, app


@asynccontextmanager
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=API, headers=dict(HEADERS)) as made:
        yield made


async def test_from_request_to_file() -> None:
    gateway, app = make()
    async with client(app) as http:
        created = await http.post(PATH, json=BODY)
        task_id = created.json()["id"]
        poll = f"/runwayml/v1/tasks/{task_id}"
        assert (await http.get(poll)).json()["code"] == "task_not_exist"
        gateway.clock.advance(60)
        (url,) = (await http.get(poll)).json()["output"]
        file = await http.get(url, headers={"Authorization": "", "Range": "bytes=4-7"})
        assert (file.status_code, file.content) == (206, b"ftyp")
        assert file.headers["content-length"] == "4"
        head = await http.head(url)
        assert head.content == b""
        assert int(head.headers["content-length"]) > 10_000
    assert [record.origin for record in gateway.requests] == ["api"] * 3 + ["media"] * 2


async def test_a_gateway_made_before_can_be_served() -> None:
    gateway = Gateway(clock=SimClock.manual())
    async with client(create_app(gateway=gateway)) as http:
        await http.get("/nowhere")
    assert gateway.received == 1


async def test_the_time_that_goes_out_is_the_simulators() -> None:
    gateway, app = make()
    gateway.clock.advance(3600)
    async with client(app) as http:
        answer = await http.get("/nowhere")
    assert answer.headers["date"] == "Fri, 01 May 2026 13:00:00 GMT"
    assert answer.headers["server"] == "cometapi-runway-simulator"


async def test_the_control_api_is_under_a_path_of_its_own() -> None:
    gateway, app = make()
    async with client(app) as http:
        assert (await http.post("/_simulator/clock", json={"advance": 5})).json()[
            "now"
        ] == 1777636805
        assert "<!DOCTYPE html>" in (await http.get("/_simulator/")).text
        assert (await http.post("/_simulator/reset")).status_code == 204
    assert gateway.received == 0


@pytest.mark.parametrize("kind", ["reset", "cut"])
async def test_a_dropped_connection_is_raised_where_no_server_could_drop_it(kind: Any) -> None:
    gateway, app = make(faults=[Fault(kind, acted=True)])
    async with client(app) as http:
        with pytest.raises(ConnectionDropped):
            await http.post(PATH, json=BODY)
    assert len(gateway.tasks) == 1


async def test_an_oversized_body_is_refused_before_it_is_read() -> None:
    gateway, app = make()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(8 * 1024 * 1024)

    async with client(app) as http:
        answer = await http.post(PATH, content=endless())
    assert answer.status_code == 413
    assert gateway.received == 0


async def test_a_path_reaches_the_contract_as_it_was_sent() -> None:
    gateway, app = make()
    async with client(app) as http:
        assert (await http.get("/runwayml/v1/tasks/a%2Fb")).status_code == 400
        assert (await http.get("/runwayml/v1/tasks/a?b=c")).status_code == 400
    assert gateway.requests[0].path == "/runwayml/v1/tasks/a%2Fb"


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


async def test_silence_lasts_until_the_clock_says_so() -> None:
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


async def test_a_body_drips_over_its_time() -> None:
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


async def test_a_jump_of_the_clock_brings_all_that_is_due() -> None:
    gateway, app = make(faults=[Fault("drip", seconds=16)])
    wire = Wire()
    async with running(lambda: app(wire.scope, wire.receive, wire.send)):
        await until(lambda: len(wire.sent) == 1)
        gateway.clock.advance(16)
        await until(lambda: not wire.sent[-1].get("more_body", True))


async def test_a_client_that_leaves_ends_the_wait() -> None:
    gateway, app = make(faults=[Fault("hang", seconds=1e9)])
    wire = Wire()
    with anyio.fail_after(5):
        async with running(lambda: app(wire.scope, wire.receive, wire.send)):
            await until(lambda: gateway.received == 1)
            wire.gone.set()
    assert wire.sent == []


async def test_a_client_that_leaves_while_sending_does_nothing() -> None:
    gateway, app = make()
    wire = Wire("POST", PATH)
    wire._first = False
    wire.gone.set()
    await app(wire.scope, wire.receive, wire.send)
    assert (gateway.received, wire.sent) == (0, [])


async def test_the_servers_own_reset_is_used_where_there_is_one() -> None:
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


async def test_answers_without_a_body_have_no_length() -> None:
    for status, length in ((204, None), (304, None), (200, b"4")):
        wire = Wire()
        delivery = Delivery(SimClock.manual(), wire.scope, wire.receive, wire.send)
        await delivery.send_reply(Reply(status, body=b"body"))
        assert wire.body == (b"" if length is None else b"body")
        assert dict(wire.sent[0]["headers"]).get(b"content-length") == length


async def test_clock_rates() -> None:
    machine = [7.0]
    clock = SimClock(3.0, 100.0, lambda: machine[0])
    assert clock.now() == 100
    machine[0] += 10
    assert clock.now() == 130
    assert clock.advance(5) == clock.now() == 135
    for bad in (-1, 1e12, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="forward"):
            clock.advance(bad)
    with pytest.raises(ValueError, match="factor"):
        SimClock.scaled(0)
    with anyio.fail_after(5):
        await SimClock.scaled(1_000_000).sleep(10_000)


async def test_faults_by_origin_do_not_mix() -> None:
    _, app = make(faults=[Fault("status", when=When("download"))])
    async with client(app) as http:
        assert (await http.get("/nowhere")).status_code == 404
        assert (await http.get("http://media.simulator.test/outputs/x.mp4")).status_code == 500


async def test_the_key_stays_out_of_the_control_api() -> None:
    _, app = make()
    async with client(app) as http:
        await http.post(PATH, json=BODY)
        for part in ("state", "requests", "tasks", "charges"):
            text = json.dumps((await http.get(f"/_simulator/{part}")).json())
            assert KEY not in text
