"""The two clients: composition of settings, transport, driver and resources, and no rule.

A method prepares a request, a flow decides what to do with it, and a driver carries the flow out;
the asynchronous client differs in the driver and in ``await``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from os import PathLike
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from attrs import evolve

from cometapi_runway._core.clock import Clock, SystemClock
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.task import Task
from cometapi_runway._io.drivers import Driver
from cometapi_runway._io.session import Session
from cometapi_runway._io.transport import Transport
from cometapi_runway._settings import REQUEST_TIMEOUT, Settings, resolve_settings
from cometapi_runway.resources import _signatures as signatures
from cometapi_runway.resources._bound_task import BoundTask, bind
from cometapi_runway.resources._prices import make_reserve
from cometapi_runway.resources._resource import Resource, ResourceDescriptor, make_resource
from cometapi_runway.resources._tasks import Tasks
from cometapi_runway.resources._tracked_task import get_history

if TYPE_CHECKING:
    import httpx

    from cometapi_runway._capture._recorder import ResponseRecorder
    from cometapi_runway._io.api_client import SafeClient
    from cometapi_runway._io.async_transport import AsyncTransport
    from cometapi_runway._io.session import AsyncSession
    from cometapi_runway.journal import Budget, Journal
    from cometapi_runway.resources._client_journal import ClientJournal

S = TypeVar("S", "Session", "AsyncSession")
T = TypeVar("T", "Transport", "AsyncTransport")


class Operations:
    """The official-format operations of both clients, one line per operation."""

    character_performance = ResourceDescriptor(signatures.character_performance)
    image_to_video = ResourceDescriptor(signatures.image_to_video)
    text_to_image = ResourceDescriptor(signatures.text_to_image)
    video_to_video = ResourceDescriptor(signatures.video_to_video)
    video_upscale = ResourceDescriptor(signatures.video_upscale)


class CompatOperations:
    """The compatibility-format operations of both clients, one line per operation."""

    text_to_video = ResourceDescriptor(signatures.compat_text_to_video)
    image_to_video = ResourceDescriptor(signatures.compat_image_to_video)
    video_to_video = ResourceDescriptor(signatures.compat_video_to_video)
    act_one = ResourceDescriptor(signatures.compat_act_one)


class Compat(CompatOperations):
    """CometAPI's older routes; their tasks are polled on ``/runway/feed``.

    Attributes:
        session: The session of their client.
        tasks: Existing tasks of these routes, by their id.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tasks = Tasks(session, "feed")

    def __dir__(self) -> list[str]:
        return list_public_names(super().__dir__())


class BaseClient(Operations, Generic[S, T]):
    """What both clients share.

    Attributes:
        settings: The client's settings.
        session: The settings, driver and journal that its resources share.
    """

    settings: Settings
    session: S
    _transport: T

    @property
    def api(self) -> SafeClient:
        """The generated client, for its endpoint functions; they raise the same errors."""
        return self._transport.api

    def __dir__(self) -> list[str]:
        return list_public_names(super().__dir__())

    def __repr__(self) -> str:
        # A constructor that raises leaves a client without settings, which tracebacks show.
        settings: Settings | None = vars(self).get("settings")
        base_url = "" if settings is None else redact_url(settings.base_url)
        return f"{type(self).__name__}(base_url={base_url!r})"


class RunwayClient(BaseClient[Session, Transport]):
    """Runway's models behind the CometAPI gateway, blocking.

    Use it as a context manager, or call `close`. One client may be used by many threads.

    Args:
        api_key: The CometAPI key; from ``COMETAPI_KEY`` if None.
        base_url: The gateway; from ``COMETAPI_RUNWAY_BASE_URL``, else
            ``https://api.cometapi.com``.
        runway_version: The ``X-Runway-Version`` header; from ``COMETAPI_RUNWAY_VERSION``, else
            ``2024-11-06``, the only value that CometAPI's pages name.
        timeout: Seconds for one request, from the first byte sent to the last byte read.
        validate: Whether requests are checked against the contract before they are sent.
        journal: What records every paid task: a file, a ``postgresql://`` URL, or a `Journal`;
            None for no record.
        budget: What all clients with the same journal may spend; it needs a journal.
        capture: The folder where each response whose shape the contract does not describe is
            written once, without its values; from ``COMETAPI_RUNWAY_CAPTURE``, else none.
            ``cometapi-runway contract drift`` shows what they have in common.
        transport: Carries every request, downloads included, instead of the network.
        clock: Source of time and sleep.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """

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
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
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
        clock = clock or SystemClock()
        self._transport = Transport(self.settings, clock, transport)
        self._store, self._owns_journal = open_journal(location)
        records = None if self._store is None else self.journal
        driver = Driver(
            self._transport, clock, journal=records, watcher=make_recorder(self.settings)
        )
        rng = Random()  # noqa: S311 - spreads retries, keeps no secret
        self.session = Session(self.settings, driver, records, rng, reserve)

    @cached_property
    def journal(self) -> ClientJournal:
        """The record of every paid task; its queries need a client with a journal."""
        # Late: many programs keep no journal.
        from cometapi_runway.resources._client_journal import ClientJournal  # noqa: PLC0415

        return ClientJournal(self._store, self.settings.base_url, lambda: self.session)

    @cached_property
    def tasks(self) -> Tasks:
        """Existing tasks, by their id."""
        return Tasks(self.session)

    @cached_property
    def compat(self) -> Compat:
        """CometAPI's older routes."""
        return Compat(self.session)

    def operation(self, operation_id: str) -> Resource[...]:
        """Any task-creating operation of the contract, by its id.

        Its ``create`` takes the fields of the request body in snake case, without defaults or
        conversions. Use it for an operation that has no resource here yet.

        Raises:
            InvalidRequestError: The contract has no such operation, or it creates no task.
        """
        from cometapi_runway.resources._signatures.from_contract import (  # noqa: PLC0415 - rare
            from_contract,
        )

        return make_resource(self.session, from_contract(operation_id))

    def bind(self, task: Task, accepted_at: float | None = None) -> BoundTask:
        """Bind a task to this client, also one that was pickled. Sends nothing.

        Args:
            task: The task.
            accepted_at: When it was created, on this client's clock; None if that is not known.
        """
        return evolve(bind(self.session, task, accepted_at), **get_history(task))

    def close(self) -> None:
        """Close every connection. Tasks continue at the gateway."""
        try:
            self._transport.close()
        finally:
            if self._store is not None and self._owns_journal:
                self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def list_public_names(names: Iterable[str]) -> list[str]:
    """The names of a client that users call; `session` is for its resources."""
    return sorted(
        name
        for name in names
        if name != "session" and (not name.startswith("_") or name.endswith("__"))
    )


def hide_location(
    journal: str | PathLike[str] | Journal | None,
) -> Secret | PathLike[str] | Journal | None:
    """Where the journal is; the URL of a database may hold a password."""
    return Secret(journal) if isinstance(journal, str) else journal


def make_recorder(settings: Settings) -> ResponseRecorder | None:
    """What records unknown shapes of responses, if the settings name a folder for them."""
    if settings.capture is None:
        return None
    # Late: few programs capture responses.
    from cometapi_runway._capture._recorder import ResponseRecorder  # noqa: PLC0415

    return ResponseRecorder(settings.capture, settings.api_key)


def open_journal(
    location: Secret | PathLike[str] | Journal | None,
) -> tuple[Journal | None, bool]:
    """The journal at a location, or None; and whether it is this client's to close."""
    if location is None:
        return None, False
    # Late: many programs keep no journal.
    from cometapi_runway.journal import Journal  # noqa: PLC0415

    if isinstance(location, Journal):
        return location, False
    return Journal(location), True
