"""Runs jobs in forked processes, several at a time, each with a timeout.

A forked process inherits everything its parent has loaded and cannot change the parent. It returns
an exit status and a short text: the last one it reported, however it ended.
"""

from __future__ import annotations

import gc
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
# The exit status of a process that could not do its job.
BROKEN = 70
_MAX_LENGTH = 8192


@frozen
class ProcessResult:
    """How a process ended.

    Attributes:
        status: its exit status, or minus the signal that ended it.
        words: the last text that it reported.
        seconds: its duration.
    """

    status: int
    words: str
    seconds: float = 0.0

    @property
    def timed_out(self) -> bool:
        """Whether the timeout ended it."""
        return self.status == -signal.SIGALRM


def each(
    jobs: Iterable[J],
    work: Callable[[J, Callable[[str], None]], int],
    limit: Callable[[J], float],
    workers: int,
) -> Iterator[tuple[J, ProcessResult]]:
    """Run every job in its own process, and yield the jobs as they end.

    Args:
        jobs: the jobs.
        work: runs one job in the process, given a function that reports a text; returns the
            exit status.
        limit: the timeout of a job in seconds, unless the job sets another.
        workers: how many processes run at once.
    """
    waiting, running = iter(jobs), dict[int, tuple[J, mmap.mmap, float]]()
    while True:
        while len(running) < workers and (job := next(waiting, None)) is not None:
            # Shared memory, not a pipe: the parent does not read meanwhile, and a full pipe blocks.
            text = mmap.mmap(-1, _MAX_LENGTH)
            pid = os.fork()
            if not pid:
                _child(job, work, limit(job), text)
            running[pid] = job, text, time.monotonic()
        if not running:
            return
        pid, status = os.wait()
        if pid in running:
            job, text, began = running.pop(pid)
            _kill_group(pid)
            with text:
                words = text.read().rstrip(b"\0").decode("utf-8", "replace")
            took = time.monotonic() - began
            yield job, ProcessResult(os.waitstatus_to_exitcode(status), words, took)


def alarm(seconds: float) -> None:
    """Let the system end this process after a number of seconds, unless called again."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _child(
    job: J, work: Callable[[J, Callable[[str], None]], int], limit: float, text: mmap.mmap
) -> None:
    """Never returns: the code after the fork belongs to the parent."""

    def report(words: str) -> None:
        text[:] = words.encode()[-_MAX_LENGTH:].ljust(_MAX_LENGTH, b"\0")

    status = BROKEN
    # To visit what it inherits would copy all of it, and pytest collects garbage ten times.
    gc.freeze()
    try:
        os.setsid()
        # The default action ends the process; a Python handler would wait for the next bytecode.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        alarm(limit)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        status = work(job, report)
    except BaseException:
        report(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(status)


def _kill_group(pid: int) -> None:
    """End the processes that a process has started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
