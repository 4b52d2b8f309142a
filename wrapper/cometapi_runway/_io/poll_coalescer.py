"""One poll per task, however many wait for it.

While several waits of one client are on the same task, a poll that one of them makes serves the
others too: they join it while it is on its way, and take its answer while that is younger than
their own interval. A wait that is alone always asks for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Generic, TypeVar

from attrs import define, field

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.steps import Send
from cometapi_runway.errors import APIConnectionError, APITimeoutError

P = TypeVar("P", bound="Future[RawResponse] | asyncio.Future[RawResponse]")


@define(eq=False)
class _Shared(Generic[P]):
    """The waits on one task, and the last poll that any of them made."""

    waits: int = 0
    poll: P | None = None
    began: float = 0.0

    def usable(self, step: Send, now: float) -> P | None:
        """The last poll if it will do for a step: on its way, or answered and young enough."""
        if self.poll is None:
            return None
        if not self.poll.done():
            return self.poll
        is_good = not self.poll.cancelled() and self.poll.exception() is None
        return self.poll if is_good and now - self.began < step.max_age else None


@define(eq=False)
class PollCoalescer:
    """Who waits for what, in the blocking client."""

    _lock: threading.Lock = field(init=False, factory=threading.Lock)
    _tasks: dict[str, _Shared[Future[RawResponse]]] = field(init=False, factory=dict)

    @contextlib.contextmanager
    def join(self, task: str) -> Generator[None]:
        """Be counted as waiting for a task."""
        with self._lock:
            shared = self._tasks.setdefault(task, _Shared())
            shared.waits += 1
        try:
            yield
        finally:
            with self._lock:
                shared.waits -= 1
                if not shared.waits:
                    del self._tasks[task]

    def poll(self, step: Send, now: float, send: Callable[[], RawResponse]) -> RawResponse:
        """The answer to a poll: somebody else's if it will do, else one's own.

        Raises:
            APIConnectionError: There is none.
        """
        with self._lock:
            shared = self._tasks.get(step.task or "")
            theirs, mine = None, None
            if shared is not None and shared.waits > 1:
                theirs = shared.usable(step, now)
                if theirs is None:
                    mine = Future[RawResponse]()
                    shared.poll, shared.began = mine, now
        if theirs is None:
            return send() if mine is None else _lead(mine, send)
        try:
            return theirs.result(timeout=step.timeout)
        except FutureTimeoutError:
            raise _late(step) from None


@define(eq=False)
class AsyncPollCoalescer:
    """Who waits for what, in the asynchronous client."""

    _tasks: dict[str, _Shared[asyncio.Future[RawResponse]]] = field(init=False, factory=dict)

    @contextlib.contextmanager
    def join(self, task: str) -> Generator[None]:
        """Be counted as waiting for a task."""
        shared = self._tasks.setdefault(task, _Shared())
        shared.waits += 1
        try:
            yield
        finally:
            shared.waits -= 1
            if not shared.waits:
                del self._tasks[task]

    async def poll(
        self, step: Send, now: float, send: Callable[[], Awaitable[RawResponse]]
    ) -> RawResponse:
        """The answer to a poll: somebody else's if it will do, else one's own.

        Raises:
            APIConnectionError: There is none.
        """
        shared = self._tasks.get(step.task or "")
        if shared is None or shared.waits < 2:
            return await send()
        theirs = shared.usable(step, now)
        if theirs is None:
            shared.poll, shared.began = asyncio.get_running_loop().create_future(), now
            return await _lead_async(shared.poll, send)
        try:
            async with asyncio.timeout(step.timeout):
                # The poll belongs to its maker: a follower that is cancelled must not end it.
                return await asyncio.shield(theirs)
        except TimeoutError:
            raise _late(step) from None


def _lead(poll: Future[RawResponse], send: Callable[[], RawResponse]) -> RawResponse:
    try:
        answer = send()
    except BaseException as error:
        poll.set_exception(_passed_on(error))
        raise
    poll.set_result(answer)
    return answer


async def _lead_async(
    poll: asyncio.Future[RawResponse], send: Callable[[], Awaitable[RawResponse]]
) -> RawResponse:
    try:
        answer = await send()
    except BaseException as error:
        poll.set_exception(_passed_on(error))
        # Nobody may have joined; asyncio would complain of an error that nobody took.
        poll.exception()
        raise
    poll.set_result(answer)
    return answer


def _passed_on(error: BaseException) -> APIConnectionError:
    """What the followers of a poll are told when its maker failed or was interrupted."""
    if isinstance(error, APIConnectionError):
        return type(error)(str(error), delivery=error.delivery)
    return APIConnectionError(f"the poll was interrupted: {type(error).__name__}")


def _late(step: Send) -> APITimeoutError:
    return APITimeoutError(f"{step.call.method} {step.call.url}: no answer in {step.timeout:g} s")
