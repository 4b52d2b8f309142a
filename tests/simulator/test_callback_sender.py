"""Callbacks are sent once, and to this machine only."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import pytest

from cometapi_runway.simulator import SimClock, SimulatorServer
from cometapi_runway.simulator._server import callback_sender
from cometapi_runway.simulator._server.callback_sender import is_loopback

from .helpers import CONTRACT, EXACT, HEADERS, examples


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(clock=SimClock.manual(), timings=EXACT, deliver_callbacks=True) as running:
        yield running


@pytest.fixture
def api(server: SimulatorServer) -> Iterator[httpx.Client]:
    server.gateway.reset()
    with httpx.Client(base_url=server.base_url, headers=dict(HEADERS), timeout=10) as client:
        yield client


class Hook(http.server.BaseHTTPRequestHandler):
    received: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.received.append((self.path, json.loads(self.rfile.read(size))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    Hook.received.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as listening:
        listener = threading.Thread(target=listening.serve_forever, args=(0.01,))
        listener.start()
        yield f"http://127.0.0.1:{listening.server_port}/hook?a=b"
        listening.shutdown()
        listener.join()


def test_callbacks_are_delivered_once_and_to_this_machine_only(
    server: SimulatorServer, api: httpx.Client, hook: str
) -> None:
    operation = CONTRACT.operation("act_one_expression_migration")
    body = dict(examples(operation)[0])
    ids: list[str] = []
    for url in ("https://example.com/hook", hook, hook):
        answer = api.post(operation.path, json={**body, "callback_url": url})
        ids.append(answer.json()["data"]["task_id"])
        server.gateway.clock.advance(60)
        deadline = time.monotonic() + 5
        while len(Hook.received) < len(ids) - 1 and time.monotonic() < deadline:
            time.sleep(0.01)
    # In order, so had an earlier one been sent again, it would stand before the last.
    assert [(path, sent["task_id"], sent["status"]) for path, sent in Hook.received] == [
        ("/hook?a=b", ids[1], "3"),
        ("/hook?a=b", ids[2], "3"),
    ]
    assert len(server.gateway.callbacks) == 3


def end_one(server: SimulatorServer, api: httpx.Client, callback_url: str) -> str:
    operation = CONTRACT.operation("act_one_expression_migration")
    body = {**examples(operation)[0], "callback_url": callback_url}
    answer = api.post(operation.path, json=body)
    server.gateway.clock.advance(60)
    return str(answer.json()["data"]["task_id"])


def delivered() -> list[str]:
    deadline = time.monotonic() + 5
    while not Hook.received and time.monotonic() < deadline:
        time.sleep(0.01)
    return [sent["task_id"] for _, sent in Hook.received]


@pytest.mark.parametrize(
    "odd",
    ["http://localhost:99999/", "http://127.0.0.1:99999/", "http://localhost:1/ä"],
)
def test_an_odd_callback_address_does_not_end_the_others(
    server: SimulatorServer, api: httpx.Client, hook: str, odd: str
) -> None:
    end_one(server, api, odd)
    assert len(server.gateway.callbacks) == 1
    wanted = end_one(server, api, hook)
    assert delivered() == [wanted]


def test_callbacks_are_delivered_after_a_reset_too(
    server: SimulatorServer, api: httpx.Client, hook: str
) -> None:
    for _ in range(3):
        wanted = end_one(server, api, hook)
        assert delivered() == [wanted]
        server.gateway.reset()
        Hook.received.clear()


def test_a_listener_that_never_answers_does_not_hold_the_others_up(
    server: SimulatorServer, api: httpx.Client, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_sender, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        end_one(server, api, f"http://127.0.0.1:{mute.getsockname()[1]}/")
        wanted = end_one(server, api, hook)
        assert delivered() == [wanted]


def test_a_callback_whose_task_a_reset_took_does_not_end_the_others(
    server: SimulatorServer, api: httpx.Client, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = server.gateway.callback_body

    def once_too_late(task_id: str) -> Any:
        asked.append(task_id)
        return real("gone" if len(asked) == 1 else task_id)

    monkeypatch.setattr(server.gateway, "callback_body", once_too_late)
    end_one(server, api, hook)
    wanted = end_one(server, api, hook)
    assert delivered() == [wanted]


@pytest.mark.parametrize(
    ("url", "ours"),
    [("http://127.0.0.1:1/x", True), ("http://localhost/x", True), ("http://[::1]:8/x", True),
     ("https://127.0.0.1/x", False), ("http://example.com/", False), ("http://10.0.0.1/", False),
     ("http://localhost.example.com/", False), ("http://[", False), ("file:///x", False),
     ("", False), ("http://localhost\\@example.com/", False), ("http://localhost:65536/", False)],
)  # fmt: skip
def test_loopback(url: str, ours: bool) -> None:
    assert is_loopback(url) is ours
