"""Waiting for many tasks at once, on both clients."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import (
    AsyncRunwayClient,
    AuthenticationError,
    InvalidRequestError,
    RunwayClient,
    RunwayError,
    Task,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
)
from cometapi_runway._flows.parse_task import parse_task
from cometapi_runway._settings import FINAL_POLL_TIMEOUT, MAX_SECONDS
from cometapi_runway.resources._waits import _find_submitted, check_wait_options

from ..support.many_waits import OUTPUT, AsyncClock, Gateway


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_where_nothing_is_in_progress_the_clock_of_the_client_passes() -> None:
    clock = Clock()
    with RunwayClient("k", transport=httpx.MockTransport(Gateway(3)), clock=clock) as client:
        client.tasks.wait_all(["a", "b"], interval=1.0)
    assert clock.time > 2


def test_a_task_that_has_ended_is_no_longer_waited_for() -> None:
    """Its last poll is neither kept nor used by a later wait."""
    transport = httpx.MockTransport(Gateway())
    with RunwayClient("k", transport=transport, clock=Clock()) as client:
        polls = client.session.driver.polls
        ended = client.tasks.as_completed(["a", "endless"])
        assert next(iter(ended)).id == "a"
        assert set(polls._waits) == {"endless"}
        ended.close()
        assert (polls._waits, polls._last) == ({}, {})


def test_after_a_sleep_that_lasts_longer_than_asked_for_the_last_poll_is_short() -> None:
    """The computer was suspended meanwhile: the deadline has passed."""
    timeouts: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        timeouts.append(request.extensions["timeout"]["read"])
        return gateway(request)

    class Suspended(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds + 1000)

    gateway = Gateway()
    with (
        RunwayClient("k", transport=httpx.MockTransport(handle), clock=Suspended()) as client,
        pytest.raises(TaskTimeoutError),
    ):
        client.tasks.wait("endless", timeout=600)
    assert timeouts == [60.0, FINAL_POLL_TIMEOUT]


def wait_blocking(gateway: Gateway, ids: Iterable[str], **options: object) -> list[Task]:
    with RunwayClient("k", transport=httpx.MockTransport(gateway), clock=Clock()) as client:
        return list(client.tasks.wait_all(ids, **options))


def wait_async(gateway: Gateway, ids: Iterable[str], **options: object) -> list[Task]:
    async def main() -> list[Task]:
        transport = httpx.MockTransport(gateway)
        async with AsyncRunwayClient("k", transport=transport, clock=AsyncClock()) as client:
            return list(await client.tasks.wait_all(ids, **options))

    return asyncio.run(main())


Wait = Callable[..., list[Task]]
both = pytest.mark.parametrize("wait", [wait_blocking, wait_async])


@both
def test_results_come_in_the_order_asked_for(wait: Wait) -> None:
    tasks = wait(Gateway(), ["c", "a", "b"])
    assert [task.id for task in tasks] == ["c", "a", "b"]
    assert {task.status for task in tasks} == {"SUCCEEDED"}
    assert all(task.result().output == tuple(OUTPUT) for task in tasks)


@both
def test_a_task_given_twice_is_polled_once(wait: Wait) -> None:
    gateway = Gateway()
    first, second = wait(gateway, ["a", "a"])
    assert first.id == second.id == "a"
    assert gateway.polls == {"a": 2}


@both
def test_one_failed_task_does_not_end_the_others(wait: Wait) -> None:
    ids = ["good", "failing", "unauthorised", "unknown", "broken"]
    good, failing, unauthorised, unknown, broken = wait(Gateway(), ids, timeout=200)
    assert good.error is None
    assert isinstance(failing.error, TaskFailedError)
    assert failing.status == "FAILED"
    assert isinstance(unauthorised.error, AuthenticationError)
    assert isinstance(unknown.error, TaskNotFoundError)
    assert isinstance(broken.error, TaskTimeoutError)
    assert [t.error.task_id for t in (failing, unauthorised, unknown, broken)] == ids[1:]
    for task in (failing, unauthorised, unknown, broken):
        with pytest.raises(type(task.error)):
            task.result()


@both
def test_the_deadline_leaves_what_is_known(wait: Wait) -> None:
    done, endless = wait(Gateway(), ["a", "endless"], timeout=30)
    assert done.error is None
    assert endless.status == "RUNNING"
    assert isinstance(endless.error, TaskTimeoutError)
    assert endless.error.task_details.status == "RUNNING"


@both
def test_every_change_is_reported_once(wait: Wait) -> None:
    told: list[tuple[str, str]] = []
    wait(Gateway(4), ["a", "b"], on_update=lambda task: told.append((task.id, task.status)))
    assert Counter(told) == {(i, s): 1 for i in "ab" for s in ("RUNNING", "SUCCEEDED")}


@both
def test_none_is_no_task(wait: Wait) -> None:
    assert wait(Gateway(), []) == []


@both
@each_case("bad", ["", "..", "a/b", "a b", "a\n"])
def test_a_malformed_id_ends_its_own_wait_unsent(wait: Wait, bad: str) -> None:
    gateway = Gateway()
    good, refused = wait(gateway, ["a", bad])
    assert good.status == "SUCCEEDED"
    assert isinstance(refused.error, InvalidRequestError)
    assert [issue.path for issue in refused.error.issues] == ["task_id"]
    assert set(gateway.polls) == {"a"}
    client = RunwayClient("k", transport=httpx.MockTransport(gateway), clock=Clock())
    with client, pytest.raises(InvalidRequestError):
        client.tasks.wait(bad)
    assert set(gateway.polls) == {"a"}


@both
@each_case("ids", ["abc", Task("abc", "PENDING"), [1], [None], 5, None, object()])
def test_what_is_no_list_of_ids_is_refused(wait: Wait, ids: Iterable[str]) -> None:
    gateway = Gateway()
    with pytest.raises(InvalidRequestError, match=r"\b(ids|task_id)\b"):
        wait(gateway, ids)
    assert not gateway.polls


@both
def test_a_thousand(wait: Wait) -> None:
    gateway = Gateway(3)
    tasks = wait(gateway, [f"t{number}" for number in range(1000)])
    assert sum(task.error is None for task in tasks) == 1000
    if wait is wait_blocking:
        assert set(gateway.polls.values()) == {3}


def test_as_completed_yields_the_first_first() -> None:
    polls: Counter[str] = Counter()

    def answer(request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[1]
        polls[task_id] += 1
        if polls[task_id] < int(task_id):
            return httpx.Response(200, json={"id": task_id, "status": "RUNNING"})
        return httpx.Response(200, json={"id": task_id, "status": "SUCCEEDED", "output": OUTPUT})

    with RunwayClient("k", transport=httpx.MockTransport(answer), clock=Clock()) as client:
        assert [t.id for t in client.tasks.as_completed(["5", "1", "3"])] == ["1", "3", "5"]

    async def main() -> list[str]:
        polls.clear()
        transport = httpx.MockTransport(answer)
        async with AsyncRunwayClient("k", transport=transport, clock=AsyncClock()) as client:
            return [task.id async for task in client.tasks.as_completed(["5", "1", "3"])]

    assert asyncio.run(main()) == ["1", "3", "5"]


def test_leaving_early_leaves_nothing_behind() -> None:
    before = threading.active_count()
    gateway = Gateway()
    with RunwayClient("k", transport=httpx.MockTransport(gateway), clock=Clock()) as client:
        for task in client.tasks.as_completed(["a", "endless"]):
            assert task.id == "a"
            break

    async def main() -> int:
        transport, clock = httpx.MockTransport(gateway), AsyncClock()
        async with AsyncRunwayClient("k", transport=transport, clock=clock) as client:
            endings = client.tasks.as_completed(["a", "endless"])
            async for task in endings:
                assert task.id == "a"
                break
            await endings.aclose()
            return len(asyncio.all_tasks() - {clock.mover})

    assert asyncio.run(main()) == 1
    assert threading.active_count() <= before + 2


@both
def test_why_a_poll_is_repeated_is_logged(wait: Wait, caplog: pytest.LogCaptureFixture) -> None:
    gateway, failures = Gateway(), iter([httpx.Response(502)])

    def fail_once(request: httpx.Request) -> httpx.Response:
        return next(failures, None) or gateway(request)

    with caplog.at_level("INFO", "cometapi_runway"):
        wait(fail_once, ["a"])
    lines = [record.getMessage() for record in caplog.records]
    assert any("poll 1 of task a failed: HTTP 502; retrying" in line for line in lines), lines


class TestInterruption:
    """Ctrl-C, or a caller who cancels: paid tasks go on, and are named."""

    @staticmethod
    def stop(task: Task) -> None:
        raise KeyboardInterrupt

    def test_names_what_goes_on(self) -> None:
        for count, rest in ((19, "t18"), (20, "t19"), (21, "t19 and 1 more"), (25, " and 5 more")):
            ids = [f"t{number:02}" for number in range(count)]
            with pytest.raises(KeyboardInterrupt) as caught:
                wait_blocking(Gateway(9), ids, on_update=self.stop)
            notes = caught.value.__notes__
            (note,) = (note for note in notes if "interrupted while waiting;" in note)
            assert f"{count} tasks go on" in note
            assert all(name in note for name in ids[:20])
            assert "t20" not in note
            assert note.endswith(rest)

    def test_does_not_name_what_has_ended(self) -> None:
        clock = Clock()
        with RunwayClient("k", transport=httpx.MockTransport(Gateway()), clock=clock) as client:
            endings = client.tasks.as_completed(["good", "endless"], timeout=None)
            assert next(endings).id == "good"
            clock.sleep = self.stop  # type: ignore[method-assign,assignment]
            with pytest.raises(KeyboardInterrupt) as caught:
                next(endings)
        notes = " ".join(caught.value.__notes__)
        assert "1 task goes on" in notes
        assert "endless" in notes
        assert "good" not in notes

    def test_of_an_awaiting_caller_too(self) -> None:
        async def main() -> None:
            transport = httpx.MockTransport(Gateway(10**9))
            async with AsyncRunwayClient("k", transport=transport, clock=AsyncClock()) as client:
                waiting = asyncio.create_task(client.tasks.wait_all(["b", "a"], timeout=None))
                await asyncio.sleep(0.01)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError) as caught:
                    await waiting
                notes = " ".join(getattr(caught.value, "__notes__", []))
                assert "2 tasks go on" in notes
                assert "a, b" in notes

        asyncio.run(main())


@both
def test_a_defect_in_one_wait_ends_no_other(wait: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    real = parse_task

    def broken(answer: Any, *rest: Any, **more: Any) -> Task:
        if answer.task_id == "odd":
            raise ZeroDivisionError("a defect")
        return real(answer, *rest, **more)

    monkeypatch.setattr(sys.modules["cometapi_runway._flows.wait"], "parse_task", broken)
    odd, good = wait(Gateway(), ["odd", "good"])
    assert good.status == "SUCCEEDED"
    assert type(odd.error) is RunwayError
    assert "the wait for task odd failed: ZeroDivisionError: a defect" in str(odd.error)
    assert isinstance(odd.error.__cause__, ZeroDivisionError)
    assert odd.error.task_id == "odd"


def test_the_blocking_client_refuses_an_async_callback() -> None:
    """It would never be awaited, and the caller never told."""

    async def tell(task: Task) -> None: ...

    class Teller:
        async def __call__(self, task: Task) -> None: ...

    gateway = Gateway()
    with RunwayClient("k", transport=httpx.MockTransport(gateway), clock=Clock()) as client:
        for call in (client.tasks.wait, lambda name, **more: client.tasks.wait_all([name], **more)):
            for teller in (tell, Teller()):
                with pytest.raises(InvalidRequestError, match="on_update: is a coroutine function"):
                    call("a", on_update=teller)
    assert not gateway.polls


def test_a_task_was_not_submitted_later_than_now() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    assert _find_submitted(Task("a", "PENDING", created_at=later), None, 100.0) == 100.0
    assert _find_submitted(Task("a", "PENDING", created_at=later), 7.0, 100.0) == 7.0
    earlier = datetime.now(UTC) - timedelta(seconds=60)
    found = _find_submitted(Task("a", "PENDING", created_at=earlier), None, 100.0)
    assert found == pytest.approx(40.0, abs=10)
    assert _find_submitted(Task("a", "PENDING"), None, 100.0) is None


@both
@each_case("given", [5, "print", object()])
def test_an_invalid_callback_is_refused(wait: Wait, given: object) -> None:
    gateway = Gateway()
    with pytest.raises(InvalidRequestError, match=r"on_update: .* not callable"):
        wait(gateway, ["a"], on_update=given)
    assert not gateway.polls


@both
def test_no_interval_at_all_is_a_short_one(wait: Wait) -> None:
    """A caller with a fake gateway wants its answer at once; the processor stays free."""
    (task,) = wait(Gateway(50), ["a"], interval=0)
    assert task.status == "SUCCEEDED"


@each_case("interval", [1e9, 1e12, 10**400, float("inf")])
def test_an_interval_beyond_what_a_clock_can_count(interval: float) -> None:
    """It is clipped to the deadline anyway; where there is none, to what the system can sleep."""
    pauses: list[float] = []

    class Noting(Clock):
        def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            super().sleep(seconds)

    transport = httpx.MockTransport(Gateway(3))
    with RunwayClient("k", transport=transport, clock=Noting()) as client:
        assert client.tasks.wait("a", timeout=None, interval=interval).status == "SUCCEEDED"
    assert max(pauses) < threading.TIMEOUT_MAX


@each_case(
    ("interval", "used"), [(0, 0.001), (0.001, 0.001), (0.5, 0.5), (1, 1), (float("inf"), 1e6)]
)
def test_an_interval_is_neither_zero_nor_endless(interval: float, used: float) -> None:
    found = check_wait_options(None, interval).interval
    assert found == (MAX_SECONDS if interval > 1 else used)


@each_case("value", [-1, float("nan"), True, "5"])
def test_a_time_that_is_none_is_refused_by_its_rule(value: Any) -> None:
    for times, name in (((value, 1.0), "timeout"), ((1.0, value), "interval")):
        with pytest.raises(InvalidRequestError) as refusal:
            check_wait_options(*times)
        (issue,) = refusal.value.issues
        assert (issue.path, issue.rule) == (name, "minimum")
