"""Send requests over httpx on an event loop; see `transport`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from typing import Any

import httpx

from cometapi_runway import _settings
from cometapi_runway._core.clock import AsyncClock
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.steps import Send
from cometapi_runway._io.api_client import SafeClient, make_api_client
from cometapi_runway._io.async_deadline import AsyncDeadline
from cometapi_runway._io.async_file_client import AsyncFileClient
from cometapi_runway._io.attempt import RequestAttempt
from cometapi_runway._io.exception_mapping import (
    TRANSPORT_ERRORS,
    check_response_size,
    client_closed,
    connect_timeout,
    pool_timeout,
    response_timeout,
)
from cometapi_runway._io.http_client import (
    check_transport,
    gateway_client_options,
    make_http_client,
    write_key,
)
from cometapi_runway._io.http_logs import redact_http_logs
from cometapi_runway._io.transport import (
    MARK,
    MARK_NAME,
    NO_AUTH,
    RequestBuilder,
    find_failure,
    hide_location,
    make_raw_response,
    map_error,
    remaining_timeout,
)
from cometapi_runway._settings import Settings
from cometapi_runway.errors import ConfigurationError


class AsyncTransport:
    """Sends requests, asynchronously; see `Transport`."""

    def __init__(
        self,
        settings: Settings,
        clock: AsyncClock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        check_transport(transport, httpx.AsyncBaseTransport)
        self.settings = settings
        self.clock = clock
        self.transport = transport
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._create_clients()

    def _create_clients(self) -> None:
        self._client = self._make_client()
        self._single_use: httpx.AsyncClient | None = None
        self._builder = RequestBuilder(self._client, self.settings.base_url)
        self._api: SafeClient | None = None
        self._slots = asyncio.Semaphore(_settings.MAX_IN_FLIGHT)
        self._files = AsyncFileClient(self.transport)

    def _make_client(self, *, keep_alive: bool = True) -> httpx.AsyncClient:
        options = self._make_options(keep_alive=keep_alive)
        client = make_http_client(lambda: httpx.AsyncClient(**options))
        write_key(client.headers, self.settings.api_key)
        return client

    def _make_options(self, *, keep_alive: bool = True) -> dict[str, Any]:
        hooks = {"response": [_check_response]}
        return gateway_client_options(self.settings, hooks, self.transport, keep_alive=keep_alive)

    @property
    def api(self) -> SafeClient:
        """The generated client, which sends with the same httpx client."""
        if self._api is None:
            api = make_api_client(self._make_options(), self.settings.api_key)
            api.protect_async(self._client)
            self._builder.is_client_shared = True
            self._api = api.set_async_httpx_client(self._client)
        return self._api

    def _single_use_client(self) -> httpx.AsyncClient:
        """The client of paid requests; see `Transport._single_use_client`."""
        if self.transport is not None:
            return self._client
        if self._single_use is None:
            self._single_use = self._make_client(keep_alive=False)
        return self._single_use

    def _bind_to_running_loop(self) -> None:
        """Recreate the clients in another event loop or process, which cannot share connections.

        Raises:
            ConfigurationError: The client is closed, or no asyncio event loop is running.
        """
        self._check_open()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "AsyncRunwayClient needs a running asyncio event loop; trio is not supported"
            ) from None
        # Compared by process and not reset at the fork: an event loop cannot be used there.
        is_same = self._loop is loop and self._process == os.getpid()
        if not is_same:
            if self._loop is not None:
                self._create_clients()
            self._loop, self._process = loop, os.getpid()

    async def send(self, step: Send) -> RawResponse:
        """Send once and read the whole response.

        Raises:
            APIConnectionError: No response arrived, or only a part of one.
            ConfigurationError: The client is closed.
        """
        step.unsent = True
        self._bind_to_running_loop()
        queued_at, slots = self.clock.now(), self._slots
        if not slots.locked():
            # Returns at once; a timeout costs more than the rest of this method.
            await slots.acquire()
        else:
            try:
                async with asyncio.timeout(None if step.is_paid else step.timeout):
                    await slots.acquire()
            except TimeoutError:
                raise pool_timeout(step.call, step.timeout) from None
        try:
            self._check_open()
            queued_for = self.clock.now() - queued_at
            return await self._send_within(step, remaining_timeout(step, queued_for))
        finally:
            slots.release()

    def _check_open(self) -> None:
        if self._is_closed:
            raise client_closed()

    async def _send_within(self, step: Send, seconds: float) -> RawResponse:
        """Send and read within this time, which bounds the whole request at once."""
        request, deadline = step.call, AsyncDeadline(seconds)
        attempt = RequestAttempt(request.method, request.url, self.transport is None)
        step.unsent = False
        try:
            try:
                with deadline, redact_http_logs(self.settings.api_key):
                    attempt.response = response = await self._open(step, seconds, attempt)
                    return await self._read(step.call, attempt, response)
            except TRANSPORT_ERRORS:
                if not deadline.has_expired:
                    raise
                make_error = connect_timeout if attempt.is_connecting else response_timeout
                raise make_error(request, step.timeout) from None
        except BaseException as error:
            key, is_closed = self.settings.api_key, self._is_closed
            raise map_error(error, attempt, key, is_closed=is_closed)  # noqa: B904 - has its cause
        finally:
            step.unsent = attempt.is_unsent

    def _open(
        self, step: Send, seconds: float, attempt: RequestAttempt
    ) -> Awaitable[httpx.Response]:
        client = self._single_use_client() if step.is_paid else self._client
        extensions = {**MARK, "trace": attempt.handle_event_async}
        request = self._builder.build(step.call, seconds, extensions)
        return httpx.AsyncClient.send(client, request, stream=True, auth=NO_AUTH)

    async def _read(
        self, request: PreparedRequest, attempt: RequestAttempt, response: httpx.Response
    ) -> RawResponse:
        try:
            async for chunk in response.aiter_bytes():
                attempt.body += chunk
                check_response_size(request, len(attempt.body))
        finally:
            if not response.is_closed:
                await response.aclose()
        return make_raw_response(request, response, bytes(attempt.body), self.settings.api_key)

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
            await self._client.aclose()
            if self._single_use is not None:
                await self._single_use.aclose()
            await self._files.close()


async def _check_response(response: httpx.Response) -> None:
    if MARK_NAME in response.request.extensions:
        hide_location(response)
        return
    await response.aread()
    if (error := find_failure(response)) is not None:
        raise error
