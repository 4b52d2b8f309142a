"""Shows a batch while it runs: a view that is redrawn, plain lines, or JSON events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cometapi_runway.cli._output.batch_progress import (
    STATUS_WORDS,
    BatchProgress,
    cut_line,
    format_plain,
    format_view,
    make_progress_fields,
)
from cometapi_runway.cli._output.json_report import JsonReport
from cometapi_runway.cli._output.progress_bars import ProgressBarReport
from cometapi_runway.cli._output.report import Report

if TYPE_CHECKING:
    from cometapi_runway.batch import RowResult

PLAIN_INTERVAL: Final = 10.0
"""Seconds between two plain lines, at least."""
EVENT_INTERVAL: Final = 1.0
"""Seconds between two progress events for programs, at least."""
_MIN_BAR_WIDTH: Final = 8


class BatchDisplay:
    """Plain lines: a new one only where something has changed, and not more often than every 10 s.

    Attributes:
        report: Where lines go.
    """

    interval = PLAIN_INTERVAL

    def __init__(self, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self.report = report
        self._clock = clock
        self._shown: BatchProgress | None = None
        self._latest: BatchProgress | None = None
        self._due = clock()

    @contextlib.contextmanager
    def track(self) -> Generator[None]:
        """Show progress inside the ``with`` block, and its last state at the end."""
        try:
            yield
        finally:
            if self._latest is not None and _has_changed(self._shown, self._latest):
                self._show(self._latest)

    def show_progress(self, progress: BatchProgress) -> None:
        """Show how the batch stands, if it is time and something has changed."""
        self._latest = progress
        if self._clock() >= self._due and _has_changed(self._shown, progress):
            self._show(progress)

    def show_row(self, result: RowResult) -> None:
        """Show that a row has ended; lines of progress count it."""

    def show_note(self, text: str) -> None:
        """Show a remark."""
        self.report.show_note(text)

    def _show(self, progress: BatchProgress) -> None:
        self._shown, self._due = progress, self._clock() + self.interval
        self._write(progress)

    def _write(self, progress: BatchProgress) -> None:
        self.report.show_note(format_plain(progress))


class JsonBatchDisplay(BatchDisplay):
    """Events: each row's result on stdout, progress on stderr."""

    interval = EVENT_INTERVAL

    def __init__(self, report: JsonReport, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(report, clock)
        self._json = report

    def show_row(self, result: RowResult) -> None:
        """Show a row's result, as it is in ``results.jsonl``."""
        self._json.show_result("", "row", result.to_json())

    def _write(self, progress: BatchProgress) -> None:
        self._json.show_event("progress", make_progress_fields(progress))


class LiveBatchDisplay(BatchDisplay):
    """A view of a few lines that is redrawn in place."""

    def __init__(self, report: ProgressBarReport) -> None:
        super().__init__(report)
        self._bars = report

    @contextlib.contextmanager
    def track(self) -> Generator[None]:
        """Show the view inside the ``with`` block."""
        # stdout is not redirected: it may be a pipe, and its lines are results.
        with (
            self._bars.share_console(),
            Live(
                _View(self),
                console=self._bars.console,
                redirect_stdout=False,
                redirect_stderr=False,
            ),
        ):
            yield

    def show_progress(self, progress: BatchProgress) -> None:
        """Show how the batch stands, with the next redraw."""
        self._latest = progress

    @property
    def latest(self) -> BatchProgress | None:
        """What the next redraw shows."""
        return self._latest


class _View:
    """The view as rich draws it."""

    def __init__(self, display: LiveBatchDisplay) -> None:
        self._display = display

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        progress = self._display.latest
        if progress is None:
            yield Text("starting")
            return
        # A full line would wrap with the ^C that a terminal echoes, and be drawn twice.
        width = max(options.max_width - 2, 1)
        yield Group(_make_bar(progress, width), *map(_colour, format_view(progress, width)))


def make_display(report: Report) -> BatchDisplay:
    """The display that fits a report."""
    if isinstance(report, JsonReport):
        return JsonBatchDisplay(report)
    if isinstance(report, ProgressBarReport):
        return LiveBatchDisplay(report)
    return BatchDisplay(report)


def _make_bar(progress: BatchProgress, width: int) -> Table | Text:
    """``summer  ━━━━━━━━━━━━────  143 of 200   71%``, without the bar where that is too wide."""
    status = progress.status
    # Rounded down: 100 % is the end.
    percent = 100 * status.ended // max(status.rows, 1)
    numbers = f"{status.ended} of {status.rows}  {percent:>3}%"
    name = cut_line(status.name, max(width // 3, 1))
    bar_width = width - len(name) - len(numbers) - 4
    if bar_width < _MIN_BAR_WIDTH:
        return Text(cut_line(numbers, width))
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_row(
        Text(name, style="bold"),
        ProgressBar(total=max(status.rows, 1), completed=status.ended, width=bar_width),
        Text(numbers),
    )
    return line


def _colour(line: str) -> Text:
    """A line whose words for failures are coloured."""
    text = Text(line, no_wrap=True)
    for word in STATUS_WORDS.values():
        if word != "succeeded":
            style = "yellow" if word == "unknown" else "red"
            text.highlight_regex(rf"\b\d+ {word}\b", style)
    return text


def _has_changed(shown: BatchProgress | None, progress: BatchProgress) -> bool:
    """Whether more than the time is different."""
    if shown is None:
        return True
    old, new = shown.status, progress.status
    return (old.statuses, old.running, old.rows, old.halted) != (
        new.statuses,
        new.running,
        new.rows,
        new.halted,
    )
