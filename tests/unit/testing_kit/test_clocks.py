"""Waits that take no time, and that add no time for each other."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cometapi_runway.simulator import SimClock, Timings
from cometapi_runway.testing.clocks import Agenda, AsyncSkippingClock, SkippingClock

ASSETS = {"character": "https://example.com/face.png", "reference": "https://example.com/c.mp4"}
SLOW = Timings(pending=100, running=200)


@pytest.fixture
def agenda():
    return Agenda(SimClock.manual(0))


def test_a_sleep_moves_the_clock(agenda):
    clock = SkippingClock(agenda)
    clock.sleep(5)
    assert clock.now() == pytest.approx(5)


def test_a_sleep_always_moves_it(agenda):
    """Or a pause below the clock's resolution would be slept again and again."""
    late = Agenda(SimClock.manual(2e9))
    before = late.clock.now()
    SkippingClock(late).sleep(1e-9)
    assert late.clock.now() > before


def test_who_is_due_first_wakes_first(agenda):
    clock, woken = AsyncSkippingClock(agenda), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.now()))

    async def all_of_them() -> None:
        await asyncio.gather(*(sleeper(seconds) for seconds in (9, 3, 6)))

    asyncio.run(all_of_them())
    assert [seconds for seconds, _ in woken] == [3, 6, 9]
    assert [now for _, now in woken] == pytest.approx([3, 6, 9])


def test_sleeps_side_by_side_are_not_added_up(agenda):
    clock = AsyncSkippingClock(agenda)

    async def sleeper() -> None:
        for _ in range(10):
            await clock.sleep(6)

    async def all_of_them() -> None:
        await asyncio.gather(*(sleeper() for _ in range(20)))

    asyncio.run(all_of_them())
    assert clock.now() == pytest.approx(60)


def test_one_who_never_comes_back_holds_nobody_up(agenda):
    with agenda.entry(1):
        SkippingClock(agenda).sleep(5)
        asyncio.run(AsyncSkippingClock(agenda).sleep(5))
    assert agenda.clock.now() == pytest.approx(10)


def test_one_who_is_cancelled_leaves_the_agenda(agenda):
    async def cancel_one() -> None:
        task = asyncio.ensure_future(AsyncSkippingClock(agenda).sleep(1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel_one())
    assert agenda.is_next(1e9)


def test_a_clock_that_was_moved_meanwhile_is_not_turned_back(agenda):
    with agenda.entry(5) as due:
        agenda.clock.advance(50)
        agenda.arrive(due)
    assert agenda.clock.now() == pytest.approx(50)


@pytest.mark.runway(timings=SLOW)
def test_a_long_wait_takes_no_time(runway_simulator):
    seen = []
    task = runway_simulator.client.character_performance.create(**ASSETS)
    assert task.wait(timeout=1000, on_update=lambda task: seen.append(task.status)).output
    assert sorted(set(seen), key=seen.index) == ["PENDING", "RUNNING", "SUCCEEDED"]


@pytest.mark.runway(timings=SLOW)
@pytest.mark.anyio
async def test_waits_of_one_program(runway_simulator):
    client = runway_simulator.async_client
    tasks = [await client.character_performance.create(**ASSETS) for _ in range(10)]
    before = runway_simulator.clock.now()
    await asyncio.gather(*(task.wait(timeout=600) for task in tasks))
    assert runway_simulator.clock.now() - before < 450


@pytest.mark.runway(timings=SLOW)
def test_waits_in_threads(runway_simulator):
    client = runway_simulator.client
    tasks = [client.character_performance.create(**ASSETS) for _ in range(5)]
    start = threading.Barrier(5)

    def wait(task):
        start.wait()
        return task.wait(timeout=3600)

    with ThreadPoolExecutor(5) as pool:
        assert all(task.output for task in pool.map(wait, tasks))


@pytest.mark.runway(timings=SLOW)
@pytest.mark.parametrize("fixture", ["runway_simulator", "runway_server"])
def test_many_tasks_at_once(fixture, request):
    kit = request.getfixturevalue(fixture)
    ids = [kit.client.character_performance.create(**ASSETS).id for _ in range(6)]
    assert all(task.result().output for task in kit.client.tasks.wait_all(ids))
