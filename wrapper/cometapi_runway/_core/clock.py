"""The only place that reads the time and sleeps."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Time for the blocking client, in seconds of a monotonic clock."""

    def now(self) -> float:
        """The current time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


class AsyncClock(Protocol):
    """Time for the asynchronous client, in seconds of a monotonic clock."""

    def now(self) -> float:
        """The current time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


# Both look their functions up at each call, so that a test may replace them.
class SystemClock:
    """`time.monotonic` and `time.sleep`."""

    def now(self) -> float:
        """The current time."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the thread for that many seconds."""
        time.sleep(seconds)


class AsyncSystemClock:
    """`time.monotonic` and `asyncio.sleep`."""

    def now(self) -> float:
        """The current time."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other asyncio tasks run for that many seconds."""
        # Late: a blocking client has no use for asyncio, which is slow to import.
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(seconds)
