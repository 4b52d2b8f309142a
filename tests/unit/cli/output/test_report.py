"""What each of the three reports shows."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from rich.console import Console
from tests.cases import each_case

from cometapi_runway._core.task import Task
from cometapi_runway.cli._errors import OutputError
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.json_report import JsonReport
from cometapi_runway.cli._output.progress_bars import ProgressBarReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.cli._output.text import format_duration, format_size
from cometapi_runway.cli._output.time_estimates import TrackedTask

ID = "5b91e444-c232-4eaf-a4d7-8aef3e57336b"
FAILURE = ExitReport(
    ExitCode.TIMEOUT, "TaskTimeoutError", "it took too long", "wait again", ID, ("more",)
)
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


@each_case(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (9.9, "0:09"),
        (59.9, "0:59"),
        (60, "1:00"),
        (72.4, "1:12"),
        (3599.9, "59:59"),
        (3600, "1:00:00"),
        (3723, "1:02:03"),
        (360_000, "100:00:00"),
    ],
)
def test_durations_look_like_a_clock(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@each_case(
    ("count", "text"),
    [
        (0, "0.0 kB"),
        (512, "0.5 kB"),
        (87_500, "87.5 kB"),
        (99_999, "100.0 kB"),
        (100_000, "0.1 MB"),
        (1_240_000, "1.2 MB"),
    ],
)
def test_sizes_have_units(count: int, text: str) -> None:
    assert format_size(count) == text


def test_an_unknown_task_has_just_begun(streams: tuple[io.StringIO, io.StringIO]) -> None:
    assert Report(*streams, clock=Clock()).measure_elapsed(ID) == 0.0


def test_lines_show_status_elapsed_and_remaining_time(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    clock = Clock()
    report = Report(*streams, clock=clock)
    with report.track([TrackedTask(ID, submitted_at=58.0)]):
        report.show_status(Task(ID, "RUNNING", progress=0.25))
        clock.now = 120.0
        report.show_status(Task(ID, "RUNNING", progress=0.5))
        clock.now = 130.0
        report.show_status(Task(ID, "SUCCEEDED"))

    out, err = (stream.getvalue() for stream in streams)
    assert out == ""
    assert err.splitlines() == [
        f"{ID}  RUNNING     25%  after 0:42",
        f"{ID}  RUNNING     50%  after 1:02, about 0:40 left",
        f"{ID}  SUCCEEDED        after 1:12",
    ]


HOSTILE = "model \x1b[2J\x07 is\tnot\r there\x9b"
ESCAPED = "model \\x1b[2J\\x07 is\tnot\\x0d there\\x9b"


def test_control_characters_from_outside_are_escaped(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    out, err = streams
    report = Report(out, err)
    report.show_result(HOSTILE, "x", {})
    report.show_warning(HOSTILE)
    report.show_failure(ExitReport(ExitCode.GATEWAY, "x", HOSTILE, "do y"), ERROR)
    JsonReport(out, err).show_result("", "x", {"message": HOSTILE, "delete": "\x7f"})

    text, event = out.getvalue().splitlines()
    assert text == ESCAPED
    assert json.loads(event)["message"] == HOSTILE
    assert json.loads(event)["delete"] == "\x7f"
    assert err.getvalue().splitlines()[:2] == [f"warning: {ESCAPED}", f"error: {ESCAPED}"]


class Full(io.StringIO):
    """A file on a full disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _text: str) -> int:
        raise self.error


def test_a_failed_write_of_a_result_raises_and_one_of_progress_does_not() -> None:
    full, gone = Full(OSError(28, "no space left")), Full(BrokenPipeError())

    with pytest.raises(OutputError, match="no space left"):
        Report(full, io.StringIO()).show_result("x", "x", {})
    with pytest.raises(BrokenPipeError):
        Report(gone, io.StringIO()).show_result("x", "x", {})
    for stream in (full, gone):
        Report(io.StringIO(), stream).show_note("x")
        JsonReport(io.StringIO(), stream).show_failure(FAILURE, ERROR)


def test_a_failure_ends_with_what_to_do_next(streams: tuple[io.StringIO, io.StringIO]) -> None:
    Report(*streams).show_failure(FAILURE, ERROR)

    assert streams[1].getvalue() == "time:  it took too long\n       more\nnext:  wait again\n"


def test_json_has_results_on_stdout_and_the_rest_on_stderr(
    streams: tuple[io.StringIO, io.StringIO], tmp_path: Path
) -> None:
    clock = Clock()
    report = JsonReport(*streams, clock=clock)
    task = Task(ID, "RUNNING", progress=0.5, operation="control_a_character", seed=7)
    file = tmp_path / "a.mp4"
    file.write_bytes(b"12345")
    with report.track([TrackedTask(ID, submitted_at=79.96)]):
        report.show_submitted(task)
        report.show_status(evolve(task, progress=0.25))
        clock.now = 110.0
        report.show_status(task)
        report.show_download(ID, 0, 2, 5)
        report.show_download(ID, 0, 5, 5)
        report.show_saved(task, file)
        report.show_warning("careful")
        report.show_note("by the way")
        report.show_failure(FAILURE, ERROR)

    results, rest = map(events, streams)
    assert [event["event"] for event in results] == ["file"]
    assert results[0]["path"] == str(file)
    assert results[0]["size"] == 5
    names = [event["event"] for event in rest]
    assert names == ["submitted", "status", "status", "downloaded", "warning", "note", "error"]
    assert [event["elapsed"] for event in rest[1:3]] == [20.0, 30.0]
    assert [event["remaining"] for event in rest[1:3]] == [None, 20.0]
    assert [event["progress"] for event in rest[1:3]] == [0.25, 0.5]
    assert rest[3].items() >= {"task_id": ID, "output": 1, "bytes": 5}.items()
    assert rest[-1]["code"] == 7
    assert rest[-1]["next"] == "wait again"
    assert all(datetime.fromisoformat(event["time"]).tzinfo for event in [*results, *rest])
    assert all(re.search(r":\d\d\.\d{3}\+00:00$", event["time"]) for event in [*results, *rest])


@pytest.fixture
def live(streams: tuple[io.StringIO, io.StringIO]) -> ProgressBarReport:
    report = ProgressBarReport(*streams)
    report.console = Console(
        file=streams[1], width=80, force_terminal=True, legacy_windows=False, color_system=None
    )
    return report


def test_bars_have_one_row_per_task_within_80_columns(
    live: ProgressBarReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    ids = [ID, "6" + ID[1:], "7" + ID[1:]]
    live.clock = clock = Clock()
    with live.track([TrackedTask(one, submitted_at=clock.now - 3000) for one in ids]):
        live.show_status(Task(ids[0], "RUNNING", progress=0.15))
        clock.now += 2000
        live.show_status(Task(ids[0], "RUNNING", progress=0.45))
        live.show_download(ids[1], 0, 1_234_567, 2_000_000)
        live.show_failure(
            ExitReport(ExitCode.TASK, "TaskFailedError", "it failed", "try again", ids[2]), ERROR
        )
        assert "it failed" not in streams[1].getvalue()

    text = streams[1].getvalue()
    assert "error: it failed" in text
    rows = [line for line in text.splitlines() if "━" in line]
    assert any("5b91e444" in row and "RUNNING" in row and "45%" in row for row in rows)
    assert any("saving 1.2 MB" in row and "62%" in row for row in rows)
    assert any("about 1:" in row for row in rows)
    # The terminal echoes ^C into the row; there must be room for it.
    assert max(len(_strip_codes(row)) for row in rows) <= 78


def test_results_are_printed_after_the_bars(
    live: ProgressBarReport, streams: tuple[io.StringIO, io.StringIO], tmp_path: Path
) -> None:
    file = tmp_path / "a.mp4"
    file.touch()
    with live.track([TrackedTask(ID, submitted_at=0.0)]):
        live.show_saved(Task(ID, "SUCCEEDED"), file)
        assert streams[0].getvalue() == ""

    assert streams[0].getvalue() == f"{file}\n"


def test_remarks_appear_above_the_bars_at_once(
    live: ProgressBarReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    with live.track([TrackedTask(ID, submitted_at=0.0)]):
        live.show_note(f"it is unknown yet {HOSTILE}")
        live.show_warning(f"no disk {HOSTILE}")
        shown = streams[1].getvalue()

    assert "it is unknown yet model \\x1b[2J\\x07" in shown
    assert "note:  no disk" in shown
    assert "\x1b[2J" not in shown
    assert "it is unknown yet" not in streams[1].getvalue().removeprefix(shown)


def test_a_bar_stops_with_its_task(live: ProgressBarReport) -> None:
    live.clock = clock = Clock()
    with live.track([TrackedTask(one, 58.0) for one in ("done", "late", "open")]):
        live.show_status(Task("done", "SUCCEEDED"))
        live.show_failure(evolve(FAILURE, task_id="late"), ERROR)
        # These have no bar.
        live.show_status(Task("other", "SUCCEEDED"))
        live.show_failure(evolve(FAILURE, task_id="other"), ERROR)
        clock.now += 10
        assert live._bars is not None
        rows = [
            (row.fields["id"], row.completed, row.fields["percent"], row.fields["stopped"])
            for row in live._bars.tasks
        ]
    # There are no bars any more.
    live.show_status(Task("done", "SUCCEEDED"))
    live.show_failure(FAILURE, ERROR)
    assert rows == [("done", 1.0, "100%", 42.0), ("late", 0.0, "", 42.0), ("open", 0.0, "", None)]


def test_ids_with_the_same_beginning_are_shown_whole(
    live: ProgressBarReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    with live.track([TrackedTask("same-id-1", 0.0), TrackedTask("same-id-2", 0.0)]):
        pass

    assert "same-id-1" in streams[1].getvalue()


def test_a_status_of_the_server_is_not_markup(
    live: ProgressBarReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    with live.track([TrackedTask(ID, 0.0)]):
        live.show_status(Task(ID, "[red]ODD"))

    assert "[red]ODD" in streams[1].getvalue()


def test_text_is_wrapped_and_a_command_is_not(
    live: ProgressBarReport, streams: tuple[io.StringIO, io.StringIO]
) -> None:
    line = f"cometapi-runway tasks wait {ID} {ID} --output videos"
    live.show_failure(ExitReport(ExitCode.GATEWAY, "APIError", "long words " * 12, line), ERROR)
    live.show_failure(
        ExitReport(ExitCode.GATEWAY, "APIError", "x " * 26 + "`cometapi-runway doctor` y", "z"),
        ERROR,
    )

    lines = streams[1].getvalue().splitlines()
    assert f"next:  {line}" in lines
    assert max(len(one) for one in lines if one != f"next:  {line}") <= 80
    assert any("`cometapi-runway doctor`" in one for one in lines)


def _strip_codes(row: str) -> str:
    return re.sub(r"\x1b\[[0-9?]*[A-Za-z]|\r", "", row).rstrip()


def test_bars_escape_control_characters_from_outside() -> None:
    err = io.StringIO()
    report = ProgressBarReport(io.StringIO(), err)
    report.console = Console(file=err, width=80, force_terminal=False)
    report.show_failure(ExitReport(ExitCode.GATEWAY, "x", HOSTILE, "do y"), ERROR)

    assert "\x1b" not in err.getvalue()
    assert "\\x1b[2J" in err.getvalue()


@pytest.mark.parametrize("debug", [True, False])
def test_a_terminal_shows_tracebacks_with_debug(debug: bool) -> None:
    err = io.StringIO()
    live = ProgressBarReport(io.StringIO(), err)
    live.debug = debug
    # Its lines are those of Python, however long they are.
    message = f"it took {'too ' * 30}long"
    with live.track([TrackedTask(ID, 0.0)]):
        live.show_failure(FAILURE, RuntimeError(message))

    assert (f"RuntimeError: {message}\n" in err.getvalue()) is debug
    assert "next:" in err.getvalue()
