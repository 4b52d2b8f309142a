"""How often a batch is shown, and where."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve, frozen
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.text import Text

from cometapi_runway.batch import BatchStatus, RowResult
from cometapi_runway.cli._output.batch_display import (
    EVENT_INTERVAL,
    PLAIN_INTERVAL,
    BatchDisplay,
    JsonBatchDisplay,
    LiveBatchDisplay,
    _colour,
    _make_bar,
    _View,
    make_display,
)
from cometapi_runway.cli._output.batch_progress import BatchProgress, BatchTracker
from cometapi_runway.cli._output.json_report import JsonReport
from cometapi_runway.cli._output.progress_bars import ProgressBarReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.journal import Spending

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@frozen
class Streams:
    out: io.StringIO
    err: io.StringIO


@pytest.fixture
def streams() -> Streams:
    return Streams(io.StringIO(), io.StringIO())


def make_progress(ended: int, rows: int = 1000) -> BatchProgress:
    spending = Spending(Decimal(ended), ended, 0)
    counts = {"SUCCEEDED": ended}
    status = BatchStatus("summer", "/out", rows, 8, counts, None, spending, NOW, NOW)  # type: ignore[arg-type]
    return BatchTracker().make_progress(status, NOW)


def test_plain_lines_come_once_per_change_and_never_in_floods(streams: Streams) -> None:
    clock = Clock()
    display = BatchDisplay(Report(streams.out, streams.err), clock)

    with display.track():
        for second in range(100):
            clock.now = 100.0 + second
            # For a long while, nothing changes.
            display.show_progress(make_progress(min(second, 45)))

    lines = streams.err.getvalue().splitlines()
    numbers = [int(re.findall(r"(\d+) of 1000", line)[0]) for line in lines]
    assert numbers == [0, 10, 20, 30, 40, 45]
    assert streams.out.getvalue() == ""
    assert PLAIN_INTERVAL == 10


def test_the_last_state_is_always_shown(streams: Streams) -> None:
    display = BatchDisplay(Report(streams.out, streams.err), Clock())

    with display.track():
        for ended in (1, 2, 3):
            display.show_progress(make_progress(ended))

    lines = streams.err.getvalue().splitlines()
    assert ["1 of" in lines[0], "3 of" in lines[-1], len(lines)] == [True, True, 2]


def test_events_are_one_object_a_line(streams: Streams) -> None:
    clock = Clock()
    display = JsonBatchDisplay(JsonReport(streams.out, streams.err), clock)
    result = RowResult("cat", "SUCCEEDED", files=("cat.mp4",), cost=Decimal("0.5"))

    with display.track():
        display.show_progress(make_progress(1))
        display.show_row(result)
        display.show_progress(make_progress(2))
        clock.now += EVENT_INTERVAL
        display.show_progress(make_progress(3))

    (row,) = map(json.loads, streams.out.getvalue().splitlines())
    assert row.items() >= {"event": "row", **result.to_json()}.items()
    events = [json.loads(line) for line in streams.err.getvalue().splitlines()]
    assert [(one["event"], one["ended"]) for one in events] == [("progress", 1), ("progress", 3)]


def test_the_view_of_a_batch_that_has_not_begun_says_so() -> None:
    console = Console(file=io.StringIO(), width=80)
    display = LiveBatchDisplay(ProgressBarReport(io.StringIO(), io.StringIO()))
    console.print(_View(display))
    assert console.file.getvalue() == "starting\n"  # type: ignore[attr-defined] # a StringIO


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_view_fits_the_terminal(streams: Streams, width: int) -> None:
    report = ProgressBarReport(streams.out, streams.err)
    report.console = Console(file=streams.err, width=width, force_terminal=True)
    display = LiveBatchDisplay(report)

    with display.track():
        display.show_progress(make_progress(143, 200))
        report.show_note("a remark appears above the view")

    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", streams.err.getvalue())
    lines = re.split(r"[\r\n]+", text)
    view = [line for line in lines if "remark" not in line]
    # The terminal echoes ^C into the view; there must be room for it.
    assert all(len(line.rstrip()) <= width - 2 for line in view)
    (bar, *_) = (line for line in lines if "143 of 200   71%" in line)
    # All of the room that there is, where there is any for a bar.
    assert len(bar.rstrip()) == (width - 2 if width >= 40 else len("143 of 200   71%"))
    assert streams.out.getvalue() == ""


def test_the_view_redirects_no_stream(streams: Streams) -> None:
    report = ProgressBarReport(streams.out, streams.err)
    report.console = Console(file=streams.err, width=80, force_terminal=True)
    before = sys.stdout, sys.stderr

    with LiveBatchDisplay(report).track():
        assert (sys.stdout, sys.stderr) == before


def test_a_batch_of_one_row_is_drawn_like_any_other(streams: Streams) -> None:
    console = Console(file=streams.err, width=60, color_system=None)
    console.print(_make_bar(make_progress(0, 1), 40))
    console.print(_make_bar(make_progress(1, 1), 40))
    assert streams.err.getvalue().splitlines() == [
        f"summer  {' ' * 18}  0 of 1    0%",
        f"summer  {'━' * 18}  1 of 1  100%",
    ]
    for ended in (0, 1):
        line = _make_bar(make_progress(ended, 1), 40)
        assert not isinstance(line, Text)
        (cell,) = line.columns[1].cells
        assert isinstance(cell, ProgressBar)
        assert (cell.completed, cell.total) == (ended, 1)


def test_a_name_takes_a_third_of_the_line_and_no_line_wraps() -> None:
    progress = make_progress(143, 200)
    long = evolve(progress, status=evolve(progress.status, name="x" * 99))
    bar = _make_bar(long, 90)
    assert not isinstance(bar, Text)
    (name,) = bar.columns[0].cells
    assert isinstance(name, Text)
    assert (name.plain, name.style) == ("x" * 29 + "…", "bold")
    assert _colour("1 failed").no_wrap is True


def test_a_bar_has_at_least_eight_columns() -> None:
    widths = []
    for width in range(1, 100):
        bar = _make_bar(make_progress(143, 200), width)
        if isinstance(bar, Text):
            assert not widths, "the wider terminal has a bar"
            assert len(bar) <= width
        else:
            (cell,) = bar.columns[1].cells
            assert isinstance(cell, ProgressBar)
            widths.append(cell.width)
    assert widths[0] == 8


def test_failures_are_coloured_and_successes_are_not() -> None:
    line = "1 succeeded   3 failed   2 cancelled   4 refused   5 over budget   6 unknown"
    found = {line[one.start : one.end]: one.style for one in _colour(line).spans}
    red = dict.fromkeys(("3 failed", "2 cancelled", "4 refused", "5 over budget"), "red")
    assert found == {**red, "6 unknown": "yellow"}


def test_a_batch_with_an_open_row_is_not_at_100_percent(streams: Streams) -> None:
    report = ProgressBarReport(streams.out, streams.err)
    report.console = Console(file=streams.err, width=80, force_terminal=True)
    display = LiveBatchDisplay(report)

    with display.track():
        display.show_progress(make_progress(9_999, 10_000))

    assert "100%" not in streams.err.getvalue()
    assert "99%" in streams.err.getvalue()


def test_each_report_has_its_display(streams: Streams) -> None:
    reports = {
        Report: BatchDisplay,
        JsonReport: JsonBatchDisplay,
        ProgressBarReport: LiveBatchDisplay,
    }

    for kind, expected in reports.items():
        assert type(make_display(kind(streams.out, streams.err))) is expected


def test_a_change_is_more_than_time(streams: Streams) -> None:
    clock = Clock()
    display = BatchDisplay(Report(streams.out, streams.err), clock)
    progress = make_progress(1)

    display.show_progress(progress)
    for seconds in (100, 200):
        clock.now += seconds
        display.show_progress(evolve(progress, elapsed=progress.elapsed + seconds))

    assert len(streams.err.getvalue().splitlines()) == 1
