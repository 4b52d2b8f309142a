"""Run a batch in the terminal: show it, stop it cleanly, and say how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final

from attrs import define, frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.naming import count_noun
from cometapi_runway.batch import Batch, BatchStatus, RowResult, RowStatus
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._outputs import is_remote
from cometapi_runway.batch._report import ReportSource
from cometapi_runway.batch._report_page import write_report
from cometapi_runway.batch._results import RESULTS_NAME
from cometapi_runway.cli._actions.batch_records import BatchRecords
from cometapi_runway.cli._errors import CommandInterrupted, UsageError, format_command
from cometapi_runway.cli._output.batch_display import BatchDisplay, make_display
from cometapi_runway.cli._output.batch_progress import (
    BatchProgress,
    BatchTracker,
    format_spending,
    format_summary,
    list_reasons,
    make_progress_fields,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.report import Report

_FAILED: Final[frozenset[RowStatus]] = frozenset({"FAILED", "CANCELLED", "REFUSED"})
_MAX_REASONS: Final = 10
_MAX_UNKNOWN: Final = 5
_STOPPING: Final = (
    "stopping: requests that have begun are finished; press Ctrl-C again to stop at once"
)


@frozen
class BatchRun:
    """A batch, and what the terminal says about it.

    Attributes:
        batch: The batch.
        options: How it runs.
        records: Where its records are.
        page: Where the report's page is written to, or None.
        resume_command: The command that goes on with it.
    """

    batch: Batch
    options: BatchOptions
    records: BatchRecords
    page: Path | None
    resume_command: str


class BatchRowsFailedError(Exception):
    """Rows of a batch did not succeed."""


def run_batch(run: BatchRun, report: Report) -> ExitCode:
    """Run a batch until every row has ended, it halts, or it is interrupted.

    Raises:
        ConfigurationError: An option is malformed, or another process runs the batch.
        CommandInterrupted: By Ctrl-C or SIGTERM; it names the command that goes on.
    """
    tracker = BatchTracker(run.options.max_cost)
    for result in run.batch.results():
        tracker.add(result)
    display = make_display(report)
    interruption = Interruption(run.batch, display)
    with interruption.handle_signals(), display.track():

        def show_progress(status: BatchStatus) -> None:
            display.show_progress(tracker.make_progress(status, _now()))

        for result in _start(run, show_progress):
            tracker.add(result)
            display.show_row(result)
        # Requests that were finished meanwhile count.
        display.show_progress(tracker.make_progress(run.batch.status(), _now()))
    progress = tracker.make_progress(run.batch.status(), _now())
    if run.page is not None:
        save_report(run, run.page, report)
    if interruption.is_interrupted and not progress.status.is_complete:
        raise _make_interruption(run, progress)
    return show_end(run, progress, report)


def show_end(run: BatchRun, progress: BatchProgress, report: Report) -> ExitCode:
    """Show how a batch ended, and what to do about rows that did not succeed."""
    status = progress.status
    text = f"{format_summary(progress)}; {format_spending(progress)}"
    lines = [text] if is_remote(status.folder) else [text, _get_results_path(status)]
    report.show_result("\n".join(lines), "batch", make_progress_fields(progress))
    if status.statuses.get("SUCCEEDED") == status.rows:
        return ExitCode.SUCCESS
    exit_report = make_end_report(run, progress)
    report.show_failure(exit_report, BatchRowsFailedError(exit_report.message))
    return exit_report.code


def make_end_report(run: BatchRun, progress: BatchProgress) -> ExitReport:
    """The exit report of a batch with rows that did not succeed."""
    status = progress.status
    open_rows = status.rows - status.ended
    failed = status.ended - status.statuses.get("SUCCEEDED", 0)
    of_rows = f"of {count_noun(status.rows, 'row')}"
    parts = [f"{failed} {of_rows} did not succeed"] if failed else []
    if open_rows:
        head = f"{open_rows} more wait" if failed else f"{open_rows} {of_rows} wait"
        parts.append(f"{head}: no further task is created ({status.halted})")
    unknown = [one for one in run.batch.results() if one.status == "UNKNOWN"]
    fields: dict[str, JSON] = {
        "name": status.name,
        "rows": status.rows,
        "failed": failed,
        "open": open_rows,
        "unknown": [one.id for one in unknown],
    }
    return ExitReport(
        ExitCode.TASK,
        BatchRowsFailedError.__name__,
        ", and ".join(parts),
        _advise(run, status),
        details=(*list_reasons(progress, _MAX_REASONS), *_list_unknown(run, unknown)),
        fields=fields,
    )


def save_report(run: BatchRun, page: Path, report: Report) -> None:
    """Write the report's page; where that fails, the batch has ended all the same."""
    status = run.batch.status()
    source = make_source(status, list(run.batch.results()), run.options, run.records)
    try:
        write_page(source, page)
    except UsageError as error:
        again = format_command("batch", "report", status.name, *run.records.words)
        report.show_warning(f"{error}; `{again}` writes it")
        return
    report.show_result(str(page), "report", {"name": status.name, "path": str(page)})


def make_source(
    status: BatchStatus,
    results: Sequence[RowResult],
    options: BatchOptions,
    records: BatchRecords,
) -> ReportSource:
    """What the report's page is made from."""
    return ReportSource(
        status.name,
        status.folder,
        results,
        status.rows,
        options.max_cost,
        lambda row_id, attempt: records.format_settle_command(status.name, row_id, attempt),
    )


def write_page(source: ReportSource, page: Path) -> None:
    """Write the report's page.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        write_report(source, page)
    except OSError as error:
        raise UsageError(
            f"cannot write the report {page}: {error.strerror}", "choose another --report FILE.html"
        ) from error


@define
class Interruption:
    """Stops a batch at the first Ctrl-C or SIGTERM, and the process at the second."""

    batch: Batch
    display: BatchDisplay
    is_interrupted: bool = False

    @contextlib.contextmanager
    def handle_signals(self) -> Generator[None]:
        """Handle signals inside the ``with`` block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_interrupted:
            os._exit(ExitCode.INTERRUPTED)
        self.is_interrupted = True
        self.batch.stop()
        # In a thread, because the signal may have interrupted a write to the same stream.
        threading.Thread(target=self.display.show_note, args=(_STOPPING,), daemon=True).start()


def _make_interruption(run: BatchRun, progress: BatchProgress) -> CommandInterrupted:
    status = progress.status
    parts: list[str] = []
    if status.running:
        verb = "continues" if status.running == 1 else "continue"
        parts.append(f"{count_noun(status.running, 'task')} {verb} at the gateway")
    if status.waiting:
        parts.append(f"{count_noun(status.waiting, 'row')} wait{'s' * (status.waiting == 1)}")
    if run.records.database is not None:
        parts.append("other workers go on")
    return CommandInterrupted(f"interrupted; {', '.join(parts)}", run.resume_command)


def _start(run: BatchRun, on_progress: Callable[[BatchStatus], object]) -> Iterator[RowResult]:
    options = run.options
    return run.batch.run(
        concurrency=options.concurrency,
        rate=options.rate,
        max_cost=options.max_cost,
        max_tasks=options.max_tasks,
        prices=options.prices,
        attempts=options.attempts,
        halt=options.halt,
        interval=options.interval,
        polling=options.polling,
        wait_timeout=options.timeout,
        on_progress=on_progress,
    )


def _advise(run: BatchRun, status: BatchStatus) -> str:
    """What to do about rows that did not succeed, the most useful first."""
    name, words = status.name, run.records.words
    retry = format_command("batch", "retry", name, *words)
    if status.ended < status.rows:
        return f"see to the reason, then go on: `{run.resume_command}`"
    if _FAILED & status.statuses.keys():
        return f"`{retry}` creates new tasks for the rows that failed, which are charged"
    if "BUDGET" in status.statuses:
        return f"`{retry}` with a higher --max-cost or --max-tasks goes on"
    report = format_command("batch", "report", name, *words)
    return f"check the usage log of your CometAPI account; `{report}` lists what is unknown"


def _list_unknown(run: BatchRun, unknown: Sequence[RowResult]) -> list[str]:
    """The rows that may have been charged, each with the command that closes it."""
    if not unknown:
        return []
    lines = ["these may have been charged and are not sent again; settle each:"]
    for one in unknown[:_MAX_UNKNOWN]:
        command = run.records.format_settle_command(run.batch.name, one.id, one.attempts)
        lines.append(f"  {command}")
    hidden = len(unknown) - _MAX_UNKNOWN
    return lines + ([f"  and {count_noun(hidden, 'other row')}"] if hidden > 0 else [])


def _get_results_path(status: BatchStatus) -> str:
    path = Path(status.folder) / RESULTS_NAME
    current = Path.cwd()
    return str(path.relative_to(current) if path.is_relative_to(current) else path)


def _now() -> datetime:
    return datetime.now().astimezone()
