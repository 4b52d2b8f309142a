"""``batch list``, ``status``, ``watch``, ``cancel`` and ``report``: commands that run no row."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Final

from cometapi_runway._core.naming import count_noun
from cometapi_runway.batch import BatchStatus
from cometapi_runway.batch._outputs import is_remote
from cometapi_runway.cli._actions.batch_records import BatchRecords, KnownBatch, locate_records
from cometapi_runway.cli._actions.batch_run import make_source, write_page
from cometapi_runway.cli._commands.batch import ReportArgument
from cometapi_runway.cli._errors import CommandInterrupted, format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.batch import BatchName, DatabaseOption, PageOption
from cometapi_runway.cli._options.shared import ConnectionOptions, DisplayOptions
from cometapi_runway.cli._output.batch_display import make_display
from cometapi_runway.cli._output.batch_progress import (
    BatchProgress,
    BatchTracker,
    format_status,
    format_summary,
    make_progress_fields,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport

WATCH_INTERVAL: Final = 1.0
"""Seconds between two looks of ``watch``."""
_MAX_IDLE_LOOKS: Final = 5
"""Looks without a change and without a process that runs the batch: one may be about to start."""


class BatchStoppedError(Exception):
    """No process runs a batch that has not ended."""


_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DisplayOptions()


def list_batches(
    *,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """List the batches, the latest first; works offline and needs no key."""
    records = locate_records(connection, database)
    statuses = sorted(records.list_all(), key=lambda one: one.run_at, reverse=True)
    for status in statuses:
        progress = _make_progress(status, BatchTracker())
        text = (
            f"{status.name}  {status.run_at.astimezone():%Y-%m-%d %H:%M}  "
            f"{format_summary(progress)}  {status.folder}"
        )
        report.show_result(text, "batch", make_progress_fields(progress))
    if not statuses:
        report.show_note("no batch has been run")
    return ExitCode.SUCCESS


def status(
    name: BatchName,
    /,
    *,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Show how a batch stands; works offline and needs no key."""
    records = locate_records(connection, database)
    with records.open(name) as known:
        progress = _read_progress(known)
    report.show_result(format_status(progress), "batch", make_progress_fields(progress))
    return ExitCode.SUCCESS


def watch(
    name: BatchName,
    /,
    *,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Watch a batch that another process runs, until it ends; it only reads.

    It ends too, with code 6, if no process runs the batch any more.
    """
    records = locate_records(connection, database)
    try:
        with records.open(name) as known:
            view = make_display(report)
            tracker = BatchTracker(known.read_options().max_cost)
            idle_looks, latest = 0, None
            with view.track():
                while True:
                    for result in known.read_new_results():
                        tracker.add(result)
                    progress = _make_progress(known.read_status(), tracker)
                    view.show_progress(progress)
                    is_idle = progress.status == latest and not known.is_run()
                    idle_looks, latest = idle_looks + 1 if is_idle else 0, progress.status
                    if _is_over(progress.status) or idle_looks == _MAX_IDLE_LOOKS:
                        break
                    time.sleep(WATCH_INTERVAL)
    except KeyboardInterrupt:
        again = format_command("batch", "watch", name, *records.words)
        raise CommandInterrupted("no longer watching; the batch goes on", again) from None
    report.show_result(format_summary(progress), "batch", make_progress_fields(progress))
    if _is_over(progress.status):
        return ExitCode.SUCCESS
    stopped = _make_stopped_report(progress.status, records)
    report.show_failure(stopped, BatchStoppedError(stopped.message))
    return stopped.code


def cancel(
    name: BatchName,
    /,
    *,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Create no further task of a batch, in every process that runs it.

    The gateway has no way to cancel a task: those that run are waited for, and their files saved.
    """
    records = locate_records(connection, database)
    with records.open(name) as known:
        known.cancel()
        progress = _read_progress(known)
    current = progress.status
    text = f"no further task of {name} is created; {format_summary(progress)}"
    report.show_result(text, "batch", make_progress_fields(progress))
    if current.rows > current.ended:
        command = format_command("batch", "retry", name, *records.words)
        report.show_note(f"next:  {command} goes on with the rows that have not ended")
    return ExitCode.SUCCESS


def write_report(
    name: BatchName,
    /,
    *,
    page: PageOption = None,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Write a page with every file, failure and cost; by default into the batch's folder."""
    page = page and paths.expand_user(page)
    records = locate_records(connection, database)
    with records.open(name) as known:
        current = known.read_status()
        source = make_source(current, list(known.read_results()), known.read_options(), records)
    path = page or _choose_page(current)
    write_page(source, path)
    report.show_result(str(path), "report", {"name": name, "path": str(path)})
    return ExitCode.SUCCESS


def _choose_page(current: BatchStatus) -> Path:
    folder = Path() if is_remote(current.folder) else Path(current.folder)
    return folder / f"{current.name}.html"


def _read_progress(known: KnownBatch) -> BatchProgress:
    tracker = BatchTracker(known.read_options().max_cost)
    for result in known.read_results():
        tracker.add(result)
    return _make_progress(known.read_status(), tracker)


def _make_progress(current: BatchStatus, tracker: BatchTracker) -> BatchProgress:
    return tracker.make_progress(current, datetime.now().astimezone())


def _make_stopped_report(current: BatchStatus, records: BatchRecords) -> ExitReport:
    again = format_command("batch", "retry", current.name, *records.words)
    left = count_noun(current.rows - current.ended, "row")
    return ExitReport(
        ExitCode.TASK,
        BatchStoppedError.__name__,
        f"no process runs the batch {current.name!r}, and {left} did not end",
        f"`{again}` goes on with them",
    )


def _is_over(current: BatchStatus) -> bool:
    return current.is_complete or (current.halted is not None and current.running == 0)
