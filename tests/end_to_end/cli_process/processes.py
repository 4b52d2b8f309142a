"""Runs commands as processes, with pipes or on a terminal."""

from __future__ import annotations

import errno
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

COMMAND = (sys.executable, "-m", "cometapi_runway")
CREATE = (
    "character-performance",
    "--character",
    "https://example.com/face.png",
    "--reference",
    "https://example.com/clip.mp4",
    "--interval",
    "0.04",
)
TIMEOUT = 20.0


def run(
    words: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def run_in_shell(
    line: str, environment: Mapping[str, str], folder: Path, *words: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command with the redirections of a shell line."""
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {line}', "sh", *COMMAND, *words],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


class TerminalProcess:
    """A process on a terminal of 80 columns, and its output."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._terminal, theirs = pty.openpty()
        os.set_blocking(self._terminal, False)
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            env={**environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"},
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.raw = ""

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw)

    def until(self, words: str) -> None:
        """Read until the text appears."""
        end = time.monotonic() + TIMEOUT
        while words not in self.text:
            assert time.monotonic() < end, f"no {words!r} in:\n{self.text}"
            assert self._read(), f"ended without {words!r}:\n{self.text}"

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def close(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._terminal)
        return self.process.wait(TIMEOUT)

    def abandon(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(TIMEOUT)

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], TIMEOUT)[0]:
            self.process.kill()
            return False
        try:
            content = os.read(self._terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # Linux reports a closed terminal as EIO.
            return False
        self.raw += content.decode()
        return bool(content)


OpenTerminal = Callable[[Sequence[str], Mapping[str, str]], TerminalProcess]
