"""Progress bars on a terminal: one per task, on stderr, from a width of 60 columns."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.report import LABELS, Report
from cometapi_runway.cli._output.text import (
    escape_control_characters,
    format_duration,
    format_size,
)
from cometapi_runway.cli._output.time_estimates import TrackedTask

if TYPE_CHECKING:
    from rich.progress import Task as Row

    from cometapi_runway._core.task import Task

_STYLES = {"SUCCEEDED": "green", "saved": "green", "FAILED": "red", "CANCELLED": "red"}
_SHORT_ID = 8
_STATUS_COLUMN = Column(min_width=9)
# Leaves room at 80 columns for the ^C that a terminal echoes: on a full line it would wrap the
# line, and the bars would be drawn twice.
_BAR_WIDTH = 22
_INDENT = 7
_MIN_TEXT_WIDTH = 20


class _TimesColumn(ProgressColumn):
    """Time since the submission, and the estimated remaining time."""

    def __init__(self, report: ProgressBarReport) -> None:
        super().__init__()
        self._report = report

    def render(self, task: Row) -> Text:
        """``1:12, about 0:40 left``; constant once the task has ended."""
        task_id: str = task.fields["id"]
        stopped: float | None = task.fields["stopped"]
        if stopped is not None:
            return Text(format_duration(stopped), style="dim")
        remaining = self._report.estimate_remaining(task_id)
        estimate = "" if remaining is None else f", about {format_duration(remaining)} left"
        return Text(f"{format_duration(self._report.measure_elapsed(task_id))}{estimate}")


class _StatusColumn(ProgressColumn):
    """The task's status, or the progress of its download."""

    def render(self, task: Row) -> Text:
        """The status without markup: it may be the server's own word."""
        style = _STYLES.get(task.description, "cyan")
        return Text(escape_control_characters(task.description), style=style)


class ProgressBarReport(Report):
    """Shows progress as bars; remarks appear above them, results and failures after them."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        super().__init__(out, err)
        self.console = Console(file=self.err)
        self._bars: Progress | None = None
        self._rows: dict[str, TaskID] = {}
        self._postponed: list[Callable[[], None]] = []
        self._has_view = False

    @contextlib.contextmanager
    def share_console(self) -> Generator[None]:
        """Print remarks above a view that draws on the console inside the ``with`` block."""
        self._has_view = True
        try:
            yield
        finally:
            self._has_view = False

    @contextlib.contextmanager
    def track(self, tasks: Sequence[TrackedTask]) -> Generator[None]:
        """Show one bar for each of these tasks inside the ``with`` block."""
        self.tracked = {task.id: task for task in tasks}
        # stdout is not redirected: it may be a pipe, and its lines are results.
        self._bars = Progress(
            TextColumn("{task.fields[short_id]}", markup=False),
            _StatusColumn(table_column=_STATUS_COLUMN),
            BarColumn(bar_width=_BAR_WIDTH),
            TextColumn("{task.fields[percent]:>4}"),
            _TimesColumn(self),
            console=self.console,
            redirect_stdout=False,
        )
        ids = [task.id for task in tasks]
        self._rows = {
            task_id: self._bars.add_task(
                "waiting", total=None, id=task_id, short_id=short_id, percent="", stopped=None
            )
            for task_id, short_id in zip(ids, _shorten_ids(ids), strict=True)
        }
        try:
            with self._bars:
                yield
        finally:
            self._end_bars()

    def _show_status(self, task: Task) -> None:
        stopped = self.measure_elapsed(task.id) if task.is_terminal else None
        part = 1.0 if task.status == "SUCCEEDED" else task.progress
        self._update_row(task.id, task.status, part, stopped=stopped)

    def show_download(self, task_id: str, index: int, done: int, total: int | None) -> None:
        """Show the progress of a download."""
        part = done / total if total else None
        self._update_row(task_id, f"saving {format_size(done)}", part)

    def show_saved(self, task: Task, path: Path) -> None:
        """Show that an output was saved."""
        self._update_row(task.id, "saved", 1.0, stopped=self.measure_elapsed(task.id))
        super().show_saved(task, path)

    def show_result(self, text: str, event: str, fields: Mapping[str, JSON]) -> None:
        """Show a result."""
        self._print_after_bars(partial(super().show_result, text, event, fields))

    def show_note(self, text: str) -> None:
        """Show a remark, above the bars if there are any."""
        with self._lock:
            if self._bars is None and not self._has_view:
                super().show_note(text)
            else:
                self.console.print(Text(escape_control_characters(text)))

    def show_warning(self, text: str) -> None:
        """Show a warning, above the bars if there are any."""
        with self._lock:
            self._print("note:", "yellow", text)

    def show_failure(self, exit_report: ExitReport, error: BaseException) -> None:
        """Show a failure, its advice, and with `debug` its traceback."""
        if exit_report.task_id is not None:
            self._stop_row(exit_report.task_id)
        lines = self.format_traceback(error)
        self._print_after_bars(partial(self._print_failure, exit_report, lines))

    def _print_failure(self, exit_report: ExitReport, traceback_lines: Sequence[str]) -> None:
        for line in traceback_lines:
            self.console.print(Text(escape_control_characters(line)), soft_wrap=True)
        label = LABELS.get(exit_report.code, "error:")
        self._print(label, "bold red", exit_report.message)
        for line in exit_report.details:
            self._print("", "", line)
        self._print("next:", "bold", exit_report.advice)

    def _print(self, label: str, style: str, text: str) -> None:
        # A command stays on one line, so that it can be copied.
        is_command = text.startswith(DISTRIBUTION)
        width = self.console.width - _INDENT
        lines = text if is_command or width < _MIN_TEXT_WIDTH else _wrap_text(text, width)
        lines = escape_control_characters(lines)
        labelled = Text.assemble((f"{label:<{_INDENT}}", style), lines)
        self.console.print(labelled, soft_wrap=True)

    def _update_row(
        self, task_id: str, status: str, part: float | None, stopped: float | None = None
    ) -> None:
        with self._lock:
            if self._bars is not None and task_id in self._rows:
                self._bars.update(
                    self._rows[task_id],
                    description=status,
                    total=None if part is None else 1.0,
                    completed=part or 0.0,
                    percent="" if part is None else f"{part:.0%}",
                    stopped=stopped,
                )

    def _stop_row(self, task_id: str) -> None:
        with self._lock:
            if self._bars is not None and task_id in self._rows:
                self._bars.update(self._rows[task_id], stopped=self.measure_elapsed(task_id))

    def _print_after_bars(self, print_lines: Callable[[], None]) -> None:
        with self._lock:
            if self._bars is None:
                print_lines()
            else:
                self._postponed.append(print_lines)

    def _end_bars(self) -> None:
        with self._lock:
            self._bars = None
            postponed, self._postponed = self._postponed, []
        for print_lines in postponed:
            print_lines()


def _shorten_ids(ids: Sequence[str]) -> list[str]:
    """The ids' beginnings where these differ, otherwise the whole ids."""
    short = [task_id[:_SHORT_ID] for task_id in ids]
    return short if len(set(short)) == len(set(ids)) else list(ids)


def _wrap_text(text: str, width: int) -> str:
    """Wrap text, with an indent from the second line; commands in backquotes are not broken."""
    unbroken = re.sub(
        r"`[^`]*`", lambda match: match.group().replace(" ", "\N{NO-BREAK SPACE}"), text
    )
    lines = textwrap.wrap(unbroken, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * _INDENT}".join(lines).replace("\N{NO-BREAK SPACE}", " ")
