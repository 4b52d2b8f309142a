"""The one place where time is read and spent."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Time for the blocking client, in seconds of a monotonic clock."""

    def now(self) -> float:
        """The current time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        ...


class AsyncClock(Protocol):
    """Time for the asynchronous client, in seconds of a monotonic clock."""

    def now(self) -> float:
        """The current time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        ...


# Both look their functions up when called, so that a program under test may replace them.
class SystemClock:
    """`time.monotonic` and `time.sleep`."""

    def now(self) -> float:
        """The current time."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for so long."""
        time.sleep(seconds)


class AsyncSystemClock:
    """`time.monotonic` and `asyncio.sleep`."""

    def now(self) -> float:
        """The current time."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so long."""
        await asyncio.sleep(seconds)
