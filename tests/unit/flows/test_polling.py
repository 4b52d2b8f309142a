"""When a wait polls, learned from how long earlier tasks took."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import PastDuration, TaskEnded
from cometapi_runway._flows.polling import (
    MAX_GAP,
    MIN_PAST,
    _Forecast,
    estimate_duration,
    next_poll,
    plan_polls,
)
from cometapi_runway._flows.wait import wait
from cometapi_runway._settings import POLL_INTERVAL, POLL_JITTER
from cometapi_runway.errors import TaskFailedError, TaskTimeoutError

from ..support.both_clients import ID
from ..support.fault_table import DONE, RUNNING, page
from ..support.flow_runner import FlowRunner, wait_request
from ..support.scripted_transport import json_reply
from ..support.virtual_time import FixedJitter

LEAST, MOST = FixedJitter(0.0), FixedJitter(1.0)
PLAN = (40.0, 50.0, 56.0, 90.0)

durations = st.floats(0.5, 3600.0)
pasts = st.lists(
    st.builds(
        lambda seconds, part: PastDuration(seconds, seconds * part), durations, st.floats(0, 1)
    ),
    min_size=MIN_PAST,
    max_size=100,
)


def draw_past(median: float, sigma: float, count: int = 60, seed: int = 1) -> list[PastDuration]:
    rng = Random(seed)
    return [PastDuration(rng.lognormvariate(math.log(median), sigma), 5.0) for _ in range(count)]


@each_case(
    ("plan", "elapsed", "interval", "due"),
    [
        # Without a plan, and after its end: the interval.
        ((), 12.0, 5.0, 17.0),
        (PLAN, 90.0, 5.0, 95.0),
        (PLAN, 500.0, 5.0, 505.0),
        # The next time of the plan, also after a poll that its jitter delayed.
        (PLAN, 40.0, 5.0, 50.0),
        (PLAN, 41.0, 5.0, 50.0),
        (PLAN, 47.0, 5.0, 52.0),
        (PLAN, 47.5, 5.0, 56.0),
        (PLAN, 51.0, 5.0, 56.0),
        (PLAN, 52.0, 5.0, 57.0),
        (PLAN, 54.0, 5.0, 83.0),
        # Never later than the longest gap, jitter included.
        (PLAN, 1.0, 5.0, 30.0),
        (PLAN, 56.0, 5.0, 85.0),
        (PLAN, 56.0, 1.0, 85.8),
    ],
)
def test_the_next_poll_is_the_plans(
    plan: tuple[float, ...], elapsed: float, interval: float, due: float
) -> None:
    assert next_poll(plan, elapsed, interval) == pytest.approx(due)


@given(pasts, st.floats(0.1, 14.0))
@settings(max_examples=20, deadline=None)
def test_gaps_are_between_the_interval_and_the_longest(
    past: list[PastDuration], interval: float
) -> None:
    plan = plan_polls(past, interval)
    longest = max(one.seconds for one in past)
    polls = list(plan[:1]) or [interval]
    while polls[-1] <= 2 * longest and len(polls) < 200:
        polls.append(next_poll(plan, polls[-1], interval))
    gaps = [later - earlier for earlier, later in pairwise(polls)]
    assert polls[0] >= interval
    assert all(interval - 1e-6 <= gap <= MAX_GAP for gap in gaps)
    # A task that takes longer than twice the longest is not like the past.
    after = 2 * longest + 1
    assert next_poll(plan, after, interval) == pytest.approx(after + interval)


@each_case(
    ("past", "interval"),
    [
        ([], 5.0),
        (draw_past(45, 0.3, MIN_PAST - 1), 5.0),
        # Tasks that have always ended before the first poll, and intervals that leave no choice.
        ([PastDuration(2.0, 2.0)] * MIN_PAST, 5.0),
        (draw_past(45, 0.3), 15.0),
        (draw_past(45, 0.3), 2_147_483.0),
    ],
)
def test_nothing_is_planned_from_too_little(past: list[PastDuration], interval: float) -> None:
    assert plan_polls(past, interval) == ()


@pytest.mark.parametrize(("median", "sigma"), [(45.0, 0.3), (150.0, 0.4), (400.0, 0.2)])
def test_a_plan_begins_at_a_low_quantile_and_is_dense_where_tasks_end(
    median: float, sigma: float
) -> None:
    past = draw_past(median, sigma)
    plan = plan_polls(past, POLL_INTERVAL)
    earlier = sum(one.seconds < plan[0] for one in past) / len(past)
    assert 0 < earlier < 0.3
    fixed = median / POLL_INTERVAL
    assert sum(time < median for time in plan) < fixed / 2


def test_the_plan_of_a_past_stays_as_it_was_measured() -> None:
    """The figures of docs/performance.md are those of these plans."""
    past = [PastDuration(60.0 + 7.0 * (index * 11 % 30), 5.0) for index in range(30)]
    plan = plan_polls(past, POLL_INTERVAL)
    assert plan[:9] == (68.538, 88.263, 104.7, 121.138, 137.575, 154.013, 167.162, 180.312, 193.463)
    assert (len(plan), plan[-1]) == (52, 522.212)


SPREAD = [PastDuration(60.0 + 7.0 * (index * 11 % 30), 5.0) for index in range(30)]


@each_case(
    ("past", "interval", "first", "count", "last", "total"),
    [
        # One that took very long makes no plan that is as long and as coarse.
        ([*SPREAD[:12], PastDuration(3000.0, 5.0), *SPREAD[12:]],
         5.0, 69.515, 48, 1017.9, 23170.06),
        ([PastDuration(60.0, 5.0)] * 20, 5.0, 52.75, 12, 118.75, 1029.0),
        (
            [PastDuration(one.seconds, 20.0 if index % 3 else one.seconds)
             for index, one in enumerate(SPREAD)],
            5.0, 55.388, 51, 522.212, 16628.98,
        ),
        ([PastDuration(one.seconds, one.seconds) for one in SPREAD],
         5.0, 29.088, 38, 522.212, 10359.649),
        ([PastDuration(20.0 + index * 7 % 20, 5.0) for index in range(25)],
         5.0, 21.5, 11, 76.5, 539.0),
        (SPREAD, 1.0, 68.938, 52, 525.9, 17500.736),
        (SPREAD, 14.9, 70.835, 27, 511.36, 7931.952),
        ([PastDuration(2.0 + index % 7, 0.5) for index in range(25)], 0.5, 4.05, 9, 15.45, 94.05),
        (
            [PastDuration(900.0 + index * 37 % 400, 30.0) for index in range(100)],
            5.0, 794.525, 112, 2595.5, 189841.4,
        ),
    ],
)  # fmt: skip
def test_the_plans_of_unlike_pasts_stay_as_they_were(
    past: list[PastDuration], interval: float, first: float, count: int, last: float, total: float
) -> None:
    plan = plan_polls(past, interval)
    assert (plan[0], len(plan), plan[-1], round(sum(plan), 3)) == (first, count, last, total)


def test_what_is_recent_counts_more() -> None:
    fast, slow = draw_past(40, 0.2, 20), draw_past(160, 0.2, 60)
    assert plan_polls([*fast, *slow], 5.0)[0] < 40 < plan_polls([*slow, *fast], 5.0)[0]


def test_a_first_poll_that_is_too_late_moves_forward() -> None:
    past = draw_past(160, 0.2, 40)
    first = plan_polls(past, 5.0)[0]
    for _ in range(12):
        # All tasks have ended by the first poll.
        first = plan_polls(past, 5.0)[0]
        past.insert(0, PastDuration(first, first))
    assert first < 60


def test_a_plan_begins_the_earlier_the_more_ends_first_polls_found() -> None:
    def first_poll(found: int) -> float:
        # What is recent counts more, so that the finds are spread evenly.
        past = [PastDuration(60.0, 60.0 if index % 10 < found else 5.0) for index in range(60)]
        return plan_polls(past, 5.0)[0]

    some, half, most, all_of_them = map(first_poll, (3, 5, 7, 10))
    assert some > half > most > all_of_them
    # Ends that first polls found in the whole of their time are as likely in its first half.
    assert all_of_them < 30


def test_a_past_below_the_interval_is_polled_at_the_interval() -> None:
    assert plan_polls([PastDuration(5.15, 5.15)] * 20, 5.0)[0] == 5.0


@each_case(
    ("elapsed", "duration"), [(0.0, 50.5), (50.0, 75.5), (97.0, 99.0), (98.0, None), (500.0, None)]
)
def test_an_estimate_is_the_median_of_what_the_task_has_not_refuted(
    elapsed: float, duration: float | None
) -> None:
    past = [PastDuration(float(seconds), 0.0) for seconds in range(1, 101)]
    assert estimate_duration(past, elapsed) == duration
    assert estimate_duration(past[: MIN_PAST - 1], 0.0) is None


def test_an_end_within_a_gap_is_estimated_in_its_middle() -> None:
    assert estimate_duration([PastDuration(50.0, 10.0)] * MIN_PAST, 0.0) == 45.0
    assert estimate_duration([PastDuration(50.0, 50.0)] * MIN_PAST, 0.0) == 37.5


def play(*events: object, rng: Random = LEAST, **changes: object) -> FlowRunner:
    """A wait for a task that was created at 0, with the plan."""
    runner = FlowRunner()
    request = wait_request(**{"created": 0.0, "submitted": 0.0, "plan": PLAN, **changes})
    runner.run(wait(request, started=0.0, rng=rng), *events)
    return runner


def times(runner: FlowRunner) -> list[float]:
    return [at for at, _ in runner.sent]


@pytest.mark.parametrize(
    ("rng", "polls"),
    [
        (LEAST, [40.0, 50.0, 56.0, 85.0, 90.0, 95.0]),
        (MOST, [41.0, 51.0, 57.0, 87.0, 93.0, 99.0]),
    ],
)
def test_a_new_task_is_polled_as_planned_and_then_once_per_interval(
    rng: Random, polls: list[float]
) -> None:
    runner = play(*[RUNNING] * 5, DONE, rng=rng)
    assert times(runner) == polls


@pytest.mark.parametrize("rng", [LEAST, MOST])
def test_a_plan_that_begins_at_the_interval_polls_then_as_without_a_plan(rng: Random) -> None:
    assert times(play(DONE, rng=rng, plan=(5.0, *PLAN))) == times(play(DONE, rng=rng, plan=()))


def test_a_task_that_was_created_elsewhere_is_polled_at_once_and_then_as_planned() -> None:
    runner = play(*[RUNNING] * 3, DONE, created=None, submitted=-25.0)
    assert times(runner) == [0.0, 15.0, 25.0, 31.0]


def test_without_its_age_a_task_is_polled_once_per_interval() -> None:
    runner = play(*[RUNNING] * 2, DONE, created=None, submitted=None)
    assert times(runner) == [0.0, 5.0, 10.0]


def test_a_poll_that_failed_is_repeated_after_the_interval() -> None:
    runner = play(RUNNING, page(502), page(502), RUNNING, DONE)
    assert times(runner) == [40.0, 50.0, 55.0, 60.0, 89.0]


def test_a_deadline_before_the_first_poll_is_kept() -> None:
    runner = FlowRunner()
    request = wait_request(created=0.0, submitted=0.0, plan=PLAN, timeout=20.0)
    with pytest.raises(TaskTimeoutError):
        runner.run(wait(request, started=0.0, rng=LEAST), RUNNING)
    assert times(runner) == [20.0]


@each_case("seed", range(5))
def test_gaps_of_a_wait_are_never_shorter_than_the_interval(seed: int) -> None:
    rng = Random(seed)
    runner = play(*[RUNNING] * 40, DONE, rng=rng, plan=plan_polls(draw_past(150, 0.4), 5.0))
    gaps = [b - a for a, b in pairwise(times(runner))]
    assert min(gaps) >= POLL_INTERVAL
    assert max(gaps) <= MAX_GAP + 1e-6


@each_case(
    ("events", "changes", "duration"),
    [
        # Between the poll that showed it running and the one that showed its end.
        ([RUNNING, DONE], {}, PastDuration(50.0, 10.0)),
        ([RUNNING, DONE], {"plan": ()}, PastDuration(10.0, 5.0)),
        # Watched from its creation, however late the first poll was planned.
        ([DONE], {}, PastDuration(40.0, 40.0)),
        (
            [RUNNING, DONE],
            {"created": None, "submitted": -9.0, "plan": ()},
            PastDuration(14.0, 5.0),
        ),
        # It may have ended long before.
        ([DONE], {"created": None, "submitted": -9.0}, None),
        ([DONE], {"created": -60.0, "submitted": -60.0}, None),
        ([RUNNING, *[page(502)] * 6, DONE], {}, None),
        ([RUNNING, DONE], {"plan": (), "interval": 40.0}, None),
        # Nothing says when it was created.
        ([RUNNING, DONE], {"created": None, "submitted": None}, None),
    ],
)
def test_a_duration_is_recorded_if_the_end_was_watched(
    events: list[object], changes: dict[str, object], duration: PastDuration | None
) -> None:
    runner = play(*events, **changes)
    (end,) = (entry for entry in runner.written if isinstance(entry, TaskEnded))
    assert end.duration == duration


def test_how_long_a_failure_took_is_not_recorded() -> None:
    runner = FlowRunner()
    request = wait_request(created=0.0, submitted=0.0)
    with pytest.raises(TaskFailedError):
        runner.run(
            wait(request, started=0.0, rng=LEAST), json_reply({"id": ID, "status": "FAILED"})
        )
    assert runner.written == [TaskEnded(Task(ID, "FAILED"))]


def test_a_planned_gap_with_its_jitter_is_no_longer_than_the_longest() -> None:
    for interval in (1.0, 5.0, 14.0):
        forecast = _Forecast(draw_past(60, 0.3), interval)
        jitter = interval * POLL_JITTER
        assert forecast._most > forecast._least
        assert forecast._most * forecast.step + jitter <= MAX_GAP
        assert (forecast._most + 1) * forecast.step + jitter > MAX_GAP
        assert forecast._least * forecast.step >= interval + jitter / 2 - 1e-6


def test_a_plan_has_the_polls_and_the_delay_that_its_forecast_gives_it() -> None:
    forecast = _Forecast(draw_past(60, 0.3), 5.0)
    forecast.step, forecast.ended = 1.0, [0.0, 0.5, 1.0, 1.0]
    forecast.waited = [0.0, 0.25, 1.0, 2.0]
    # One poll that all tasks need; it sees those that ended before it, however long before.
    assert forecast.predict([2]) == (1.0, 1.0)
    # Half of the tasks need the second one, which does not see the others.
    assert forecast.predict([1, 3]) == (1.5, 0.25 + (2.0 - 0.25 - 0.5 * 2))
    assert forecast.predict([]) == (0.0, 0.0)
