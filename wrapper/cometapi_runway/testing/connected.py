"""What all three fixtures have in common: clients that reach them, and a judge."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Final, TypedDict, Unpack
from urllib.parse import urlsplit

from cometapi_runway import _settings as settings
from cometapi_runway._client import AsyncRunwayClient, RunwayClient
from cometapi_runway.testing.clocks import Agenda, AsyncSkippingClock, SkippingClock

if TYPE_CHECKING:
    import httpx

    from cometapi_runway.journal import Journal
    from cometapi_runway.simulator._clock import SimClock
    from cometapi_runway.testing.judge import Judge, Violation

API_KEY: Final = "simulated-key"
"""The key of the fixtures' clients, and ``COMETAPI_KEY`` while one is active."""


class ClientOptions(TypedDict, total=False):
    """What a further client may be given; see `RunwayClient`."""

    api_key: str | None
    runway_version: str | None
    timeout: float
    validate: bool
    journal: str | PathLike[str] | Journal | None


class Connected:
    """A simulated gateway with clients.

    Attributes:
        base_url: The gateway's address.
        clock: The simulated time.
        agenda: Who waits for that time.
        judge: Who checks requests against the contract.
    """

    def __init__(
        self,
        base_url: str,
        clock: SimClock,
        judge: Judge,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self.clock = clock
        self.agenda = Agenda(clock)
        self.judge = judge
        self._transport = transport
        self._async_transport = async_transport
        self._open: list[RunwayClient] = []

    @cached_property
    def client(self) -> RunwayClient:
        """A blocking client of this gateway. Its waits move the simulated clock."""
        return self.connect()

    @cached_property
    def async_client(self) -> AsyncRunwayClient:
        """An asynchronous client of this gateway. Its waits move the simulated clock."""
        return self.connect_async()

    def connect(self, **options: Unpack[ClientOptions]) -> RunwayClient:
        """Makes one more blocking client, such as one with a journal.

        Args:
            options: As for `RunwayClient`.
        """
        client = RunwayClient(
            base_url=self.base_url,
            transport=self._transport,
            clock=SkippingClock(self.agenda),
            **_with_key(options),
        )
        self._open.append(client)
        return client

    def connect_async(self, **options: Unpack[ClientOptions]) -> AsyncRunwayClient:
        """Makes one more asynchronous client; see `connect`. It need not be closed."""
        return AsyncRunwayClient(
            base_url=self.base_url,
            transport=self._async_transport,
            clock=AsyncSkippingClock(self.agenda),
            **_with_key(options),
        )

    def advance(self, seconds: float) -> None:
        """Lets simulated time pass.

        Raises:
            ValueError: The number is below zero or not finite.
        """
        self.clock.advance(seconds)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Requests that broke the contract. They fail the test."""
        return tuple(self.judge.violations)

    @contextlib.contextmanager
    def expect_violation(self, path: str | None = None) -> Generator[list[Violation]]:
        """Lets a test show what happens to a request that breaks the contract.

        Args:
            path: The field at fault, as a JSON pointer or a header's name; any if None.

        Yields:
            The violations as they are found.

        Raises:
            AssertionError: There was none.
        """
        __tracebackhide__ = True
        with self.judge.expecting(path) as found:
            yield found

    def is_gateway(self, url: httpx.URL) -> bool:
        """Whether an address belongs to the gateway: the contract's, or this fixture's own."""
        return url.host in self._hosts

    def history(self) -> str:
        """What happened, one line per request, for a failed test's report."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the clients."""
        for client in self._open:
            client.close()

    @cached_property
    def _hosts(self) -> frozenset[str | None]:
        addresses = (self.base_url, *self.judge.contract.servers)
        return frozenset(urlsplit(address).hostname for address in addresses)


def _with_key(options: ClientOptions) -> ClientOptions:
    return {"api_key": API_KEY, **options}


def environment(kit: Connected) -> dict[str, str]:
    """The settings that let clients built by the application reach the fixture."""
    return {settings.KEY_VARIABLE: API_KEY, settings.BASE_URL_VARIABLE: kit.base_url}
