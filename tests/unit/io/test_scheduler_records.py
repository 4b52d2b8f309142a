"""A task that has ended is yielded although every worker waits for a poll that hangs."""

from __future__ import annotations

import asyncio
import queue
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, RunwayClient, Task
from cometapi_runway import _settings as settings
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.steps import Flow, Send, Sleep
from cometapi_runway._flows.wait_queue import Wait, WaitQueue
from cometapi_runway._io.async_scheduler import AsyncScheduler
from cometapi_runway._io.scheduler import Scheduler, deduct_queue_time

from ..support.both_clients import KEY
from ..support.many_waits import OUTPUT


def test_a_record_does_not_stand_in_line_behind_polls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 2)
    released, hanging = threading.Event(), threading.Semaphore(0)
    polled: list[str] = []
    waited: list[bool] = []

    def handle(request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[1]
        polled.append(task_id)
        if task_id == "done":
            # Answers once another poll hangs and a third one is in line.
            hanging.acquire(timeout=10)
            return httpx.Response(200, json={"id": "done", "status": "SUCCEEDED", "output": OUTPUT})
        hanging.release()
        waited.append(released.wait(3))
        return httpx.Response(200, json={"id": task_id, "status": "RUNNING"})

    with RunwayClient(
        KEY, transport=httpx.MockTransport(handle), journal=tmp_path / "journal"
    ) as client:
        completed = client.tasks.as_completed(["done", "one", "two", "three"], timeout=3)
        try:
            assert next(completed).id == "done"
            # To leave early waits for no poll that hangs, and sends none that is in line.
            completed.close()
            assert waited == []
        finally:
            released.set()
        for thread in threading.enumerate():
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join(5)
                assert not thread.is_alive()
        # The one that took the place of the first may have been sent.
        assert len(polled) <= 3


@pytest.mark.parametrize("kind", [RunwayClient, AsyncRunwayClient])
def test_flows_are_closed_when_their_caller_leaves(kind: Any) -> None:
    """At once, also where something else refers to them."""
    task = Task("done", "SUCCEEDED")

    def end() -> Flow[Task]:
        return task
        yield

    def sleep() -> Flow[Task]:
        while True:
            yield Sleep(1000.0)

    flows: dict[str, Any] = {"done": end(), "long": sleep()}
    long = flows["long"]
    client = kind(KEY, transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    driver = client.tasks._session.driver
    if kind is RunwayClient:
        run = Scheduler(driver).run(flows)
        assert next(run) == ("done", task)
        run.close()
        client.close()
    else:

        async def use() -> None:
            run = AsyncScheduler(driver).run(flows)
            assert await anext(run) == ("done", task)
            await run.aclose()
            await client.close()

        asyncio.run(use())
    assert long.gi_frame is None


class StandingClock:
    """No time passes, whatever is waited for."""

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a poll is in progress")


def test_the_next_poll_is_due_while_another_one_hangs_whatever_the_clock_shows() -> None:
    ended = threading.Event()
    polls: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[1]
        polls.append(task_id)
        if task_id == "hung":
            # Until the other one has been polled to its end.
            assert ended.wait(3)
        elif polls.count(task_id) == 3:
            ended.set()
            return httpx.Response(
                200, json={"id": task_id, "status": "SUCCEEDED", "output": OUTPUT}
            )
        return httpx.Response(200, json={"id": task_id, "status": "RUNNING"})

    transport = httpx.MockTransport(handle)
    with RunwayClient(KEY, transport=transport, clock=StandingClock()) as client:
        completed = client.tasks.as_completed(["hung", "quick"], interval=0.05)
        assert next(completed).id == "quick"
        completed.close()
    assert polls.count("hung") == 1


def test_a_look_for_finished_steps_brings_no_sleep_to_its_end() -> None:
    looked: list[float] = []

    class NothingFinished:
        def get(self, timeout: float) -> Any:
            looked.append(timeout)
            raise queue.Empty

    def sleep() -> Flow[Task]:
        yield Sleep(1000.0)
        raise AssertionError("it never ends")

    with RunwayClient(KEY, clock=StandingClock()) as client:
        scheduler: Any = Scheduler(client.tasks._session.driver)
        scheduler._queue = WaitQueue({"long": sleep()}, 0.0)
        (wait,) = scheduler._queue.begin()
        scheduler._queue.advance(wait, 0.0)
        scheduler._finished_steps, scheduler._steps_in_progress = NothingFinished(), 1
        assert list(scheduler._await_next_event(None)) == []
        assert looked == [settings.LOCK_WAIT_SLICE]
        assert scheduler._queue.seconds_until(1000.0, 0.0) == 1000.0 - settings.LOCK_WAIT_SLICE


def make_wait(timeout: float, due: float) -> Wait:
    step = Send(PreparedRequest("o", "GET", "/x"), timeout)
    flow: Any = iter(())
    return Wait("t", flow, step, due)


@each_case(
    ("at", "left"), [(0.0, 5.0), (4.0, 5.0), (6.0, 4.0), (9.5, 0.5), (10.0, None), (11.0, None)]
)
def test_the_time_in_the_queue_counts_as_time_of_the_request(at: float, left: float | None) -> None:
    wait = make_wait(5.0, due=10.0)
    assert deduct_queue_time(wait, at) is (left is not None)
    step: Any = wait.step
    assert step.at == at
    assert step.timeout == (5.0 if left is None else left)
    assert (step.error is None) is (left is not None)


def test_a_step_that_is_no_request_has_no_timeout() -> None:
    wait = make_wait(5.0, due=10.0)
    wait.step = Sleep(1.0)
    assert deduct_queue_time(wait, 99.0)


def test_a_wait_holds_its_fields_and_nothing_else() -> None:
    """There may be many thousands."""
    wait = make_wait(5.0, due=10.0)
    assert Wait.__slots__ == ("id", "flow", "step", "due")
    assert not hasattr(wait, "__dict__")
