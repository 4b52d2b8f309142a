"""The base of the three fixtures: clients that reach the simulated gateway, and a checker."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Final, TypedDict, Unpack
from urllib.parse import urlsplit

from cometapi_runway import _settings as settings
from cometapi_runway._async_client import AsyncRunwayClient
from cometapi_runway._client import RunwayClient
from cometapi_runway.testing._virtual_time import AsyncVirtualClock, SharedClock, VirtualClock

if TYPE_CHECKING:
    import httpx

    from cometapi_runway.journal import Budget, Journal
    from cometapi_runway.simulator._clock import SimClock
    from cometapi_runway.testing._contract_checker import ContractChecker, Violation

API_KEY: Final = "simulated-key"
"""The API key of the fixtures' clients, and ``COMETAPI_KEY`` while a fixture is active."""


class ClientOptions(TypedDict, total=False):
    """Options of an additional client; see `RunwayClient`."""

    api_key: str | None
    runway_version: str | None
    timeout: float
    validate: bool
    journal: str | PathLike[str] | Journal | None
    budget: Budget | None


class GatewayKit:
    """A simulated gateway with clients.

    Attributes:
        base_url: The gateway's address.
        clock: The simulated time.
        shared_clock: Lets the clients' concurrent waits share `clock`.
        checker: Checks requests against the contract.
    """

    def __init__(
        self,
        base_url: str,
        clock: SimClock,
        checker: ContractChecker,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self.clock = clock
        self.shared_clock = SharedClock(clock)
        self.checker = checker
        self._transport = transport
        self._async_transport = async_transport
        self._open: list[RunwayClient] = []

    @cached_property
    def client(self) -> RunwayClient:
        """A sync client of this gateway. Its waits advance the simulated clock."""
        return self.connect()

    @cached_property
    def async_client(self) -> AsyncRunwayClient:
        """An async client of this gateway. Its waits advance the simulated clock."""
        return self.connect_async()

    def connect(self, **options: Unpack[ClientOptions]) -> RunwayClient:
        """Create another sync client, such as one with a journal.

        Args:
            options: As for `RunwayClient`.
        """
        client = RunwayClient(
            base_url=self.base_url,
            transport=self._transport,
            clock=VirtualClock(self.shared_clock),
            **_add_key(options),
        )
        self._open.append(client)
        return client

    def connect_async(self, **options: Unpack[ClientOptions]) -> AsyncRunwayClient:
        """Create another async client; see `connect`. It need not be closed."""
        return AsyncRunwayClient(
            base_url=self.base_url,
            transport=self._async_transport,
            clock=AsyncVirtualClock(self.shared_clock),
            **_add_key(options),
        )

    def advance(self, seconds: float) -> None:
        """Let simulated time pass.

        Args:
            seconds: How much, at least zero.

        Raises:
            ValueError: The number is negative or not finite.
        """
        self.clock.advance(seconds)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Requests that broke the contract, oldest first. They fail the test."""
        return tuple(self.checker.violations)

    @contextlib.contextmanager
    def expect_violation(self, path: str | None = None) -> Generator[list[Violation]]:
        """Expect a request that breaks the contract; without one the test fails.

        Args:
            path: The faulty field, as a JSON pointer or a header's name; any field if None.

        Yields:
            A list that the violations are added to.

        Raises:
            AssertionError: No request broke the contract there.
        """
        __tracebackhide__ = True
        with self.checker.expect_violation(path) as found:
            yield found

    def is_gateway(self, url: httpx.URL) -> bool:
        """Whether a URL belongs to the gateway: a server of the contract, or this fixture's own."""
        return url.host in self._hosts

    def history(self) -> str:
        """Return one line per request, for the report of a failed test."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the sync clients."""
        for client in self._open:
            client.close()

    @cached_property
    def _hosts(self) -> frozenset[str | None]:
        addresses = (self.base_url, *self.checker.contract.servers)
        return frozenset(urlsplit(address).hostname for address in addresses)


def _add_key(options: ClientOptions) -> ClientOptions:
    return {"api_key": API_KEY, **options}


def make_environment(kit: GatewayKit) -> dict[str, str]:
    """Return environment variables that direct the application's clients to the fixture."""
    return {settings.KEY_VARIABLE: API_KEY, settings.BASE_URL_VARIABLE: kit.base_url}
