"""The asynchronous client; see `_client`, which has what both clients share."""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve

from cometapi_runway._client import (
    BaseClient,
    CompatOperations,
    hide_location,
    list_public_names,
    make_recorder,
    open_journal,
)
from cometapi_runway._core.clock import AsyncClock, AsyncSystemClock
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.task import Task
from cometapi_runway._io.async_driver import AsyncDriver
from cometapi_runway._io.async_transport import AsyncTransport
from cometapi_runway._io.session import AsyncSession
from cometapi_runway._settings import REQUEST_TIMEOUT, resolve_settings
from cometapi_runway.resources._bound_task import AsyncBoundTask, bind_async
from cometapi_runway.resources._prices import make_reserve
from cometapi_runway.resources._resource import AsyncResource, make_resource
from cometapi_runway.resources._tasks import AsyncTasks
from cometapi_runway.resources._tracked_task import get_history

if TYPE_CHECKING:
    import httpx

    from cometapi_runway.journal import Budget, Journal
    from cometapi_runway.resources._client_journal import AsyncClientJournal


class AsyncCompat(CompatOperations):
    """CometAPI's older routes, on the asynchronous client; see `Compat`."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.tasks = AsyncTasks(session, "feed")

    def __dir__(self) -> list[str]:
        return list_public_names(super().__dir__())


class AsyncRunwayClient(BaseClient[AsyncSession, AsyncTransport]):
    """Runway's models behind the CometAPI gateway, asynchronous (asyncio); see `RunwayClient`."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        runway_version: str | None = None,
        timeout: float = REQUEST_TIMEOUT,
        validate: bool = True,
        journal: str | PathLike[str] | Journal | None = None,
        budget: Budget | None = None,
        capture: str | PathLike[str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: AsyncClock | None = None,
    ) -> None:
        key = None if api_key is None else Secret(api_key)
        location = hide_location(journal)
        # What follows may raise, and a traceback with locals shows the arguments.
        del api_key, journal
        self.settings = resolve_settings(
            key,
            base_url=base_url,
            runway_version=runway_version,
            timeout=timeout,
            validate=validate,
            capture=capture,
        )
        reserve = make_reserve(budget, has_journal=location is not None)
        clock = clock or AsyncSystemClock()
        self._transport = AsyncTransport(self.settings, clock, transport)
        self._store, self._owns_journal = open_journal(location)
        records = None if self._store is None else self.journal
        driver = AsyncDriver(
            self._transport, clock, journal=records, watcher=make_recorder(self.settings)
        )
        rng = Random()  # noqa: S311 - spreads retries, keeps no secret
        self.session = AsyncSession(self.settings, driver, records, rng, reserve)

    @cached_property
    def journal(self) -> AsyncClientJournal:
        """The record of every paid task; its queries need a client with a journal."""
        from cometapi_runway.resources._client_journal import (  # noqa: PLC0415 - as in `_client`
            AsyncClientJournal,
        )

        return AsyncClientJournal(self._store, self.settings.base_url, lambda: self.session)

    @cached_property
    def tasks(self) -> AsyncTasks:
        """Existing tasks, by their id."""
        return AsyncTasks(self.session)

    @cached_property
    def compat(self) -> AsyncCompat:
        """CometAPI's older routes."""
        return AsyncCompat(self.session)

    def operation(self, operation_id: str) -> AsyncResource[...]:
        """Any task-creating operation of the contract, by its id; see `RunwayClient.operation`."""
        from cometapi_runway.resources._signatures.from_contract import (  # noqa: PLC0415 - rare
            from_contract,
        )

        return make_resource(self.session, from_contract(operation_id))

    def bind(self, task: Task, accepted_at: float | None = None) -> AsyncBoundTask:
        """Bind a task to this client; see `RunwayClient.bind`."""
        return evolve(bind_async(self.session, task, accepted_at), **get_history(task))

    async def close(self) -> None:
        """Close every connection. Tasks continue at the gateway."""
        try:
            await self._transport.close()
        finally:
            if self._store is not None and self._owns_journal:
                self._store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
