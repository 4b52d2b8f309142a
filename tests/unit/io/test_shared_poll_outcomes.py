"""How a shared poll ends for its leader and for its followers, in both clients.

The leader is the wait that sends the poll; followers are the waits that use its response.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest
from attrs import field, frozen
from tests.cases import each_case

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.steps import Send
from cometapi_runway._io.async_poll_coalescer import AsyncPollCoalescer
from cometapi_runway._io.poll_coalescer import PollCoalescer
from cometapi_runway.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    ResponseDecodeError,
)

from ..support.both_clients import MODES, Mode

RESPONSE = RawResponse("GET", "/t", 200, {}, b"{}")
SECOND = RawResponse("GET", "/t", 200, {}, b'{"second": 1}')
Outcome: TypeAlias = RawResponse | BaseException
# Far more than any case takes, so that a defect fails instead of hanging.
LIMIT = 10.0
LONG = 5.0


def step(timeout: float = LONG, max_age: float = 0.0, task: str | None = "t") -> Send:
    return Send(PreparedRequest("o", "GET", "/t"), timeout, task=task, max_age=max_age)


def produce(outcome: Outcome) -> RawResponse:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@frozen
class SharedPoll:
    """What came of one poll.

    Attributes:
        leader: The outcome of the wait that sent it.
        followers: The outcomes of the waits that joined it.
        tasks: The coalescer's tasks after all of these waits.
        sent: How many polls were sent.
    """

    leader: Outcome
    followers: Sequence[Outcome]
    tasks: object
    sent: int
    logged: list[Any] = field(factory=list[Any])


def remaining(polls: PollCoalescer | AsyncPollCoalescer) -> dict[str, object]:
    """What a coalescer keeps of tasks."""
    return {**polls._waits, **polls._last}


class CountingLock:
    """A lock that says when every follower has found the poll that is in flight."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._releases = threading.Semaphore(0)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self._releases.release()

    def wait_for_releases(self, count: int) -> None:
        for _ in range(count):
            assert self._releases.acquire(timeout=LIMIT)


def run_blocking(
    outcome: Outcome, timeouts: Sequence[float], *, is_late: bool = False
) -> SharedPoll:
    """Let a leader and its followers share one poll that ends in `outcome`.

    Args:
        outcome: What the leader's request returns or raises.
        timeouts: Each follower's timeout.
        is_late: Whether the poll ends after every follower.
    """
    polls, started, go = PollCoalescer(), threading.Event(), threading.Event()
    sent: list[None] = []

    def send() -> RawResponse:
        sent.append(None)
        started.set()
        assert go.wait(LIMIT)
        return produce(outcome)

    def poll(timeout: float) -> Outcome:
        try:
            return polls.poll(step(timeout), 0.0, send)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(1 + len(timeouts)) as pool, contextlib.ExitStack() as waits:
        for _ in range(1 + len(timeouts)):
            waits.enter_context(polls.join("t"))
        leader = pool.submit(poll, LONG)
        assert started.wait(LIMIT)
        polls._lock = lock = CountingLock()  # type: ignore[assignment]
        followers = [pool.submit(poll, timeout) for timeout in timeouts]
        lock.wait_for_releases(len(timeouts))
        if is_late:
            _results(followers)
        go.set()
        results = _results([leader, *followers])
    return SharedPoll(results[0], results[1:], remaining(polls), len(sent))


def _results(futures: Sequence[Future[Outcome]]) -> list[Outcome]:
    return [future.result(LIMIT) for future in futures]


def run_async(outcome: Outcome, timeouts: Sequence[float], *, is_late: bool = False) -> SharedPoll:
    """As `run_blocking`; KeyboardInterrupt stands for a cancellation of the leader's wait."""
    logged: list[Any] = []

    async def run() -> SharedPoll:
        found = await _run_async(outcome, timeouts, is_late=is_late, logged=logged)
        # asyncio reports an exception that was never retrieved when its future is collected. The
        # tracebacks' frames would keep the future.
        for one in (found.leader, outcome):
            if isinstance(one, BaseException):
                one.with_traceback(None).__context__ = None
        gc.collect()
        await asyncio.sleep(0)
        return found

    return asyncio.run(run())


async def _run_async(
    outcome: Outcome, timeouts: Sequence[float], *, is_late: bool, logged: list[Any]
) -> SharedPoll:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    polls, started, go = AsyncPollCoalescer(), asyncio.Event(), asyncio.Event()
    sent: list[None] = []

    async def send() -> RawResponse:
        sent.append(None)
        started.set()
        await go.wait()
        return produce(outcome)

    async def poll(seconds: float) -> Outcome:
        with polls.join("t"):
            try:
                return await polls.poll(step(seconds), 0.0, send)
            except BaseException as error:
                return error

    async with asyncio.timeout(LIMIT):
        with polls.join("t"):
            leader = asyncio.create_task(poll(LONG))
            await started.wait()
            followers = [asyncio.create_task(poll(timeout)) for timeout in timeouts]
            await asyncio.sleep(0)
            if is_late:
                await asyncio.gather(*followers)
            if isinstance(outcome, KeyboardInterrupt):
                leader.cancel()
            go.set()
            results = await asyncio.gather(leader, *followers)
        found = SharedPoll(results[0], results[1:], remaining(polls), len(sent), logged)
    return found


RUNNERS: dict[Mode, Callable[..., SharedPoll]] = {"blocking": run_blocking, "awaiting": run_async}
modes = pytest.mark.parametrize("mode", MODES)
OUTCOMES: dict[str, Callable[[], Outcome]] = {
    "a response": lambda: RESPONSE,
    "a broken connection": lambda: APIConnectionError("broke", delivery="not_sent"),
    "a permanent failure": lambda: APIConnectionError("certificate", is_permanent=True),
    "a timeout": lambda: APITimeoutError("slow"),
    "a closed client": lambda: ConfigurationError("the client is closed"),
    "a bug": lambda: ZeroDivisionError("bug"),
    "an interruption": KeyboardInterrupt,
}
outcomes = pytest.mark.parametrize("name", OUTCOMES)


@pytest.fixture(autouse=True)
def _no_lasting_threads() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@modes
@outcomes
@pytest.mark.parametrize("count", [1, 3])
def test_every_follower_gets_an_outcome_at_once(mode: Mode, name: str, count: int) -> None:
    outcome = OUTCOMES[name]()
    began = time.monotonic()

    shared = RUNNERS[mode](outcome, [LONG] * count)

    assert time.monotonic() - began < LONG / 2
    assert (shared.sent, shared.tasks, shared.logged) == (1, {}, [])
    if mode == "awaiting" and isinstance(outcome, KeyboardInterrupt):
        assert isinstance(shared.leader, asyncio.CancelledError)
    else:
        assert shared.leader is outcome
    for follower in shared.followers:
        if isinstance(outcome, RawResponse):
            assert follower is outcome
        else:
            assert isinstance(follower, APIConnectionError)
            assert follower is not shared.leader
            _check_copy(outcome, follower)
    assert len(set(map(id, shared.followers))) == 1


def _check_copy(outcome: BaseException, follower: APIConnectionError) -> None:
    if isinstance(outcome, APIConnectionError):
        assert type(follower) is type(outcome)
        assert str(follower) == str(outcome)
        assert follower.delivery == outcome.delivery
        assert follower.is_permanent is outcome.is_permanent
    else:
        assert type(follower) is APIConnectionError
        assert not follower.is_permanent
        assert "interrupted" in str(follower)


@modes
def test_a_follower_waits_no_longer_than_its_own_timeout(mode: Mode) -> None:
    shared = RUNNERS[mode](RESPONSE, [0.01, 0.02], is_late=True)

    assert shared.leader is RESPONSE
    assert [type(one) for one in shared.followers] == [APITimeoutError] * 2
    for follower, seconds in zip(shared.followers, ("0.01 s", "0.02 s"), strict=True):
        assert str(follower).endswith(f"no response in {seconds}")
    assert (shared.sent, shared.tasks, shared.logged) == (1, {}, [])


@modes
@each_case("name", sorted(set(OUTCOMES) - {"a response"}))
def test_a_failure_without_followers_is_reported_by_the_leader_alone(mode: Mode, name: str) -> None:
    shared = RUNNERS[mode](OUTCOMES[name](), [])

    assert isinstance(shared.leader, BaseException)
    assert (shared.sent, shared.tasks, shared.logged) == (1, {}, [])


class Polls:
    """The coalescer of either client, called as if it were blocking, without concurrency."""

    def __init__(self, mode: Mode) -> None:
        self.polls: Any = PollCoalescer() if mode == "blocking" else AsyncPollCoalescer()
        self.is_async = mode == "awaiting"

    def poll(self, step: Send, now: float, outcome: Outcome) -> RawResponse:
        if not self.is_async:
            response: RawResponse = self.polls.poll(step, now, lambda: produce(outcome))
            return response

        async def send() -> RawResponse:
            return produce(outcome)

        return asyncio.run(self.polls.poll(step, now, send))


@modes
@each_case(
    ("waits", "max_age", "age", "is_reused"),
    [
        (2, 3.0, 0.0, True),
        (2, 3.0, 2.999, True),
        (2, 3.0, 3.0, False),
        (2, 0.0, 0.0, False),
        # A single wait always sends its own polls.
        (1, 3.0, 0.0, False),
    ],
)
def test_a_response_is_reused_below_its_age_by_several_waits(
    mode: Mode, waits: int, max_age: float, age: float, is_reused: bool
) -> None:
    polls = Polls(mode)
    with contextlib.ExitStack() as stack:
        for _ in range(waits):
            stack.enter_context(polls.polls.join("t"))
        polls.poll(step(), 100.0, RESPONSE)
        found = polls.poll(step(max_age=max_age), 100.0 + age, SECOND)

    assert found is (RESPONSE if is_reused else SECOND)
    assert remaining(polls.polls) == {}


@modes
@outcomes
def test_a_failed_poll_is_never_reused(mode: Mode, name: str) -> None:
    polls = Polls(mode)
    outcome = OUTCOMES[name]()
    with polls.polls.join("t"), polls.polls.join("t"):
        with contextlib.suppress(BaseException):
            polls.poll(step(), 100.0, outcome)
        found = polls.poll(step(max_age=9.0), 100.0, SECOND)

    assert found is (RESPONSE if name == "a response" else SECOND)


@modes
@each_case("task", ["other", None])
def test_another_task_has_its_own_poll(mode: Mode, task: str | None) -> None:
    polls = Polls(mode)
    with polls.polls.join("t"), polls.polls.join("t"), polls.polls.join("other"):
        polls.poll(step(), 0.0, RESPONSE)
        assert polls.poll(step(max_age=9.0, task=task), 0.0, SECOND) is SECOND


@modes
@each_case("error", [KeyboardInterrupt, ResponseDecodeError])
def test_a_wait_that_ends_in_an_error_is_no_longer_counted(
    mode: Mode, error: type[BaseException]
) -> None:
    polls = Polls(mode).polls
    with polls.join("t"):
        with pytest.raises(error), polls.join("t"):
            raise error("x")
        assert remaining(polls) == {"t": 1}
    assert remaining(polls) == {}
