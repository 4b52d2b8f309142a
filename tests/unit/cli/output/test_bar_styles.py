"""What the bars look like: colours, percentages, ids."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from tests.cases import each_case

from cometapi_runway._core.task import Task
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.progress_bars import ProgressBarReport
from cometapi_runway.cli._output.time_estimates import TrackedTask

ID = "5b91e444-c232-4eaf-a4d7-8aef3e57336b"
GREEN, RED, CYAN, YELLOW = "32", "31", "36", "33"


def draw(show: Callable[[ProgressBarReport], None], *ids: str) -> str:
    """The last state of the bars, with the codes of colours."""
    err = io.StringIO()
    report = ProgressBarReport(io.StringIO(), err)
    report.console = Console(
        file=err, force_terminal=True, width=80, highlight=False, emoji=False,
        color_system="standard", legacy_windows=False, _environ={},
    )  # fmt: skip
    with report.track([TrackedTask(one, submitted_at=report.clock()) for one in ids or (ID,)]):
        show(report)
        err.truncate(0)
        err.seek(0)
    return err.getvalue()


def strip(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def color_of(text: str, word: str) -> str:
    """The code of the colour in which a word is printed."""
    found = re.findall(r"\x1b\[([0-9;]*)m" + re.escape(word), text)
    assert found, text
    return str(found[-1])


@each_case(
    ("status", "color"),
    [
        ("SUCCEEDED", GREEN),
        ("FAILED", RED),
        ("CANCELLED", RED),
        ("RUNNING", CYAN),
        ("PENDING", CYAN),
        ("NEW_WORD", CYAN),
    ],
)
def test_a_status_has_its_color(status: str, color: str) -> None:
    shown = draw(lambda report: report.show_status(Task(ID, status)))
    assert color_of(shown, status) == color


def test_a_task_waits_until_its_status_is_known() -> None:
    assert re.search(r" waiting +━", strip(draw(lambda report: None)))


def test_the_bars_start_at_the_same_place_whatever_the_status() -> None:
    words = ("NEW", "PENDING", "RUNNING", "THROTTLED", "CANCELLED", "SUCCEEDED")
    places = set[int]()
    for word in words:
        shown = strip(draw(lambda report, word=word: report.show_status(Task(ID, word))))
        (line,) = [one for one in shown.splitlines() if word in one][-1:]
        places.add(line.index("━"))
    assert len(places) == 1


def test_a_saved_file_is_green_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    shown = draw(lambda report: report.show_saved(Task(ID, "SUCCEEDED"), file))
    assert color_of(shown, "saved") == GREEN
    assert " 100% " in strip(shown)


@each_case(
    ("progress", "percent", "is_measured"),
    [(None, "", False), (0.0, "0%", True), (0.5, "50%", True), (1.0, "100%", True)],
)
def test_progress_is_drawn_as_its_share(
    progress: float | None, percent: str, is_measured: bool
) -> None:
    shown = draw(lambda report: report.show_status(Task(ID, "RUNNING", progress=progress)))
    (line,) = [one for one in strip(shown).splitlines() if ID[:8] in one][-1:]
    bar = line.partition("RUNNING")[2]
    assert bar.count("%") == is_measured
    assert not percent or f" {percent} " in bar
    pieces = re.findall(r"\x1b\[[0-9;]*m([━╸╺]+)", shown)
    assert sum(map(len, pieces)) == 22
    # A bar without a measure pulses: each of its pieces has its own colour.
    assert (len(pieces) == 22) is not is_measured
    if is_measured and 0.0 < (progress or 0.0) < 1.0:
        assert len(pieces[0]) == 11


def test_a_bar_without_progress_is_empty() -> None:
    def check(report: ProgressBarReport) -> None:
        for progress in (0.5, None, 0.0):
            report.show_status(Task(ID, "RUNNING", progress=progress))
            assert report._bars is not None
            (row,) = report._bars.tasks
            assert row.completed == (progress or 0)

    draw(check)


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(500, 1000, "50%"), (0, 1000, "0%"), (500, None, "")]
)
def test_a_download_shows_its_size_and_its_share(
    done: int, total: int | None, percent: str
) -> None:
    shown = strip(draw(lambda report: report.show_download(ID, 0, done, total)))
    assert f"saving {done / 1000:.1f} kB" in shown
    assert shown.count("%") == bool(percent)
    assert percent in shown


@each_case("word", ["[red]x[/red]", "[bold]", ":smile:", "a[b]"])
def test_neither_an_id_nor_a_status_is_markup(word: str) -> None:
    task_id = f"{word}-1"
    shown = strip(draw(lambda report: report.show_status(Task(task_id, word)), task_id))
    assert task_id[:8] in shown
    assert re.search(rf" {re.escape(word)} +━", shown)


def test_ids_are_whole_where_their_beginnings_are_alike() -> None:
    alike = ("12345678-a", "12345678-b")
    shown = strip(draw(lambda _: None, *alike))
    assert all(one in shown for one in alike)
    shown = strip(draw(lambda _: None, "12345678-a", "87654321-b"))
    assert "12345678 " in shown
    assert "-a" not in shown


@pytest.mark.parametrize(
    ("code", "label", "color"),
    [
        (ExitCode.TIMEOUT, "time:", "1;31"),
        (ExitCode.INTERRUPTED, "stop:", "1;31"),
        (ExitCode.GATEWAY, "error:", "1;31"),
    ],
)
def test_a_failure_has_a_colored_label(code: ExitCode, label: str, color: str) -> None:
    err = io.StringIO()
    report = ProgressBarReport(io.StringIO(), err)
    report.console = Console(file=err, force_terminal=True, width=80, color_system="standard")
    report.show_failure(ExitReport(code, "E", "message", "advice", None, ("one",)), ValueError())
    report.show_warning("careful")
    shown = err.getvalue()
    assert color_of(shown, label) == color
    assert color_of(shown, "next:") == "1"
    assert color_of(shown, "note:") == YELLOW
    assert strip(shown).splitlines() == [
        f"{label:<7}message", "       one", "next:  advice", "note:  careful",
    ]  # fmt: skip


def test_a_remark_is_above_a_view_that_shares_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a failure the console belongs to the report again."""
    out = io.StringIO()
    report = ProgressBarReport(out, out)
    printed: list[str] = []
    monkeypatch.setattr(report.console, "print", lambda text: printed.append(str(text)))
    report.show_note("before")
    with contextlib.suppress(ZeroDivisionError), report.share_console():
        report.show_note("inside")
        raise ZeroDivisionError
    report.show_note("after")
    assert printed == ["inside"]
    assert out.getvalue().split() == ["before", "after"]


def test_results_go_past_the_bars() -> None:
    """To whatever standard output is, which may be a pipe."""
    seen: list[object] = []
    draw(lambda _: seen.append(sys.stdout))
    assert seen == [sys.stdout]


def test_a_message_is_broken_between_words_and_nowhere_else() -> None:
    err = io.StringIO()
    report = ProgressBarReport(io.StringIO(), err)
    report.console = Console(file=err, width=40)
    report.show_warning("twenty characters xx image-to-video more")
    assert [line[7:] for line in err.getvalue().splitlines()] == [
        "twenty characters xx",
        "image-to-video more",
    ]


@each_case(("width", "lines"), [(27, 2), (26, 1), (60, 1)])
def test_a_message_is_wrapped_where_there_is_room_for_words(width: int, lines: int) -> None:
    err = io.StringIO()
    report = ProgressBarReport(io.StringIO(), err)
    report.console = Console(file=err, width=width)
    report.show_warning("twenty characters xx more")
    shown = err.getvalue().splitlines()
    assert len(shown) == lines
    assert [line[:7] for line in shown] == ["note:  ", " " * 7][:lines]


def test_an_end_is_dimmed() -> None:
    ended = draw(lambda report: report.show_status(Task(ID, "SUCCEEDED")))
    assert color_of(ended, "0:00") == "2"
    running = draw(lambda report: report.show_status(Task(ID, "RUNNING")))
    assert not re.search(r"\x1b\[2m0:00", running)
