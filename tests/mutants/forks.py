"""Work in forked processes, so many at a time, each with an alarm.

A fork has everything loaded that its parent has, and cannot disturb it. Its exit status is its
answer; a few words can come with it.
"""

from __future__ import annotations

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


@frozen
class Ended:
    """How a fork ended.

    Attributes:
        status: its exit status, or minus the signal that ended it.
        words: what it said.
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
    limit: Callable[[J], int],
    width: int,
) -> Iterator[tuple[J, Ended]]:
    """Do every job in a fork of its own, and yield them as they end.

    Args:
        jobs: what is to be done.
        work: does one in the fork, given a way to say something; returns the exit status.
        limit: the seconds that one may take.
        width: how many run at once.
    """
    waiting, running = iter(jobs), dict[int, tuple[J, int, float]]()
    while True:
        while len(running) < width and (job := next(waiting, None)) is not None:
            reader, writer = os.pipe()
            pid = os.fork()
            if not pid:
                os.close(reader)
                _child(job, work, limit(job), writer)
            os.close(writer)
            running[pid] = job, reader, time.monotonic()
        if not running:
            return
        pid, status = os.wait()
        if pid in running:
            job, reader, began = running.pop(pid)
            _kill_group(pid)
            with os.fdopen(reader, "rb") as said:
                words = said.read().decode("utf-8", "replace")
            took = time.monotonic() - began
            yield job, Ended(os.waitstatus_to_exitcode(status), words, took)


def _child(
    job: J, work: Callable[[J, Callable[[str], None]], int], limit: int, writer: int
) -> None:
    """Never returns: what comes after a fork is the parent's."""
    status = BROKEN
    try:
        os.setsid()
        # Left to the system: Python's own handlers run only between two instructions.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(limit)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        status = work(job, lambda words: os.write(writer, words.encode()[:60_000]))
    except BaseException:
        os.write(writer, traceback.format_exc().encode()[-4000:])
    finally:
        sys.stdout.flush()
        os._exit(status)


def _kill_group(pid: int) -> None:
    """End what a fork has started and left behind."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
