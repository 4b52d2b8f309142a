"""Tasks bound to a client: they can wait for themselves and download their output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.task import Task
from cometapi_runway._io.drivers import OnUpdate
from cometapi_runway._io.session import AsyncSession, Session
from cometapi_runway._settings import POLL_INTERVAL, WAIT_TIMEOUT
from cometapi_runway.resources._call_options import check_async_callback, check_callback
from cometapi_runway.resources._tracked_task import TrackedTask, task_fields

if TYPE_CHECKING:
    from cometapi_runway._flows import wait as wait_flow
    from cometapi_runway._flows.polling import Polling
    from cometapi_runway._io.fetch import OnProgress
    from cometapi_runway.resources import _prepare_request as prepare_request
    from cometapi_runway.resources import _waits as waits
else:
    # The first call loads them, not the client.
    wait_flow = LazyModule("cometapi_runway._flows.wait")
    prepare_request = LazyModule("cometapi_runway.resources._prepare_request")
    waits = LazyModule("cometapi_runway.resources._waits")


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


def poll_once(session: Session, task: Task) -> BoundTask:
    """Poll a task once; see `BoundTask.refresh`."""
    poll = prepare_request.prepare_poll(task, session.settings)
    flow = wait_flow.retrieve(poll, task, timeout=session.settings.timeout)
    return bind(session, session.driver.run(flow))


async def poll_once_async(session: AsyncSession, task: Task) -> AsyncBoundTask:
    """Poll a task once; see `BoundTask.refresh`."""
    poll = prepare_request.prepare_poll(task, session.settings)
    flow = wait_flow.retrieve(poll, task, timeout=session.settings.timeout)
    return bind_async(session, await session.driver.run(flow))


@frozen(kw_only=True, repr=False)
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
        options = waits.check_wait_options(timeout, interval, polling)
        now = session.driver.clock.now()
        plans = waits.make_plans([self], options, session)
        request = waits.make_wait_request(self, options, session.settings, now=now, plans=plans)
        callback = check_callback("on_update", on_update)
        notify = waits.make_on_update(callback, partial(bind, session), {self.id: self})
        driver = evolve(session.driver, on_update=notify)
        with driver.polls.join(self.id):
            final = driver.run(wait_flow.wait(request, started=driver.clock.now(), rng=session.rng))
        return bind(session, final)

    wait_for_task_output = wait

    def refresh(self) -> BoundTask:
        """Poll the task once; its operation, route and seed are kept.

        Raises:
            TaskNotFoundError: The gateway does not know the task, or not yet.
            APIError: The request brought no usable response.
            ResponseDecodeError: The response has no known shape.
        """
        return poll_once(self.session, self)

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
        # Late, as everything that only downloads need.
        from cometapi_runway.resources._downloads import download_outputs  # noqa: PLC0415

        return download_outputs(
            self.session,
            self,
            folder,
            overwrite=overwrite,
            on_progress=check_callback("on_progress", on_progress),
        )


@frozen(kw_only=True, repr=False)
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
        options = waits.check_wait_options(timeout, interval, polling)
        now = session.driver.clock.now()
        plans = await waits.make_plans_async([self], options, session)
        request = waits.make_wait_request(self, options, session.settings, now=now, plans=plans)
        callback = check_async_callback("on_update", on_update)
        notify = waits.make_on_update(callback, partial(bind_async, session), {self.id: self})
        driver = evolve(session.driver, on_update=notify)
        with driver.polls.join(self.id):
            final = await driver.run(
                wait_flow.wait(request, started=driver.clock.now(), rng=session.rng)
            )
        return bind_async(session, final)

    wait_for_task_output = wait

    async def refresh(self) -> AsyncBoundTask:
        """Poll the task once; see `BoundTask.refresh`."""
        return await poll_once_async(self.session, self)

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
        from cometapi_runway.resources._downloads import download_async  # noqa: PLC0415 - as above

        return await download_async(
            self.session,
            self,
            folder,
            overwrite=overwrite,
            on_progress=check_async_callback("on_progress", on_progress),
        )

    async def download_as(self, folder: Path, stems: Sequence[str]) -> list[Path]:
        """Download every output into a folder, under names without extension.

        Files of these names are replaced.

        Raises:
            DownloadError: The task has no output, or an output cannot be downloaded.
        """
        from cometapi_runway.resources._downloads import download_async  # noqa: PLC0415 - as above

        return await download_async(self.session, self, folder, overwrite=True, stems=stems)
