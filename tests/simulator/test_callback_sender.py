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
from urllib.parse import urlsplit

import anyio
import h11
import httpx
import pytest
from tests.cases import each_case

from cometapi_runway.simulator import Callback, SimClock, SimulatorServer
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
     ("", False), ("http://localhost\\@example.com/", False), ("http://localhost:65536/", False),
     ("http://localhost:0/", False), ("http://127.9.9.9/x", True)],
)  # fmt: skip
def test_is_loopback(url: str, ours: bool) -> None:
    assert is_loopback(url) is ours


class OtherEnd:
    """A connection that keeps what it is sent, and then has a response."""

    def __init__(self, response: bytes) -> None:
        self.address: tuple[str, int] | None = None
        self.sent = b""
        self._response = response

    async def connect(self, host: str, port: int) -> OtherEnd:
        self.address = host, port
        return self

    async def __aenter__(self) -> OtherEnd:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, data: bytes) -> None:
        self.sent += data

    async def receive(self, _size: int) -> bytes:
        return self._response


@each_case(
    ("url", "address", "target", "host"),
    [
        ("http://localhost", ("localhost", 80), "/", "localhost:80"),
        ("http://localhost?a=b", ("localhost", 80), "/?a=b", "localhost:80"),
        ("http://127.0.0.1:81/x?", ("127.0.0.1", 81), "/x", "127.0.0.1:81"),
        ("http://[::1]/x#y", ("::1", 80), "/x", "[::1]:80"),
        ("http://localhost/%20:@!$&'()*+,;=-._~?/?:@!$&'()*+,;=-._~%ff", ("localhost", 80),
         "/%20:@!$&'()*+,;=-._~?/?:@!$&'()*+,;=-._~%ff", "localhost:80"),
        ('http://localhost/\N{SNOWMAN} "<>[]^`{|}', ("localhost", 80),
         "/%E2%98%83%20%22%3C%3E%5B%5D%5E%60%7B%7C%7D", "localhost:80"),
    ],
)  # fmt: skip
def test_where_a_callback_goes(
    url: str, address: object, target: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = OtherEnd(b"HTTP/1.1 204 No Content\r\n\r\n")
    monkeypatch.setattr(callback_sender.anyio, "connect_tcp", end.connect)
    assert anyio.run(callback_sender._post, urlsplit(url), b"{}") == 204
    assert end.address == address
    lines = end.sent.decode().split("\r\n")
    assert lines[:2] == [f"POST {target} HTTP/1.1", f"Host: {host}"]


@each_case(
    ("url", "failure", "level", "message"),
    [
        ("http://localhost/", None, "INFO", "returned HTTP 204"),
        ("http://example.com/", None, "WARNING", "is not sent: not a loopback address"),
        ("http://localhost/", KeyError("t"), "WARNING", "is not sent: the gateway was reset"),
        *(
            ("http://localhost/", error, "WARNING", f"failed: {error!r}")
            for error in (
                OSError("a"), TimeoutError(), UnicodeError("b"), ValueError("c"),
                h11.RemoteProtocolError("d"), h11.LocalProtocolError("e"),
                anyio.BrokenResourceError(), anyio.ClosedResourceError(),
            )
        ),
    ],
)  # fmt: skip
def test_what_became_of_a_callback_is_logged(
    url: str,
    failure: Exception | None,
    level: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def post(_url: object, body: bytes) -> int:
        assert body == b'{"status":"3"}'
        if failure is not None:
            raise failure
        return 204

    class Stub:
        def callback_body(self, task_id: str) -> object:
            assert task_id == "t"
            return {"status": "3"}

    gateway: Any = Stub()
    monkeypatch.setattr(callback_sender, "_post", post)
    caplog.set_level("INFO")
    anyio.run(callback_sender._send_callback, gateway, Callback("t", url, 0.0))
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (level, f"the callback of task t {message}")


@each_case(
    ("received", "status"),
    [
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 20", b"2 Accepted\r\n\r\n"], 202),
        ([], None),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], None),
        ([b"HTTP/1.1 200 OK\r\n"], None),
    ],
)
def test_a_response_is_read_until_its_status(received: list[bytes], status: int | None) -> None:
    pieces = iter(received)

    class Stream:
        async def receive(self, _size: int) -> bytes:
            for piece in pieces:
                return piece
            raise anyio.EndOfStream

    stream: Any = Stream()
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    with contextlib.nullcontext() if status else pytest.raises(h11.RemoteProtocolError):
        assert anyio.run(callback_sender._receive_status, connection, stream) == status


def test_callbacks_are_looked_for_often_and_given_up_after_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits: list[float] = []
    here, real_sleep, real_limit = threading.get_ident(), anyio.sleep, anyio.fail_after

    # A server that other tests share looks for callbacks too, in a thread of its own.
    async def sleep(seconds: float) -> None:
        if threading.get_ident() != here:
            return await real_sleep(seconds)
        limits.append(seconds)
        raise InterruptedError

    async def post(*_: object) -> int:
        return 204

    def fail_after(seconds: float) -> contextlib.AbstractContextManager[object]:
        if threading.get_ident() != here:
            return real_limit(seconds)
        limits.append(seconds)
        return contextlib.nullcontext()

    class Stub:
        callbacks = (Callback("t", "http://localhost/", 0.0),)

        def callback_body(self, _: str) -> object:
            return {}

    gateway: Any = Stub()
    monkeypatch.setattr(callback_sender, "_post", post)
    monkeypatch.setattr(callback_sender.anyio, "sleep", sleep)
    monkeypatch.setattr(callback_sender.anyio, "fail_after", fail_after)
    with pytest.raises(InterruptedError):
        anyio.run(callback_sender.send_callbacks, gateway)
    assert limits == [5.0, 0.05]
