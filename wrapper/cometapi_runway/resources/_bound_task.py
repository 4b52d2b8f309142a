"""Tasks bound to a client: they can wait for themselves and download their output."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent import futures
from functools import partial
from pathlib import Path

from attrs import evolve, field, frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.task import SUCCEEDED, Task
from cometapi_runway._flows import DownloadRequest, download, retrieve, wait
from cometapi_runway._flows.polling import Polling
from cometapi_runway._io.drivers import AsyncDriver, OnProgress, OnUpdate
from cometapi_runway._io.session import AsyncSession, Session
from cometapi_runway._settings import PARALLEL_DOWNLOADS, POLL_INTERVAL, WAIT_TIMEOUT, Settings
from cometapi_runway.errors import DownloadError
from cometapi_runway.resources._call_options import (
    check_async_callback,
    check_callback,
    invalid_option,
)
from cometapi_runway.resources._prepare_request import prepare_poll
from cometapi_runway.resources._tracked_task import TrackedTask, task_fields
from cometapi_runway.resources._waits import (
    check_wait_options,
    make_on_update,
    make_plans,
    make_plans_async,
    make_wait_request,
)


def bind(
    session: Session, task: Task, accepted_at: float | None = None, *, is_reused: bool = False
) -> BoundTask:
    """Bind a task to a client; `accepted_at` is when it was created, on that client's clock."""
    return BoundTask(
        **task_fields(task), session=session, accepted_at=accepted_at, is_reused=is_reused
    )


def bind_async(
    session: AsyncSession, task: Task, accepted_at: float | None = None, *, is_reused: bool = False
) -> AsyncBoundTask:
    """Bind a task to an asynchronous client; see `bind`."""
    return AsyncBoundTask(
        **task_fields(task), session=session, accepted_at=accepted_at, is_reused=is_reused
    )


@frozen(kw_only=True)
class BoundTask(TrackedTask):
    """A task that can wait for itself and download its output.

    Attributes:
        session: The session of its client.
    """

    session: Session = field(repr=False, eq=False)

    def wait(
        self,
        timeout: float | None = WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> BoundTask:
        """Wait until the task has ended. Transient failures are retried until the deadline.

        Args:
            timeout: Seconds to wait at most; None for no limit. The deadline is kept to within
                one request, and the task continues after it.
            on_update: Called with the task whenever its state has changed. Its errors are
                logged, and the wait goes on.
            interval: Seconds between two polls, at least; Runway asks for 5.
            polling: ``learned`` polls when earlier tasks of the same operation and model have
                ended, as the client's journal records them; without a journal, or with fewer than
                20 such tasks, as ``fixed``: once per interval.

        Returns:
            The task with its output.

        Raises:
            InvalidRequestError: An option is malformed.
            TaskFailedError: The task failed.
            TaskCancelledError: The task was cancelled.
            TaskTimeoutError: The deadline has passed.
            TaskNotFoundError: The gateway did not know the task for longer than a new task's grace.
            APIStatusError: The gateway refuses to answer: key, permission or a malformed id.
        """
        session = self.session
        options = check_wait_options(timeout, interval, polling)
        now = session.driver.clock.now()
        plans = make_plans([self], options, session.journal)
        request = make_wait_request(self, options, session.settings, now=now, plans=plans)
        callback = check_callback("on_update", on_update)
        notify = make_on_update(callback, partial(bind, session), {self.id: self})
        driver = evolve(session.driver, on_update=notify)
        with driver.polls.join(self.id):
            final = driver.run(wait(request, started=driver.clock.now(), rng=session.rng))
        return bind(session, final)

    wait_for_task_output = wait

    def refresh(self) -> BoundTask:
        """Poll the task once; its operation, route and seed are kept.

        Raises:
            TaskNotFoundError: The gateway does not know the task, or not yet.
            APIError: The request brought no usable response.
            ResponseDecodeError: The response has no known shape.
        """
        session = self.session
        poll = prepare_poll(self, session.settings)
        return bind(
            session, session.driver.run(retrieve(poll, self, timeout=session.settings.timeout))
        )

    def download(
        self,
        folder: str | Path = ".",
        *,
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[Path]:
        """Download every output into a folder, several at a time.

        Files are named after the task, and get their name only when they are complete. An
        existing file of that name is taken to be the output, unless `overwrite` is set.

        Args:
            folder: The folder to download into; created if it does not exist.
            overwrite: Whether files of the same name are replaced.
            on_progress: Called with the output's index, its bytes so far and its size if known.
                Its errors are logged, and the download goes on.

        Returns:
            One path per output, in the task's order.

        Raises:
            InvalidRequestError: `folder` is not a path, or `on_progress` is not callable or is a
                coroutine function.
            DownloadError: The task has no output, or an output cannot be downloaded; the others
                are downloaded nevertheless.
        """
        session = self.session
        progress = _CancellableProgress(check_callback("on_progress", on_progress))
        requests = _download_requests(self, folder, overwrite=overwrite, settings=session.settings)
        driver = evolve(session.driver, on_progress=progress.on_progress)

        def run(request: DownloadRequest) -> Path:
            return driver.run(download(request, started=driver.clock.now(), rng=session.rng))

        if len(requests) == 1:
            return [run(requests[0])]
        pool = futures.ThreadPoolExecutor(PARALLEL_DOWNLOADS)
        try:
            running = [pool.submit(run, request) for request in requests]
            futures.wait(running)
            return [each.result() for each in running]
        finally:
            # After Ctrl-C no download starts, running ones end at their next chunk, and the
            # caller does not wait for them.
            progress.cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)


@frozen(kw_only=True)
class AsyncBoundTask(TrackedTask):
    """A task that can wait for itself and download its output, asynchronous; see `BoundTask`."""

    session: AsyncSession = field(repr=False, eq=False)

    async def wait(
        self,
        timeout: float | None = WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> AsyncBoundTask:
        """Wait until the task has ended; see `BoundTask.wait`. `on_update` may be a coroutine."""
        session = self.session
        options = check_wait_options(timeout, interval, polling)
        now = session.driver.clock.now()
        plans = await make_plans_async([self], options, session.journal)
        request = make_wait_request(self, options, session.settings, now=now, plans=plans)
        callback = check_async_callback("on_update", on_update)
        notify = make_on_update(callback, partial(bind_async, session), {self.id: self})
        driver = evolve(session.driver, on_update=notify)
        with driver.polls.join(self.id):
            final = await driver.run(wait(request, started=driver.clock.now(), rng=session.rng))
        return bind_async(session, final)

    wait_for_task_output = wait

    async def refresh(self) -> AsyncBoundTask:
        """Poll the task once; see `BoundTask.refresh`."""
        session = self.session
        poll = prepare_poll(self, session.settings)
        flow = retrieve(poll, self, timeout=session.settings.timeout)
        return bind_async(session, await session.driver.run(flow))

    async def download(
        self,
        folder: str | Path = ".",
        *,
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[Path]:
        """Download every output into a folder; see `BoundTask.download`.

        `on_progress` may be a coroutine function; the download pauses while it is awaited.
        """
        callback = check_async_callback("on_progress", on_progress)
        driver = evolve(self.session.driver, on_progress=callback)
        requests = _download_requests(
            self, folder, overwrite=overwrite, settings=self.session.settings
        )
        return await self._run_downloads(driver, requests)

    async def download_as(self, folder: Path, stems: Sequence[str]) -> list[Path]:
        """Download every output into a folder, under names without extension.

        Files of these names are replaced.

        Raises:
            DownloadError: The task has no output, or an output cannot be downloaded.
        """
        session = self.session
        requests = _download_requests(self, folder, overwrite=True, settings=session.settings)
        named = [evolve(one, stem=stem) for one, stem in zip(requests, stems, strict=True)]
        return await self._run_downloads(session.driver, named)

    async def _run_downloads(
        self, driver: AsyncDriver, requests: Sequence[DownloadRequest]
    ) -> list[Path]:
        session = self.session
        slots = asyncio.Semaphore(PARALLEL_DOWNLOADS)

        async def run(request: DownloadRequest) -> Path:
            async with slots:
                flow = download(request, started=driver.clock.now(), rng=session.rng)
                return await driver.run(flow)

        # Not a TaskGroup: it would wrap the error in a group, and cancel the other downloads.
        outcomes = await asyncio.gather(*map(run, requests), return_exceptions=True)
        return [_path_or_raise(outcome) for outcome in outcomes]


class _DownloadAborted(BaseException):
    """Aborts a download thread.

    A BaseException, because callback exceptions are logged and swallowed.
    """


@frozen
class _CancellableProgress:
    """Reports progress from download threads, and aborts them after the caller has left."""

    callback: OnProgress | None
    cancelled: threading.Event = field(factory=threading.Event)

    def on_progress(self, index: int, size: int, total: int | None) -> None:
        """Report a chunk that has been written."""
        if self.cancelled.is_set():
            raise _DownloadAborted
        if self.callback is not None:
            self.callback(index, size, total)


def _path_or_raise(outcome: Path | BaseException) -> Path:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _make_folder(value: str | Path, task: Task) -> Path:
    try:
        folder = Path(value)
        folder.mkdir(parents=True, exist_ok=True)
    except (TypeError, ValueError) as error:
        # Not a path, or one with a character that no file system allows in a name.
        problem = f"is {safe_repr(value)}, which is not a folder's path ({error})"
        raise invalid_option("folder", "type", problem, value) from error
    except OSError as error:
        raise DownloadError(
            f"cannot create the folder {value}: {error.strerror}", task_id=task.id
        ) from error
    return folder


def _download_requests(
    task: Task, folder: str | Path, *, overwrite: bool, settings: Settings
) -> list[DownloadRequest]:
    if task.status != SUCCEEDED:
        raise DownloadError(
            f"task {task.id} is {task.status} and has no output to download; wait for it first",
            task_id=task.id,
        )
    path = _make_folder(folder, task)
    poll = prepare_poll(task, settings)
    return [
        DownloadRequest(task, index, path, poll, overwrite, settings.timeout)
        for index in range(len(task.output))
    ]
