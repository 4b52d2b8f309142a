"""The state of a task only moves forward, and its end is as planned."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway._core.failure_codes import explain_failure
from cometapi_runway.simulator import FAILURES, Ending, failed
from cometapi_runway.simulator._lifecycle import CANCELLED, SUCCESS, TERMINAL, Plan, observe

ORDER = {"PENDING": 0, "THROTTLED": 1, "RUNNING": 2, "SUCCEEDED": 3, "FAILED": 3, "CANCELLED": 3}


spans = st.floats(0, 100)


endings = st.sampled_from([SUCCESS, CANCELLED, *map(failed, FAILURES), failed(None)])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    queued = draw(spans)
    starts = queued + draw(spans)
    return Plan(draw(spans), queued, starts, starts + draw(spans), draw(endings))


@given(plans(), st.lists(st.floats(0, 400), min_size=2, max_size=20))
def test_a_task_only_moves_forward(plan: Plan, ages: list[float]) -> None:
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
def test_cancelling_ends_a_task_that_has_not_ended(plan: Plan, at: float, age: float) -> None:
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


def test_failures_have_a_message_even_without_a_documented_code() -> None:
    assert failed("NEW.CODE") == Ending("FAILED", "The task failed: NEW.CODE.", "NEW.CODE")
    assert failed(None).failure_code is None
    assert all(failed(code).failure for code in (*FAILURES, None))


def test_the_client_explains_every_simulated_failure() -> None:
    assert [code for code in FAILURES if explain_failure(code).code is None] == []
