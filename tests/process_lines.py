"""Reads lines that a process prints, with a limit."""

from __future__ import annotations

import threading
from typing import IO, Protocol

LIMIT = 30.0


class Process(Protocol):
    """A process whose output is read: `subprocess.Popen` is one."""

    @property
    def stdout(self) -> IO[str] | None: ...

    def kill(self) -> None: ...


def read_line(process: Process, seconds: float = LIMIT) -> str:
    """The next line of a process's stdout.

    A process that prints nothing within `seconds` is killed, so that no test waits for it for ever.

    Raises:
        AssertionError: There is no line: the process ended before, or was killed.
    """
    assert process.stdout is not None
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
        watchdog.join()
    assert line, f"the process printed no line within {seconds:g} s, or ended before"
    return line
