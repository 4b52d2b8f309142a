"""Share polls between the waits of one client on the same task.

While several waits are on a task, a poll of one of them serves the others too: they join it while
it is in flight, and use its response while that is younger than their own interval. A single wait
always sends its own polls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.steps import Send
from cometapi_runway.errors import APIConnectionError, APITimeoutError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

P = TypeVar("P", bound="Future[RawResponse] | asyncio.Future[RawResponse]")


class SharedPolls(Generic[P]):
    """The waits on each task, and the last poll of each task that several waits are on."""

    def __init__(self) -> None:
        self._waits: dict[str, int] = {}
        self._last: dict[str, tuple[P, float]] = {}

    def join(self, *tasks: str) -> JoinedPolls:
        """Count the caller as a wait on each of the tasks, inside a ``with`` block."""
        return JoinedPolls(self, tasks)

    def add_waits(self, tasks: Collection[str]) -> None:
        """Count one more wait on each of the tasks."""
        for task in tasks:
            self._waits[task] = self._waits.get(task, 0) + 1

    def remove_waits(self, tasks: Collection[str]) -> None:
        """Count one wait less on each of the tasks."""
        for task in tasks:
            # A forked child has forgotten the waits that it inherits.
            if (waits := self._waits.pop(task, 0) - 1) > 0:
                self._waits[task] = waits
            else:
                self._last.pop(task, None)

    def is_shared(self, task: str | None) -> bool:
        """Whether several waits are on a task."""
        return task is not None and self._waits.get(task, 0) > 1

    def find_reusable(self, step: Send, now: float) -> P | None:
        """The task's last poll if it is in flight, or succeeded and is young enough; else None."""
        entry = self._last.get(step.task or "")
        if entry is None:
            return None
        last, started_at = entry
        if not last.done():
            return last
        has_response = not last.cancelled() and last.exception() is None
        return last if has_response and now - started_at < step.max_age else None

    def start(self, step: Send, poll: P, now: float) -> P:
        """Have a poll joined by the other waits on the task."""
        self._last[step.task or ""] = poll, now
        return poll


class JoinedPolls:
    """Counts waits on tasks inside a ``with`` block.

    A class, because the frame of a generator takes 300 bytes for every task that is waited for.

    Args:
        polls: Where to count them.
        tasks: Their ids; those that are left at the end of the block are counted no longer.
    """

    __slots__ = ("_polls", "_tasks")

    def __init__(self, polls: SharedPolls[Any], tasks: Collection[str]) -> None:
        self._polls = polls
        self._tasks = tasks

    def __enter__(self) -> None:
        self._polls.add_waits(self._tasks)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._polls.remove_waits(self._tasks)


class PollCoalescer(SharedPolls["Future[RawResponse]"]):
    """Shares polls in the blocking client."""

    def __init__(self) -> None:
        self.reset_after_fork()
        # The waits of other threads are forgotten in a forked child.
        register_fork_aware(self)

    def reset_after_fork(self) -> None:
        """Forget every wait: the threads that polled for them are the parent's."""
        super().__init__()
        self._lock = threading.Lock()

    def add_waits(self, tasks: Collection[str]) -> None:
        with self._lock:
            super().add_waits(tasks)

    def remove_waits(self, tasks: Collection[str]) -> None:
        with self._lock:
            super().remove_waits(tasks)

    def poll(self, step: Send, now: float, send: Callable[[], RawResponse]) -> RawResponse:
        """Return the response of another wait's poll if one can be reused, else send.

        Raises:
            APIConnectionError: The poll failed.
        """
        shared, own = None, None
        with self._lock:
            if self.is_shared(step.task):
                shared = self.find_reusable(step, now)
                if shared is None:
                    # Late: most clients never have two waits on one task.
                    from concurrent.futures import Future  # noqa: PLC0415

                    own = self.start(step, Future[RawResponse](), now)
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
