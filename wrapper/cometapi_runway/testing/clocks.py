"""Waits that take no time: the clients' clock is the simulator's, and sleeping moves it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator

import pytest
from attrs import define, field

from cometapi_runway._core.clock import AsyncSystemClock, SystemClock
from cometapi_runway.simulator._clock import SimClock

# How often other tasks are let run before time is moved on, so that what can happen now does.
_COURTESY = 3
# What a sleeper waits for one that is due before it, but may never come back to the clock.
_PATIENCE_SPINS = 500
_PATIENCE_SECONDS = 0.05
_LEAST = 1e-6


@define(eq=False)
class Agenda:
    """Who sleeps until when. Whoever is due first moves the clock; the others find it moved.

    Without it, ten waits side by side would each move the clock by their own pause, and a minute
    would pass for all while each slept six seconds.

    Attributes:
        clock: The simulator's clock.
    """

    clock: SimClock
    _due: list[float] = field(factory=list[float])
    _changed: threading.Condition = field(factory=threading.Condition)

    @contextlib.contextmanager
    def entry(self, seconds: float) -> Generator[float]:
        """Stands on the agenda for the time of a sleep; gives the moment it ends."""
        with self._changed:
            # The least step keeps a pause below the clock's resolution from being none at all.
            due = self.clock.now() + max(seconds, _LEAST)
            self._due.append(due)
        try:
            yield due
        finally:
            with self._changed:
                self._due.remove(due)
                self._changed.notify_all()

    def is_next(self, due: float) -> bool:
        """Whether nobody is due before."""
        return due <= min(self._due, default=due)

    def arrive(self, due: float) -> None:
        """Moves the clock to a moment, unless it has passed."""
        with self._changed:
            self.clock.advance(max(due - self.clock.now(), 0.0))
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Lets simulated seconds pass."""
        with self.entry(seconds) as due:
            with self._changed:
                self._changed.wait_for(lambda: self.is_next(due), timeout=_PATIENCE_SECONDS)
            self.arrive(due)

    async def sleep_async(self, seconds: float) -> None:
        """Lets simulated seconds pass, and other tasks run meanwhile."""
        with self.entry(seconds) as due:
            for _ in range(_COURTESY):
                await asyncio.sleep(0)
            for _ in range(_PATIENCE_SPINS):
                if self.is_next(due):
                    break
                await asyncio.sleep(0)
            self.arrive(due)


@define(eq=False)
class SkippingClock:
    """The clock of a blocking client."""

    agenda: Agenda

    def now(self) -> float:
        """The simulated time."""
        return self.agenda.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let so much simulated time pass."""
        self.agenda.sleep(seconds)


@define(eq=False)
class AsyncSkippingClock:
    """The clock of an asynchronous client."""

    agenda: Agenda

    def now(self) -> float:
        """The simulated time."""
        return self.agenda.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let so much simulated time pass."""
        await self.agenda.sleep_async(seconds)


@contextlib.contextmanager
def skipping(agenda: Agenda) -> Generator[None]:
    """Makes clients that were given no clock of their own use the simulator's.

    The application under test builds its clients itself. Only this package's clock is replaced:
    `time.sleep` stays what it is for everybody else.
    """

    def now(_: SystemClock | AsyncSystemClock) -> float:
        return agenda.clock.now()

    def sleep(_: SystemClock, seconds: float) -> None:
        agenda.sleep(seconds)

    async def sleep_async(_: AsyncSystemClock, seconds: float) -> None:
        await agenda.sleep_async(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "now", now)
        patch.setattr(SystemClock, "sleep", sleep)
        patch.setattr(AsyncSystemClock, "now", now)
        patch.setattr(AsyncSystemClock, "sleep", sleep_async)
        yield
