"""What the wire's events say of an attempt, in every order."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpcore
import httpx
import pytest
from tests.cases import each_case

from cometapi_runway._io.attempt import RequestAttempt

ORIGIN = httpcore.Request("POST", "https://gateway.example/x")
TUNNEL = httpcore.Request("CONNECT", "https://proxy.example/x")
PROXY_STATUSES = (200, 399, 400, 407, 499, 500, 502)

# Each event's name and information, as httpcore reports them.
Event = tuple[str, dict[str, Any]]
CONNECT: Event = ("connection.connect_tcp.started", {})
CONNECTED: Event = ("connection.connect_tcp.complete", {"return_value": object()})
TLS: Event = ("connection.start_tls.started", {})
SENDING: Event = ("http11.send_request_headers.started", {"request": ORIGIN})
SENDING_HTTP2: Event = ("http2.send_request_headers.started", {"request": ORIGIN})
SENT: Event = ("http11.send_request_headers.complete", {"return_value": None})
OPENING: Event = ("http11.send_request_headers.started", {"request": TUNNEL})


def received(status: int) -> Event:
    return (
        "http11.receive_response_headers.complete",
        {"return_value": (b"HTTP/1.1", status, b"", [])},
    )


def attempt_after(*events: Event, is_async: bool = False, is_traced: bool = True) -> RequestAttempt:
    attempt = RequestAttempt("POST", "/x", is_traced)
    for event in events:
        if is_async:
            asyncio.run(attempt.handle_event_async(*event))
        else:
            attempt.handle_event(*event)
    return attempt


EVENTS = (CONNECT, CONNECTED, TLS, OPENING, received(407), SENDING, received(200))


@each_case("length", range(4))
def test_every_order_of_events_decides_the_same_way(length: int) -> None:
    """Only the order of a tunnel's request and its response matters; the rest accumulates."""
    for events in itertools.permutations(EVENTS, length):
        attempt = attempt_after(*events)
        is_sent = SENDING in events
        is_started = CONNECT in events or CONNECTED in events
        assert attempt.is_unsent is not is_sent
        assert attempt.delivery(OSError("x")) == ("unknown" if is_sent else "not_sent")
        assert attempt.is_connecting is (is_started and not is_sent)
        assert attempt.is_refused_by_proxy is (_last_tunnel_status(events) == 407)


def _last_tunnel_status(events: tuple[Event, ...]) -> int | None:
    status, is_opening = None, False
    for name, info in events:
        if "request" in info:
            is_opening = info["request"] is TUNNEL
        elif "receive" in name and is_opening:
            status = info["return_value"][1]
    return status


@each_case("sending", [SENDING, SENDING_HTTP2])
@each_case("is_async", [False, True])
def test_a_request_counts_as_sent_from_its_first_byte(sending: Event, is_async: bool) -> None:
    before = attempt_after(CONNECT, CONNECTED, TLS, is_async=is_async)
    after = attempt_after(CONNECT, CONNECTED, TLS, sending, is_async=is_async)

    assert (before.is_unsent, before.is_connecting) == (True, True)
    assert (after.is_unsent, after.is_connecting) == (False, False)


@each_case("status", PROXY_STATUSES)
def test_a_proxy_refuses_with_4xx_alone(status: int) -> None:
    attempt = attempt_after(CONNECT, CONNECTED, OPENING, SENT, received(status))

    assert attempt.is_refused_by_proxy is (400 <= status < 500)
    assert attempt.is_unsent
    assert attempt.is_connecting


@each_case("status", PROXY_STATUSES)
def test_the_gateways_own_status_is_not_the_proxys(status: int) -> None:
    direct = attempt_after(CONNECT, SENDING, received(status))
    tunnelled = attempt_after(CONNECT, OPENING, received(200), SENDING, received(status))

    assert not direct.is_refused_by_proxy
    assert not tunnelled.is_refused_by_proxy
    assert tunnelled.delivery(httpx.ReadError("x")) == "unknown"


@pytest.mark.parametrize("request_info", [{}, {"request": None}, {"request": "CONNECT"}])
def test_a_request_of_an_unknown_form_counts_as_ours(request_info: dict[str, Any]) -> None:
    attempt = attempt_after(("http11.send_request_headers.started", request_info))

    assert attempt.delivery(httpx.ConnectError("x")) == "unknown"


NOT_SENT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    ConnectionRefusedError,
}
ON_THE_WIRE = {
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.RemoteProtocolError,
}
POSSIBLY_SENT = {
    *ON_THE_WIRE,
    httpx.CloseError,
    httpx.LocalProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
    httpx.InvalidURL,
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    TimeoutError,
    OSError,
}


@each_case("kind", sorted(NOT_SENT | POSSIBLY_SENT, key=lambda kind: kind.__name__))
def test_without_a_trace_the_exception_decides_and_with_one_it_never_does(
    kind: type[Exception],
) -> None:
    error = kind("x")

    assert attempt_after(is_traced=False).delivery(error) == (
        "not_sent" if kind in NOT_SENT else "unknown"
    )
    assert attempt_after(CONNECT).delivery(error) == "not_sent"
    # Without any event, bytes that were on their way went over something else than httpcore.
    assert attempt_after().delivery(error) == ("unknown" if kind in ON_THE_WIRE else "not_sent")
    # An event shows that the caller's own transport is built on httpcore.
    assert attempt_after(CONNECT, is_traced=False).delivery(error) == "not_sent"
    assert attempt_after(CONNECT, SENDING, is_traced=False).delivery(error) == "unknown"


def test_an_untraced_attempt_proves_nothing() -> None:
    attempt = attempt_after(is_traced=False)

    assert not attempt.is_unsent
    assert not attempt.is_connecting
    assert not attempt.is_refused_by_proxy
