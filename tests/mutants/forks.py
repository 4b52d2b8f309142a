"""Work in forked processes, so many at a time, each with an alarm.

A fork has everything loaded that its parent has, and cannot disturb it. Its exit status is its
answer; a few words can come with it, the last that it said, whatever ended it.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from attrs import frozen

J = TypeVar("J")
# What a fork ends with when it could not do its work.
BROKEN = 70
_MOST = 8192


@frozen
class Ended:
    """How a fork ended.

    Attributes:
        status: its exit status, or minus the signal that ended it.
        words: what it said last.
        seconds: how long it ran.
    """

    status: int
    words: str
    seconds: float = 0.0

    @property
    def is_late(self) -> bool:
        """Whether its alarm ended it."""
        return self.status == -signal.SIGALRM


def each(
    jobs: Iterable[J],
    work: Callable[[J, Callable[[str], None]], int],
    limit: Callable[[J], float],
    width: int,
) -> Iterator[tuple[J, Ended]]:
    """Do every job in a fork of its own, and yield them as they end.

    Args:
        jobs: what is to be done.
        work: does one in the fork, given a way to say something; returns the exit status.
        limit: the seconds that one may take, unless it sets its alarm anew.
        width: how many run at once.
    """
    waiting, running = iter(jobs), dict[int, tuple[J, mmap.mmap, float]]()
    while True:
        while len(running) < width and (job := next(waiting, None)) is not None:
            # Shared memory and no pipe: nobody reads while it runs, and a full pipe would stop it.
            said = mmap.mmap(-1, _MOST)
            pid = os.fork()
            if not pid:
                _child(job, work, limit(job), said)
            running[pid] = job, said, time.monotonic()
        if not running:
            return
        pid, status = os.wait()
        if pid in running:
            job, said, began = running.pop(pid)
            _kill_group(pid)
            with said:
                words = said.read().rstrip(b"\0").decode("utf-8", "replace")
            took = time.monotonic() - began
            yield job, Ended(os.waitstatus_to_exitcode(status), words, took)


def alarm(seconds: float) -> None:
    """Let the system end this process in so many seconds, if it is not told otherwise by then."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _child(
    job: J, work: Callable[[J, Callable[[str], None]], int], limit: float, said: mmap.mmap
) -> None:
    """Never returns: what comes after a fork is the parent's."""

    def say(words: str) -> None:
        said[:] = words.encode()[-_MOST:].ljust(_MOST, b"\0")

    status = BROKEN
    try:
        os.setsid()
        # Left to the system: Python's own handlers run only between two instructions.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        alarm(limit)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        status = work(job, say)
    except BaseException:
        say(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(status)


def _kill_group(pid: int) -> None:
    """End what a fork has started and left behind."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
