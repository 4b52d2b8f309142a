"""Callbacks are sent once, and to this machine only."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway.simulator import SimClock, SimulatorServer
from cometapi_runway.simulator._server import callback_sender
from cometapi_runway.simulator._server.callback_sender import is_loopback

from .helpers import CONTRACT, EXACT, HEADERS, example_bodies


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
    redirect: ClassVar[str | None] = None

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.received.append((self.path, json.loads(self.rfile.read(size))))
        self.send_response(307 if self.redirect else 200)
        if self.redirect:
            self.send_header("Location", self.redirect)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test output quiet."""


@pytest.fixture
def hook() -> Iterator[str]:
    Hook.received.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as listening:
        listener = threading.Thread(target=listening.serve_forever, args=(0.01,))
        listener.start()
        yield f"http://127.0.0.1:{listening.server_port}/hook?a=b"
        listening.shutdown()
        listener.join()


def test_callbacks_are_sent_once_and_to_this_machine_only(
    server: SimulatorServer, api: httpx.Client, hook: str
) -> None:
    operation = CONTRACT.operation("act_one_expression_migration")
    body = dict(example_bodies(operation)[0])
    ids: list[str] = []
    for url in ("https://example.com/hook", hook, hook):
        answer = api.post(operation.path, json={**body, "callback_url": url})
        ids.append(answer.json()["data"]["task_id"])
        server.gateway.clock.advance(60)
        deadline = time.monotonic() + 5
        while len(Hook.received) < len(ids) - 1 and time.monotonic() < deadline:
            time.sleep(0.01)
    # Callbacks arrive in order, so a repeated one would be before the last.
    assert [(path, sent["task_id"], sent["status"]) for path, sent in Hook.received] == [
        ("/hook?a=b", ids[1], "3"),
        ("/hook?a=b", ids[2], "3"),
    ]
    assert len(server.gateway.callbacks) == 3


def end_task(server: SimulatorServer, api: httpx.Client, callback_url: str) -> str:
    operation = CONTRACT.operation("act_one_expression_migration")
    body = {**example_bodies(operation)[0], "callback_url": callback_url}
    answer = api.post(operation.path, json=body)
    server.gateway.clock.advance(60)
    return str(answer.json()["data"]["task_id"])


def received_task_ids(count: int = 1) -> list[str]:
    deadline = time.monotonic() + 5
    while len(Hook.received) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return [sent["task_id"] for _, sent in Hook.received]


@pytest.mark.parametrize(
    "odd",
    ["http://localhost:99999/", "http://127.0.0.1:99999/", "http://localhost:1/ä"],
)
def test_a_bad_callback_url_does_not_stop_the_others(
    server: SimulatorServer, api: httpx.Client, hook: str, odd: str
) -> None:
    end_task(server, api, odd)
    assert len(server.gateway.callbacks) == 1
    wanted = end_task(server, api, hook)
    assert received_task_ids() == [wanted]


def test_callbacks_are_sent_after_a_reset_too(
    server: SimulatorServer, api: httpx.Client, hook: str
) -> None:
    for _ in range(3):
        wanted = end_task(server, api, hook)
        assert received_task_ids() == [wanted]
        server.gateway.reset()
        Hook.received.clear()


def test_a_silent_receiver_does_not_block_the_others(
    server: SimulatorServer, api: httpx.Client, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_sender, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        end_task(server, api, f"http://127.0.0.1:{mute.getsockname()[1]}/")
        wanted = end_task(server, api, hook)
        assert received_task_ids() == [wanted]


def test_a_callback_of_a_deleted_task_does_not_stop_the_others(
    server: SimulatorServer, api: httpx.Client, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = server.gateway.callback_body

    def once_too_late(task_id: str) -> Any:
        asked.append(task_id)
        return real("gone" if len(asked) == 1 else task_id)

    monkeypatch.setattr(server.gateway, "callback_body", once_too_late)
    end_task(server, api, hook)
    wanted = end_task(server, api, hook)
    assert received_task_ids() == [wanted]


def test_a_redirect_is_not_followed(
    server: SimulatorServer, api: httpx.Client, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hook, "redirect", hook)
    first = end_task(server, api, hook)
    assert received_task_ids() == [first]
    # In order, so a followed redirect would be before the second callback.
    second = end_task(server, api, hook)
    assert received_task_ids(2) == [first, second]


def test_a_response_that_trickles_in_is_given_up(
    server: SimulatorServer, api: httpx.Client, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_sender, "_TIMEOUT", 0.2)
    stop = threading.Event()

    def trickle(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            while not stop.wait(0.02):
                with contextlib.suppress(OSError):
                    connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        sender = threading.Thread(target=trickle, args=(listening,))
        sender.start()
        try:
            end_task(server, api, f"http://127.0.0.1:{listening.getsockname()[1]}/")
            wanted = end_task(server, api, hook)
            assert received_task_ids() == [wanted]
        finally:
            stop.set()
            sender.join()


@pytest.mark.parametrize("response", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_a_connection_closed_without_a_response_does_not_stop_the_others(
    server: SimulatorServer, api: httpx.Client, hook: str, response: bytes
) -> None:
    def close(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            connection.recv(65_536)
            connection.sendall(response)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        receiver = threading.Thread(target=close, args=(listening,))
        receiver.start()
        end_task(server, api, f"http://127.0.0.1:{listening.getsockname()[1]}/")
        wanted = end_task(server, api, hook)
        assert received_task_ids() == [wanted]
        receiver.join()


@each_case(
    ("url", "ours"),
    [("http://127.0.0.1:1/x", True), ("http://localhost/x", True), ("http://[::1]:8/x", True),
     ("https://127.0.0.1/x", False), ("http://example.com/", False), ("http://10.0.0.1/", False),
     ("http://localhost.example.com/", False), ("http://[", False), ("file:///x", False),
     ("", False), ("http://localhost\\@example.com/", False), ("http://localhost:65536/", False)],
)  # fmt: skip
def test_is_loopback(url: str, ours: bool) -> None:
    assert is_loopback(url) is ours
