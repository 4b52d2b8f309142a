"""Tasks that can wait for themselves and fetch their output, and the resource that finds them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, fields, frozen

from cometapi_runway import operations, settings
from cometapi_runway.drivers import OnProgress, OnUpdate
from cometapi_runway.errors import DownloadError, InvalidRequestError, Issue
from cometapi_runway.flows import Download, Watch, download, retrieve, wait
from cometapi_runway.settings import Settings
from cometapi_runway.task import PENDING, SUCCEEDED, Task

if TYPE_CHECKING:
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient


@frozen(kw_only=True)
class BoundTask(Task):
    """A task that can wait for itself and fetch its output.

    Attributes:
        client: The client it was made or found with.
        accepted: When it was accepted, on that client's clock, if it was made there.
    """

    client: RunwayClient = field(repr=False, eq=False)
    accepted: float | None = field(default=None, repr=False, eq=False)

    def wait(
        self,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> BoundTask:
        """Wait until the task has ended; see `Tasks.wait`."""
        return self.client.tasks.await_end(self, timeout, on_update, interval)

    wait_for_task_output = wait

    def refresh(self) -> BoundTask:
        """Ask once how the task stands; see `Tasks.retrieve`."""
        return self.client.tasks.look(self)

    def download(
        self,
        folder: str | Path = ".",
        *,
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[Path]:
        """Fetch every output into a folder, several at a time.

        Files are named after the task, and have their name only once they are complete. A file
        of that name is taken to be the output, unless `overwrite` is set.

        Args:
            folder: Where to; made if it is not there.
            overwrite: Whether files of the same name are replaced.
            on_progress: Called with the output's index, its bytes so far and its size if known.

        Returns:
            One path per output, in the task's order.

        Raises:
            DownloadError: The task has no output, or one of them cannot be had.
        """
        orders = _orders(self, Path(folder), overwrite=overwrite, chosen=self.client.settings)
        driver = evolve(self.client.driver, on_progress=on_progress)

        def fetch(order: Download) -> Path:
            flow = download(order, started=driver.clock.now(), rng=self.client.rng)
            return driver.run(flow)

        with ThreadPoolExecutor(settings.PARALLEL_DOWNLOADS) as pool:
            return list(pool.map(fetch, orders))


@frozen(kw_only=True)
class AsyncBoundTask(Task):
    """A task that can wait for itself and fetch its output, awaiting; see `BoundTask`."""

    client: AsyncRunwayClient = field(repr=False, eq=False)
    accepted: float | None = field(default=None, repr=False, eq=False)

    async def wait(
        self,
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncBoundTask:
        """Wait until the task has ended; see `Tasks.wait`."""
        return await self.client.tasks.await_end(self, timeout, on_update, interval)

    wait_for_task_output = wait

    async def refresh(self) -> AsyncBoundTask:
        """Ask once how the task stands; see `Tasks.retrieve`."""
        return await self.client.tasks.look(self)

    async def download(
        self,
        folder: str | Path = ".",
        *,
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[Path]:
        """Fetch every output into a folder; see `BoundTask.download`."""
        orders = _orders(self, Path(folder), overwrite=overwrite, chosen=self.client.settings)
        driver = evolve(self.client.driver, on_progress=on_progress)
        free = asyncio.Semaphore(settings.PARALLEL_DOWNLOADS)

        async def fetch(order: Download) -> Path:
            async with free:
                flow = download(order, started=driver.clock.now(), rng=self.client.rng)
                return await driver.run(flow)

        async with asyncio.TaskGroup() as group:
            fetched = [group.create_task(fetch(order)) for order in orders]
        return [task.result() for task in fetched]


class Tasks:
    """Tasks that exist already, by their id."""

    def __init__(self, client: RunwayClient) -> None:
        self._client = client

    def retrieve(self, id: str) -> BoundTask:
        """Ask once how a task stands.

        Raises:
            TaskNotFoundError: The gateway does not know it, or not yet.
            APIError: The question was not answered.
            ResponseDecodeError: The answer is of no known shape.
        """
        return self.look(self._client.bind(Task(id, PENDING)))

    def wait(
        self,
        id: str,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> BoundTask:
        """Wait until a task has ended, whatever the network does meanwhile.

        Args:
            id: The task.
            timeout: Seconds to wait at most; None for no limit. The deadline is kept to within
                one request, and the task goes on after it.
            on_update: Called with the task whenever its state has changed. Its errors are
                logged and end nothing.
            interval: Least seconds between two polls; Runway asks for 5.

        Returns:
            The task with its output.

        Raises:
            TaskFailedError: It failed.
            TaskCancelledError: It was cancelled.
            TaskTimeoutError: The time is over.
            TaskNotFoundError: It stayed unknown for longer than a new task does.
            APIStatusError: The gateway refuses to tell: key, permission or a malformed id.
        """
        return self.await_end(self._client.bind(Task(id, PENDING)), timeout, on_update, interval)

    def look(self, task: BoundTask) -> BoundTask:
        """Ask once how a task stands, keeping what is known of it."""
        client = self._client
        call = operations.poll(task.id, task.route, client.settings)
        seen = client.driver.run(retrieve(call, task, timeout=client.settings.timeout))
        return client.bind(seen, task.accepted)

    def await_end(
        self, task: BoundTask, timeout: float | None, on_update: OnUpdate | None, interval: float
    ) -> BoundTask:
        """Wait for a task, keeping what is known of it."""
        client = self._client
        watch = _watch(task, task.accepted, timeout, interval, client.settings)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind))
        final = driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final, task.accepted)


class AsyncTasks:
    """Tasks that exist already, by their id."""

    def __init__(self, client: AsyncRunwayClient) -> None:
        self._client = client

    async def retrieve(self, id: str) -> AsyncBoundTask:
        """Ask once how a task stands; see `Tasks.retrieve`."""
        return await self.look(self._client.bind(Task(id, PENDING)))

    async def wait(
        self,
        id: str,
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncBoundTask:
        """Wait until a task has ended; see `Tasks.wait`. `on_update` may be a coroutine."""
        task = self._client.bind(Task(id, PENDING))
        return await self.await_end(task, timeout, on_update, interval)

    async def look(self, task: AsyncBoundTask) -> AsyncBoundTask:
        """Ask once how a task stands, keeping what is known of it."""
        client = self._client
        call = operations.poll(task.id, task.route, client.settings)
        seen = await client.driver.run(retrieve(call, task, timeout=client.settings.timeout))
        return client.bind(seen, task.accepted)

    async def await_end(
        self,
        task: AsyncBoundTask,
        timeout: float | None,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None,
        interval: float,
    ) -> AsyncBoundTask:
        """Wait for a task, keeping what is known of it."""
        client = self._client
        watch = _watch(task, task.accepted, timeout, interval, client.settings)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind))
        final = await driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final, task.accepted)


def facts(task: Task) -> dict[str, Any]:
    """The fields of the plain task in a task."""
    return {attribute.name: getattr(task, attribute.name) for attribute in fields(Task)}


def _telling(on_update: OnUpdate | None, bind: Callable[[Task], Task]) -> OnUpdate | None:
    """The caller's callback, told of bound tasks."""
    if on_update is None:
        return None
    tell = on_update
    return lambda seen: tell(bind(seen))


def _watch(
    task: Task, accepted: float | None, timeout: float | None, interval: float, chosen: Settings
) -> Watch:
    return Watch(
        task=task,
        poll=operations.poll(task.id, task.route, chosen),
        request_timeout=chosen.timeout,
        timeout=math.inf if timeout is None else _number("timeout", timeout, least=0),
        interval=_number("interval", interval, least=0.001),
        created=accepted,
        seen=task.raw != {} and accepted is None,
    )


def _number(name: str, value: float, *, least: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or math.isnan(value) or value < least:
        words = f"{name}: must be a number of seconds, at least {least:g}; got {value!r}"
        raise InvalidRequestError([Issue(name, "minimum", value, words)])
    return float(value)


def _orders(task: Task, folder: Path, *, overwrite: bool, chosen: Settings) -> list[Download]:
    if task.status != SUCCEEDED:
        raise DownloadError(
            f"task {task.id} is {task.status} and has no output to download; wait for it first",
            task_id=task.id,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"cannot make the folder {folder}: {error.strerror}", task_id=task.id
        ) from error
    call = operations.poll(task.id, task.route, chosen)
    return [
        Download(task, index, folder, call, overwrite, chosen.timeout)
        for index in range(len(task.output))
    ]
