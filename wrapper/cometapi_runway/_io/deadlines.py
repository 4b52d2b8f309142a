"""Socket reads and writes of the blocking client that end at their request's deadline.

An httpx timeout applies to each read. A server that sends one header line now and then keeps a
blocking request open for ever, and code above the socket cannot interrupt it. The asynchronous
client needs none of this: a task can be cancelled at any await.
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

# A socket timeout of 0 means non-blocking mode, not a timeout.
_MIN_TIMEOUT = 0.001

_deadline: ContextVar[float] = ContextVar("cometapi_runway_deadline", default=math.inf)


@contextlib.contextmanager
def deadline_at(deadline: float) -> Generator[None]:
    """End every socket operation of this thread at a moment of `time.monotonic`."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def install_deadlines(client: httpx.Client) -> None:
    """Make a client's connections respect `deadline_at`.

    httpx has no option for the network backend of its pools, so the backend is replaced after
    construction. If a later httpx stores it elsewhere, this does nothing and requests are bounded
    by httpx's timeouts only; a test detects that.
    """
    attributes = vars(client)
    mounts = dict(attributes.get("_mounts", {}))
    for transport in (attributes.get("_transport"), *mounts.values()):
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend):
            vars(pool)["_network_backend"] = _DeadlineBackend(backend)


def _clip_timeout(timeout: float | None) -> float | None:
    """The timeout of one socket operation, clipped to the time until the deadline."""
    remaining = _deadline.get() - time.monotonic()
    if remaining == math.inf:
        return timeout
    return max(_MIN_TIMEOUT, remaining if timeout is None else min(timeout, remaining))


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _clip_timeout(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _clip_timeout(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _clip_timeout(timeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that end at the deadline, over another backend."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _clip_timeout(timeout)
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _DeadlineStream(stream)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _clip_timeout(timeout)
        return _DeadlineStream(self._backend.connect_unix_socket(path, timeout, socket_options))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)
