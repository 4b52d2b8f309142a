"""One attempt to send a request: how far it came, and what of its response arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpcore
import httpx
from attrs import define, field

from cometapi_runway.errors import Delivery

NOT_SENT_ERRORS = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    ConnectionRefusedError,
)
"""Exceptions that mean that no connection was made. Of a caller's own transport that is not built
on httpcore, only the exception says how far a request came."""
# They mean that bytes were on their way. Without any trace event, something else than httpcore has
# carried the request, such as a library that replaces httpx's transports in tests.
_SENT_ERRORS = (
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.RemoteProtocolError,
    httpx.WriteError,
    httpx.WriteTimeout,
)


@define(eq=False)
class RequestAttempt:
    """What is known of one attempt, from the wire.

    httpcore reports every step as a trace event. Nothing has left this process as long as it has
    not started to send the request's headers, whatever exception ends the attempt.

    Attributes:
        method: The request's method.
        url: The request's URL without secrets, for messages.
        is_traced: Whether every step is reported here: the request goes over a transport of this
            package, or of the caller's own that is built on httpcore.
        body: The bytes of the response's body that have arrived.
        response: The response, once its headers have arrived, or None.
    """

    method: str
    url: str
    is_traced: bool
    body: bytearray = field(init=False, factory=bytearray, repr=False)
    response: httpx.Response | None = field(init=False, default=None, repr=False)
    _has_events: bool = field(init=False, default=False)
    _has_started_connecting: bool = field(init=False, default=False)
    _has_started_sending: bool = field(init=False, default=False)
    _is_opening_tunnel: bool = field(init=False, default=False)
    _proxy_status: int | None = field(init=False, default=None)

    def handle_event(self, event: str, info: Mapping[str, Any]) -> None:
        """Note a trace event of httpcore."""
        self.is_traced = self._has_events = True
        self._has_started_connecting |= event.startswith("connection.connect")
        if event.endswith("send_request_headers.started"):
            # A proxy is asked for a tunnel with a request of its own, which holds nothing of ours.
            self._is_opening_tunnel = _is_connect(info)
            self._has_started_sending |= not self._is_opening_tunnel
        elif event.endswith("receive_response_headers.complete") and self._is_opening_tunnel:
            self._proxy_status = info["return_value"][1]

    async def handle_event_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Note a trace event of httpcore's asynchronous pool."""
        self.handle_event(event, info)

    @property
    def is_connecting(self) -> bool:
        """Whether a connection was started and the request was never sent on one."""
        return self._has_started_connecting and not self._has_started_sending

    @property
    def is_unsent(self) -> bool:
        """Whether provably no byte of the request has left this process."""
        return self.is_traced and not self._has_started_sending

    @property
    def is_refused_by_proxy(self) -> bool:
        """Whether a proxy refuses the tunnel for a reason that stays, such as HTTP 407."""
        return self._proxy_status is not None and 400 <= self._proxy_status < 500

    def delivery(self, error: Exception) -> Delivery:
        """Whether the request can have reached the gateway, after an error ended the attempt."""
        if not self._has_events and isinstance(error, _SENT_ERRORS):
            return "unknown"
        is_unsent = self.is_unsent if self.is_traced else isinstance(error, NOT_SENT_ERRORS)
        return "not_sent" if is_unsent else "unknown"


def _is_connect(info: Mapping[str, Any]) -> bool:
    """Whether the request that is sent asks a proxy for a tunnel."""
    request = info.get("request")
    return isinstance(request, httpcore.Request) and request.method == b"CONNECT"
