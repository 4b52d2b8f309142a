"""Many waits of the asynchronous client at once: they share an alarm and a few workers."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from cometapi_runway import AsyncRunwayClient, Task
from cometapi_runway import _settings as settings
from cometapi_runway._io.async_scheduler import AsyncScheduler

from ..support.both_clients import KEY
from ..support.many_waits import AsyncClock, Gateway

LIMIT = 10.0
WORKERS = 3
caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller")


@pytest.fixture(autouse=True)
def _few_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_IN_FLIGHT", WORKERS)


def run(
    use: Callable[[AsyncRunwayClient, AsyncClock], Awaitable[None]],
    respond: Callable[[httpx.Request], Any],
    clock: AsyncClock | None = None,
) -> None:
    clock = clock or AsyncClock()

    async def main() -> None:
        transport = httpx.MockTransport(respond)
        async with (
            asyncio.timeout(LIMIT),
            AsyncRunwayClient(KEY, transport=transport, clock=clock) as client,
        ):
            await use(client, clock)

    asyncio.run(main())


def task_id(request: httpx.Request) -> str:
    return request.url.path.rsplit("/", 1)[1]


def hanging(gateway: Gateway) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    """A gateway that never responds to polls of tasks that are called "hung"."""

    async def respond(request: httpx.Request) -> httpx.Response:
        if task_id(request).startswith("hung"):
            await asyncio.Event().wait()
        return gateway(request)

    return respond


def other_tasks(clock: AsyncClock) -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task(), clock.mover}


def test_hung_polls_and_callbacks_delay_no_other_task() -> None:
    """As long as one worker is left."""

    async def use(client: AsyncRunwayClient, clock: AsyncClock) -> None:
        async def hang(task: Task) -> None:
            if task.id == "slow":
                await asyncio.Event().wait()

        ids = [f"t{number}" for number in range(30)]
        hung = [f"hung{number}" for number in range(WORKERS - 1)]
        completed = client.tasks.as_completed([*hung, "slow", *ids], None, hang)
        assert {(await anext(completed)).id for _ in ids} == set(ids)
        await completed.aclose()
        assert not other_tasks(clock)

    run(use, hanging(Gateway(3)))


def test_sleeping_waits_hold_no_task_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    alarms: list[float] = []
    wake = AsyncScheduler._wake_sleeping_waits

    def set_alarm(scheduler: AsyncScheduler, due: float) -> Any:
        alarms.append(due)
        return wake(scheduler, due)

    monkeypatch.setattr(AsyncScheduler, "_wake_sleeping_waits", set_alarm)

    async def use(client: AsyncRunwayClient, clock: AsyncClock) -> None:
        # No time passes.
        clock.move = asyncio.Event().wait  # type: ignore[assignment,method-assign]
        waiting = asyncio.create_task(client.tasks.wait_all([f"t{n}" for n in range(500)]))
        for _ in range(1000):
            await asyncio.sleep(0)
        assert len(gateway.polls) == 500
        # The caller's, and the alarm.
        assert len(other_tasks(clock)) == 2
        # It is set anew only for a wait that is due before all that sleep, and a record low of so
        # many random pauses is rare.
        assert 0 < len(alarms) < 50
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not other_tasks(clock)

    gateway = Gateway(9)
    run(use, gateway)


def test_a_cancellation_at_any_moment_leaves_nothing_behind() -> None:
    async def use(client: AsyncRunwayClient, clock: AsyncClock) -> None:
        async def update(task: Task) -> None:
            await asyncio.sleep(0)

        ids = ["hung", "endless", "broken", "unknown", "unauthorised", *"abcdefg"]
        polls = client.tasks._session.driver.polls
        for turns in range(60):
            # Another wait, so that polls are shared.
            other = asyncio.create_task(client.tasks.wait("endless", None))
            waiting = asyncio.create_task(client.tasks.wait_all(ids, None, update))
            for _ in range(turns):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert other_tasks(clock) == {other}
            assert set(polls._waits) <= {"endless"}
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            assert (polls._waits, polls._last) == ({}, {})

    run(use, hanging(Gateway(2)))


def test_each_wait_is_woken_at_its_own_time() -> None:
    """Also one that is due before all that sleep already."""
    polled_at: dict[str, list[float]] = defaultdict(list)
    pauses = {"long": 500.0, "short": 7.0, "middle": 80.0}
    clock = AsyncClock()

    async def respond(request: httpx.Request) -> httpx.Response:
        # The waits go to sleep one after the other, the longest first.
        for _ in range(3 * list(pauses).index(task_id(request))):
            await asyncio.sleep(0)
        polled_at[task_id(request)].append(clock.now())
        pause = f"{pauses[task_id(request)]:.0f}"
        return httpx.Response(429, headers={"retry-after": pause}, json={})

    async def use(client: AsyncRunwayClient, _: AsyncClock) -> None:
        await client.tasks.wait_all(pauses, 1000)

    run(use, respond, clock)
    for name, pause in pauses.items():
        times = polled_at[name]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        # The last one is clipped to the deadline.
        assert gaps[:-1] == pytest.approx([pause] * (len(gaps) - 1))
        assert times[-1] == pytest.approx(1000)


def test_callbacks_see_what_the_caller_has_set_and_nothing_of_each_other() -> None:
    seen: list[str] = []

    async def use(client: AsyncRunwayClient, _: AsyncClock) -> None:
        def update(task: Task) -> None:
            seen.append(caller.get())
            caller.set(task.id)

        caller.set("the caller")
        await client.tasks.wait_all(["a", "b", "c", "d"], None, update)

    run(use, Gateway(3))
    assert seen == ["the caller"] * 8


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit])
def test_an_interruption_of_one_wait_interrupts_the_caller(error: type[BaseException]) -> None:
    async def use(client: AsyncRunwayClient, clock: AsyncClock) -> None:
        def update(task: Task) -> None:
            if task.id == "b":
                raise error

        with pytest.raises(error) as caught:
            await client.tasks.wait_all(["endless", "b"], None, update)
        assert not other_tasks(clock)
        assert "2 tasks go on" in " ".join(caught.value.__notes__)

    run(use, Gateway(3))
