"""The two clients, composed over the generated one.

Neither holds a rule of its own. A method prepares a request, makes a flow of it and lets a driver
carry it out; the asynchronous twin differs in the driver and in ``await``.
"""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from cometapi_runway import settings, signatures
from cometapi_runway.bound import AsyncBoundTask, BoundTask, facts
from cometapi_runway.clock import AsyncClock, AsyncSystemClock, Clock, SystemClock
from cometapi_runway.connections import SafeClient
from cometapi_runway.drivers import AsyncDriver, Driver
from cometapi_runway.history import AsyncHistory, History
from cometapi_runway.journal import Journal
from cometapi_runway.redaction import url as shown
from cometapi_runway.resources import AsyncResource, On, Resource, resource
from cometapi_runway.settings import Settings
from cometapi_runway.task import Task
from cometapi_runway.tasks import AsyncTasks, Tasks
from cometapi_runway.transport import AsyncTransport, Transport

if TYPE_CHECKING:
    import httpx


class _Operations:
    """What both clients offer in the official format: one line per operation."""

    character_performance = On(signatures.character_performance)
    image_to_video = On(signatures.image_to_video)
    text_to_image = On(signatures.text_to_image)
    video_to_video = On(signatures.video_to_video)
    video_upscale = On(signatures.video_upscale)


class _CompatOperations:
    """What both clients offer in the compatibility format: one line per operation."""

    text_to_video = On(signatures.compat_text_to_video)
    image_to_video = On(signatures.compat_image_to_video)
    video_to_video = On(signatures.compat_video_to_video)
    act_one = On(signatures.compat_act_one)


class Compat(_CompatOperations):
    """CometAPI's older routes; their tasks are polled on ``/runway/feed``.

    Attributes:
        client: The client that they belong to.
        tasks: Tasks that exist already, by their id, on the feed.
    """

    def __init__(self, client: RunwayClient) -> None:
        self.client = client
        self.tasks = Tasks(client, "feed")


class AsyncCompat(_CompatOperations):
    """CometAPI's older routes, on the asynchronous client; see `Compat`."""

    def __init__(self, client: AsyncRunwayClient) -> None:
        self.client = client
        self.tasks = AsyncTasks(client, "feed")


class RunwayClient(_Operations):
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
        journal: File, or journal, in which every paid task is recorded; none if None.
        transport: Carries every request, downloads included, instead of the network.
        clock: Tells and spends time.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """

    is_async: Literal[False] = False

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        runway_version: str | None = None,
        timeout: float = settings.REQUEST_TIMEOUT,
        validate: bool = True,
        journal: str | PathLike[str] | Journal | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings: Settings = settings.resolve(
            api_key,
            base_url=base_url,
            runway_version=runway_version,
            timeout=timeout,
            validate=validate,
        )
        self.rng = Random()  # noqa: S311 - spreads retries, keeps no secret
        chosen = clock or SystemClock()
        self._transport = Transport(self.settings, chosen, transport)
        self._owns_journal = not isinstance(journal, Journal)
        kept = _opened(journal)
        self.journal = History(kept, self.settings.base_url, self)
        self.driver = Driver(self._transport, chosen, journal=self.journal if kept else None)

    @property
    def client(self) -> RunwayClient:
        """Itself, for the resources that hang on it."""
        return self

    @property
    def api(self) -> SafeClient:
        """The generated client, for its endpoint functions; failures are raised as here."""
        return self._transport.api

    @cached_property
    def tasks(self) -> Tasks:
        """Tasks that exist already, by their id."""
        return Tasks(self)

    @cached_property
    def compat(self) -> Compat:
        """CometAPI's older routes."""
        return Compat(self)

    def operation(self, operation_id: str) -> Resource[...]:
        """Any operation of the contract that makes tasks, by its id.

        Its ``create`` takes the body's fields in snake case as the contract has them, with no
        default and no convenience: the way to an operation that has no resource here yet.

        Raises:
            InvalidRequestError: The contract has no such operation, or it makes no task.
        """
        return resource(self, signatures.plain(operation_id))

    def bind(self, task: Task, accepted: float | None = None) -> BoundTask:
        """A task of this client; `accepted` is when it was made, on this client's clock."""
        return BoundTask(**facts(task), client=self, accepted=accepted)

    def close(self) -> None:
        """Close every connection. Tasks go on."""
        try:
            self._transport.close()
        finally:
            if self._owns_journal:
                self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RunwayClient(base_url={shown(self.settings.base_url)!r})"


class AsyncRunwayClient(_Operations):
    """Runway's models behind the CometAPI gateway, asynchronous (asyncio); see `RunwayClient`."""

    is_async: Literal[True] = True

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        runway_version: str | None = None,
        timeout: float = settings.REQUEST_TIMEOUT,
        validate: bool = True,
        journal: str | PathLike[str] | Journal | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: AsyncClock | None = None,
    ) -> None:
        self.settings: Settings = settings.resolve(
            api_key,
            base_url=base_url,
            runway_version=runway_version,
            timeout=timeout,
            validate=validate,
        )
        self.rng = Random()  # noqa: S311 - spreads retries, keeps no secret
        chosen = clock or AsyncSystemClock()
        self._transport = AsyncTransport(self.settings, chosen, transport)
        self._owns_journal = not isinstance(journal, Journal)
        kept = _opened(journal)
        self.journal = AsyncHistory(kept, self.settings.base_url, self)
        self.driver = AsyncDriver(self._transport, chosen, journal=self.journal if kept else None)

    @property
    def client(self) -> AsyncRunwayClient:
        """Itself, for the resources that hang on it."""
        return self

    @property
    def api(self) -> SafeClient:
        """The generated client, for its endpoint functions; failures are raised as here."""
        return self._transport.api

    @cached_property
    def tasks(self) -> AsyncTasks:
        """Tasks that exist already, by their id."""
        return AsyncTasks(self)

    @cached_property
    def compat(self) -> AsyncCompat:
        """CometAPI's older routes."""
        return AsyncCompat(self)

    def operation(self, operation_id: str) -> AsyncResource[...]:
        """Any operation of the contract that makes tasks, by its id.

        Its ``create`` takes the body's fields in snake case as the contract has them, with no
        default and no convenience: the way to an operation that has no resource here yet.

        Raises:
            InvalidRequestError: The contract has no such operation, or it makes no task.
        """
        return resource(self, signatures.plain(operation_id))

    def bind(self, task: Task, accepted: float | None = None) -> AsyncBoundTask:
        """A task of this client; `accepted` is when it was made, on this client's clock."""
        return AsyncBoundTask(**facts(task), client=self, accepted=accepted)

    async def close(self) -> None:
        """Close every connection. Tasks go on."""
        try:
            await self._transport.close()
        finally:
            if self._owns_journal:
                self.journal.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncRunwayClient(base_url={shown(self.settings.base_url)!r})"


def _opened(given: str | PathLike[str] | Journal | None) -> Journal | None:
    if given is None or isinstance(given, Journal):
        return given
    return Journal(given)
