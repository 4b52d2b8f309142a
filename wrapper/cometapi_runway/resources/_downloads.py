"""Downloading the outputs of a task, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent import futures
from pathlib import Path

from attrs import evolve, field, frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.task import SUCCEEDED, Task
from cometapi_runway._flows.download import DownloadRequest, download
from cometapi_runway._io.fetch import OnProgress
from cometapi_runway._io.session import AsyncSession, Session
from cometapi_runway._settings import PARALLEL_DOWNLOADS, Settings
from cometapi_runway.errors import DownloadError
from cometapi_runway.resources._call_options import invalid_option
from cometapi_runway.resources._prepare_request import prepare_poll


def download_outputs(
    session: Session,
    task: Task,
    folder: str | Path,
    *,
    overwrite: bool,
    on_progress: OnProgress | None,
) -> list[Path]:
    """Download every output of a task; see `BoundTask.download`."""
    progress = _CancellableProgress(on_progress)
    requests = _make_requests(task, folder, overwrite=overwrite, settings=session.settings)
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


async def download_async(
    session: AsyncSession,
    task: Task,
    folder: str | Path,
    *,
    overwrite: bool,
    on_progress: OnProgress | None = None,
    stems: Sequence[str] | None = None,
) -> list[Path]:
    """Download every output of a task; see `AsyncBoundTask.download` and its `download_as`."""
    # Late: the blocking client has no use for it.
    import asyncio  # noqa: PLC0415

    driver = evolve(session.driver, on_progress=on_progress)
    requests = _make_requests(task, folder, overwrite=overwrite, settings=session.settings)
    if stems is not None:
        requests = [evolve(one, stem=stem) for one, stem in zip(requests, stems, strict=True)]
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


def _make_requests(
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
