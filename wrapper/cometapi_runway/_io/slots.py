"""A limit on requests in flight that an interrupted thread cannot leave exhausted."""

from __future__ import annotations

import math
import queue
import time

from cometapi_runway._settings import LOCK_WAIT_SLICE


class Slot:
    """One place among the requests in flight.

    A slot that is dropped without `release` returns itself: Ctrl-C can strike between taking a slot
    and entering the `try` that would release it, which would lose a place of a semaphore.
    """

    # For a slot that an interruption leaves without its own.
    _free: queue.SimpleQueue[Slot] | None = None

    def __init__(self, free: queue.SimpleQueue[Slot]) -> None:
        self._free = free

    def release(self) -> None:
        """Give the place back; later calls do nothing."""
        free = self._free
        if free is not None:
            # In this order: an interruption in between returns the place twice, which costs
            # nothing, and never loses it.
            free.put(Slot(free))
            self._free = None

    def __del__(self) -> None:
        try:
            self.release()
        except BaseException:
            # Python reports an interruption in here and drops it; the place must not go with it.
            self.release()
            raise


class Slots:
    """A fixed number of slots, for many threads."""

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(Slot(self._free))

    def acquire(self, timeout: float = math.inf) -> Slot | None:
        """Take a slot, waiting so many seconds for one; None if there is none by then."""
        end = time.monotonic() + timeout
        while True:
            remaining = end - time.monotonic()
            try:
                # In slices: on Windows a single long lock wait blocks Ctrl-C.
                return self._free.get(timeout=max(min(remaining, LOCK_WAIT_SLICE), 0))
            except queue.Empty:
                if remaining <= LOCK_WAIT_SLICE:
                    return None
