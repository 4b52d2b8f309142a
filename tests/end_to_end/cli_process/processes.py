"""Runs commands as processes, with pipes or on a terminal.

Most are forks of a process that has loaded the package, see `preloaded_python`. `COMMAND` starts
Python itself, for what happens at its start: imports, and streams that are closed or full.
"""

from __future__ import annotations

import errno
import os
import pkgutil
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import cometapi_runway

from .. import preloaded_python
from ..preloaded_python import PreloadedProcess

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
_PROGRAM = Path(cometapi_runway.__file__).with_name("__main__.py")
# What a command loads when it needs it.
_LIBRARIES = (
    "cyclopts.completion.bash",
    "rich.live",
    "tests.end_to_end.programs.used_client",
)
_OTHER_ROOMS = ("batch", "mcp", "simulator", "telemetry", "testing")


@cache
def _list_modules() -> list[str]:
    """The package's modules, without those that need more than the command line does."""
    rooms = pkgutil.iter_modules(cometapi_runway.__path__, "cometapi_runway.")
    loaded = [room for room in rooms if room.name.rpartition(".")[2] not in _OTHER_ROOMS]
    names = [room.name for room in loaded if not room.name.endswith("__main__")]
    for room in loaded:
        if room.ispkg:
            folder = str(_PROGRAM.with_name(room.name.rpartition(".")[2]))
            names += [one.name for one in pkgutil.walk_packages([folder], f"{room.name}.")]
    return names


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *modules: str,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    new_session: bool = False,
) -> PreloadedProcess | subprocess.Popen[str]:
    """Start a command, with further modules loaded."""
    return preloaded_python.start(
        _PROGRAM,
        *words,
        modules=[*_list_modules(), *_LIBRARIES, *modules],
        environment=environment,
        folder=folder,
        new_session=new_session,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *modules: str,
    timeout: float = TIMEOUT,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    process = start(words, environment, folder, *modules)
    output, errors = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(words, process.wait(), output, errors)


def run_new(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    timeout: float = TIMEOUT,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that has loaded nothing."""
    return subprocess.run(
        [*COMMAND, *words],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout,
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

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, *modules: str
    ) -> None:
        self._terminal, theirs = pty.openpty()
        os.set_blocking(self._terminal, False)
        self.process = start(
            words,
            {**environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"},
            folder,
            *modules,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            new_session=True,
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


OpenTerminal = Callable[..., TerminalProcess]
