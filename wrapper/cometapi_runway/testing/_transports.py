"""Transports that respond to httpx requests in this process, and patches that redirect to them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

import httpx
import pytest
from attrs import define, field

from cometapi_runway._io.attempt import NOT_SENT_ERRORS
from cometapi_runway.simulator._control.control import Control
from cometapi_runway.simulator._server.delivery import wire_headers

if TYPE_CHECKING:
    from cometapi_runway.simulator._gateway.gateway import Gateway
    from cometapi_runway.simulator._responses.reply import Reply

_PIECES: Final = 16
_LOST: Final = "the simulated gateway reset the connection"
_SENDING: Final = "http11.send_request_headers.started"


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for sync and async clients that responds without blocking."""

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request whose body has been read."""
        raise NotImplementedError

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a sync client."""
        request.read()
        return self.respond(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to an async client."""
        await request.aread()
        return self.respond(request)


@define(eq=False)
class SimulatedTransport(InProcessTransport):
    """Passes requests to a simulated gateway by function call.

    Attributes:
        gateway: The gateway. Delays in its responses advance its clock instead of blocking.
        base_url: The gateway's address. Its path is removed from requests.
    """

    gateway: Gateway
    base_url: str
    _control: Control = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._control = Control(self.gateway)

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Let the gateway handle the request and convert its reply."""
        target = get_target(request, self.base_url)
        handler = self._control if self._control.matches(target) else self.gateway
        url = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{target}"
        reply = handler.handle(request.method, url, decode_headers(request), request.content)
        body = _Body(request, reply, self.gateway)
        body.pass_time(reply.delay)
        if reply.drop == "before":
            raise httpx.ReadError(_LOST)
        headers = wire_headers(reply, self.gateway.clock.now())
        return httpx.Response(reply.status, headers=headers, stream=body)


def get_target(request: httpx.Request, base_url: str) -> str:
    """Return path and query of a request as sent, without the path of a base URL."""
    target = request.url.raw_path.decode("ascii")
    base = urlsplit(base_url)
    return (
        target.removeprefix(base.path.rstrip("/")) if base.hostname == request.url.host else target
    )


def decode_headers(request: httpx.Request) -> list[tuple[str, str]]:
    """Return a request's headers as text."""
    return [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]


@define(eq=False)
class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response body with the delays and connection failures of a reply."""

    request: httpx.Request
    reply: Reply
    gateway: Gateway
    _waited: float = field(default=0.0, init=False)

    @property
    def _read_timeout(self) -> float | None:
        timeouts: dict[str, float | None] = self.request.extensions.get("timeout", {})
        return timeouts.get("read")

    def pass_time(self, seconds: float) -> None:
        """Advance the simulated clock by a silence, or by the read timeout if that is shorter.

        Raises:
            httpx.ReadTimeout: The read timeout is shorter.
        """
        timeout = self._read_timeout
        if timeout is not None and seconds > timeout:
            self.gateway.clock.advance(timeout)
            raise httpx.ReadTimeout("the simulated gateway is silent")
        self.gateway.clock.advance(seconds)
        self._waited += seconds

    def __iter__(self) -> Iterator[bytes]:
        body = b"" if self.request.method == "HEAD" else self.reply.body
        if self.reply.drop == "midway":
            yield body[: len(body) // 2]
            raise httpx.ReadError(_LOST)
        if not self.reply.drip:
            yield body
            return
        size = max(-(-len(body) // _PIECES), 1)
        for start in range(0, max(len(body), 1), size):
            self.pass_time(self.reply.drip / _PIECES)
            yield body[start : start + size]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            self._check_total_time()
            yield piece

    def _check_total_time(self) -> None:
        # The async client limits a whole response with `asyncio.timeout`, which counts real
        # seconds, so virtual time needs this check. The sync client reads the virtual clock.
        is_own = "cometapi_runway" in self.request.extensions
        if is_own and self._read_timeout is not None and self._waited > self._read_timeout:
            raise TimeoutError


UrlFilter: TypeAlias = Callable[[httpx.URL], bool]
"""Whether requests to a URL are affected."""


@contextlib.contextmanager
def intercept_requests(is_affected: UrlFilter, transport: InProcessTransport) -> Generator[None]:
    """Redirect requests of every httpx client in this process.

    Args:
        is_affected: Selects the requests.
        transport: Receives them in place of the network.
    """
    original = httpx.HTTPTransport.handle_request
    original_async = httpx.AsyncHTTPTransport.handle_async_request

    def send(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if not is_affected(request.url):
            return original(self, request)
        trace = _find_trace(request)
        try:
            return transport.handle_request(request)
        except NOT_SENT_ERRORS:
            trace = None
            raise
        finally:
            if trace is not None:
                trace(_SENDING, {})

    async def send_async(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if not is_affected(request.url):
            return await original_async(self, request)
        trace = _find_trace(request)
        try:
            return await transport.handle_async_request(request)
        except NOT_SENT_ERRORS:
            trace = None
            raise
        finally:
            if trace is not None:
                await trace(_SENDING, {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", send)
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", send_async)
        yield


def _find_trace(request: httpx.Request) -> Callable[..., Any] | None:
    """The request's trace callback.

    httpcore reports every step to it. Of an intercepted request without a report, the client would
    conclude that it was never sent, and send a paid one again.
    """
    trace: Callable[..., Any] | None = request.extensions.get("trace")
    return trace


@contextlib.contextmanager
def observe_mock_requests(
    is_affected: UrlFilter, observe: Callable[[httpx.Request], object]
) -> Generator[None]:
    """Observe requests that go to an application's own `httpx.MockTransport`.

    Args:
        is_affected: Selects the requests.
        observe: Called with each request after its body is read. The mock still responds.
    """
    original = httpx.MockTransport.handle_request
    original_async = httpx.MockTransport.handle_async_request

    def send(self: httpx.MockTransport, request: httpx.Request) -> httpx.Response:
        if is_affected(request.url):
            request.read()
            observe(request)
        return original(self, request)

    async def send_async(self: httpx.MockTransport, request: httpx.Request) -> httpx.Response:
        if is_affected(request.url):
            await request.aread()
            observe(request)
        return await original_async(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.MockTransport, "handle_request", send)
        patch.setattr(httpx.MockTransport, "handle_async_request", send_async)
        yield
