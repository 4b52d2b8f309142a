"""Simulated time: real, scaled, or moved by hand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

import anyio
from attrs import define, field

MANUAL_START: Final = 1_777_636_800.0
"""The start of a manual clock: 2026-05-01T12:00:00Z, so that runs can be compared."""

LAST: Final = 253_402_300_800.0 - 366 * 86_400.0
"""The end of every clock: one year before the last moment that a timestamp can express."""

_SCALED_POLL: Final = 0.05
_MANUAL_POLL: Final = 0.005


@define
class SimClock:
    """A clock that runs at any rate, or stands still, and can be moved forward.

    Create one with `real`, `scaled` or `manual`. Any thread may read and move it.

    Attributes:
        rate: Simulated seconds per real second; 0 for a clock that only moves by hand.
    """

    rate: float
    _origin: float
    _monotonic: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self._monotonic()

    @classmethod
    def real(cls) -> SimClock:
        """A clock that runs in real time."""
        return cls.scaled(1.0)

    @classmethod
    def scaled(cls, factor: float) -> SimClock:
        """A clock that starts now and runs ``factor`` times as fast as real time.

        Raises:
            ValueError: The factor is not above zero, or not finite.
        """
        if not 0 < factor < math.inf:
            raise ValueError(f"factor must be above 0 and finite, got {factor}")
        return cls(factor, time.time())

    @classmethod
    def manual(cls, start: float = MANUAL_START) -> SimClock:
        """A clock that stands at ``start`` (Unix seconds) until `advance` moves it."""
        return cls(0.0, start)

    def now(self) -> float:
        """The simulated time in Unix seconds, at most the end of the year 9998."""
        return min(self._origin + (self._monotonic() - self._began) * self.rate, LAST)

    def advance(self, seconds: float) -> float:
        """Moves the clock forward and returns the new time.

        Raises:
            ValueError: The number is negative, or the new time would be after the year 9998.
        """
        if not 0 <= seconds <= LAST - self.now():
            raise ValueError(f"a clock moves forward by 0 seconds or more, got {seconds}")
        self._origin += seconds
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Waits until that many simulated seconds have passed or been skipped."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, moment: float) -> None:
        """Waits until a moment in simulated Unix seconds."""
        for interval in self._poll_intervals(moment):
            await anyio.sleep(interval)

    def _poll_intervals(self, due: float) -> Iterator[float]:
        # Polls instead of one timer, because another thread may move the clock.
        while (left := due - self.now()) > 0:
            yield min(left / self.rate, _SCALED_POLL) if self.rate else _MANUAL_POLL
