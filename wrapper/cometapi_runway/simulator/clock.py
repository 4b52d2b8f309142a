"""The simulator's time: real, faster than real, or moved by hand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

import anyio
from attrs import define, field

MANUAL_START: Final = 1_777_636_800.0
"""Where a clock moved by hand begins: 2026-05-01T12:00:00Z, so that runs can be compared."""

LAST: Final = 253_402_300_800.0 - 366 * 86_400.0
"""Where every clock ends: a year before the last one that a timestamp can tell."""

_LONGEST_NAP: Final = 0.05
_MANUAL_NAP: Final = 0.005


@define
class SimClock:
    """A clock that can run at any rate, stand still, and be moved forward.

    Make one with `real`, `scaled` or `manual`. It may be read and moved from any thread.

    Attributes:
        rate: Simulated seconds in one real second; 0 for a clock that only moves by hand.
    """

    rate: float
    _origin: float
    _monotonic: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self._monotonic()

    @classmethod
    def real(cls) -> SimClock:
        """A clock that goes as the machine's does."""
        return cls.scaled(1.0)

    @classmethod
    def scaled(cls, factor: float) -> SimClock:
        """A clock that starts now and runs ``factor`` times as fast.

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
        """The simulated time in Unix seconds; a clock that is very fast ends in the year 9998."""
        return min(self._origin + (self._monotonic() - self._began) * self.rate, LAST)

    def advance(self, seconds: float) -> float:
        """Moves the clock forward and returns the new time.

        Raises:
            ValueError: The number is below zero, since time does not go back, or leads beyond
                the year 9999, which no timestamp could tell.
        """
        if not 0 <= seconds <= LAST - self.now():
            raise ValueError(f"a clock moves forward by 0 seconds or more, got {seconds}")
        self._origin += seconds
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Waits until that many simulated seconds have passed, or have been skipped."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, moment: float) -> None:
        """Waits for a moment, in simulated Unix seconds."""
        for nap in self._naps(moment):
            await anyio.sleep(nap)

    def _naps(self, due: float) -> Iterator[float]:
        # Short naps instead of one wake-up call, since another thread may move the clock.
        while (left := due - self.now()) > 0:
            yield min(left / self.rate, _LONGEST_NAP) if self.rate else _MANUAL_NAP
