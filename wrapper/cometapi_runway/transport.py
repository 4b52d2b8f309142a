"""Calls over httpx: the only module that knows how httpx is used and how it fails.

It bounds time and size, keeps the number of requests in flight below what httpx's pool can bear,
and turns every failure of the connection into an
`APIConnectionError` that says whether the request can have reached the gateway. What an answer
means is not decided here.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from functools import lru_cache
from typing import NoReturn

import httpx
from attrs import define, field

from cometapi_runway import answers, redaction, settings
from cometapi_runway.answers import Answer
from cometapi_runway.clock import AsyncClock, Clock
from cometapi_runway.connections import (
    SafeClient,
    file_options,
    forget_cookies,
    generated,
    patience,
)
from cometapi_runway.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    Delivery,
)
from cometapi_runway.flows.steps import Call
from cometapi_runway.httpx_logs import quiet
from cometapi_runway.settings import Settings

# Provably before the first byte of the request: no connection, no TLS, no free place in the pool.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_SHORTEST_KEY = 8
_OWN = {"cometapi_runway": True}
# The key is among the client's headers; httpx would look for another in every address.
_NO_MORE = httpx.Auth()


@define
class Stream:
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@define
class AsyncStream:
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


@define(repr=False, eq=False)
class Transport:
    """Blocking calls."""

    settings: Settings
    clock: Clock
    base: httpx.BaseTransport | None = None
    api: SafeClient = field(init=False)
    _gate: threading.BoundedSemaphore = field(init=False)
    _files: httpx.Client | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        """Build the API client at once: the generated one builds it lazily and without a lock."""
        self.api = generated(self.settings, {"response": [_raise_failure]}, self.base)
        forget_cookies(self.api.get_httpx_client())
        self._gate = threading.BoundedSemaphore(settings.MAX_IN_FLIGHT)

    def send(self, call: Call, timeout: float) -> Answer:
        """Send once and read the whole answer.

        Raises:
            APIConnectionError: No answer came, or not all of it.
        """
        end = self.clock.now() + timeout
        if not self._gate.acquire(timeout=timeout):
            raise _no_place(call, timeout)
        try:
            with quiet():
                response = self._open(call, timeout)
                return self._read(call, response, end, timeout)
        except httpx.HTTPError as error:
            _raise(error, call.method, call.url)
        finally:
            self._gate.release()

    def _open(self, call: Call, timeout: float) -> httpx.Response:
        client = self.api.get_httpx_client()
        request = _request(client, self.settings.base_url, call, timeout)
        return client.send(request, stream=True, auth=_NO_MORE)

    def _read(self, call: Call, response: httpx.Response, end: float, timeout: float) -> Answer:
        body = bytearray()
        with contextlib.closing(response):
            for chunk in response.iter_bytes():
                body += chunk
                _check_size(call, len(body))
                # httpx's timeouts count from byte to byte; a gateway that drips has all the time
                # it likes.
                if self.clock.now() > end:
                    raise _too_late(call, timeout)
        return _answer(call, response, bytes(body), self.settings.api_key)

    @contextlib.contextmanager
    def open(self, url: str, headers: Mapping[str, str], timeout: float) -> Generator[Stream]:
        """Ask for a file without any credentials.

        Raises:
            APIConnectionError: The connection failed, before or while the body is read.
        """
        try:
            with (
                quiet(),
                self._file_client().stream("GET", url, headers=dict(headers), timeout=timeout) as r,
            ):
                yield Stream(r.status_code, r.headers, r.iter_bytes())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _raise(error, "GET", redaction.url(url))

    def _file_client(self) -> httpx.Client:
        with self._lock:
            if self._files is None:
                self._files = httpx.Client(**file_options(self.base))
            return self._files

    def close(self) -> None:
        """Close every connection."""
        self.api.get_httpx_client().close()
        if self._files is not None:
            self._files.close()


@define(repr=False, eq=False)
class AsyncTransport:
    """Asynchronous calls."""

    settings: Settings
    clock: AsyncClock
    base: httpx.AsyncBaseTransport | None = None
    api: SafeClient = field(init=False)
    _gate: asyncio.Semaphore = field(init=False)
    _files: httpx.AsyncClient | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Build the API client at once: the generated one builds it lazily."""
        self.api = generated(self.settings, {"response": [_raise_failure_async]}, self.base)
        forget_cookies(self.api.get_async_httpx_client())
        self._gate = asyncio.Semaphore(settings.MAX_IN_FLIGHT)

    async def send(self, call: Call, timeout: float) -> Answer:  # noqa: ASYNC109 - part of a flow
        """Send once and read the whole answer.

        Raises:
            APIConnectionError: No answer came, or not all of it.
        """
        waiting = True
        try:
            # All of it is bounded here; the blocking twin can only look between two chunks.
            async with asyncio.timeout(timeout):
                async with self._gate:
                    waiting = False
                    with quiet():
                        return await self._read(call, await self._open(call, timeout))
        except TimeoutError:
            if waiting:
                raise _no_place(call, timeout) from None
            raise _too_late(call, timeout) from None
        except httpx.HTTPError as error:
            _raise(error, call.method, call.url)

    async def _open(self, call: Call, seconds: float) -> httpx.Response:
        client = self.api.get_async_httpx_client()
        request = _request(client, self.settings.base_url, call, seconds)
        return await client.send(request, stream=True, auth=_NO_MORE)

    async def _read(self, call: Call, response: httpx.Response) -> Answer:
        body = bytearray()
        async with contextlib.aclosing(response):
            async for chunk in response.aiter_bytes():
                body += chunk
                _check_size(call, len(body))
        return _answer(call, response, bytes(body), self.settings.api_key)

    @contextlib.asynccontextmanager
    async def open(
        self, url: str, headers: Mapping[str, str], seconds: float
    ) -> AsyncGenerator[AsyncStream]:
        """Ask for a file without any credentials.

        Raises:
            APIConnectionError: The connection failed, before or while the body is read.
        """
        if self._files is None:
            self._files = httpx.AsyncClient(**file_options(self.base))
        try:
            with quiet():
                async with self._files.stream(
                    "GET", url, headers=dict(headers), timeout=seconds
                ) as r:
                    yield AsyncStream(r.status_code, r.headers, r.aiter_bytes())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _raise(error, "GET", redaction.url(url))

    async def close(self) -> None:
        """Close every connection."""
        await self.api.get_async_httpx_client().aclose()
        if self._files is not None:
            await self._files.aclose()


@lru_cache(maxsize=1024)
def _address(base_url: str, path: str) -> httpx.URL:
    # An absolute address spares httpx a second parse to merge it, and polls repeat theirs.
    return httpx.URL(base_url + path)


def _request(
    client: httpx.Client | httpx.AsyncClient, base_url: str, call: Call, seconds: float
) -> httpx.Request:
    return client.build_request(
        call.method,
        _address(base_url, call.url),
        headers=dict(call.headers),
        json=call.body,
        timeout=patience(seconds),
        extensions=_OWN,
    )


def _check_size(call: Call, size: int) -> None:
    if size > settings.MAX_ANSWER:
        raise APIConnectionError(
            f"{call.method} {call.url}: the answer is larger than {settings.MAX_ANSWER} bytes"
        )


def _answer(call: Call, response: httpx.Response, body: bytes, key: str) -> Answer:
    secret = key.encode()
    # A key of a few letters is a test's, and would be found in any word.
    if len(secret) >= _SHORTEST_KEY and secret in body:
        # Some gateways quote the key they refuse.
        body = body.replace(secret, redaction.HIDDEN.encode())
    return Answer(call.method, call.url, response.status_code, response.headers, body, time.time())


def _too_late(call: Call, seconds: float) -> APITimeoutError:
    return APITimeoutError(
        f"{call.method} {call.url}: the answer had not ended after {seconds:g} s"
    )


def _no_place(call: Call, seconds: float) -> APITimeoutError:
    return APITimeoutError(
        f"{call.method} {call.url}: no free connection within {seconds:g} s", delivery="not_sent"
    )


def _raise(error: Exception, method: str, where: str) -> NoReturn:
    """Translate an httpx error; the request it carries is not shown, since it holds the key."""
    delivery: Delivery = "not_sent" if isinstance(error, _NEVER_SENT) else "unknown"
    words = redaction.text(str(error)) or type(error).__name__
    text = f"{method} {where}: {words}"
    if isinstance(error, httpx.TimeoutException):
        raise APITimeoutError(f"{text} ({type(error).__name__})", delivery=delivery) from error
    raise APIConnectionError(text, delivery=delivery) from error


def _failure(response: httpx.Response) -> APIStatusError | None:
    request = response.request
    secret = request.headers.get("Authorization", "").partition(" ")[2]
    call = Call("", request.method, request.url.path)
    return answers.failure(_answer(call, response, response.content, secret))


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
