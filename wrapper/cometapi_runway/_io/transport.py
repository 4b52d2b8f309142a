"""Send requests over httpx and read their responses, without judging what a response means.

The transport bounds the time and size of a response, limits the number of requests in flight, and
maps every network failure to an `APIConnectionError` that says whether the request can have
reached the gateway. `http_client` creates the httpx clients, `exception_mapping` maps their
errors, and `deadlines` bounds the reads of the blocking one.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from attrs import define, field

from cometapi_runway import _settings
from cometapi_runway._core.clock import AsyncClock, Clock
from cometapi_runway._core.json_values import parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway._flows.read_response import find_error
from cometapi_runway._flows.steps import PreparedRequest, Send
from cometapi_runway._io.deadlines import deadline_at, install_deadlines
from cometapi_runway._io.exception_mapping import (
    TRANSPORT_ERRORS,
    check_response_size,
    client_closed,
    connect_timeout,
    map_transport_errors,
    pool_timeout,
    response_timeout,
)
from cometapi_runway._io.file_client import AsyncFileClient, FileClient
from cometapi_runway._io.http_client import (
    SafeClient,
    check_transport,
    httpx_timeout,
    make_api_client,
    make_http_client,
    to_httpx_response,
)
from cometapi_runway._io.http_logs import redact_http_logs
from cometapi_runway._io.key_protection import hide_key_in_errors
from cometapi_runway._settings import LOCK_WAIT_SLICE, Settings
from cometapi_runway.errors import APIStatusError

_MIN_ATTEMPT_SECONDS = 0.01
# Marks requests of this module: the event hook that protects generated functions skips them.
_MARK = {"cometapi_runway": True}
# Disables httpx's URL and netrc authentication; the key is among the client's headers.
_NO_AUTH = httpx.Auth()


@define(repr=False, eq=False)
class Transport:
    """Sends requests, blocking.

    Attributes:
        settings: The client's settings.
        clock: Source of time.
        transport: Carries every request instead of the network, or None.
        api: The generated client.
    """

    settings: Settings
    clock: Clock
    transport: httpx.BaseTransport | None = None
    api: SafeClient = field(init=False)
    _slots: threading.BoundedSemaphore = field(init=False)
    _files: FileClient = field(init=False)
    _is_closed: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        """Create the httpx client now; the generated client would create it lazily, unlocked."""
        check_transport(self.transport, httpx.BaseTransport)
        http_client = make_http_client(self._make_http_client)
        if self.transport is None:
            install_deadlines(http_client)
        self._files = FileClient(self.transport)
        self._slots = threading.BoundedSemaphore(_settings.MAX_IN_FLIGHT)

    def _make_http_client(self) -> httpx.Client:
        self.api = make_api_client(self.settings, {"response": [_raise_failure]}, self.transport)
        return self.api.get_httpx_client()

    def send(self, step: Send) -> RawResponse:
        """Send once and read the whole response.

        Raises:
            APIConnectionError: No response arrived, or only a part of one.
            ConfigurationError: The client is closed.
        """
        request, queued_at = step.call, self.clock.now()
        step.unsent = True
        self._check_open()
        if not self._acquire_slot(math.inf if step.queues else step.timeout):
            raise pool_timeout(request, step.timeout)
        try:
            self._check_open()
            now = self.clock.now()
            timeout = _remaining_timeout(step, now - queued_at)
            step.unsent = False
            with (
                map_transport_errors(request.method, request.url, lambda: self._is_closed),
                hide_key_in_errors(self.settings.api_key),
                redact_http_logs(self.settings.api_key),
                deadline_at(time.monotonic() + timeout),
            ):
                return self._read(step, self._open(request, timeout), now + timeout)
        finally:
            self._slots.release()

    def _check_open(self) -> None:
        if self._is_closed:
            raise client_closed()

    def _acquire_slot(self, timeout: float) -> bool:
        """Wait for a slot, in slices: on Windows a single long lock wait blocks Ctrl-C."""
        end = time.monotonic() + timeout
        while True:
            remaining = end - time.monotonic()
            if self._slots.acquire(timeout=max(min(remaining, LOCK_WAIT_SLICE), 0)):
                return True
            if remaining <= LOCK_WAIT_SLICE:
                return False

    def _open(self, request: PreparedRequest, timeout: float) -> httpx.Response:
        client = self.api.get_httpx_client()
        http_request = _build_request(client, self.settings.base_url, request, timeout, _MARK)
        return client.send(http_request, stream=True, auth=_NO_AUTH)

    def _read(self, step: Send, response: httpx.Response, end: float) -> RawResponse:
        request, body = step.call, bytearray()
        with contextlib.closing(response):
            for chunk in response.iter_bytes():
                body += chunk
                check_response_size(request, len(body))
                # A complete response counts even after the deadline: it may hold a paid task's id.
                if self.clock.now() > end and not _is_complete(response, body):
                    raise response_timeout(request, step.timeout)
        return _make_raw_response(request, response, bytes(body), self.settings.api_key)

    @property
    def files(self) -> FileClient:
        """Opens files at any URL, without the key.

        Raises:
            ConfigurationError: The client is closed.
        """
        self._check_open()
        return self._files

    def close(self) -> None:
        """Close every connection; later requests raise `ConfigurationError`."""
        self._is_closed = True
        self.api.get_httpx_client().close()
        self._files.close()


@define(repr=False, eq=False)
class AsyncTransport:
    """Sends requests, asynchronously; see `Transport`."""

    settings: Settings
    clock: AsyncClock
    transport: httpx.AsyncBaseTransport | None = None
    api: SafeClient = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _loop: asyncio.AbstractEventLoop | None = field(init=False, default=None)
    _files: AsyncFileClient = field(init=False)
    _is_closed: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        """Create the httpx client now; the generated client would create it lazily."""
        self._create_clients()

    def _create_clients(self) -> None:
        check_transport(self.transport, httpx.AsyncBaseTransport)
        make_http_client(self._make_http_client)
        self._slots = asyncio.Semaphore(_settings.MAX_IN_FLIGHT)
        self._files = AsyncFileClient(self.transport)

    def _make_http_client(self) -> httpx.AsyncClient:
        hooks = {"response": [_raise_failure_async]}
        self.api = make_api_client(self.settings, hooks, self.transport)
        return self.api.get_async_httpx_client()

    def _bind_to_running_loop(self) -> None:
        """Recreate the clients in another event loop; connections and locks belong to one loop.

        Raises:
            ConfigurationError: The client is closed.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                self._create_clients()
            self._loop = loop

    async def send(self, step: Send) -> RawResponse:
        """Send once and read the whole response.

        Raises:
            APIConnectionError: No response arrived, or only a part of one.
            ConfigurationError: The client is closed.
        """
        step.unsent = True
        self._bind_to_running_loop()
        queued_at, slots = self.clock.now(), self._slots
        try:
            async with asyncio.timeout(None if step.queues else step.timeout):
                await slots.acquire()
        except TimeoutError:
            raise pool_timeout(step.call, step.timeout) from None
        try:
            self._check_open()
            queued_for = self.clock.now() - queued_at
            return await self._send_within(step, _remaining_timeout(step, queued_for))
        finally:
            slots.release()

    def _check_open(self) -> None:
        if self._is_closed:
            raise client_closed()

    async def _send_within(self, step: Send, seconds: float) -> RawResponse:
        """Send and read within this time, which bounds the whole request at once."""
        request, trace, deadline = step.call, _ConnectTrace(), asyncio.timeout(seconds)
        step.unsent = False
        with (
            map_transport_errors(request.method, request.url, lambda: self._is_closed),
            hide_key_in_errors(self.settings.api_key),
        ):
            try:
                async with deadline:
                    with redact_http_logs(self.settings.api_key):
                        return await self._read(request, await self._open(step, seconds, trace))
            except TRANSPORT_ERRORS:
                if not deadline.expired():
                    raise
                make_error = connect_timeout if trace.is_connecting else response_timeout
                raise make_error(request, step.timeout) from None

    async def _open(self, step: Send, seconds: float, trace: _ConnectTrace) -> httpx.Response:
        client = self.api.get_async_httpx_client()
        extensions = {**_MARK, "trace": trace.handle_event}
        request = _build_request(client, self.settings.base_url, step.call, seconds, extensions)
        return await client.send(request, stream=True, auth=_NO_AUTH)

    async def _read(self, request: PreparedRequest, response: httpx.Response) -> RawResponse:
        body = bytearray()
        async with contextlib.aclosing(response):
            async for chunk in response.aiter_bytes():
                body += chunk
                check_response_size(request, len(body))
        return _make_raw_response(request, response, bytes(body), self.settings.api_key)

    @property
    def files(self) -> AsyncFileClient:
        """Opens files at any URL, in the running event loop; see `Transport.files`."""
        self._bind_to_running_loop()
        return self._files

    async def close(self) -> None:
        """Close every connection; later requests raise `ConfigurationError`.

        Connections of an event loop that has ended need no closing.
        """
        self._is_closed = True
        if self._loop in {None, asyncio.get_running_loop()}:
            await self.api.get_async_httpx_client().aclose()
            await self._files.close()


@define
class _ConnectTrace:
    """Records from httpcore's trace events whether a request got a connection.

    When a request's deadline ends, `asyncio.timeout` cancels it and hides this fact.
    """

    _has_started_connecting: bool = False
    _has_started_sending: bool = False

    async def handle_event(self, event: str, _: object) -> None:
        self._has_started_connecting |= event.startswith("connection.connect")
        self._has_started_sending |= event.endswith("send_request_headers.started")

    @property
    def is_connecting(self) -> bool:
        """Whether a connection was started and no request was ever sent on one."""
        return self._has_started_connecting and not self._has_started_sending


def _remaining_timeout(step: Send, queued_for: float) -> float:
    """The timeout left after waiting for a slot; long enough for one attempt."""
    return step.timeout if step.queues else max(step.timeout - queued_for, _MIN_ATTEMPT_SECONDS)


@lru_cache(maxsize=1024)
def _parse_url(base_url: str, path: str) -> httpx.URL:
    # Cached because polls repeat their URL. With an absolute URL, httpx does not parse it again
    # to merge it with the base URL.
    return httpx.URL(base_url + path)


def _build_request(
    client: httpx.Client | httpx.AsyncClient,
    base_url: str,
    request: PreparedRequest,
    timeout: float,
    extensions: Mapping[str, Any],
) -> httpx.Request:
    return client.build_request(
        request.method,
        _parse_url(base_url, request.url),
        headers=dict(request.headers),
        json=request.body,
        timeout=httpx_timeout(timeout),
        extensions=dict(extensions),
    )


def _is_complete(response: httpx.Response, body: bytearray) -> bool:
    """Whether a body that has not ended yet is complete, by its length or its JSON."""
    length = response.headers.get("content-length", "")
    if length.isdecimal():
        # httpx counts no downloaded bytes for a body that a transport has already read.
        return (response.num_bytes_downloaded or len(body)) >= int(length)
    try:
        parse_json(bytes(body))
    except ValueError:
        return False
    return True


def _make_raw_response(
    request: PreparedRequest, response: httpx.Response, body: bytes, key: Secret
) -> RawResponse:
    body, headers = _hide_key(key, body, response.headers)
    return RawResponse(
        request.method,
        request.url,
        response.status_code,
        headers,
        body,
        time.time(),
        to_httpx_response,
    )


def _hide_key(key: Secret, body: bytes, headers: httpx.Headers) -> tuple[bytes, httpx.Headers]:
    """Hide the key in a response: some gateways quote the key that they refuse."""
    raw = [(name, key.hide_in(value)) for name, value in headers.raw]
    return key.hide_in(body), headers if raw == headers.raw else httpx.Headers(raw)


def _find_failure(response: httpx.Response) -> APIStatusError | None:
    http_request = response.request
    key = Secret(http_request.headers.get("Authorization", "").partition(" ")[2])
    request = PreparedRequest("", http_request.method, http_request.url.path)
    return find_error(_make_raw_response(request, response, response.content, key))


def _raise_failure(response: httpx.Response) -> None:
    """Raise a failure before the generated parser runs, which fails on HTML and on HTTP 524."""
    if "cometapi_runway" not in response.request.extensions:
        response.read()
        if (error := _find_failure(response)) is not None:
            raise error


async def _raise_failure_async(response: httpx.Response) -> None:
    if "cometapi_runway" not in response.request.extensions:
        await response.aread()
        if (error := _find_failure(response)) is not None:
            raise error
