"""How much longer tasks take, by what a command has seen of them."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import PastDuration
from cometapi_runway._flows.polling import MIN_PAST
from cometapi_runway.cli._output.time_estimates import TimeEstimates, TrackedTask

Seen = tuple[float, str, float | None]
"""When a status was seen, the status, and the progress."""


def make_estimates(*seen: Seen) -> TimeEstimates:
    estimates = TimeEstimates()
    for now, status, progress in seen:
        estimates.add(Task("t", status, progress, operation="o"), now)
    return estimates


@each_case(
    ("seen", "remaining"),
    [
        ([(0, "RUNNING", 0.2), (10, "RUNNING", 0.6)], 10.0),
        # The speed is that of its own run: how long it waited for its start does not count.
        ([(0, "PENDING", 0.0), (600, "RUNNING", 0.2), (610, "RUNNING", 0.6)], 10.0),
        ([(0, "RUNNING", 0.0), (40, "RUNNING", 0.0), (50, "RUNNING", 0.5)], 10.0),
        ([(0, "RUNNING", 0.2), (10, "RUNNING", 0.4), (20, "RUNNING", 0.4)], 20.0),
        # Progress that falls starts again.
        ([(0, "RUNNING", 0.8), (10, "RUNNING", 0.2), (20, "RUNNING", 0.6)], 10.0),
        ([(0, "RUNNING", 0.2), (9, "RUNNING", 0.6), (10, "THROTTLED", 0.6)], None),
        ([(0, "RUNNING", 0.78)], None),
        ([(0, "PENDING", None), (9, "RUNNING", 0.78)], None),
        ([(0, "RUNNING", None), (9, "RUNNING", None)], None),
        ([(0, "RUNNING", 0.20), (9, "RUNNING", 0.24)], None),
        ([(0, "RUNNING", 0.20), (9, "RUNNING", 0.26)], 111.0),
        # Exactly the least progress that is measured.
        ([(0, "RUNNING", 0.0), (9, "RUNNING", 0.05)], 171.0),
        ([(0, "RUNNING", 0.5), (10, "RUNNING", 1.0)], None),
        ([(0, "RUNNING", 0.2), (10, "RUNNING", 0.6), (20, "SUCCEEDED", None)], None),
        ([], None),
    ],
)
def test_the_speed_is_that_of_the_tasks_own_progress(
    seen: list[Seen], remaining: float | None
) -> None:
    now = seen[-1][0] if seen else 0.0

    found = make_estimates(*seen).estimate_remaining("t", now)

    assert found == (None if remaining is None else pytest.approx(remaining))


def test_an_estimate_that_has_passed_is_not_shown() -> None:
    estimates = make_estimates((0, "RUNNING", 0.2), (10, "RUNNING", 0.6))

    assert estimates.estimate_remaining("t", 19.0) == pytest.approx(1.0)
    assert estimates.estimate_remaining("t", 20.0) is None
    assert estimates.estimate_remaining("t", 25.0) is None


def make_finished(*run_times: float) -> TimeEstimates:
    """Estimates after tasks whose start and end were seen."""
    estimates = TimeEstimates()
    for number, seconds in enumerate(run_times):
        seen = ((0, "PENDING"), (5, "RUNNING"), (6, "RUNNING"), (5 + seconds, "SUCCEEDED"))
        for now, status in seen:
            estimates.add(Task(f"done-{number}", status, operation="o"), now)
    return estimates


def test_without_progress_tasks_run_as_long_as_others_of_their_operation() -> None:
    estimates = make_finished(60, 80, 9000)
    for task_id, operation in (("t", "o"), ("other", "x"), ("unknown", None)):
        estimates.add(Task(task_id, "PENDING", operation=operation), 10.0)
        estimates.add(Task(task_id, "RUNNING", operation=operation), 100.0)

    assert estimates.estimate_remaining("t", 110.0) == 70.0
    assert estimates.estimate_remaining("t", 180.0) is None
    assert estimates.estimate_remaining("other", 110.0) is None
    assert estimates.estimate_remaining("unknown", 110.0) is None


def test_a_tasks_own_progress_refutes_the_run_time_of_others() -> None:
    estimates = make_finished(90, 90, 90)
    estimates.add(Task("t", "PENDING", operation="o"), 0.0)
    estimates.add(Task("t", "RUNNING", operation="o"), 3.0)
    assert estimates.estimate_remaining("t", 9.0) == 84.0

    estimates.add(Task("t", "RUNNING", 0.78, operation="o"), 9.0)

    assert estimates.estimate_remaining("t", 9.0) is None


@each_case(
    "seen",
    [
        [(0, "PENDING"), (90, "SUCCEEDED")],
        [(0, "RUNNING"), (90, "SUCCEEDED")],
        [(90, "SUCCEEDED")],
        [(0, "PENDING"), (5, "RUNNING"), (90, "FAILED")],
        [(0, "PENDING"), (5, "RUNNING"), (90, "CANCELLED")],
    ],
)
def test_only_runs_that_were_seen_from_start_to_end_count(seen: list[tuple[float, str]]) -> None:
    estimates = make_finished(60, 60)
    for now, status in seen:
        estimates.add(Task("late", status, operation="o"), now)
    for now, status in ((0.0, "PENDING"), (5.0, "RUNNING")):
        estimates.add(Task("t", status, operation="o"), now)

    assert estimates.estimate_remaining("t", 6.0) is None


PAST = [PastDuration(float(seconds), 0.0) for seconds in range(60, 100)]
"""Of which the median is 79.5 s."""


@each_case(
    ("seen", "now", "remaining"),
    [
        # Before it is seen, and while it says nothing of its progress.
        ([], 0.0, 79.5),
        ([(10, "PENDING", None)], 20.0, 59.5),
        ([(10, "RUNNING", 0.0)], 20.0, 59.5),
        # The time of the estimate has passed: it is refuted.
        ([(10, "RUNNING", None)], 79.5, None),
        ([(10, "RUNNING", None)], 85.0, None),
        # Seen running later, it belongs to those that took longer.
        ([(10, "RUNNING", None), (85, "RUNNING", None)], 85.0, 7.5),
        ([(10, "RUNNING", None), (85, "RUNNING", None)], 93.0, None),
        ([(10, "RUNNING", None), (98, "RUNNING", None)], 98.0, None),
        ([(500, "RUNNING", None)], 500.0, None),
        # Its own progress says otherwise.
        ([(10, "RUNNING", 0.78)], 10.0, None),
        ([(10, "RUNNING", 0.2), (20, "RUNNING", 0.6)], 20.0, 10.0),
        ([(10, "RUNNING", None), (20, "SUCCEEDED", None)], 20.0, None),
    ],
)
def test_the_journals_past_is_estimated_from_until_the_run_refutes_it(
    seen: list[Seen], now: float, remaining: float | None
) -> None:
    tracked = TrackedTask("t", 1000.0, PAST)
    estimates = make_estimates(*((1000.0 + at, *rest) for at, *rest in seen))

    found = estimates.estimate_remaining("t", 1000.0 + now, tracked)

    assert found == (None if remaining is None else pytest.approx(remaining))


def test_a_short_past_is_not_estimated_from() -> None:
    tracked = TrackedTask("t", 0.0, PAST[:19])
    assert make_estimates().estimate_remaining("t", 0.0, tracked) is None


def test_the_journals_past_counts_from_as_many_tasks_as_polls_need() -> None:
    estimates = make_estimates((1000.0, "PENDING", None))
    few, enough = (PAST[:count] for count in (MIN_PAST - 1, MIN_PAST))
    for past, remaining in ((few, None), (enough, 69.5)):
        tracked = TrackedTask("t", 1000.0, past)
        assert estimates.estimate_remaining("t", 1000.0, tracked) == remaining
