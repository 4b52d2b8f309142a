"""Stream files from any URL, without the gateway's credentials.

Maps network errors only; errors of the caller's own work on a chunk, such as disk errors,
propagate.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Mapping

import httpx
from attrs import define, field

from cometapi_runway._core.redaction import redact_url
from cometapi_runway._io.attempt import RequestAttempt
from cometapi_runway._io.deadlines import deadline_at, install_deadlines
from cometapi_runway._io.exception_mapping import map_closed_client, map_transport_errors
from cometapi_runway._io.http_client import file_client_options, make_http_client
from cometapi_runway._io.http_logs import redact_http_logs

_MAX_PORT = 65_535


@define
class FileStream:
    """A response whose body has not been read.

    Attributes:
        status: HTTP status.
        headers: Header fields; look them up in lower case.
        chunks: The body.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@define(repr=False, eq=False)
class FileClient:
    """Opens files, blocking.

    Attributes:
        transport: Carries every request instead of the network, or None.
    """

    transport: httpx.BaseTransport | None
    _client: httpx.Client | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    @contextlib.contextmanager
    def open(self, url: str, headers: Mapping[str, str], timeout: float) -> Generator[FileStream]:
        """Request a file.

        Args:
            url: The file's URL.
            headers: Header fields to send.
            timeout: Seconds until the response headers, and then between two reads.

        Raises:
            APIConnectionError: The connection failed, before or while the body is read.
            ConfigurationError: The client is closed.
        """
        attempt = RequestAttempt("GET", redact_url(url), is_traced=False)
        with redact_http_logs():
            with map_transport_errors(attempt), map_closed_client(client := self._get_client()):
                response = _send(client, url, headers, timeout, attempt)
            with contextlib.closing(response):
                chunks = _chunks(response, attempt)
                yield FileStream(response.status_code, response.headers, chunks)

    def _get_client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = make_http_client(
                    lambda: httpx.Client(
                        **file_client_options(self.transport),
                        event_hooks={"request": [check_port]},
                    )
                )
                if self.transport is None:
                    install_deadlines(self._client)
            return self._client

    def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            self._client.close()


def _send(
    client: httpx.Client,
    url: str,
    headers: Mapping[str, str],
    timeout: float,
    attempt: RequestAttempt,
) -> httpx.Response:
    request = client.build_request(
        "GET",
        url,
        headers=dict(headers),
        timeout=timeout,
        extensions={"trace": attempt.handle_event},
    )
    # The deadline covers the response headers only: a body may take as long as bytes arrive.
    with deadline_at(time.monotonic() + timeout):
        return client.send(request, stream=True)


def check_port(request: httpx.Request) -> None:
    """Refuse a port that does not exist, also where a redirect leads to it.

    The system's calls would take 99999 modulo 65536, or raise OverflowError.

    Raises:
        httpx.InvalidURL: The port is not between 1 and 65535.
    """
    port = request.url.port
    if port is not None and not 0 < port <= _MAX_PORT:
        raise httpx.InvalidURL(f"port {port} is not between 1 and {_MAX_PORT}")


def _chunks(response: httpx.Response, attempt: RequestAttempt) -> Generator[bytes]:
    with map_transport_errors(attempt):
        yield from response.iter_bytes()
