"""Tasks only ever move on, and end as planned."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway._core.failure_codes import explain_failure
from cometapi_runway.simulator import FAILURES, Ending, failed
from cometapi_runway.simulator._gateway.planner import Planner, Slots
from cometapi_runway.simulator._lifecycle import CANCELLED, SUCCESS, TERMINAL, Plan, observe
from cometapi_runway.simulator._rules.outcomes import Outcome
from cometapi_runway.simulator._rules.rule_book import RuleBook, When
from cometapi_runway.simulator._settings import Timings

ORDER = {"PENDING": 0, "THROTTLED": 1, "RUNNING": 2, "SUCCEEDED": 3, "FAILED": 3, "CANCELLED": 3}
spans = st.floats(0, 100)
endings = st.sampled_from([SUCCESS, CANCELLED, *map(failed, FAILURES), failed(None)])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    queued = draw(spans)
    starts = queued + draw(spans)
    return Plan(draw(spans), queued, starts, starts + draw(spans), draw(endings))


@given(plans(), st.lists(st.floats(0, 400), min_size=2, max_size=20))
def test_a_task_never_goes_back(plan: Plan, ages: list[float]) -> None:
    views = [observe(plan, age) for age in sorted(ages)]
    for earlier, later in itertools.pairwise(views):
        assert ORDER[earlier.status] <= ORDER[later.status]
        assert earlier.is_visible <= later.is_visible
        assert earlier.progress <= later.progress
        if earlier.is_terminal:
            assert (later.status, later.ending) == (earlier.status, earlier.ending)


@given(plans(), st.floats(0, 400))
def test_a_view_is_consistent(plan: Plan, age: float) -> None:
    view = observe(plan, age)
    assert view.is_terminal == (view.status in TERMINAL) == (age >= plan.ends)
    assert 0 <= view.progress <= 1
    assert (view.progress == 1) == (view.status == "SUCCEEDED")
    assert (view.status == "RUNNING") <= (view.started is not None)
    assert view.ending is None or view.ending.status == view.status


@given(plans(), st.floats(0, 400), st.floats(0, 400))
def test_cancelling_ends_what_has_not_ended(plan: Plan, at: float, age: float) -> None:
    after = observe(plan.cancel(at), age)
    if at >= plan.ends or age < at:
        assert after.status == observe(plan, age).status
    else:
        assert after.status == "CANCELLED"
        assert after.ended == at


def test_each_state_is_shown_when_it_is_due() -> None:
    plan = Plan(appears=1, queued=2, starts=4, ends=14)
    shown = [observe(plan, age).status for age in (0, 1, 2, 3.9, 4, 13.9, 14)]
    assert shown == [
        "PENDING", "PENDING", "THROTTLED", "THROTTLED", "RUNNING", "RUNNING", "SUCCEEDED",
    ]  # fmt: skip
    assert [observe(plan, age).is_visible for age in (0.9, 1)] == [False, True]
    assert [observe(plan, age).progress for age in (3, 4, 9, 13.99, 14)] == [0, 0, 0.5, 0.99, 1]


def test_only_unsafe_inputs_are_not_refunded() -> None:
    kept = {code for code in FAILURES if not failed(code).is_refunded}
    assert kept == {"SAFETY.INPUT.TEXT", "SAFETY.INPUT.IMAGE", "SAFETY.INPUT.VIDEO"}
    assert failed(None).is_refunded
    assert CANCELLED.is_refunded
    assert not SUCCESS.is_refunded


def test_failures_have_words_even_where_runway_has_no_code() -> None:
    assert failed("NEW.CODE") == Ending("FAILED", "The task failed: NEW.CODE.", "NEW.CODE")
    assert failed(None).failure_code is None
    assert all(failed(code).failure for code in (*FAILURES, None))


@given(st.integers(1, 5), st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 10)), max_size=40))
def test_never_more_tasks_run_than_there_are_slots(
    limit: int, jobs: list[tuple[float, float]]
) -> None:
    slots, ready, runs = Slots(limit), 0.0, list[tuple[float, float]]()
    for pause, seconds in jobs:
        ready += pause
        start = slots.take(ready, seconds)
        assert start >= ready
        runs.append((start, start + seconds))
    for start, _ in runs:
        assert sum(begin <= start < end for begin, end in runs) <= limit


def test_slots_make_no_task_wait_without_need() -> None:
    slots = Slots(2)
    assert [slots.take(0, 10), slots.take(0, 20), slots.take(0, 5), slots.take(30, 1)] == [
        0,
        0,
        10,
        30,
    ]


def planner(seed: int, **timings: float) -> Planner:
    return Planner(seed, Timings(**timings), RuleBook[Outcome]())


def test_the_seed_decides_everything() -> None:
    names = frozenset(("x",))
    first, again, other = (
        [made.plan(number, 0.0, names) for number in range(1, 20)]
        for made in (planner(1), planner(1), planner(2))
    )
    assert first == again
    assert first != other
    assert len({task_id for task_id, _ in first + other}) == 38
    assert all(task_id[14] == "4" and task_id[19] in "89ab" for task_id, _ in first)


@given(st.integers(0, 1000), st.floats(0, 0.9))
def test_durations_stay_within_their_spread(seed: int, spread: float) -> None:
    _, plan = planner(seed, invisible=2, pending=3, running=10, spread=spread).plan(
        1, 0, frozenset()
    )
    for seconds, middle in ((plan.appears, 2), (plan.queued, 3), (plan.ends - plan.starts, 10)):
        assert middle * (1 - spread) - 1e-9 <= seconds <= middle * (1 + spread) + 1e-9


def test_outcomes_go_by_operation_and_occurrence() -> None:
    book = RuleBook[Outcome]()
    book.add(Outcome(failed("INTERNAL"), When("a", nth=2)), Outcome(CANCELLED, When("b")))
    made = Planner(0, Timings(), book)
    ends = [made.plan(n, 0, frozenset((name,)))[1].ending.status for n, name in enumerate("aabac")]
    assert ends == ["SUCCEEDED", "FAILED", "CANCELLED", "SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("bad", [{"invisible": -1}, {"spread": 1}, {"concurrency": 0}])
def test_impossible_timings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Timings(**bad)


def test_the_client_can_explain_every_failure_simulated() -> None:
    assert [code for code in FAILURES if explain_failure(code).code is None] == []
