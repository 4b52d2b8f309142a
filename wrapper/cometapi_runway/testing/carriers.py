"""Carries httpx requests to a simulated gateway in this process, and redirects them there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

import httpx
import pytest
from attrs import define, field

from cometapi_runway.simulator._control.control import Control
from cometapi_runway.simulator._server.delivery import wire_headers

if TYPE_CHECKING:
    from cometapi_runway.simulator._gateway.gateway import Gateway
    from cometapi_runway.simulator._responses.reply import Reply

_PIECES: Final = 16
_LOST: Final = "the simulated gateway reset the connection"


class Carrier(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for both kinds of client, whose answers need no waiting."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answers a request whose body has been read."""
        raise NotImplementedError

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a blocking client."""
        request.read()
        return self.answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers an asynchronous client."""
        await request.aread()
        return self.answer(request)


@define(eq=False)
class GatewayCarrier(Carrier):
    """Takes requests to a gateway, by function call.

    Attributes:
        gateway: The gateway. Delays in its answers move its clock instead of being waited for.
        base_url: Its address, whose path the gateway itself knows nothing of.
    """

    gateway: Gateway
    base_url: str
    _control: Control = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._control = Control(self.gateway)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Lets the gateway act, and makes a response of its reply."""
        target = target_of(request, self.base_url)
        answerer = self._control if self._control.matches(target) else self.gateway
        url = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{target}"
        reply = answerer.handle(request.method, url, headers_of(request), request.content)
        body = _Body(request, reply, self.gateway)
        body.wait(reply.delay)
        if reply.drop == "before":
            raise httpx.ReadError(_LOST, request=request)
        headers = wire_headers(reply, self.gateway.clock.now())
        return httpx.Response(
            reply.status,
            headers=headers,
            stream=body,
            extensions={"http_version": b"HTTP/1.1"},
        )


def target_of(request: httpx.Request, base_url: str) -> str:
    """Path and query of a request as they go over the wire, from a base address on."""
    target = request.url.raw_path.decode("ascii")
    base = urlsplit(base_url)
    return (
        target.removeprefix(base.path.rstrip("/")) if base.hostname == request.url.host else target
    )


def headers_of(request: httpx.Request) -> list[tuple[str, str]]:
    """A request's header fields as they would go over the wire."""
    return [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]


@define(eq=False)
class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An answer's body, as late, as slow and as broken as the reply says."""

    request: httpx.Request
    reply: Reply
    gateway: Gateway
    _waited: float = 0.0

    @property
    def _patience(self) -> float | None:
        limits: dict[str, float | None] = self.request.extensions.get("timeout", {})
        return limits.get("read")

    def wait(self, seconds: float) -> None:
        """Lets a silence pass on the simulated clock, or the client's patience if that ends first.

        Raises:
            httpx.ReadTimeout: It does.
        """
        patience = self._patience
        if patience is not None and seconds > patience:
            self.gateway.clock.advance(patience)
            raise httpx.ReadTimeout("the simulated gateway is silent", request=self.request)
        self.gateway.clock.advance(seconds)
        self._waited += seconds

    def __iter__(self) -> Iterator[bytes]:
        body = b"" if self.request.method == "HEAD" else self.reply.body
        if self.reply.drop == "midway":
            yield body[: len(body) // 2]
            raise httpx.ReadError(_LOST, request=self.request)
        if not self.reply.drip:
            yield body
            return
        size = max(-(-len(body) // _PIECES), 1)
        for start in range(0, max(len(body), 1), size):
            self.wait(self.reply.drip / _PIECES)
            yield body[start : start + size]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            self._keep_the_limit()
            yield piece

    def _keep_the_limit(self) -> None:
        # The asynchronous client bounds a whole answer by `asyncio.timeout`, in real seconds,
        # of which none pass here; its twin looks at its clock, which is the simulator's.
        is_ours = "cometapi_runway" in self.request.extensions
        if is_ours and self._patience is not None and self._waited > self._patience:
            raise TimeoutError


Wants: TypeAlias = Callable[[httpx.URL], bool]


@contextlib.contextmanager
def intercepting(wants: Wants, carrier: Carrier) -> Generator[None]:
    """Sends requests to some addresses elsewhere, whichever client of this process makes them.

    Args:
        wants: The addresses meant.
        carrier: Where their requests go instead of to the network.
    """
    plain = httpx.HTTPTransport.handle_request
    plain_async = httpx.AsyncHTTPTransport.handle_async_request

    def send(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if wants(request.url):
            return carrier.handle_request(request)
        return plain(self, request)

    async def send_async(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if wants(request.url):
            return await carrier.handle_async_request(request)
        return await plain_async(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", send)
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", send_async)
        yield


@contextlib.contextmanager
def overhearing(wants: Wants, hear: Callable[[httpx.Request], object]) -> Generator[None]:
    """Listens to requests that an application's own `httpx.MockTransport` answers.

    Args:
        wants: The addresses meant.
        hear: Called with each request, its body read; the mock answers all the same.
    """
    plain = httpx.MockTransport.handle_request
    plain_async = httpx.MockTransport.handle_async_request

    def send(self: httpx.MockTransport, request: httpx.Request) -> httpx.Response:
        if wants(request.url):
            request.read()
            hear(request)
        return plain(self, request)

    async def send_async(self: httpx.MockTransport, request: httpx.Request) -> httpx.Response:
        if wants(request.url):
            await request.aread()
            hear(request)
        return await plain_async(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.MockTransport, "handle_request", send)
        patch.setattr(httpx.MockTransport, "handle_async_request", send_async)
        yield
