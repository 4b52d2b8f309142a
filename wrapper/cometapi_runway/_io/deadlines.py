"""Reads that end with their request, however slowly the other side drips.

httpx counts a timeout from byte to byte. A server that sends one header line now and then keeps
a blocking call for ever, out of reach of everything above the socket; the asynchronous client
needs none of this, since a task can be cancelled anywhere.
"""

from __future__ import annotations

import contextlib
import math
import ssl
import time
from collections.abc import Generator, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

# A socket takes 0 for "do not wait at all", which is another thing than being late.
_SHORTEST = 0.001

_end: ContextVar[float] = ContextVar("cometapi_runway_end", default=math.inf)


@contextlib.contextmanager
def deadline_at(end: float) -> Generator[None]:
    """Let every read and write of this thread end at a moment of `time.monotonic`."""
    token = _end.set(end)
    try:
        yield
    finally:
        _end.reset(token)


def install_deadlines(client: httpx.Client) -> None:
    """Hold a client's own connections to the deadlines of their requests.

    httpx has no way to say how a pool reads, so the pool is given its reader afterwards. Where a
    later httpx keeps it elsewhere, deadlines are as coarse as its timeouts again; a test tells.
    """
    own = vars(client)
    for transport in (own.get("_transport"), *dict(own.get("_mounts", {})).values()):
        pool = getattr(transport, "_pool", None)
        inner = getattr(pool, "_network_backend", None)
        if isinstance(inner, httpcore.NetworkBackend):
            vars(pool)["_network_backend"] = _Network(inner)


def _allowed(timeout: float | None) -> float | None:
    """The timeout of one read, clipped to what its request has left."""
    left = _end.get() - time.monotonic()
    if left == math.inf:
        return timeout
    return max(_SHORTEST, left if timeout is None else min(timeout, left))


class _Stream(httpcore.NetworkStream):
    """A connection whose reads know when their request ends."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _allowed(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _allowed(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _allowed(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Makes such connections."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        made = self._inner.connect_tcp(host, port, _allowed(timeout), local_address, socket_options)
        return _Stream(made)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        made = self._inner.connect_unix_socket(path, _allowed(timeout), socket_options)
        return _Stream(made)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)
