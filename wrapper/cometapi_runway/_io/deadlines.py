"""Connections of the blocking client that end at their request's deadline.

An httpx timeout applies to each socket operation. A server that sends one header line now and then,
or floods the client with interim responses, keeps a blocking request open for ever, and code above
the socket cannot interrupt it. The asynchronous client needs none of this: a task can be cancelled
at any await.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import queue
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import httpcore
import httpx

# A socket timeout of 0 means non-blocking mode, not a timeout.
_MIN_TIMEOUT = 0.001
# A response that arrived in time is read even if its reader comes late: this many reads of what
# the socket holds already. A flood of bytes is not read any further.
_MAX_LATE_READS = 8
# One write blocks until the server has read a part of it, so a large body is written in pieces,
# each with the time that is left.
_WRITE_SIZE = 16_384

_deadline: ContextVar[float] = ContextVar("cometapi_runway_deadline", default=math.inf)


class deadline_at:  # noqa: N801 - used as a function, as contextlib's own are
    """End every socket operation of this thread at a moment of `time.monotonic`.

    A class, because a generator costs several times as much, and each request enters one.
    """

    __slots__ = ("_deadline", "_token")

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._token = _deadline.set(self._deadline)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _deadline.reset(self._token)


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


def _remaining() -> float:
    """Seconds until the deadline of this thread's request; negative afterwards."""
    return _deadline.get() - time.monotonic()


def _clip_timeout(timeout: float | None) -> float | None:
    """The timeout of one socket operation, clipped to the time until the deadline."""
    remaining = _remaining()
    if remaining == math.inf:
        return timeout
    return max(_MIN_TIMEOUT, remaining if timeout is None else min(timeout, remaining))


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._late_reads = 0
        _streams.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if _remaining() > 0:
            self._late_reads = 0
        elif self._late_reads < _MAX_LATE_READS:
            self._late_reads += 1
        else:
            raise httpcore.ReadTimeout("the deadline has passed")
        return self._stream.read(max_bytes, _clip_timeout(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_SIZE):
            if start and _remaining() <= 0:
                raise httpcore.WriteTimeout("the deadline has passed")
            self._stream.write(buffer[start : start + _WRITE_SIZE], _clip_timeout(timeout))

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


# Every open connection of this process, for `close_inherited_connections`.
_streams: weakref.WeakSet[_DeadlineStream] = weakref.WeakSet()


def close_inherited_connections() -> None:
    """Close a forked child's copies of its parent's sockets, without a word on the connection.

    The parent goes on using them. A TLS shutdown or anything else that is sent would be part of
    the parent's conversation.
    """
    for stream in list(_streams):
        connection = stream.get_extra_info("socket")
        if isinstance(connection, socket.socket):
            connection.close()
    _streams.clear()


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
        limit = _clip_timeout(timeout)
        end = time.monotonic() + (math.inf if limit is None else limit)
        addresses = _resolve(host, port, limit)
        # The addresses share the time: a name with several dead ones would take it once for each.
        for tried, address in enumerate(addresses, start=1):
            share = (end - time.monotonic()) / (len(addresses) - tried + 1)
            try:
                stream = self._backend.connect_tcp(
                    address,
                    port,
                    None if share == math.inf else max(share, _MIN_TIMEOUT),
                    local_address,
                    socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if tried == len(addresses) or time.monotonic() >= end:
                    raise
            else:
                return _DeadlineStream(stream)
        raise httpcore.ConnectError(f"{host} has no address")

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


def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    """The addresses of a host, in the resolver's order.

    The system's resolver takes no timeout, so it runs in a thread that is abandoned when it is
    too slow.

    Raises:
        httpcore.ConnectError: The name cannot be resolved.
        httpcore.ConnectTimeout: The resolver took too long.
    """
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    results: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except Exception as error:
            results.put(error)

    threading.Thread(target=resolve, name="cometapi-runway-resolve", daemon=True).start()
    try:
        result = results.get(timeout=timeout)
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
    if isinstance(result, OSError):
        raise httpcore.ConnectError(str(result)) from result
    if isinstance(result, Exception):
        raise result
    return result
