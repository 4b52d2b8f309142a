"""Virtual time: clients use the simulator's clock, and a sleep advances it instead of blocking."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator

import pytest
from attrs import define, field

from cometapi_runway._core.clock import AsyncSystemClock, SystemClock
from cometapi_runway.simulator._clock import SimClock

# Event loop turns before time advances, so that other tasks do what they can do now.
_YIELDS_BEFORE_ADVANCE = 3
# How long to wait for a sleeper that is due earlier. It may be blocked and never return here.
_MAX_YIELDS = 500
_MAX_WAIT_SECONDS = 0.05
_MIN_SLEEP = 1e-6


@define(eq=False)
class SharedClock:
    """Lets concurrent sleepers share one clock: the earliest wake-up advances it, then the next.

    Otherwise ten concurrent sleeps of six seconds would advance the clock by a minute.

    Attributes:
        clock: The simulator's clock.
    """

    clock: SimClock
    _due: list[float] = field(factory=list[float], init=False)
    _changed: threading.Condition = field(factory=threading.Condition, init=False)

    @contextlib.contextmanager
    def schedule_wakeup(self, seconds: float) -> Generator[float]:
        """Register a sleep while the context is open; yields the time of its wake-up."""
        with self._changed:
            # A sleep below the clock's resolution would not advance it and would repeat forever.
            due = self.clock.now() + max(seconds, _MIN_SLEEP)
            self._due.append(due)
        try:
            yield due
        finally:
            with self._changed:
                self._due.remove(due)
                self._changed.notify_all()

    def is_earliest(self, due: float) -> bool:
        """Whether no registered wake-up comes before this time."""
        return due <= min(self._due, default=due)

    def advance_to(self, due: float) -> None:
        """Advance the clock to a time, unless that is past."""
        with self._changed:
            self.clock.advance(max(due - self.clock.now(), 0.0))
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        with self.schedule_wakeup(seconds) as due:
            with self._changed:
                self._changed.wait_for(lambda: self.is_earliest(due), timeout=_MAX_WAIT_SECONDS)
            self.advance_to(due)

    async def sleep_async(self, seconds: float) -> None:
        """Let simulated seconds pass while other tasks run."""
        with self.schedule_wakeup(seconds) as due:
            for _ in range(_YIELDS_BEFORE_ADVANCE):
                await asyncio.sleep(0)
            for _ in range(_MAX_YIELDS):
                if self.is_earliest(due):
                    break
                await asyncio.sleep(0)
            self.advance_to(due)


@define(eq=False)
class VirtualClock:
    """The clock of a sync client."""

    shared: SharedClock

    def now(self) -> float:
        """Return the simulated time in seconds."""
        return self.shared.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        self.shared.sleep(seconds)


@define(eq=False)
class AsyncVirtualClock:
    """The clock of an async client."""

    shared: SharedClock

    def now(self) -> float:
        """Return the simulated time in seconds."""
        return self.shared.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        await self.shared.sleep_async(seconds)


@contextlib.contextmanager
def use_virtual_time(shared: SharedClock) -> Generator[None]:
    """Make clients without a clock argument use the simulator's clock.

    The application under test creates its own clients. Only this package's clock is replaced;
    `time.sleep` still blocks.
    """

    def now(_: SystemClock | AsyncSystemClock) -> float:
        return shared.clock.now()

    def sleep(_: SystemClock, seconds: float) -> None:
        shared.sleep(seconds)

    async def sleep_async(_: AsyncSystemClock, seconds: float) -> None:
        await shared.sleep_async(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "now", now)
        patch.setattr(SystemClock, "sleep", sleep)
        patch.setattr(AsyncSystemClock, "now", now)
        patch.setattr(AsyncSystemClock, "sleep", sleep_async)
        yield
