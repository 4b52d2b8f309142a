"""Plans are drawn from the seed, the timings, the slots and the outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway.simulator import failed
from cometapi_runway.simulator._gateway.planner import Planner, Slots
from cometapi_runway.simulator._lifecycle import CANCELLED
from cometapi_runway.simulator._rules.outcomes import Outcome
from cometapi_runway.simulator._rules.rule_book import RuleBook, When
from cometapi_runway.simulator._settings import Timings


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


def test_a_task_waits_only_if_no_slot_is_free() -> None:
    slots = Slots(2)
    assert [slots.take(0, 10), slots.take(0, 20), slots.take(0, 5), slots.take(30, 1)] == [
        0,
        0,
        10,
        30,
    ]


def planner(seed: int, **timings: float) -> Planner:
    return Planner(seed, Timings(**timings), RuleBook[Outcome]())


def test_the_seed_determines_ids_and_plans() -> None:
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


def test_outcomes_match_operation_and_occurrence() -> None:
    book = RuleBook[Outcome]()
    book.add(Outcome(failed("INTERNAL"), When("a", nth=2)), Outcome(CANCELLED, When("b")))
    made = Planner(0, Timings(), book)
    ends = [made.plan(n, 0, frozenset((name,)))[1].ending.status for n, name in enumerate("aabac")]
    assert ends == ["SUCCEEDED", "FAILED", "CANCELLED", "SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("bad", [{"invisible": -1}, {"spread": 1}, {"concurrency": 0}])
def test_invalid_timings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Timings(**bad)
