"""What the view, the plain lines and the events say of a batch; time is virtual."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway.batch import BatchStatus, RowResult
from cometapi_runway.batch._report import STATUSES
from cometapi_runway.cli._output.batch_progress import (
    STATUS_WORDS,
    BatchTracker,
    cut_line,
    format_plain,
    format_status,
    format_summary,
    format_view,
    make_progress_fields,
)
from cometapi_runway.journal import Spending

from ...support.strategies import deterministic

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STATUS = BatchStatus(
    "summer",
    "/out",
    200,
    8,
    {"SUCCEEDED": 138, "FAILED": 3, "UNKNOWN": 2},
    None,
    Spending(Decimal("71.50"), 151, 12),
    START,
    START,
)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def make_tracker(ends: Sequence[float], max_cost: str | None = None) -> BatchTracker:
    tracker = BatchTracker(None if max_cost is None else Decimal(max_cost))
    for number, end in enumerate(ends):
        tracker.add(RowResult(f"row-{number}", "SUCCEEDED", ended_at=after(end)))
    return tracker


def test_the_view_shows_counts_spending_times_and_reasons() -> None:
    tracker = make_tracker(range(1, 141), "100")
    for row_id in ("a", "b", "b"):
        tracker.add(RowResult(row_id, "FAILED", failure_code="SAFETY.INPUT.TEXT"))
    tracker.add(RowResult("c", "FAILED", failure_code="INTERNAL"))

    assert format_view(tracker.make_progress(STATUS, after(140)), 78) == [
        "138 done   8 running   49 waiting   3 failed   2 unknown",
        "2:20 elapsed, about 0:57 left, until 12:03",
        "71.50 of 100.00 USD spent, and 12 tasks of unknown price",
        "  2  failed: SAFETY.INPUT.TEXT",
        "  1  failed: INTERNAL",
    ]


def test_a_plain_line_says_the_same() -> None:
    progress = make_tracker(range(1, 141)).make_progress(STATUS, after(140))

    assert format_plain(progress) == (
        "2:20  143 of 200 rows ended, 8 running, 3 failed, 2 unknown, about 0:57 left, "
        "until 12:03; 71.50 USD spent, and 12 tasks of unknown price"
    )


def test_fields_for_programs_are_numbers() -> None:
    fields = make_progress_fields(make_tracker(range(1, 141)).make_progress(STATUS, after(140)))

    assert json.loads(json.dumps(fields)) == {
        "name": "summer",
        "folder": "/out",
        "rows": 200,
        "ended": 143,
        "running": 8,
        "waiting": 49,
        "statuses": {"SUCCEEDED": 138, "FAILED": 3, "UNKNOWN": 2},
        "reasons": {},
        "halted": None,
        "complete": False,
        "spent": "71.50",
        "tasks": 151,
        "unpriced_tasks": 12,
        "elapsed": 140.0,
        "remaining": 57.0,
    }
    later = make_progress_fields(make_tracker(range(1, 141)).make_progress(STATUS, after(140.123)))
    assert (later["elapsed"], later["remaining"]) == (140.1, 57.1)


def test_no_end_is_estimated_from_fewer_than_three_rows() -> None:
    for count, expected in ((0, None), (2, None), (3, 570.0)):
        status = evolve(STATUS, rows=count + 57, running=57, statuses={"SUCCEEDED": count})
        assert make_tracker([10.0] * count).make_progress(status, after(30)).remaining == expected


def test_rows_of_an_earlier_run_say_nothing_about_the_pace() -> None:
    # One run ended 140 rows in a second, a week ago.
    status = evolve(STATUS, run_at=after(600_000))

    assert make_tracker([1.0] * 140).make_progress(status, after(600_100)).remaining is None


def test_a_row_that_ended_as_the_run_began_is_of_this_run() -> None:
    status = evolve(STATUS, rows=60, running=57, statuses={"SUCCEEDED": 3})
    assert make_tracker([0.0, 10.0, 10.0]).make_progress(status, after(30)).remaining == 570.0
    assert make_tracker([-0.1, 10.0, 10.0]).make_progress(status, after(30)).remaining is None


def test_the_pace_is_that_of_the_latest_rows() -> None:
    # 1,000 rows ended in 1,000 s, then 500 in 50 s.
    tracker = make_tracker([*range(1000), *(1000 + n / 10 for n in range(500))])
    status = evolve(STATUS, rows=1600, running=8, statuses={"SUCCEEDED": 1500})

    remaining = tracker.make_progress(status, after(1050)).remaining

    assert remaining == pytest.approx(10)


def test_a_clock_that_is_behind_makes_no_negative_times() -> None:
    tracker = make_tracker([1.0, 2.0, 3.0])
    status = evolve(STATUS, rows=60, statuses={"SUCCEEDED": 3})
    progress = tracker.make_progress(status, after(-10))
    assert (progress.elapsed, progress.remaining) == (0.0, 0.0)


def test_a_batch_that_has_ended_or_halted_has_no_rest() -> None:
    tracker = make_tracker([1.0] * 140)
    ended = evolve(STATUS, rows=143, running=0)
    halted = evolve(STATUS, halted="halt fail=10% is reached")

    assert tracker.make_progress(ended, after(9)).remaining is None
    progress = tracker.make_progress(halted, after(9))
    assert progress.remaining is None
    assert format_view(progress, 80)[-1] == "no further task is created: halt fail=10% is reached"
    assert "halt fail=10% is reached" in format_status(progress)


def test_the_time_of_a_batch_that_has_ended_stands_still() -> None:
    ended = evolve(STATUS, rows=143, running=0)

    assert make_tracker([1.0, 70.0]).make_progress(ended, after(9_000)).elapsed == 70


def test_an_end_on_another_day_has_a_date() -> None:
    progress = evolve(make_tracker([]).make_progress(STATUS, after(0)), remaining=86_400.0)

    assert format_plain(progress).split("; ")[0].endswith("24:00:00 left, until 2026-11-21 12:00")


def test_unknown_prices_are_not_shown_as_zero() -> None:
    status = evolve(STATUS, spending=Spending(Decimal(), 24, 24))

    plain = format_plain(make_tracker([]).make_progress(status, after(0)))

    assert "24 tasks of unknown price" in plain
    assert "USD" not in plain


def test_a_gateways_words_cannot_move_the_cursor() -> None:
    tracker = BatchTracker()
    tracker.add(RowResult("a", "FAILED", failure_code="\x1b[2J\nA\rB"))

    lines = format_view(tracker.make_progress(STATUS, after(0)), 80)

    assert lines[-1] == "  1  failed: \\x1b[2J A\\x0dB"


def test_only_failures_have_reasons() -> None:
    tracker = BatchTracker()
    for status in ("SUCCEEDED", "UNKNOWN", "CANCELLED"):
        tracker.add(RowResult(status, status))
    ((reason, count),) = tracker.make_progress(STATUS, after(0)).reasons
    assert (reason.split(":")[0], count) == ("cancelled", 1)


def test_many_reasons_are_cut_and_counted() -> None:
    tracker = BatchTracker()
    for number in range(12):
        tracker.add(RowResult(f"{number}", "FAILED", failure_code=f"CODE.{number:02}"))

    lines = format_view(tracker.make_progress(STATUS, after(0)), 80)

    assert lines[-1] == "  and 7 rows for 7 other reasons"


@deterministic
@given(
    st.dictionaries(st.sampled_from(STATUSES), st.integers(1, 10**6)),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.floats(0, 10**7),
    st.lists(st.text(min_size=1), max_size=8),
    st.integers(1, 120),
)
def test_no_line_is_wider_than_the_terminal(
    statuses: dict[str, int],
    running: int,
    waiting: int,
    seconds: float,
    codes: list[str],
    width: int,
) -> None:
    rows = sum(statuses.values()) + running + waiting
    status = evolve(STATUS, rows=rows, running=running, statuses=statuses)
    tracker = make_tracker([1.0] * 5, "12345.678901")
    for number, code in enumerate(codes):
        tracker.add(RowResult(f"{number}", "FAILED", failure_code=code))
    progress = tracker.make_progress(status, after(seconds))

    lines = format_view(progress, width)

    assert all(len(line) <= width and "\n" not in line for line in lines)
    assert "\n" not in format_summary(progress)
    assert status.rows == status.ended + status.running + status.waiting
    for name, count in statuses.items():
        assert f"{count} {STATUS_WORDS[name]}" in format_summary(progress)  # type: ignore[index]


def test_rows_that_are_left_are_counted_until_there_are_none() -> None:
    ended = evolve(STATUS, rows=143, running=0)
    for status in (STATUS, ended):
        text = format_status(BatchTracker().make_progress(status, after(9)))
        left = f"  {status.running} running, {status.waiting} waiting"
        assert (left in text.splitlines()) is (status is STATUS)
        assert (" waiting" in text) is (status is STATUS)


def test_the_whole_status_of_a_batch() -> None:
    tracker = make_tracker([], "100")
    for number in range(12):
        tracker.add(RowResult(f"{number}", "FAILED", failure_code=f"CODE.{number:02}"))
    status = evolve(STATUS, halted="cancelled", rows=152)
    assert format_status(tracker.make_progress(status, after(9))).splitlines() == [
        "summer: 152 rows: 138 succeeded, 3 failed, 2 unknown, 9 not ended",
        "  8 running, 1 waiting",
        "  71.50 of 100.00 USD spent, and 12 tasks of unknown price",
        "  files in /out",
        f"  last run {START.astimezone():%Y-%m-%d %H:%M:%S}",
        "  no further task is created: cancelled",
        *(f"  1  failed: CODE.{number:02}" for number in range(12)),
    ]


def test_a_batch_of_which_nothing_has_ended() -> None:
    status = evolve(STATUS, rows=1, running=1, statuses={}, spending=Spending(Decimal(), 0, 0))
    progress = BatchTracker().make_progress(status, after(9))
    assert format_view(progress, 80) == [
        "0 done   1 running   0 waiting", "0:09 elapsed", "0.00 USD spent",
    ]  # fmt: skip
    assert format_summary(progress) == "1 row: 1 not ended"
    none = evolve(status, rows=0, running=0)
    assert format_summary(BatchTracker().make_progress(none, after(9))) == "0 rows: none"


def test_a_line_is_cut_where_it_is_too_long() -> None:
    cuts = {width: cut_line("abc", width) for width in (4, 3, 2, 1, 0)}
    assert cuts == {4: "abc", 3: "abc", 2: "a…", 1: "…", 0: "…"}
