"""What is said, in each of the three voices."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cometapi_runway._core.task import Task
from cometapi_runway.cli.endings import Ending, Exit, OutputError
from cometapi_runway.cli.forecast import Forecast
from cometapi_runway.cli.live import LiveReport
from cometapi_runway.cli.report import JsonReport, Report, Tracked, clock_text, size_text
from cometapi_runway.journal import SubmissionRecord, SubmissionState

ID = "5b91e444-c232-4eaf-a4d7-8aef3e57336b"
FAILURE = Ending(Exit.TIMEOUT, "TaskTimeoutError", "it took too long", "wait again", ID, ("more",))
ERROR = RuntimeError("it took too long")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def streams() -> tuple[io.StringIO, io.StringIO]:
    return io.StringIO(), io.StringIO()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (9.9, "0:09"), (72.4, "1:12"), (3723, "1:02:03")]
)
def test_times_are_told_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(512, "0.5 kB"), (87_500, "87.5 kB"), (1_240_000, "1.2 MB")]
)
def test_sizes_are_told_in_units(count: int, text: str) -> None:
    assert size_text(count) == text


def test_lines_tell_state_time_and_what_is_left(streams: tuple[io.StringIO, io.StringIO]) -> None:
    clock = Clock()
    report = Report(*streams, clock=clock)
    with report.watching([Tracked(ID, began=58.0, expected=90.0)]):
        report.updated(Task(ID, "RUNNING", progress=0.45))
        clock.now = 130.0
        report.updated(Task(ID, "SUCCEEDED"))

    out, err = (stream.getvalue() for stream in streams)
    assert out == ""
    assert err.splitlines() == [
        f"{ID}  RUNNING     45%  after 0:42, about 0:48 left",
        f"{ID}  SUCCEEDED        after 1:12",
    ]


def test_nothing_is_promised_that_is_overdue() -> None:
    assert Tracked(ID, began=0.0, expected=10.0).remaining(12.0) is None
    assert Tracked(ID, began=0.0).remaining(12.0) is None
    assert Tracked(ID, began=0.0, expected=10.0).remaining(4.0) == 6.0


HOSTILE = "model \x1b[2J\x07 is\tnot\r there\x9b"
TAMED = "model \\x1b[2J\\x07 is\tnot\\x0d there\\x9b"


def test_a_terminal_obeys_nothing_that_comes_from_outside(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    out, err = streams
    report = Report(out, err)
    report.result(HOSTILE, "x", {})
    report.warn(HOSTILE)
    report.failed(Ending(Exit.GATEWAY, "x", HOSTILE, "do y"), ERROR)
    JsonReport(out, err).result("", "x", {"message": HOSTILE, "delete": "\x7f"})

    text, event = out.getvalue().splitlines()
    assert text == TAMED
    assert json.loads(event)["message"] == HOSTILE
    assert json.loads(event)["delete"] == "\x7f"
    assert err.getvalue().splitlines()[:2] == [f"warning: {TAMED}", f"error: {TAMED}"]


class Full(io.StringIO):
    """A file on a full disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _text: str) -> int:
        raise self.error


def test_results_must_find_a_place_and_progress_need_not() -> None:
    full, gone = Full(OSError(28, "no space left")), Full(BrokenPipeError())

    with pytest.raises(OutputError, match="no space left"):
        Report(full, io.StringIO()).result("x", "x", {})
    with pytest.raises(BrokenPipeError):
        Report(gone, io.StringIO()).result("x", "x", {})
    for stream in (full, gone):
        Report(io.StringIO(), stream).note("x")
        JsonReport(io.StringIO(), stream).failed(FAILURE, ERROR)


def test_a_failure_ends_with_what_to_do_next(streams: tuple[io.StringIO, io.StringIO]) -> None:
    Report(*streams).failed(FAILURE, ERROR)

    assert streams[1].getvalue() == "time:  it took too long\n       more\nnext:  wait again\n"


def test_json_has_results_on_stdout_and_the_rest_on_stderr(
    streams: tuple[io.StringIO, io.StringIO], tmp_path: Path
) -> None:
    clock = Clock()
    report = JsonReport(*streams, clock=clock)
    task = Task(ID, "RUNNING", progress=0.5, operation="control_a_character", seed=7)
    file = tmp_path / "a.mp4"
    file.write_bytes(b"12345")
    with report.watching([Tracked(ID, began=90.0, expected=30.0)]):
        report.submitted(task)
        report.updated(task)
        report.downloading(ID, 0, 2, 5)
        report.downloading(ID, 0, 5, 5)
        report.saved(task, file)
        report.warn("careful")
        report.note("by the way")
        report.failed(FAILURE, ERROR)

    results, rest = map(events, streams)
    assert [event["event"] for event in results] == ["file"]
    assert results[0]["path"] == str(file)
    assert results[0]["size"] == 5
    names = [event["event"] for event in rest]
    assert names == ["submitted", "status", "downloaded", "warning", "note", "error"]
    assert rest[1]["elapsed"] == 10.0
    assert rest[1]["remaining"] == 20.0
    assert rest[1]["progress"] == 0.5
    assert rest[-1]["code"] == 7
    assert rest[-1]["next"] == "wait again"
    assert all(datetime.fromisoformat(event["time"]).tzinfo for event in [*results, *rest])


@pytest.fixture
def live(streams: tuple[io.StringIO, io.StringIO]) -> LiveReport:
    report = LiveReport(*streams)
    report.console = Console(
        file=streams[1], width=80, force_terminal=True, legacy_windows=False, color_system=None
    )
    return report


def test_bars_have_one_row_per_task_within_80_columns(
    live: LiveReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    ids = [ID, "6" + ID[1:], "7" + ID[1:]]
    with live.watching([Tracked(one, began=live.clock() - 3000, expected=9000) for one in ids]):
        live.updated(Task(ids[0], "RUNNING", progress=0.45))
        live.downloading(ids[1], 0, 1_234_567, 2_000_000)
        live.failed(Ending(Exit.TASK, "TaskFailedError", "it failed", "try anew", ids[2]), ERROR)
        assert "it failed" not in streams[1].getvalue()

    text = streams[1].getvalue()
    assert "error: it failed" in text
    rows = [line for line in text.splitlines() if "━" in line]
    assert any("5b91e444" in row and "RUNNING" in row and "45%" in row for row in rows)
    assert any("saving 1.2 MB" in row and "62%" in row for row in rows)
    assert any("about 1:" in row for row in rows)
    # The terminal echoes ^C into the row; there must be room for it.
    assert max(len(_plain(row)) for row in rows) <= 78


def test_results_wait_for_the_bars_to_end(
    live: LiveReport, streams: tuple[io.StringIO, io.StringIO], tmp_path: Path
) -> None:
    file = tmp_path / "a.mp4"
    file.touch()
    with live.watching([Tracked(ID, began=0.0)]):
        live.saved(Task(ID, "SUCCEEDED"), file)
        assert streams[0].getvalue() == ""

    assert streams[0].getvalue() == f"{file}\n"


def test_ids_that_begin_alike_are_shown_whole(
    live: LiveReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    with live.watching([Tracked("same-id-1", 0.0), Tracked("same-id-2", 0.0)]):
        pass

    assert "same-id-1" in streams[1].getvalue()


def test_a_state_of_the_servers_own_is_no_markup(
    live: LiveReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    with live.watching([Tracked(ID, 0.0)]):
        live.updated(Task(ID, "[red]ODD"))

    assert "[red]ODD" in streams[1].getvalue()


def test_prose_is_wrapped_at_words_and_a_command_is_not(
    live: LiveReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    line = f"cometapi-runway tasks wait {ID} {ID} --output videos"
    live.failed(Ending(Exit.GATEWAY, "APIError", "long words " * 12, line), ERROR)
    live.failed(
        Ending(Exit.GATEWAY, "APIError", "x " * 26 + "`cometapi-runway doctor` y", "z"), ERROR
    )

    lines = streams[1].getvalue().splitlines()
    assert f"next:  {line}" in lines
    assert max(len(one) for one in lines if one != f"next:  {line}") <= 80
    assert any("`cometapi-runway doctor`" in one for one in lines)


def _plain(row: str) -> str:
    return re.sub(r"\x1b\[[0-9?]*[A-Za-z]|\r", "", row).rstrip()


def submission(operation: str, state: SubmissionState, seconds: float | None) -> SubmissionRecord:
    began = datetime(2026, 5, 1, tzinfo=UTC)
    return SubmissionRecord(
        key="k",
        operation=operation,
        arguments={},
        fingerprint="f",
        seed=None,
        route="tasks",
        base_url="https://example.com",
        created_at=began,
        task_id="t",
        state=state,
        reason=None,
        failure_code=None,
        ended_at=None if seconds is None else began + timedelta(seconds=seconds),
    )


def test_the_forecast_is_the_median_of_what_succeeded() -> None:
    history = [
        *(submission("a", "SUCCEEDED", seconds) for seconds in (60, 80, 90_000)),
        submission("a", "FAILED", 1),
        submission("a", "SUBMITTED", None),
        *(submission("b", "SUCCEEDED", 10) for _ in range(2)),
    ]

    forecast = Forecast.of(history)

    assert forecast.expected("a") == 80
    assert forecast.expected("b") is None
    assert forecast.expected(None) is None


def test_bars_obey_nothing_that_comes_from_outside() -> None:
    err = io.StringIO()
    report = LiveReport(io.StringIO(), err)
    report.console = Console(file=err, width=80, force_terminal=False)
    report.failed(Ending(Exit.GATEWAY, "x", HOSTILE, "do y"), ERROR)

    assert "\x1b" not in err.getvalue()
    assert "\\x1b[2J" in err.getvalue()


@pytest.mark.parametrize("debug", [True, False])
def test_a_terminal_shows_where_a_failure_came_from_if_asked(debug: bool) -> None:
    err = io.StringIO()
    live = LiveReport(io.StringIO(), err)
    live.debug = debug
    with live.watching([Tracked(ID, 0.0)]):
        live.failed(FAILURE, ERROR)

    assert ("RuntimeError: it took too long" in err.getvalue()) is debug
    assert "next:" in err.getvalue()
