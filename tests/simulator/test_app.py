"""The ASGI application: both origins and the control API, in process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Unpack

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
from cometapi_runway.simulator._server import app as app_module

from .helpers import BODY, EXACT, HEADERS, KEY

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


async def test_an_existing_gateway_can_be_served() -> None:
    gateway = Gateway(clock=SimClock.manual())
    async with client(create_app(gateway=gateway)) as http:
        await http.get("/nowhere")
    assert gateway.received == 1


async def test_the_date_header_is_in_simulated_time() -> None:
    gateway, app = make()
    gateway.clock.advance(3600)
    async with client(app) as http:
        answer = await http.get("/nowhere")
    assert answer.headers["date"] == "Fri, 01 May 2026 13:00:00 GMT"
    assert answer.headers["server"] == "cometapi-runway-simulator"


async def test_the_control_api_has_its_own_path() -> None:
    gateway, app = make()
    async with client(app) as http:
        assert (await http.post("/_simulator/clock", json={"advance": 5})).json()[
            "now"
        ] == 1777636805
        assert "<!DOCTYPE html>" in (await http.get("/_simulator/")).text
        assert (await http.post("/_simulator/reset")).status_code == 204
    assert gateway.received == 0


@pytest.mark.parametrize("kind", ["reset", "cut"])
async def test_a_dropped_connection_is_raised_if_the_server_cannot_drop_it(kind: Any) -> None:
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


@pytest.mark.parametrize(("size", "status"), [(10, 404), (11, 413)])
async def test_a_body_may_be_as_large_as_the_limit(
    size: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "_MAX_BODY", 10)
    _, app = make()

    async def send() -> AsyncIterator[bytes]:
        for _ in range(size):
            yield b"x"

    async with client(app) as http:
        for content in (b"x" * size, send()):
            assert (await http.post("/nowhere", content=content)).status_code == status


async def test_a_path_is_routed_as_it_was_sent() -> None:
    gateway, app = make()
    async with client(app) as http:
        assert (await http.get("/runwayml/v1/tasks/a%2Fb")).status_code == 400
        assert (await http.get("/runwayml/v1/tasks/a?b=c")).status_code == 400
    assert gateway.requests[0].path == "/runwayml/v1/tasks/a%2Fb"


async def test_a_path_with_a_line_feed_reaches_the_gateway() -> None:
    gateway, app = make()
    async with client(app) as http:
        answer = await http.get("/runwayml/v1/tasks/a%0Ab")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert gateway.requests[0].path == "/runwayml/v1/tasks/a%0Ab"


async def test_a_fault_applies_to_one_origin_only() -> None:
    _, app = make(faults=[Fault("status", when=When("download"))])
    async with client(app) as http:
        assert (await http.get("/nowhere")).status_code == 404
        assert (await http.get("http://media.simulator.test/outputs/x.mp4")).status_code == 500


async def test_the_control_api_does_not_show_the_key() -> None:
    _, app = make()
    async with client(app) as http:
        await http.post(PATH, json=BODY)
        for part in ("state", "requests", "tasks", "charges"):
            text = json.dumps((await http.get(f"/_simulator/{part}")).json())
            assert KEY not in text
