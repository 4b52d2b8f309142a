"""A slot is never lost, wherever an interruption strikes."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType

import pytest

from cometapi_runway._io.slots import Slots


def free_slots(slots: Slots) -> int:
    held = []
    while (slot := slots.acquire(0)) is not None:
        held.append(slot)
    count = len(held)
    for slot in held:
        slot.release()
    return count


def test_no_more_than_the_limit_are_taken() -> None:
    slots = Slots(3)
    held = [slots.acquire(0) for _ in range(4)]
    assert [slot is not None for slot in held] == [True, True, True, False]
    assert held[0] is not None
    held[0].release()
    held[0].release()
    assert free_slots(slots) == 1


def test_a_dropped_slot_returns_itself() -> None:
    slots = Slots(2)
    slots.acquire(0)
    assert free_slots(slots) == 2


def test_a_waiting_thread_gets_a_returned_slot() -> None:
    slots = Slots(1)
    first = slots.acquire(0)
    assert first is not None
    timer = threading.Timer(0.05, first.release)
    timer.start()
    second = slots.acquire(5)
    timer.join()
    assert second is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="needs setitimer")
def test_an_interruption_at_any_moment_loses_no_slot() -> None:
    """Ctrl-C at 200 moments of acquiring and releasing."""
    slots = Slots(2)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # A function, because a jump back in Python 3.13 is outside the `try` that its loop is in.
    def take_and_release(end: float) -> None:
        while time.monotonic() < end:
            slot = slots.acquire(1)
            assert slot is not None
            try:
                pass
            finally:
                slot.release()

    previous = signal.signal(signal.SIGALRM, interrupt)
    interruptions = 0
    try:
        for number in range(200):
            end = time.monotonic() + 0.05
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + number % 17 * 0.00003)
                take_and_release(end)
            except KeyboardInterrupt:
                interruptions += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert interruptions > 100
    assert free_slots(slots) >= 2
