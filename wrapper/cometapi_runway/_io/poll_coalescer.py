"""Share polls between the waits of one client on the same task.

While several waits are on a task, a poll of one of them serves the others too: they join it while
it is in flight, and use its response while that is younger than their own interval. A single wait
always sends its own polls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.steps import Send
from cometapi_runway.errors import APIConnectionError, APITimeoutError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

P = TypeVar("P", bound="Future[RawResponse] | asyncio.Future[RawResponse]")


class TaskPolls(Generic[P]):
    """The polls of one task.

    Attributes:
        waits: How many waits are on the task.
        last: The last poll that any of them started, or None.
        started_at: When it was started.
    """

    __slots__ = ("last", "started_at", "waits")

    def __init__(self) -> None:
        self.waits = 0
        self.last: P | None = None
        self.started_at = 0.0

    def find_reusable(self, step: Send, now: float) -> P | None:
        """The last poll if it is in flight, or succeeded and is young enough; else None."""
        if self.last is None:
            return None
        if not self.last.done():
            return self.last
        has_response = not self.last.cancelled() and self.last.exception() is None
        return self.last if has_response and now - self.started_at < step.max_age else None


class WaitCounter(Protocol):
    """Counts the waits on tasks."""

    def add_waits(self, tasks: Sequence[str]) -> None:
        """Count one more wait on each of the tasks."""
        ...

    def remove_waits(self, tasks: Sequence[str]) -> None:
        """Count one wait less on each of the tasks."""
        ...


class JoinedPolls:
    """Counts waits on tasks inside a ``with`` block.

    A class, because the frame of a generator takes 300 bytes for every task that is waited for.
    """

    __slots__ = ("_counter", "_tasks")

    def __init__(self, counter: WaitCounter, tasks: Sequence[str]) -> None:
        self._counter = counter
        self._tasks = tasks

    def __enter__(self) -> None:
        self._counter.add_waits(self._tasks)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._counter.remove_waits(self._tasks)


class PollCoalescer:
    """Shares polls in the blocking client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskPolls[Future[RawResponse]]] = {}
        # The waits of other threads are forgotten in a forked child.
        register_fork_aware(self)

    def reset_after_fork(self) -> None:
        """Forget every wait: the threads that polled for them are the parent's."""
        self._lock, self._tasks = threading.Lock(), {}

    def join(self, *tasks: str) -> JoinedPolls:
        """Count the caller as a wait on each of the tasks, inside a ``with`` block."""
        return JoinedPolls(self, tasks)

    def add_waits(self, tasks: Sequence[str]) -> None:
        """Count one more wait on each of the tasks."""
        with self._lock:
            for task in tasks:
                self._tasks.setdefault(task, TaskPolls()).waits += 1

    def remove_waits(self, tasks: Sequence[str]) -> None:
        """Count one wait less on each of the tasks."""
        with self._lock:
            for task in tasks:
                # A forked child has forgotten the waits that it inherits.
                if (polls := self._tasks.get(task)) is not None:
                    polls.waits -= 1
                    if not polls.waits:
                        del self._tasks[task]

    def poll(self, step: Send, now: float, send: Callable[[], RawResponse]) -> RawResponse:
        """Return the response of another wait's poll if one can be reused, else send.

        Raises:
            APIConnectionError: The poll failed.
        """
        with self._lock:
            polls = self._tasks.get(step.task or "")
            shared, own = None, None
            if polls is not None and polls.waits > 1:
                shared = polls.find_reusable(step, now)
                if shared is None:
                    # Late: most clients never have two waits on one task.
                    from concurrent.futures import Future  # noqa: PLC0415

                    own = Future[RawResponse]()
                    polls.last, polls.started_at = own, now
        if shared is None:
            return send() if own is None else _send_shared(own, send)
        try:
            return shared.result(timeout=step.timeout)
        except TimeoutError:
            raise poll_timeout(step) from None


def _send_shared(poll: Future[RawResponse], send: Callable[[], RawResponse]) -> RawResponse:
    """Send, and pass the outcome to the waits that joined the poll."""
    try:
        response = send()
    except BaseException as error:
        poll.set_exception(copy_error(error))
        raise
    poll.set_result(response)
    return response


def copy_error(error: BaseException) -> APIConnectionError:
    """The error for the waits that joined a poll, when the poll failed or was interrupted.

    A copy, because an exception that several waits raise would collect all their tracebacks.
    """
    if isinstance(error, APIConnectionError):
        return type(error)(str(error), delivery=error.delivery, is_permanent=error.is_permanent)
    return APIConnectionError(f"the poll was interrupted: {type(error).__name__}")


def poll_timeout(step: Send) -> APITimeoutError:
    request = step.call
    return APITimeoutError(f"{request.method} {request.url}: no response in {step.timeout:g} s")
