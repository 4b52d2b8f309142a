"""Files at any address, streamed, and without the gateway's credentials.

Only the network's failures are told as such: what the disk raises while a chunk is written passes
through, and whoever writes judges it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Generator,
    Iterator,
    Mapping,
)

import httpx
from attrs import define, field

from cometapi_runway._core.redaction import redact_url
from cometapi_runway._io.deadlines import deadline_at, install_deadlines
from cometapi_runway._io.exception_mapping import (
    TRANSPORT_ERRORS,
    client_closed,
    raise_connection_error,
)
from cometapi_runway._io.http_client import file_client_options, make_http_client
from cometapi_runway._io.http_logs import redact_http_logs


@define
class FileStream:
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@define
class AsyncFileStream:
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


@define(repr=False, eq=False)
class FileClient:
    """Files, blocking."""

    base: httpx.BaseTransport | None
    _client: httpx.Client | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    @contextlib.contextmanager
    def open(self, url: str, headers: Mapping[str, str], timeout: float) -> Generator[FileStream]:
        """Ask for a file.

        Raises:
            APIConnectionError: The connection failed, before or while the body is read.
        """
        with redact_http_logs():
            with _told(url), _open(client := self._ready()):
                response = _ask(client, url, headers, timeout)
            with contextlib.closing(response):
                yield FileStream(response.status_code, response.headers, _chunks(response, url))

    def _ready(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = make_http_client(
                    lambda: httpx.Client(**file_client_options(self.base))
                )
                if self.base is None:
                    install_deadlines(self._client)
            return self._client

    def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            self._client.close()


@define(repr=False, eq=False)
class AsyncFileClient:
    """Files, awaiting."""

    base: httpx.AsyncBaseTransport | None
    _client: httpx.AsyncClient | None = field(init=False, default=None)

    @contextlib.asynccontextmanager
    async def open(
        self, url: str, headers: Mapping[str, str], seconds: float
    ) -> AsyncGenerator[AsyncFileStream]:
        """Ask for a file; see `Files.open`."""
        with redact_http_logs():
            with _told(url), _open(client := self._ready()):
                response = await _ask_async(client, url, headers, seconds)
            async with contextlib.aclosing(response):
                chunks = _chunks_async(response, url)
                yield AsyncFileStream(response.status_code, response.headers, chunks)

    def _ready(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = make_http_client(
                lambda: httpx.AsyncClient(**file_client_options(self.base))
            )
        return self._client

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()


def _ask(
    client: httpx.Client, url: str, headers: Mapping[str, str], timeout: float
) -> httpx.Response:
    request = client.build_request("GET", url, headers=dict(headers), timeout=timeout)
    # The body may take as long as it flows; what comes before it must not.
    with deadline_at(time.monotonic() + timeout):
        return client.send(request, stream=True)


async def _ask_async(
    client: httpx.AsyncClient, url: str, headers: Mapping[str, str], seconds: float
) -> httpx.Response:
    request = client.build_request("GET", url, headers=dict(headers), timeout=seconds)
    try:
        async with asyncio.timeout(seconds):
            return await client.send(request, stream=True)
    except TimeoutError:
        raise httpx.ReadTimeout(f"no answer within {seconds:g} s") from None


@contextlib.contextmanager
def _open(client: httpx.Client | httpx.AsyncClient) -> Generator[None]:
    """Tell of a client that somebody closes meanwhile, which is a RuntimeError to httpx."""
    try:
        yield
    except RuntimeError:
        if client.is_closed:
            raise client_closed() from None
        raise


@contextlib.contextmanager
def _told(url: str) -> Generator[None]:
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise_connection_error(error, "GET", redact_url(url))


def _chunks(response: httpx.Response, url: str) -> Generator[bytes]:
    with _told(url):
        yield from response.iter_bytes()


async def _chunks_async(response: httpx.Response, url: str) -> AsyncGenerator[bytes]:
    with _told(url):
        async for chunk in response.aiter_bytes():
            yield chunk
