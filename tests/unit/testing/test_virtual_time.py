"""Virtual time: waits take no real time, and concurrent waits do not add up."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cometapi_runway._core.clock import AsyncSystemClock, SystemClock
from cometapi_runway.simulator import SimClock, Timings
from cometapi_runway.testing._virtual_time import (
    AsyncVirtualClock,
    SharedClock,
    VirtualClock,
    use_virtual_time,
)

ASSETS = {"character": "https://example.com/face.png", "reference": "https://example.com/c.mp4"}
SLOW = Timings(pending=100, running=200)


@pytest.fixture
def shared_clock():
    return SharedClock(SimClock.manual(0))


def test_a_sleep_advances_the_clock(shared_clock):
    clock = VirtualClock(shared_clock)
    clock.sleep(5)
    assert clock.now() == pytest.approx(5)


def test_a_tiny_sleep_advances_the_clock(shared_clock):
    """Otherwise a sleep below the clock's resolution would repeat forever."""
    late = SharedClock(SimClock.manual(2e9))
    before = late.clock.now()
    VirtualClock(late).sleep(1e-9)
    assert late.clock.now() > before


def test_sleepers_wake_in_order_of_their_wakeups(shared_clock):
    clock, wakeups = AsyncVirtualClock(shared_clock), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        wakeups.append((seconds, clock.now()))

    async def sleep_concurrently() -> None:
        await asyncio.gather(*(sleeper(seconds) for seconds in (9, 3, 6)))

    asyncio.run(sleep_concurrently())
    assert [seconds for seconds, _ in wakeups] == [3, 6, 9]
    assert [now for _, now in wakeups] == pytest.approx([3, 6, 9])


def test_concurrent_sleeps_do_not_add_up(shared_clock):
    clock = AsyncVirtualClock(shared_clock)

    async def sleeper() -> None:
        for _ in range(10):
            await clock.sleep(6)

    async def sleep_concurrently() -> None:
        await asyncio.gather(*(sleeper() for _ in range(20)))

    asyncio.run(sleep_concurrently())
    assert clock.now() == pytest.approx(60)


def test_a_blocked_sleeper_does_not_block_the_others(shared_clock):
    with shared_clock.schedule_wakeup(1):
        VirtualClock(shared_clock).sleep(5)
        asyncio.run(AsyncVirtualClock(shared_clock).sleep(5))
    assert shared_clock.clock.now() == pytest.approx(10)


def test_a_cancelled_sleep_is_unregistered(shared_clock):
    async def cancel_one() -> None:
        task = asyncio.ensure_future(AsyncVirtualClock(shared_clock).sleep(1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel_one())
    assert shared_clock.is_earliest(1e9)


def test_a_clock_that_advanced_meanwhile_is_not_set_back(shared_clock):
    with shared_clock.schedule_wakeup(5) as due:
        shared_clock.clock.advance(50)
        shared_clock.advance_to(due)
    assert shared_clock.clock.now() == pytest.approx(50)


def test_the_clocks_of_clients_are_the_shared_one_until_the_end(shared_clock):
    clocks = SystemClock(), AsyncSystemClock()
    with use_virtual_time(shared_clock):
        clocks[0].sleep(50)
        asyncio.run(clocks[1].sleep(50))
        assert [one.now() for one in clocks] == [shared_clock.clock.now()] * 2
        assert shared_clock.clock.now() == pytest.approx(100)
    assert all(one.now() != shared_clock.clock.now() for one in clocks)


@pytest.mark.runway(timings=SLOW)
def test_a_long_wait_takes_no_real_time(runway_simulator):
    seen = []
    task = runway_simulator.client.character_performance.create(**ASSETS)
    assert task.wait(timeout=1000, on_update=lambda task: seen.append(task.status)).output
    assert sorted(set(seen), key=seen.index) == ["PENDING", "RUNNING", "SUCCEEDED"]


@pytest.mark.runway(timings=SLOW)
@pytest.mark.anyio
async def test_concurrent_async_waits(runway_simulator):
    client = runway_simulator.async_client
    tasks = [await client.character_performance.create(**ASSETS) for _ in range(10)]
    before = runway_simulator.clock.now()
    await asyncio.gather(*(task.wait(timeout=600) for task in tasks))
    assert runway_simulator.clock.now() - before < 450


@pytest.mark.runway(timings=SLOW)
def test_concurrent_waits_in_threads(runway_simulator):
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
def test_wait_all_with_many_tasks(fixture, request):
    kit = request.getfixturevalue(fixture)
    ids = [kit.client.character_performance.create(**ASSETS).id for _ in range(6)]
    assert all(task.result().output for task in kit.client.tasks.wait_all(ids))
