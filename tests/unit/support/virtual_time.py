"""Time that passes only when somebody sleeps.

The blocking client gets a clock that is a number. The awaiting client gets an event loop whose
selector never waits: with nothing left to do it jumps to the next timer, so that `asyncio.sleep`
and `asyncio.timeout` are the real ones and still cost nothing.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable
from random import Random
from typing import Any


class VirtualClock:
    """A clock for the blocking client, and for bare flows."""

    def __init__(self) -> None:
        self.time = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        with self._lock:
            self.time += seconds


class FrozenClock(VirtualClock):
    """A clock under a patched `time.sleep`: sleeping returns at once and nothing moves."""

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type] # chosen at runtime
    """Skips the wait for a timer, unless a worker thread is about to report."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0 or self.loop.in_threads:
            return super().select(timeout if timeout is None or timeout <= 0 else 0.01)
        self.loop.skip(timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._now = 0.0
        self.in_threads = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def skip(self, seconds: float) -> None:
        self._now += seconds

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Keep time still until the thread has reported."""
        self.in_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: object) -> None:
        self.in_threads -= 1

    async def shutdown_default_executor(self, *_: float | None) -> None:
        """Join the threads without a timeout: Python 3.13 measures it in the loop's time."""
        await super().shutdown_default_executor()


class AsyncVirtualClock:
    """The loop's time as the clock of the awaiting client."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    @property
    def time(self) -> float:
        return self._loop.time()

    def now(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        await asyncio.sleep(seconds)


class FixedJitter(Random):
    """Jitter at one place of its range: 0.0 draws the least, 1.0 the most."""

    def __init__(self, place: float) -> None:
        super().__init__(0)
        self._place = place

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self._place
