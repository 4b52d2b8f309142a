"""Send requests over httpx and read their responses, without judging what a response means.

The transport bounds the time and size of a response, limits the number of requests in flight, and
maps every network failure to an `APIConnectionError` that says whether the request can have
reached the gateway. `http_client` creates the httpx clients, `exception_mapping` maps their
errors, and `deadlines` bounds the reads of the blocking one.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from cometapi_runway import _settings
from cometapi_runway._core.clock import Clock
from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._core.json_values import parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.steps import Send
from cometapi_runway._io.attempt import RequestAttempt
from cometapi_runway._io.deadlines import (
    close_inherited_connections,
    deadline_at,
    install_deadlines,
)
from cometapi_runway._io.exception_mapping import (
    check_response_size,
    client_closed,
    find_connection_error,
    pool_timeout,
    response_timeout,
)
from cometapi_runway._io.http_client import (
    check_transport,
    gateway_client_options,
    make_http_client,
    to_httpx_response,
    write_key,
)
from cometapi_runway._io.http_logs import redact_http_logs
from cometapi_runway._io.key_protection import hide_key_in
from cometapi_runway._io.slots import Slots
from cometapi_runway._settings import Settings
from cometapi_runway.errors import APIStatusError

if TYPE_CHECKING:
    from cometapi_runway._io.api_client import SafeClient
    from cometapi_runway._io.file_client import FileClient

_MIN_ATTEMPT_SECONDS = 0.01
# Marks requests of this module: the event hook that protects generated functions skips them.
MARK_NAME = "cometapi_runway"
MARK: dict[str, Any] = {MARK_NAME: True}
_LOCATION = "cometapi_runway_location"
# Disables httpx's URL and netrc authentication; the key is among the client's headers.
NO_AUTH = httpx.Auth()
# Callers may send different headers with every request.
_MAX_MERGED = 64
# As httpx serializes a body, with one encoder for all of them.
_serialize = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Transport:
    """Sends requests, blocking.

    Args:
        settings: The client's settings.
        clock: Source of time.
        transport: Carries every request instead of the network, or None.
    """

    def __init__(
        self, settings: Settings, clock: Clock, transport: httpx.BaseTransport | None = None
    ) -> None:
        check_transport(transport, httpx.BaseTransport)
        self.settings = settings
        self.clock = clock
        self.transport = transport
        self._is_closed = False
        self._create_clients()
        register_fork_aware(self)

    def _create_clients(self) -> None:
        self._client = self._make_client()
        self._single_use: httpx.Client | None = None
        self._builder = RequestBuilder(self._client, self.settings.base_url)
        self._api: SafeClient | None = None
        self._files: FileClient | None = None
        self._slots = Slots(_settings.MAX_IN_FLIGHT)
        self._lock = threading.Lock()

    def _make_client(self, *, keep_alive: bool = True) -> httpx.Client:
        options = self._make_options(keep_alive=keep_alive)
        client = make_http_client(lambda: httpx.Client(**options))
        write_key(client.headers, self.settings.api_key)
        if self.transport is None:
            install_deadlines(client)
        return client

    def _make_options(self, *, keep_alive: bool = True) -> dict[str, Any]:
        hooks = {"response": [_check_response]}
        return gateway_client_options(self.settings, hooks, self.transport, keep_alive=keep_alive)

    @property
    def api(self) -> SafeClient:
        """The generated client, which sends with the same httpx client."""
        # Late: few programs call the generated functions.
        from cometapi_runway._io.api_client import make_api_client  # noqa: PLC0415

        with self._lock:
            if self._api is None:
                api = make_api_client(self._make_options(), self.settings.api_key)
                api.protect(self._client)
                self._builder.is_client_shared = True
                self._api = api.set_httpx_client(self._client)
            return self._api

    def reset_after_fork(self) -> None:
        """Start with connections of its own in a forked child; see `_core.fork`."""
        close_inherited_connections()
        if not self._is_closed:
            self._create_clients()

    def send(self, step: Send) -> RawResponse:
        """Send once and read the whole response.

        Raises:
            APIConnectionError: No response arrived, or only a part of one.
            ConfigurationError: The client is closed.
        """
        request, queued_at = step.call, self.clock.now()
        step.unsent = True
        self._check_open()
        slot = self._slots.acquire() if step.is_paid else self._slots.acquire(step.timeout)
        if slot is None:
            raise pool_timeout(request, step.timeout)
        try:
            self._check_open()
            timeout = remaining_timeout(step, self.clock.now() - queued_at)
            return self._send_within(step, timeout)
        finally:
            slot.release()

    def _send_within(self, step: Send, timeout: float) -> RawResponse:
        request = step.call
        is_traced = self.transport is None and step.is_paid
        attempt = RequestAttempt(request.method, request.url, is_traced)
        end = self.clock.now() + timeout
        step.unsent = False
        try:
            with (
                redact_http_logs(self.settings.api_key),
                deadline_at(time.monotonic() + timeout),
            ):
                response = self._open(step, attempt, timeout)
                return self._read(step, attempt, response, end)
        except BaseException as error:
            key, is_closed = self.settings.api_key, self._is_closed
            raise map_error(error, attempt, key, is_closed=is_closed)  # noqa: B904 - has its cause
        finally:
            step.unsent = attempt.is_unsent

    def _check_open(self) -> None:
        if self._is_closed:
            raise client_closed()

    def _open(self, step: Send, attempt: RequestAttempt, timeout: float) -> httpx.Response:
        client, extensions = self._client, MARK
        if step.is_paid:
            client = self._single_use_client()
            extensions = {**MARK, "trace": attempt.handle_event}
        request = self._builder.build(step.call, timeout, extensions)
        # The class's own method: what `SafeClient` adds to `send` stands around this already.
        attempt.response = response = httpx.Client.send(client, request, stream=True, auth=NO_AUTH)
        return response

    def _single_use_client(self) -> httpx.Client:
        """The client of paid requests: each has a connection of its own.

        Bytes that a server sends after a response, or a late HTTP 408, stay unread on a connection
        that is kept alive, and the next request takes them for its own response.
        """
        if self.transport is not None:
            return self._client
        with self._lock:
            if self._single_use is None:
                self._single_use = self._make_client(keep_alive=False)
            return self._single_use

    def _read(
        self, step: Send, attempt: RequestAttempt, response: httpx.Response, end: float
    ) -> RawResponse:
        request = step.call
        with contextlib.closing(response):
            for chunk in response.iter_bytes():
                attempt.body += chunk
                check_response_size(request, len(attempt.body))
                # A complete response counts even after the deadline: it may hold a paid task's id.
                if self.clock.now() > end and not _is_complete(response, attempt.body):
                    raise response_timeout(request, step.timeout)
        return make_raw_response(request, response, bytes(attempt.body), self.settings.api_key)

    @property
    def files(self) -> FileClient:
        """Opens files at any URL, without the key.

        Raises:
            ConfigurationError: The client is closed.
        """
        # Late, as everything that only downloads need.
        from cometapi_runway._io.file_client import FileClient  # noqa: PLC0415

        self._check_open()
        with self._lock:
            if self._files is None:
                self._files = FileClient(self.transport)
            return self._files

    def close(self) -> None:
        """Close every connection; later requests raise `ConfigurationError`."""
        self._is_closed = True
        self._client.close()
        with self._lock:
            single_use, files = self._single_use, self._files
        for client in (single_use, files):
            if client is not None:
                client.close()


def remaining_timeout(step: Send, queued_for: float) -> float:
    """The timeout left after waiting for a slot; long enough for one attempt."""
    return step.timeout if step.is_paid else max(step.timeout - queued_for, _MIN_ATTEMPT_SECONDS)


@lru_cache(maxsize=1024)
def _parse_url(base_url: str, path: str) -> httpx.URL:
    # Cached because polls repeat their URL. With an absolute URL, httpx does not parse it again
    # to merge it with the base URL.
    return httpx.URL(base_url + path)


class RequestBuilder:
    """Builds what `client.build_request` of httpx returns, in a fifth of its time.

    Merging headers, cookies and parameters, and looking up headers, takes httpx longer than a
    request's validation. A test compares both.

    Args:
        client: Sends the requests, or has the same headers as the client that does.
        base_url: The gateway.

    Attributes:
        is_client_shared: Whether others have the client too, and can change its headers.
    """

    def __init__(self, client: httpx.Client | httpx.AsyncClient, base_url: str) -> None:
        self.is_client_shared = False
        self._client = client
        self._base_url = base_url
        # One value, for threads: the client's headers, and them with each request's own.
        self._cache: tuple[httpx.Headers, dict[object, httpx.Headers]]
        self._cache = client.headers.copy(), {}

    def build(
        self, request: PreparedRequest, timeout: float, extensions: Mapping[str, Any]
    ) -> httpx.Request:
        """Build a request.

        Args:
            request: The request.
            timeout: Seconds for each of its operations.
            extensions: httpx's extensions, but for the timeout.
        """
        url = _parse_url(self._base_url, request.url)
        content = b"" if request.body is None else _serialize(request.body).encode()
        built = httpx.Request(
            request.method,
            url,
            headers=self._merge_headers(url, request),
            stream=httpx.ByteStream(content),
            extensions={**extensions, "timeout": _make_timeouts(timeout)},
        )
        if request.body is not None:
            built.headers["Content-Length"] = str(len(content))
        # As httpx does, for callers' transports that look at the body.
        built.read()
        return built

    def _merge_headers(self, url: httpx.URL, request: PreparedRequest) -> httpx.Headers:
        """The headers, with a length of 0 if there is a body.

        Kept, because nearly all requests of a program have the same ones.
        """
        shared, merged = self._cache
        is_changed = self.is_client_shared and self._client.headers.raw != shared.raw
        if is_changed or len(merged) > _MAX_MERGED:
            shared, merged = self._cache = self._client.headers.copy(), {}
        key = (request.body is None, *request.headers.items())
        found = merged.get(key)
        if found is None:
            found = merged[key] = _merge_headers(shared, url, request)
        return found


def _make_timeouts(seconds: float) -> dict[str, float]:
    """What `httpx_timeout` is for a transport; polls have a new timeout every time."""
    connect = min(seconds, _settings.CONNECT_TIMEOUT)
    return {"connect": connect, "read": seconds, "write": seconds, "pool": seconds}


def _merge_headers(
    shared: httpx.Headers, url: httpx.URL, request: PreparedRequest
) -> httpx.Headers:
    own = [(name.encode("ascii"), value.encode("ascii")) for name, value in request.headers.items()]
    replaced = {name.lower() for name, _ in own}
    kept = [item for item in shared.raw if item[0].lower() not in replaced]
    headers = [(b"Host", url.netloc), *kept, *own]
    if request.body is not None:
        headers.append((b"Content-Length", b"0"))
        if b"content-type" not in replaced:
            headers.append((b"Content-Type", b"application/json"))
    return httpx.Headers(headers)


def map_error(
    error: BaseException, attempt: RequestAttempt, key: Secret, *, is_closed: bool
) -> BaseException:
    """What to raise for what ended an attempt, without the key.

    A network failure becomes an `APIConnectionError` with what arrived of the response. Not a
    context manager, which would cost something in every request.
    """
    hide_key_in(error, key)
    failure = find_connection_error(error, attempt, is_closed=is_closed)
    if failure is None:
        return error
    failure.partial_response = partial_response(attempt, key)
    if failure is not error:
        failure.__cause__ = error
    return failure


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


def make_raw_response(
    request: PreparedRequest | RequestAttempt, response: httpx.Response, body: bytes, key: Secret
) -> RawResponse:
    """A response as a value, without the key."""
    body, headers = _hide_key(key, body, _restore_location(response))
    return RawResponse(
        request.method,
        request.url,
        response.status_code,
        headers,
        body,
        time.time(),
        to_httpx_response,
    )


def partial_response(attempt: RequestAttempt, key: Secret) -> RawResponse | None:
    """What arrived of a response before the attempt failed; it may hold a paid task's id."""
    if attempt.response is None:
        return None
    return make_raw_response(attempt, attempt.response, bytes(attempt.body), key)


def _hide_key(key: Secret, body: bytes, headers: httpx.Headers) -> tuple[bytes, httpx.Headers]:
    """Hide the key in a response: some gateways quote the key that they refuse."""
    raw = headers.raw
    # One look at all of it: nearly no response holds the key.
    everything = b"\n".join([body, *(value for _, value in raw)])
    if key.hide_in(everything) == everything:
        return body, headers
    hidden = [(name, key.hide_in(value)) for name, value in raw]
    return key.hide_in(body), httpx.Headers(hidden)


def find_failure(response: httpx.Response) -> APIStatusError | None:
    """The failure that a response to a generated function is, or None."""
    # Late: few programs call the generated functions.
    from cometapi_runway._flows.read_response import find_error  # noqa: PLC0415

    http_request = response.request
    key = Secret(http_request.headers.get("Authorization", "").partition(" ")[2])
    request = PreparedRequest("", http_request.method, http_request.url.path)
    return find_error(make_raw_response(request, response, response.content, key))


def _check_response(response: httpx.Response) -> None:
    """Prepare a response for this module, or raise the failure that it is.

    The generated parser fails on HTML and on HTTP 524, so a failure is raised before it runs.
    """
    if MARK_NAME in response.request.extensions:
        hide_location(response)
        return
    response.read()
    if (error := find_failure(response)) is not None:
        raise error


def hide_location(response: httpx.Response) -> None:
    """Keep a redirect's target from httpx.

    httpx builds the next request even if redirects are off, and raises InvalidURL for a target
    such as ``about:blank``. That would look like a request that was never sent.
    """
    location = response.headers.get("location")
    if location is not None:
        del response.headers["location"]
        response.extensions[_LOCATION] = location


def _restore_location(response: httpx.Response) -> httpx.Headers:
    headers = response.headers
    if _LOCATION in response.extensions:
        headers = headers.copy()
        headers["location"] = response.extensions[_LOCATION]
    return headers
