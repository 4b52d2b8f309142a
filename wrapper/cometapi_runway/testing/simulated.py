"""The stateful fixtures: a simulator in this process, and one on a socket."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Unpack
from urllib.parse import urlsplit

import httpx

from cometapi_runway.simulator import Gateway, Options, SimClock, SimulatorServer
from cometapi_runway.testing.carriers import (
    Carrier,
    GatewayCarrier,
    headers_of,
    intercepting,
    overhearing,
)
from cometapi_runway.testing.checked import Checked
from cometapi_runway.testing.clocks import skipping
from cometapi_runway.testing.connected import Connected
from cometapi_runway.testing.judge import Judge
from cometapi_runway.testing.scripted import Scripted


class Simulator(Scripted, Checked, Connected):
    """A stateful gateway in this process: tasks live, outputs are real files, nothing is paid.

    Attributes:
        gateway: All that can be seen and set; the methods here are its shorthands.
        client: A blocking `RunwayClient` that talks to it.
        async_client: An `AsyncRunwayClient` that talks to it.
        base_url: Its address, under which any httpx client of this process reaches it.
        clock: Its time. Waits of the clients move it, and so does `advance`.
    """

    def __init__(self, gateway: Gateway, base_url: str, carrier: Carrier | None = None) -> None:
        judge = Judge(gateway.contract, urlsplit(gateway.settings.media_url).netloc)
        gateway.watchers.append(judge.watch)
        super().__init__(base_url, gateway.clock, judge, carrier, carrier)
        self.gateway = gateway

    def wants(self, url: httpx.URL) -> bool:
        """Whether an address leads here: the gateway's, or that of the output files."""
        is_media = url.netloc.decode("ascii") == self.judge.media_host
        return is_media or self.is_gateway(url)

    def overhear(self, request: httpx.Request) -> None:
        """Judges a request to the gateway that something else answers."""
        self.judge.check(request.method, str(request.url), headers_of(request), request.content)


class Server(Simulator):
    """The simulator on a loopback socket, for other processes and other HTTP libraries.

    Its clock runs as the machine's does, unless set otherwise, and the clients' waits still take
    no time: they move it on.

    Attributes:
        media_url: Address of the output files.
        status_url: Address of a page that shows what happens.
    """

    def __init__(self, server: SimulatorServer) -> None:
        super().__init__(server.gateway, server.base_url)
        self.media_url = server.media_url
        self.status_url = server.status_url
        # An asynchronous client can only be closed in its own event loop, which is gone when the
        # fixture ends; connections that are not kept need no closing.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._async_transport = httpx.AsyncHTTPTransport(limits=limits)

    def wants(self, url: httpx.URL) -> bool:
        """Whether an address is that of the paid gateway, which no test may reach.

        What is sent to the server's own addresses takes the way over its sockets.
        """
        return self.is_gateway(url) and url.host != urlsplit(self.base_url).hostname


@contextlib.contextmanager
def simulator(base_url: str | None = None, **options: Unpack[Options]) -> Generator[Simulator]:
    """Opens a simulator in this process.

    Args:
        base_url: The gateway's address; the contract's if None.
        options: Fields of `Settings`. The clock stands still unless another is given.
    """
    options.setdefault("clock", SimClock.manual())
    gateway = Gateway(**options)
    address = base_url or gateway.contract.servers[0]
    carrier = GatewayCarrier(gateway, address)
    kit = Simulator(gateway, address, carrier)
    with (
        intercepting(kit.wants, carrier),
        overhearing(kit.is_gateway, kit.overhear),
        skipping(kit.agenda),
        contextlib.closing(kit),
    ):
        yield kit


@contextlib.contextmanager
def server(**options: Unpack[Options]) -> Generator[Server]:
    """Opens a simulator on two free loopback ports, one of them for output files.

    Args:
        options: Fields of `Settings`.
    """
    with SimulatorServer(**options) as running:
        kit = Server(running)
        with (
            intercepting(kit.wants, GatewayCarrier(kit.gateway, kit.base_url)),
            overhearing(kit.wants, kit.overhear),
            skipping(kit.agenda),
            contextlib.closing(kit),
        ):
            yield kit
