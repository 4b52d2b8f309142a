"""Clocks run at a rate, move forward by hand, and end before timestamps do."""

from __future__ import annotations

import anyio
import pytest
from tests.cases import each_case

from cometapi_runway.simulator import INSTANT, MANUAL_START, SimClock
from cometapi_runway.simulator._clock import LAST

from .helpers import create, make_gateway, parse_task, read


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_clock_rates() -> None:
    machine = [7.0]
    clock = SimClock(3.0, 100.0, lambda: machine[0])
    assert clock.now() == 100
    machine[0] += 10
    assert clock.now() == 130
    assert clock.advance(5) == clock.now() == 135
    for bad in (-1, 1e12, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="forward"):
            clock.advance(bad)
    with pytest.raises(ValueError, match="factor"):
        SimClock.scaled(0)
    with anyio.fail_after(5):
        await SimClock.scaled(1_000_000).sleep(10_000)


@each_case(
    ("rate", "left", "pause"),
    [(0.0, 9.0, 0.005), (1.0, 9.0, 0.05), (1.0, 0.01, 0.01), (100.0, 1.0, 0.01), (100.0, 9, 0.05)],
)
def test_a_wait_notices_soon_that_another_thread_moves_the_clock(
    rate: float, left: float, pause: float
) -> None:
    clock = SimClock(rate, 100.0, lambda: 7.0)
    pauses = clock._poll_intervals(100.0 + left)
    assert [next(pauses), next(pauses)] == pytest.approx([pause, pause])
    clock.advance(left)
    assert list(pauses) == []


@each_case("factor", [0, -1, float("nan"), float("inf")])
def test_a_rate_is_positive_and_finite(factor: float) -> None:
    with pytest.raises(ValueError, match="factor"):
        SimClock.scaled(factor)


def test_a_clock_may_be_slow_and_moves_to_its_end() -> None:
    machine = [7.0]
    clock = SimClock(SimClock.scaled(0.5).rate, 100.0, lambda: machine[0])
    machine[0] += 10
    assert clock.now() == 105
    clock = SimClock.manual()
    with pytest.raises(ValueError, match="a clock moves forward by 0 seconds or more, got "):
        clock.advance(LAST - MANUAL_START + 1)
    assert clock.advance(LAST - MANUAL_START) == LAST


def test_a_clock_stops_before_timestamps_end() -> None:
    ticks = iter([0.0, *[1.0] * 99])
    target = make_gateway(clock=SimClock(1e300, 0.0, ticks.__next__), timings=INSTANT)
    task_id = create(target)
    assert parse_task(read(target, task_id))["createdAt"] == "9998-12-31T00:00:00.000Z"
    assert target.clock.advance(0) == target.clock.now()
