"""The stateful fixtures: a simulator in this process, and one on a loopback socket."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Unpack
from urllib.parse import urlsplit

import httpx

from cometapi_runway.simulator import Gateway, Options, SimClock, SimulatorServer
from cometapi_runway.testing._assertions import GatewayAssertions
from cometapi_runway.testing._contract_checker import ContractChecker
from cometapi_runway.testing._fault_script import FaultScript
from cometapi_runway.testing._kit import GatewayKit
from cometapi_runway.testing._transports import (
    InProcessTransport,
    SimulatedTransport,
    decode_headers,
    intercept_requests,
    observe_mock_requests,
)
from cometapi_runway.testing._virtual_time import use_virtual_time


class Simulator(FaultScript, GatewayAssertions, GatewayKit):
    """A stateful gateway in this process: tasks progress, outputs are real files, nothing is paid.

    Attributes:
        gateway: The simulated gateway, for all that the methods here do not cover.
        client: A `RunwayClient` connected to it.
        async_client: An `AsyncRunwayClient` connected to it.
        base_url: Its address; every httpx client in this process reaches it there.
        clock: Its time. The clients' waits advance it, and so does `advance`.
    """

    def __init__(
        self, gateway: Gateway, base_url: str, transport: InProcessTransport | None = None
    ) -> None:
        checker = ContractChecker(gateway.contract, urlsplit(gateway.settings.media_url).netloc)
        gateway.watchers.append(checker.check_simulated)
        super().__init__(base_url, gateway.clock, checker, transport, transport)
        self.gateway = gateway

    def handles(self, url: httpx.URL) -> bool:
        """Whether a URL belongs to the gateway or its output files."""
        is_media = url.netloc.decode("ascii") == self.checker.media_host
        return is_media or self.is_gateway(url)

    def check_request(self, request: httpx.Request) -> None:
        """Check a request that the application's own mock transport responds to."""
        self.checker.check(
            request.method, str(request.url), decode_headers(request), request.content
        )


class Server(Simulator):
    """The simulator on a loopback socket, for other processes and other HTTP libraries.

    By default its clock runs in real time. The clients' waits still advance it instead of blocking.

    Attributes:
        media_url: URL of the output files.
        status_url: URL of a page that shows tasks and requests.
    """

    def __init__(self, server: SimulatorServer) -> None:
        super().__init__(server.gateway, server.base_url)
        self.media_url = server.media_url
        self.status_url = server.status_url
        # An async client can only be closed in its own event loop, which no longer runs when the
        # fixture ends. Without keep-alive there are no connections to close.
        limits = httpx.Limits(max_keepalive_connections=0)
        # The server has no TLS; reading the certificates for it would take 20 ms.
        self._async_transport = httpx.AsyncHTTPTransport(limits=limits, verify=False)

    def handles(self, url: httpx.URL) -> bool:
        """Whether a URL belongs to the paid gateway, which tests must not reach.

        Requests to the server's own URLs go over its sockets.
        """
        return self.is_gateway(url) and url.host != urlsplit(self.base_url).hostname


@contextlib.contextmanager
def open_simulator(base_url: str | None = None, **options: Unpack[Options]) -> Generator[Simulator]:
    """Open a simulator in this process and redirect httpx requests to it.

    Args:
        base_url: The gateway's address; the contract's if None.
        options: Fields of `Settings`. By default the clock advances only by waits and `advance`.
    """
    options.setdefault("clock", SimClock.manual())
    gateway = Gateway(**options)
    address = base_url or gateway.contract.servers[0]
    transport = SimulatedTransport(gateway, address)
    kit = Simulator(gateway, address, transport)
    with (
        intercept_requests(kit.handles, transport),
        observe_mock_requests(kit.is_gateway, kit.check_request),
        use_virtual_time(kit.shared_clock),
        contextlib.closing(kit),
    ):
        yield kit


@contextlib.contextmanager
def open_server(**options: Unpack[Options]) -> Generator[Server]:
    """Open a simulator on two free loopback ports, one of them for output files.

    Args:
        options: Fields of `Settings`.
    """
    with SimulatorServer(**options) as running:
        kit = Server(running)
        with (
            intercept_requests(kit.handles, SimulatedTransport(kit.gateway, kit.base_url)),
            observe_mock_requests(kit.handles, kit.check_request),
            use_virtual_time(kit.shared_clock),
            contextlib.closing(kit),
        ):
            yield kit
