"""The deadline of a blocking request holds against floods, slow readers and dead addresses."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpcore
import pytest
from tests.wire_server import Connection, WireServer

from cometapi_runway import APITimeoutError, RunwayClient, SubmissionUnknownError
from cometapi_runway._io import deadlines

from ..support.both_clients import KEY

LIMIT = 0.4
# What a loaded machine may add.
SLACK = 2.0


def early_hints(connection: Connection) -> None:
    connection.read_request()
    while not connection.wait(0):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 50)


def empty_gzip_blocks(connection: Connection) -> None:
    """Compressed bytes that decode to nothing: the body never grows."""
    connection.read_request()
    connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        b"Connection: close\r\n\r\n" + gzip.compress(b"")[:10]
    )
    block = b"\x00\x00\x00\xff\xff"
    while not connection.wait(0):
        connection.send(block * 2000)


def single_bytes(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nX: ")
    while not connection.wait(0.01):
        connection.send(b"x")


@pytest.mark.parametrize("flood", [early_hints, empty_gzip_blocks, single_bytes])
def test_a_flood_ends_at_the_deadline(flood: Callable[[Connection], None]) -> None:
    with (
        WireServer(flood) as server,
        RunwayClient(KEY, base_url=server.base_url, timeout=LIMIT) as client,
    ):
        started = time.monotonic()
        with pytest.raises(APITimeoutError):
            client.tasks.retrieve("task-1")
        assert time.monotonic() - started < LIMIT + SLACK
        with pytest.raises(SubmissionUnknownError):
            client.video_upscale.create(video_uri="https://example.com/clip.mp4")


def test_a_large_body_to_a_slow_reader_ends_at_the_deadline() -> None:
    """Each write would have the whole timeout again: a server that reads now and then holds it."""

    def read_slowly(connection: Connection) -> None:
        while not connection.wait(0.05):
            connection._socket.recv(4096)

    video = "data:video/mp4;base64," + "A" * 12_000_000
    with (
        WireServer(read_slowly) as server,
        RunwayClient(KEY, base_url=server.base_url, timeout=LIMIT) as client,
    ):
        started = time.monotonic()
        with pytest.raises(SubmissionUnknownError):
            client.video_to_video.create(
                video_uri=video, prompt_text="x", ratio="1280:720", model="gen4_aleph"
            )
        assert time.monotonic() - started < LIMIT + SLACK


class DeadBackend(httpcore.NetworkBackend):
    """Every address takes its whole timeout and then fails."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, float | None]] = []

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: Any) -> Any:
        self.tried.append((host, timeout))
        raise httpcore.ConnectTimeout("dead")


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(*addresses: str, delay: float = 0.0) -> None:
        def resolve(_host: str, port: int, **_: Any) -> Any:
            time.sleep(delay)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)

    return install


def test_the_addresses_of_a_name_share_one_timeout(resolve_to: Callable[..., None]) -> None:
    resolve_to("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.4")
    backend = DeadBackend()
    with pytest.raises(httpcore.ConnectTimeout):
        deadlines._DeadlineBackend(backend).connect_tcp("gateway.test", 443, 4.0)
    assert [host for host, _ in backend.tried] == [f"192.0.2.{n}" for n in (1, 2, 3, 4)]
    # The test's addresses fail at once, so that each later one has more than its share.
    first, *later = [timeout for _, timeout in backend.tried if timeout is not None]
    assert first == pytest.approx(1.0, abs=0.2)
    assert later == sorted(later)
    assert max(later) <= 4.0


@pytest.mark.parametrize("error", [httpcore.ConnectTimeout, httpcore.ConnectError])
def test_the_next_address_is_tried(error: type[Exception], resolve_to: Callable[..., None]) -> None:
    class SecondWorks(DeadBackend):
        def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: Any) -> Any:
            if self.tried:
                return httpcore.MockStream([])
            self.tried.append((host, timeout))
            raise error

    resolve_to("192.0.2.1", "192.0.2.2")
    stream = deadlines._DeadlineBackend(SecondWorks()).connect_tcp("gateway.test", 443, 4.0)
    assert isinstance(stream, httpcore.NetworkStream)


def test_a_slow_resolver_ends_at_the_deadline(resolve_to: Callable[..., None]) -> None:
    resolve_to("192.0.2.1", delay=1.0)
    started = time.monotonic()
    with pytest.raises(httpcore.ConnectTimeout, match="not resolved in time"):
        deadlines._DeadlineBackend(DeadBackend()).connect_tcp("gateway.test", 443, 0.1)
    assert time.monotonic() - started < 0.9


def test_a_name_that_does_not_exist_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Iterator[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(httpcore.ConnectError, match="not known"):
        deadlines._DeadlineBackend(DeadBackend()).connect_tcp("gateway.test", 443, 1.0)
