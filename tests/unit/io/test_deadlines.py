"""Requests end at their deadline on real connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpcore
import httpx
import pytest

from cometapi_runway import (
    APITimeoutError,
    AsyncRunwayClient,
    RunwayClient,
    RunwayError,
    SubmissionUnknownError,
    TaskTimeoutError,
)
from cometapi_runway import _settings as settings
from cometapi_runway._io import deadlines, file_client
from cometapi_runway._io.async_file_client import AsyncFileClient
from cometapi_runway._io.file_client import FileClient
from cometapi_runway.resources import _prepare_request as prepare_request

from ..support.both_clients import ASSETS, ID, KEY, ClientHarness
from ..support.fault_table import ACCEPTED, DONE, RUNNING
from ..support.scripted_transport import Reply

Behaviour = Callable[[socket.socket], None]
Serve = Callable[[Behaviour], str]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def test_a_few_reads_after_the_deadline_take_what_has_arrived() -> None:
    """And each request has them anew, on a connection that is used again."""
    read: list[float | None] = []

    def take(_: int, timeout: float | None) -> bytes:
        read.append(timeout)
        return b"x"

    network: Any = SimpleNamespace(read=take)
    stream = deadlines._DeadlineStream(network)
    for _ in range(2):
        with deadlines.deadline_at(time.monotonic() - 1):
            for _ in range(8):
                assert stream.read(10, 5.0) == b"x"
                assert read.pop() == deadlines._MIN_TIMEOUT
            with pytest.raises(httpcore.ReadTimeout, match="the deadline has passed"):
                stream.read(10, 5.0)
        assert not read
        with deadlines.deadline_at(time.monotonic() + 60):
            assert stream.read(10, 5.0) == b"x"
        assert stream.read(10) == b"x"
        assert read == [5.0, None]
        read.clear()


def test_connections_through_a_proxy_have_deadlines_too() -> None:
    proxies = {"https://a.example": httpx.HTTPTransport(), "https://b.example": None}
    with httpx.Client(mounts=proxies) as client:
        deadlines.install_deadlines(client)
        for transport in (client._transport, proxies["https://a.example"]):
            backend = vars(transport)["_pool"]._network_backend
            assert type(backend) is deadlines._DeadlineBackend


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server on loopback that does with a connection as it is told."""
    over = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def begin(behave: Behaviour) -> str:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listeners.append(listener)

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                behave(connection)
                over.wait(30)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threads.append(threading.Thread(target=one, args=(connection,)))
                    threads[-1].start()

        threads.append(threading.Thread(target=accept))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield begin
    over.set()
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()


def silent(_: socket.socket) -> None:
    """Take the request, and say nothing."""


def dripping(connection: socket.socket) -> None:
    """Send a header without end, a byte now and then, each well within any timeout."""
    connection.sendall(HEAD + b"X-Endless: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def ask(mode: str, address: str, method: str, **options: Any) -> RunwayError | None:
    """The error that a question ends with."""

    def perform(client: Any) -> Any:
        if method == "create":
            return client.character_performance.create(**ASSETS)
        return client.tasks.retrieve(ID)

    async def awaiting() -> None:
        async with AsyncRunwayClient(KEY, base_url=address, **options) as client:
            await perform(client)

    try:
        if mode == "awaiting":
            asyncio.run(awaiting())
        else:
            with RunwayClient(KEY, base_url=address, **options) as client:
                perform(client)
    except RunwayError as error:
        return error
    return None


@pytest.mark.parametrize("mode", ["blocking", "awaiting"])
@pytest.mark.parametrize("behave", [silent, dripping])
class TestDeadlines:
    """httpx counts from byte to byte, below everything that a blocking caller could stop."""

    def test_by_a_poll(self, mode: str, behave: Behaviour, serve: Serve) -> None:
        started = time.monotonic()
        error = ask(mode, serve(behave), "poll", timeout=0.2)
        assert isinstance(error, APITimeoutError)
        assert error.delivery == "unknown"
        assert time.monotonic() - started < 10

    def test_by_a_paid_request(self, mode: str, behave: Behaviour, serve: Serve) -> None:
        started = time.monotonic()
        assert isinstance(ask(mode, serve(behave), "create", timeout=0.2), SubmissionUnknownError)
        assert time.monotonic() - started < 10


@pytest.fixture
def unanswering() -> Iterator[str]:
    """An address where connecting takes for ever: what waits to be let in is full."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("mode", ["blocking", "awaiting"])
class TestNeverConnected:
    """Then nothing was sent, whichever of several limits was reached first."""

    def test_a_question_says_so(self, mode: str, unanswering: str) -> None:
        error = ask(mode, unanswering, "poll", timeout=0.2)
        assert isinstance(error, APITimeoutError)
        assert error.delivery == "not_sent"

    def test_a_paid_request_is_not_of_unknown_outcome(
        self, mode: str, unanswering: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = prepare_request.SubmitRequest
        monkeypatch.setattr(prepare_request, "SubmitRequest", partial(made, retry_time=0.3))
        error = ask(mode, unanswering, "create", timeout=0.2)
        assert isinstance(error, APITimeoutError)
        assert error.delivery == "not_sent"


@pytest.mark.parametrize("behave", [silent, dripping])
@pytest.mark.parametrize("mode", ["blocking", "awaiting"])
def test_a_download_without_a_response_ends_at_the_deadline(
    mode: str, behave: Behaviour, serve: Serve
) -> None:
    address = serve(behave)

    async def awaiting() -> None:
        async with AsyncFileClient(None).open(address, {}, 0.2):
            raise AssertionError("it began")

    def blocking() -> None:
        with FileClient(None).open(address, {}, 0.2):
            raise AssertionError("it began")

    started = time.monotonic()
    with pytest.raises(APITimeoutError):
        asyncio.run(awaiting()) if mode == "awaiting" else blocking()
    assert time.monotonic() - started < 10


def test_a_download_that_makes_progress_has_no_deadline(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is that of its beginning, and no more in force when the bytes come."""
    now = 0.0
    clock = SimpleNamespace(monotonic=lambda: now)
    for module in (deadlines, file_client):
        monkeypatch.setattr(module, "time", clock)

    def pausing(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.2)
        connection.sendall(b"b")

    asked = FileClient(None)
    with asked.open(serve(pausing), {}, 5) as stream:
        now = 3600.0
        assert b"".join(stream.chunks) == b"ab"
    asked.close()


@pytest.mark.parametrize("count", [1, 3 * settings.MAX_IN_FLIGHT])
def test_many_waits_end_at_their_one_deadline(count: int, serve: Serve) -> None:
    """Those that never got a place among them, too."""
    address = serve(silent)
    started = time.monotonic()
    with RunwayClient(KEY, base_url=address) as client:
        tasks = client.tasks.wait_all([f"t{n}" for n in range(count)], timeout=0.5)
    assert all(isinstance(task.error, TaskTimeoutError) for task in tasks)
    assert time.monotonic() - started < 15


def test_httpx_still_keeps_its_reader_where_it_is_held() -> None:
    """Where a later httpx moves it, deadlines become as coarse as timeouts: better to know."""
    with RunwayClient(KEY) as client:
        own = client.api.get_httpx_client()
        pool = vars(vars(own)["_transport"])["_pool"]
        assert isinstance(vars(pool)["_network_backend"], deadlines._DeadlineBackend)


class TestLateResponse:
    """An answer that has been paid for is kept, if it is there."""

    @staticmethod
    def handled(harness: ClientHarness, content: bytes, headers: dict[str, str]) -> Any:
        def handle(_: httpx.Request) -> httpx.Response:
            harness.clock.sleep(11)  # type: ignore[unused-coroutine] # of the blocking kind
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))

        return harness.new(transport=httpx.MockTransport(handle), timeout=10)

    @pytest.mark.parametrize(
        "headers", [{}, {"content-length": str(len(ACCEPTED.content))}, {"content-length": "?"}]
    )
    def test_all_of_it(self, headers: dict[str, str]) -> None:
        harness = ClientHarness("blocking")
        client = self.handled(harness, ACCEPTED.content, headers)
        assert client.character_performance.create(**ASSETS).id == ID

    @pytest.mark.parametrize("headers", [{}, {"content-length": str(len(ACCEPTED.content))}])
    def test_half_of_it(self, headers: dict[str, str]) -> None:
        harness = ClientHarness("blocking")
        client = self.handled(harness, ACCEPTED.content[:-5], headers)
        with pytest.raises(SubmissionUnknownError, match="was not complete after 10 s"):
            client.character_performance.create(**ASSETS)


def test_a_request_of_no_time_at_all_is_tried() -> None:
    """A deadline of now still brings what the gateway knows."""
    harness = ClientHarness("blocking").respond_with(DONE)
    assert harness.run(harness.client.tasks.wait(ID, timeout=0)).status == "SUCCEEDED"
    slow = ClientHarness("blocking").respond_with(Reply(200, RUNNING.content, takes=99))
    with pytest.raises(TaskTimeoutError):
        slow.run(slow.client.tasks.wait(ID, timeout=0))
    assert slow.time <= 1


def test_a_unix_socket_has_the_deadline_too() -> None:
    """Of a transport of the caller's own."""
    limits: list[float | None] = []

    class Backend(httpcore.NetworkBackend):
        def connect_unix_socket(
            self, path: str, timeout: float | None = None, socket_options: Any = None
        ) -> httpcore.NetworkStream:
            limits.append(timeout)
            return httpcore.MockStream([path.encode()])

    backend = deadlines._DeadlineBackend(Backend())
    with deadlines.deadline_at(time.monotonic() + 5):
        stream = backend.connect_unix_socket("/run/a.sock", 60)
        assert stream.read(99, 60) == b"/run/a.sock"
    assert isinstance(stream, deadlines._DeadlineStream)
    (limit,) = limits
    assert limit is not None
    assert 4 < limit <= 5
