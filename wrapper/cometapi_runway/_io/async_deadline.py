"""The deadline of a block of asynchronous code, as `asyncio.timeout` in a third of its time."""

from __future__ import annotations

import asyncio
from types import TracebackType


class AsyncDeadline:
    """Cancel the current task at a deadline, and raise TimeoutError in place of that cancellation.

    `asyncio.timeout` does the same, with two coroutines that never wait. Each request enters one.

    Args:
        seconds: The time from entering the block.

    Attributes:
        has_expired: Whether the time was over before the block ended.
    """

    __slots__ = ("_cancellations", "_seconds", "_task", "_timer", "has_expired")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.has_expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request must be sent from an asyncio task")
        self._task = task
        self._cancellations = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self.has_expired = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self.has_expired:
            return
        # A cancellation that others asked for meanwhile goes on.
        is_own = self._task.uncancel() <= self._cancellations
        if is_own and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
