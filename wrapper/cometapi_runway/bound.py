"""Tasks that can wait for themselves and fetch their output."""

from __future__ import annotations

import asyncio
import threading
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve, field, fields, frozen

from cometapi_runway import operations, redaction, settings, told
from cometapi_runway.drivers import OnProgress, OnUpdate
from cometapi_runway.errors import DownloadError, RunwayError
from cometapi_runway.flows import Download, download
from cometapi_runway.settings import Settings
from cometapi_runway.task import SUCCEEDED, Task

if TYPE_CHECKING:
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient

_FACTS = tuple(attribute.name for attribute in fields(Task))

Bound = TypeVar("Bound", "BoundTask", "AsyncBoundTask")


@define(eq=False)
class Sight:
    """What is remembered of a task from one wait to the next: it does not become unknown again."""

    seen: bool = False


@frozen(kw_only=True)
class BoundTask(Task):
    """A task that can wait for itself and fetch its output.

    Attributes:
        client: The client it was made or found with.
        accepted: When it was accepted, on that client's clock, if it was made there.
        error: Why a wait among many did not bring its output, or None.
        sight: Whether the gateway has shown it in any wait.
    """

    client: RunwayClient = field(repr=False, eq=False)
    accepted: float | None = field(default=None, repr=False, eq=False)
    error: RunwayError | None = field(default=None, eq=False)
    sight: Sight = field(factory=Sight, repr=False, eq=False)

    def result(self) -> BoundTask:
        """The task itself, after a wait among many, if it succeeded.

        Raises:
            RunwayError: Its `error`, where it has one.
        """
        return _result(self)

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
                Its failures are logged and end nothing.

        Returns:
            One path per output, in the task's order.

        Raises:
            InvalidRequestError: `folder` is no path, or `on_progress` cannot be called, or is a
                coroutine function.
            DownloadError: The task has no output, or one of them cannot be had; the others are
                fetched all the same.
        """
        watch = _Watch(told.plain("on_progress", on_progress))
        orders = _orders(self, folder, overwrite=overwrite, chosen=self.client.settings)
        driver = evolve(self.client.driver, on_progress=watch.on_progress)

        def fetch(order: Download) -> Path:
            flow = download(order, started=driver.clock.now(), rng=self.client.rng)
            return driver.run(flow)

        if len(orders) == 1:
            return [fetch(orders[0])]
        pool = futures.ThreadPoolExecutor(settings.PARALLEL_DOWNLOADS)
        try:
            fetched = [pool.submit(fetch, order) for order in orders]
            futures.wait(fetched)
            return [one.result() for one in fetched]
        finally:
            # After Ctrl-C nothing new is begun, what is under way ends at its next byte, and
            # nobody waits for it.
            watch.is_over.set()
            pool.shutdown(wait=False, cancel_futures=True)


class _OverError(BaseException):
    """Nobody waits for this file any more. Not an `Exception`: a callback's are survived."""


@frozen
class _Watch:
    """Tells a caller of downloads in other threads, and the threads when the caller has gone."""

    told: OnProgress | None
    is_over: threading.Event = field(factory=threading.Event)

    def on_progress(self, index: int, size: int, total: int | None) -> None:
        """A piece of a file has come."""
        if self.is_over.is_set():
            raise _OverError
        if self.told is not None:
            self.told(index, size, total)


@frozen(kw_only=True)
class AsyncBoundTask(Task):
    """A task that can wait for itself and fetch its output, awaiting; see `BoundTask`."""

    client: AsyncRunwayClient = field(repr=False, eq=False)
    accepted: float | None = field(default=None, repr=False, eq=False)
    error: RunwayError | None = field(default=None, eq=False)
    sight: Sight = field(factory=Sight, repr=False, eq=False)

    def result(self) -> AsyncBoundTask:
        """The task itself, after a wait among many, if it succeeded; see `BoundTask.result`."""
        return _result(self)

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
        """Fetch every output into a folder; see `BoundTask.download`.

        `on_progress` may be a coroutine function as well; the file waits while it is awaited.
        """
        driver = evolve(self.client.driver, on_progress=told.awaited("on_progress", on_progress))
        orders = _orders(self, folder, overwrite=overwrite, chosen=self.client.settings)
        free = asyncio.Semaphore(settings.PARALLEL_DOWNLOADS)

        async def fetch(order: Download) -> Path:
            async with free:
                flow = download(order, started=driver.clock.now(), rng=self.client.rng)
                return await driver.run(flow)

        # Not a TaskGroup: it would wrap the error in a group, and end the others.
        fetched = await asyncio.gather(*map(fetch, orders), return_exceptions=True)
        return [_path(one) for one in fetched]


def facts(task: Task) -> dict[str, Any]:
    """The fields of the plain task in a task."""
    return {name: getattr(task, name) for name in _FACTS}


def _path(fetched: Path | BaseException) -> Path:
    if isinstance(fetched, BaseException):
        raise fetched
    return fetched


def _result(task: Bound) -> Bound:
    if task.error is not None:
        raise task.error
    return task


def _made(given: str | Path, task: Task) -> Path:
    """The folder, made if it is not there."""
    try:
        folder = Path(given)
        folder.mkdir(parents=True, exist_ok=True)
    except (TypeError, ValueError) as error:
        # No path at all, or one with a character that no system has in a name.
        words = f"is {redaction.shown(given)}, no path of a folder ({error})"
        raise told.refusal("folder", "type", words, given) from error
    except OSError as error:
        raise DownloadError(
            f"cannot make the folder {given}: {error.strerror}", task_id=task.id
        ) from error
    return folder


def _orders(task: Task, folder: str | Path, *, overwrite: bool, chosen: Settings) -> list[Download]:
    if task.status != SUCCEEDED:
        raise DownloadError(
            f"task {task.id} is {task.status} and has no output to download; wait for it first",
            task_id=task.id,
        )
    place = _made(folder, task)
    call = operations.poll(task, chosen)
    return [
        Download(task, index, place, call, overwrite, chosen.timeout)
        for index in range(len(task.output))
    ]
