"""Wait for tasks, save their files and report each; every command that waits uses this."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._client import RunwayClient
from cometapi_runway._core.task import Route
from cometapi_runway._flows.polling import Polling
from cometapi_runway._flows.wait import succeed
from cometapi_runway.cli._errors import CommandInterrupted, format_command
from cometapi_runway.cli._options.shared import ConnectionOptions, WaitingOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import Report, make_result_fields
from cometapi_runway.cli._output.time_estimates import TrackedTask
from cometapi_runway.errors import RunwayError, TaskTimeoutError
from cometapi_runway.journal import SubmissionRecord
from cometapi_runway.resources._bound_task import BoundTask

_PARALLEL_TASKS: Final = settings.PARALLEL_DOWNLOADS
_STOP_TIMEOUT: Final = 1.0
_WAITING: Final = WaitingOptions()


@frozen(kw_only=True)
class RunOptions:
    """How tasks are waited for and where their files are saved.

    Attributes:
        timeout: Seconds to wait for all of them, or None for no limit.
        interval: Minimum seconds between two polls of one task.
        polling: Whether earlier tasks say when to poll.
        folder: Folder for their files; None to save none.
        overwrite: Whether files of the same name are replaced.
        connection_options: Options for gateway and journal that a follow-up command must repeat.
    """

    timeout: float | None = settings.WAIT_TIMEOUT
    interval: float = settings.POLL_INTERVAL
    polling: Polling = "learned"
    folder: Path | None = None
    overwrite: bool = False
    connection_options: tuple[str, ...] = ()

    @property
    def options_to_repeat(self) -> tuple[str, ...]:
        """The options that a follow-up command must repeat, the folder included."""
        output = () if self.folder is None else ("--output", str(self.folder))
        return (*output, *self.connection_options)


class _DownloadStopped(BaseException):
    """Aborts a download thread after Ctrl-C; the partial file is kept for the next command.

    A BaseException, because the exceptions of callbacks are logged and swallowed.
    """


def make_run_options(
    connection: ConnectionOptions,
    *,
    folder: Path | None,
    overwrite: bool,
    waiting: WaitingOptions = _WAITING,
) -> RunOptions:
    """Combine a command's options; see `RunOptions`."""
    return RunOptions(
        timeout=waiting.finite_timeout,
        interval=waiting.interval,
        polling=waiting.polling,
        folder=folder,
        overwrite=overwrite,
        connection_options=connection.options_to_repeat,
    )


def bind_task(client: RunwayClient, task_id: str, route: Route) -> BoundTask:
    """A task by its id. A route in the journal takes precedence over `route`."""
    return (client.compat if route == "feed" else client).tasks.bind(task_id)


def wait_and_save(
    client: RunwayClient, tasks: Sequence[BoundTask], options: RunOptions, report: Report
) -> ExitCode:
    """Wait for tasks, save their files, and report each.

    Returns:
        SUCCESS if all succeeded; otherwise the code of the first task, in their order, that did
        not.

    Raises:
        CommandInterrupted: By Ctrl-C; it names the command that continues.
    """
    if options.folder is not None:
        for task in tasks:
            # Recorded before the wait: `tasks resume` then also finds a task that ends while this
            # process is killed before its file is saved.
            client.journal.request_output(task.id, options.folder)
    completed = client.tasks.as_completed(
        tasks,
        options.timeout,
        report.show_status,
        interval=options.interval,
        polling=options.polling,
    )
    recorded = client.journal.record_missing(completed)
    tracked = _make_tracked_tasks(client, tasks, report)
    return _TaskFinisher(options, report).finish(tasks, recorded, tracked, "wait")


def save_ended(
    client: RunwayClient, tasks: Sequence[BoundTask], options: RunOptions, report: Report
) -> ExitCode:
    """Save the files of tasks that have ended, without waiting; see `wait_and_save`."""
    polled = (_poll_once(task, report) for task in tasks)
    tracked = _make_tracked_tasks(client, tasks, report)
    return _TaskFinisher(options, report).finish(tasks, polled, tracked, "download")


def _poll_once(task: BoundTask, report: Report) -> BoundTask:
    """The task as it is now; with an error if it has no output."""
    try:
        current = task.refresh()
        report.show_status(current)
        if not current.is_terminal:
            raise TaskTimeoutError(current.id, current)
        succeed(current)
    except RunwayError as error:
        return evolve(task, error=error)
    return current


@define
class _TaskFinisher:
    """Receives tasks as they end, in one thread, and saves their files in others."""

    options: RunOptions
    report: Report
    codes: dict[str, ExitCode] = field(factory=dict)
    ended: set[str] = field(factory=set)
    _stop: threading.Event = field(factory=threading.Event)

    def finish(
        self,
        tasks: Sequence[BoundTask],
        completed: Iterable[BoundTask],
        tracked: Sequence[TrackedTask],
        follow_up: str,
    ) -> ExitCode:
        """Finish all tasks; `follow_up` is the ``tasks`` command that continues after Ctrl-C."""
        try:
            with self.report.track(tracked):
                self._receive(completed)
        except KeyboardInterrupt:
            raise self._make_interruption([task.id for task in tasks], follow_up) from None
        codes = (self.codes[task.id] for task in tasks)
        return next((code for code in codes if code), ExitCode.SUCCESS)

    def _receive(self, completed: Iterable[BoundTask]) -> None:
        pool = ThreadPoolExecutor(_PARALLEL_TASKS)
        futures: list[Future[None]] = []
        try:
            for task in completed:
                self.ended.add(task.id)
                futures.append(pool.submit(self._finish_one, task))
            for future in futures:
                future.result()
        except BaseException:
            self._stop.set()
            # Download threads stop at their next received bytes; a stalled one is abandoned.
            wait(futures, timeout=_STOP_TIMEOUT)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _make_interruption(self, ids: Sequence[str], follow_up: str) -> CommandInterrupted:
        """What Ctrl-C left unfinished, and the command that continues it."""
        unfinished = [task_id for task_id in ids if task_id not in self.codes]
        if not unfinished:
            advice = format_command("tasks", "list")
            return CommandInterrupted("interrupted; everything was done", advice)
        if self.ended.issuperset(unfinished):
            follow_up, state = "download", "partial files are kept"
        elif len(unfinished) == 1:
            state = f"task {unfinished[0]} continues at the gateway"
        else:
            state = f"{len(unfinished)} tasks continue at the gateway"
        words = ("tasks", follow_up, *unfinished, *self.options.options_to_repeat)
        return CommandInterrupted(f"interrupted; {state}", format_command(*words))

    def _finish_one(self, task: BoundTask) -> None:
        """Save a task's files, or report why it has none."""
        try:
            self._save(task.result())
        except RunwayError as error:
            exit_report = make_exit_report(error, self.options.options_to_repeat)
            self.report.show_failure(exit_report, error)
            self.codes[task.id] = exit_report.code
        else:
            self.codes[task.id] = ExitCode.SUCCESS

    def _save(self, task: BoundTask) -> None:
        if self.options.folder is None:
            self.report.show_result("\n".join(task.output), "task", make_result_fields(task))
            return
        on_progress = functools.partial(self._show_download, task.id)
        for path in task.download(
            self.options.folder, overwrite=self.options.overwrite, on_progress=on_progress
        ):
            self.report.show_saved(task, path)

    def _show_download(self, task_id: str, index: int, done: int, total: int | None) -> None:
        if self._stop.is_set():
            raise _DownloadStopped
        self.report.show_download(task_id, index, done, total)


def _make_tracked_tasks(
    client: RunwayClient, tasks: Sequence[BoundTask], report: Report
) -> list[TrackedTask]:
    """The tasks with their age, and how long earlier ones took."""
    submissions = client.journal.tasks() if client.journal.store else []
    by_task_id = {one.task_id: one for one in submissions if one.task_id is not None}
    report_now, now = report.clock(), datetime.now(UTC)
    recall_durations = functools.cache(client.journal.recall_durations)
    return [
        TrackedTask(
            task.id,
            report_now - _get_age(by_task_id.get(task.id), now).total_seconds(),
            recall_durations(task.operation, task.model) if task.operation else (),
        )
        for task in tasks
    ]


def _get_age(submission: SubmissionRecord | None, now: datetime) -> timedelta:
    """Time from a submission to its end, or until now; zero without a submission."""
    if submission is None:
        return timedelta(0)
    return max((submission.ended_at or now) - submission.created_at, timedelta(0))
