"""Calls over httpx, and no decision about what an answer means.

It bounds time and size, keeps the number of requests in flight below what httpx's pool can bear,
and tells every failure of the connection as an `APIConnectionError` that says whether the
request can have reached the gateway. How clients are made is `connections`, how they fail is
`network`, what holds a blocking one to its time is `deadlines`.
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

from cometapi_runway import _settings as settings
from cometapi_runway._core import redaction
from cometapi_runway._core.clock import AsyncClock, Clock
from cometapi_runway._core.json_values import parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.read_response import find_error
from cometapi_runway._flows.steps import PreparedRequest, Send
from cometapi_runway._io.deadlines import deadline_at, install_deadlines
from cometapi_runway._io.exception_mapping import (
    TRANSPORT_ERRORS,
    check_response_size,
    client_closed,
    connect_timeout,
    pool_timeout,
    raise_connection_error,
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
from cometapi_runway._settings import LOCK_WAIT_SLICE, Settings
from cometapi_runway.errors import APIStatusError

_SHORTEST_KEY = 6
_SHORTEST_TRY = 0.01
_OWN = {"cometapi_runway": True}
# The key is among the client's headers; httpx would look for another in every address.
_NO_MORE = httpx.Auth()


@define(repr=False, eq=False)
class Transport:
    """Blocking calls."""

    settings: Settings
    clock: Clock
    base: httpx.BaseTransport | None = None
    api: SafeClient = field(init=False)
    _gate: threading.BoundedSemaphore = field(init=False)
    _files: FileClient = field(init=False)
    _is_closed: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        """Build the API client at once: the generated one builds it lazily and without a lock."""
        check_transport(self.base, httpx.BaseTransport)
        own = make_http_client(self._api)
        if self.base is None:
            install_deadlines(own)
        self._files = FileClient(self.base)
        self._gate = threading.BoundedSemaphore(settings.MAX_IN_FLIGHT)

    def _api(self) -> httpx.Client:
        self.api = make_api_client(self.settings, {"response": [_raise_failure]}, self.base)
        return self.api.get_httpx_client()

    def send(self, step: Send) -> RawResponse:
        """Send once and read the whole answer.

        Raises:
            APIConnectionError: No answer came, or not all of it.
            ConfigurationError: The client is closed.
        """
        call, waiting = step.call, self.clock.now()
        step.unsent = True
        self._check_open()
        if not self._take_place(math.inf if step.queues else step.timeout):
            raise pool_timeout(call, step.timeout)
        try:
            self._check_open()
            now = self.clock.now()
            allowed = _rest(step, now - waiting)
            step.unsent = False
            with redact_http_logs(), deadline_at(time.monotonic() + allowed):
                return self._read(step, self._open(call, allowed), now + allowed)
        except TRANSPORT_ERRORS as error:
            raise_connection_error(error, call.method, call.url)
        except RuntimeError as error:
            if not self._is_closed:
                raise
            raise_connection_error(error, call.method, call.url)
        finally:
            self._gate.release()

    def _check_open(self) -> None:
        if self._is_closed:
            raise client_closed()

    def _take_place(self, seconds: float) -> bool:
        """Wait for a place, in slices: a lock's whole wait cannot be interrupted on Windows."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if self._gate.acquire(timeout=max(min(left, LOCK_WAIT_SLICE), 0)):
                return True
            if left <= LOCK_WAIT_SLICE:
                return False

    def _open(self, call: PreparedRequest, timeout: float) -> httpx.Response:
        client = self.api.get_httpx_client()
        request = _request(client, self.settings.base_url, call, timeout, _OWN)
        return client.send(request, stream=True, auth=_NO_MORE)

    def _read(self, step: Send, response: httpx.Response, end: float) -> RawResponse:
        call, body = step.call, bytearray()
        with contextlib.closing(response):
            for chunk in response.iter_bytes():
                body += chunk
                check_response_size(call, len(body))
                # What has arrived is kept, however late: only the rest is not waited for.
                if self.clock.now() > end and not _is_whole(response, body):
                    raise response_timeout(call, step.timeout)
        return _answer(call, response, bytes(body), self.settings.api_key)

    @property
    def files(self) -> FileClient:
        """Files elsewhere.

        Raises:
            ConfigurationError: The client is closed.
        """
        self._check_open()
        return self._files

    def close(self) -> None:
        """Close every connection; nothing more is sent."""
        self._is_closed = True
        self.api.get_httpx_client().close()
        self._files.close()


@define(repr=False, eq=False)
class AsyncTransport:
    """Asynchronous calls."""

    settings: Settings
    clock: AsyncClock
    base: httpx.AsyncBaseTransport | None = None
    api: SafeClient = field(init=False)
    _gate: asyncio.Semaphore = field(init=False)
    _loop: asyncio.AbstractEventLoop | None = field(init=False, default=None)
    _files: AsyncFileClient = field(init=False)
    _is_closed: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        """Build the API client at once: the generated one builds it lazily."""
        self._build()

    def _build(self) -> None:
        check_transport(self.base, httpx.AsyncBaseTransport)
        make_http_client(self._api)
        self._gate = asyncio.Semaphore(settings.MAX_IN_FLIGHT)
        self._files = AsyncFileClient(self.base)

    def _api(self) -> httpx.AsyncClient:
        self.api = make_api_client(self.settings, {"response": [_raise_failure_async]}, self.base)
        return self.api.get_async_httpx_client()

    def _ready(self) -> None:
        """Begin anew in another event loop: connections and locks belong to the one they met.

        Raises:
            ConfigurationError: The client is closed.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                self._build()
            self._loop = loop

    async def send(self, step: Send) -> RawResponse:
        """Send once and read the whole answer.

        Raises:
            APIConnectionError: No answer came, or not all of it.
            ConfigurationError: The client is closed.
        """
        step.unsent = True
        self._ready()
        waiting, gate = self.clock.now(), self._gate
        try:
            async with asyncio.timeout(None if step.queues else step.timeout):
                await gate.acquire()
        except TimeoutError:
            raise pool_timeout(step.call, step.timeout) from None
        try:
            self._check_open()
            waited = self.clock.now() - waiting
            return await self._carry(step, _rest(step, waited))
        finally:
            gate.release()

    def _check_open(self) -> None:
        if self._is_closed:
            raise client_closed()

    async def _carry(self, step: Send, allowed: float) -> RawResponse:
        call, bound, trail = step.call, asyncio.timeout(allowed), _Trail()
        step.unsent = False
        try:
            # All of it is bounded here; the blocking twin is bounded read by read.
            async with bound:
                with redact_http_logs():
                    return await self._read(call, await self._open(step, allowed, trail))
        except TRANSPORT_ERRORS as error:
            if bound.expired():
                late = connect_timeout if trail.is_unconnected else response_timeout
                raise late(call, step.timeout) from None
            raise_connection_error(error, call.method, call.url)
        except RuntimeError as error:
            if not self._is_closed:
                raise
            raise_connection_error(error, call.method, call.url)

    async def _open(self, step: Send, seconds: float, trail: _Trail) -> httpx.Response:
        client = self.api.get_async_httpx_client()
        followed = {**_OWN, "trace": trail.follow}
        request = _request(client, self.settings.base_url, step.call, seconds, followed)
        return await client.send(request, stream=True, auth=_NO_MORE)

    async def _read(self, call: PreparedRequest, response: httpx.Response) -> RawResponse:
        body = bytearray()
        async with contextlib.aclosing(response):
            async for chunk in response.aiter_bytes():
                body += chunk
                check_response_size(call, len(body))
        return _answer(call, response, bytes(body), self.settings.api_key)

    @property
    def files(self) -> AsyncFileClient:
        """Files elsewhere, for the event loop that asks; see `Transport.files`."""
        self._ready()
        return self._files

    async def close(self) -> None:
        """Close every connection; nothing more is sent.

        Those that belong to an event loop that is gone went with it.
        """
        self._is_closed = True
        if self._loop in {None, asyncio.get_running_loop()}:
            await self.api.get_async_httpx_client().aclose()
            await self._files.close()


@define
class _Trail:
    """How far httpcore has come with a request: which of its own limits passed is not told."""

    _connects: bool = False
    _sends: bool = False

    async def follow(self, event: str, _: object) -> None:
        self._connects |= event.startswith("connection.connect")
        self._sends |= event.endswith("send_request_headers.started")

    @property
    def is_unconnected(self) -> bool:
        """Whether a connection was begun and nothing was ever sent on one."""
        return self._connects and not self._sends


def _rest(step: Send, waited: float) -> float:
    """What is left of a request's time after the wait for a place; enough for it to be tried."""
    return step.timeout if step.queues else max(step.timeout - waited, _SHORTEST_TRY)


@lru_cache(maxsize=1024)
def _address(base_url: str, path: str) -> httpx.URL:
    # An absolute address spares httpx a second parse to merge it, and polls repeat theirs.
    return httpx.URL(base_url + path)


def _request(
    client: httpx.Client | httpx.AsyncClient,
    base_url: str,
    call: PreparedRequest,
    seconds: float,
    extensions: Mapping[str, Any],
) -> httpx.Request:
    return client.build_request(
        call.method,
        _address(base_url, call.url),
        headers=dict(call.headers),
        json=call.body,
        timeout=httpx_timeout(seconds),
        extensions=dict(extensions),
    )


def _is_whole(response: httpx.Response, body: bytearray) -> bool:
    """Whether nothing is missing of a body, as far as can be told before it ends."""
    announced = response.headers.get("content-length", "")
    if announced.isdecimal():
        # A transport may hand over a body that was read before, of which httpx counts nothing.
        return (response.num_bytes_downloaded or len(body)) >= int(announced)
    try:
        parse_json(bytes(body))
    except ValueError:
        return False
    return True


def _answer(call: PreparedRequest, response: httpx.Response, body: bytes, key: str) -> RawResponse:
    secret, headers = key.encode(), response.headers
    # A key of a few letters is a test's, and would be found in any word.
    if len(secret) >= _SHORTEST_KEY:
        # Some gateways quote the key they refuse.
        hidden = redaction.HIDDEN.encode()
        if secret in body:
            body = body.replace(secret, hidden)
        if any(secret in value for _, value in headers.raw):
            raw = [(name, value.replace(secret, hidden)) for name, value in headers.raw]
            headers = httpx.Headers(raw)
    return RawResponse(
        call.method,
        call.url,
        response.status_code,
        headers,
        body,
        time.time(),
        to_httpx_response,
    )


def _failure(response: httpx.Response) -> APIStatusError | None:
    request = response.request
    secret = request.headers.get("Authorization", "").partition(" ")[2]
    call = PreparedRequest("", request.method, request.url.path)
    return find_error(_answer(call, response, response.content, secret))


def _raise_failure(response: httpx.Response) -> None:
    """Before the generated parsing runs: it cannot bear statuses such as 524, nor HTML."""
    if "cometapi_runway" not in response.request.extensions:
        response.read()
        if (error := _failure(response)) is not None:
            raise error


async def _raise_failure_async(response: httpx.Response) -> None:
    if "cometapi_runway" not in response.request.extensions:
        await response.aread()
        if (error := _failure(response)) is not None:
            raise error
