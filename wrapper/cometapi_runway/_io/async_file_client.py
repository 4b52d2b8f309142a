"""Stream files from any URL on an event loop; see `file_client`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import httpx
from attrs import define, field

from cometapi_runway._core.redaction import redact_url
from cometapi_runway._io.attempt import RequestAttempt
from cometapi_runway._io.exception_mapping import map_closed_client, map_transport_errors
from cometapi_runway._io.file_client import check_port
from cometapi_runway._io.http_client import file_client_options, make_http_client
from cometapi_runway._io.http_logs import redact_http_logs


@define
class AsyncFileStream:
    """A response whose body has not been read; see `FileStream`."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


@define(repr=False, eq=False)
class AsyncFileClient:
    """Opens files, asynchronously; see `FileClient`."""

    transport: httpx.AsyncBaseTransport | None
    _client: httpx.AsyncClient | None = field(init=False, default=None)

    @contextlib.asynccontextmanager
    async def open(
        self, url: str, headers: Mapping[str, str], seconds: float
    ) -> AsyncGenerator[AsyncFileStream]:
        """Request a file; see `FileClient.open`."""
        attempt = RequestAttempt("GET", redact_url(url), is_traced=False)
        with redact_http_logs():
            with map_transport_errors(attempt), map_closed_client(client := self._get_client()):
                response = await _send(client, url, headers, seconds, attempt)
            async with contextlib.aclosing(response):
                chunks = _chunks(response, attempt)
                yield AsyncFileStream(response.status_code, response.headers, chunks)

    def _get_client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = make_http_client(
                lambda: httpx.AsyncClient(
                    **file_client_options(self.transport),
                    event_hooks={"request": [_check_port_async]},
                )
            )
        return self._client

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()


async def _send(
    client: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    seconds: float,
    attempt: RequestAttempt,
) -> httpx.Response:
    request = client.build_request(
        "GET",
        url,
        headers=dict(headers),
        timeout=seconds,
        extensions={"trace": attempt.handle_event_async},
    )
    try:
        async with asyncio.timeout(seconds):
            return await client.send(request, stream=True)
    except TimeoutError:
        raise httpx.ReadTimeout(f"no response within {seconds:g} s") from None


async def _check_port_async(request: httpx.Request) -> None:
    check_port(request)


async def _chunks(response: httpx.Response, attempt: RequestAttempt) -> AsyncGenerator[bytes]:
    with map_transport_errors(attempt):
        async for chunk in response.aiter_bytes():
            yield chunk
