"""The deadline of a block, which must do what `asyncio.timeout` does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._io.async_deadline import AsyncDeadline

Body = Callable[[], Awaitable[object]]


async def run_in_deadline(seconds: float, body: Body) -> object:
    with AsyncDeadline(seconds):
        return await body()


async def run_in_timeout(seconds: float, body: Body) -> object:
    async with asyncio.timeout(seconds):
        return await body()


BOTH = pytest.mark.parametrize("run", [run_in_deadline, run_in_timeout])


async def sleep_long() -> None:
    await asyncio.sleep(60)


async def swallow_cancellation() -> str:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    return "swallowed"


async def fail_when_cancelled() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise OSError("closed meanwhile") from None


async def describe(run: Any, body: Body, seconds: float = 0.01) -> tuple[object, ...]:
    """What comes out, and what is left of a cancellation."""
    task = asyncio.current_task()
    assert task is not None
    outcome: object
    try:
        outcome = await run(seconds, body)
    except Exception as error:
        outcome = type(error)
    await asyncio.sleep(0)
    return outcome, task.cancelling()


@BOTH
@each_case(
    ("body", "outcome"),
    [
        (sleep_long, TimeoutError),
        (lambda: asyncio.sleep(0, "done"), "done"),
        (swallow_cancellation, "swallowed"),
        (fail_when_cancelled, OSError),
        (lambda: run_in_deadline(0.005, sleep_long), TimeoutError),
        (lambda: run_in_timeout(60, sleep_long), TimeoutError),
    ],
)
def test_it_ends_as_a_timeout_of_asyncio(run: Any, body: Body, outcome: object) -> None:
    assert asyncio.run(describe(run, body)) == (outcome, 0)


async def be_cancelled_at_the_deadline() -> None:
    """In the same turn of the event loop in which the deadline cancels, too."""
    task = asyncio.current_task()
    assert task is not None
    time.sleep(0.02)  # noqa: ASYNC251 - until the deadline has passed unnoticed
    asyncio.get_running_loop().call_soon(task.cancel)
    await asyncio.sleep(60)


async def be_cancelled_before() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)


@BOTH
@each_case("body", [be_cancelled_before, be_cancelled_at_the_deadline])
def test_a_cancellation_by_others_goes_on(run: Any, body: Body) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run(0.01, body))


def test_nothing_is_cancelled_after_the_block() -> None:
    async def main() -> None:
        with suppress(ValueError), AsyncDeadline(0.001):
            raise ValueError
        await asyncio.sleep(0.005)

    asyncio.run(main())


def test_it_needs_a_task() -> None:
    with pytest.raises(RuntimeError), AsyncDeadline(1):
        pass
