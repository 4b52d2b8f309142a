"""Progress bars, colours and dumb terminals."""

from __future__ import annotations

import os
import pty
import re
from pathlib import Path

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    SimulatorServer,
)

from .processes import (
    CREATE,
    TIMEOUT,
    OpenTerminal,
    start,
)


def test_a_terminal_gets_a_bar_and_the_file(
    open_terminal: OpenTerminal,
    server: SimulatorServer,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = open_terminal((*CREATE, "--output", "videos"), there)
    screen.until("RUNNING")
    code = screen.close()

    assert code == 0
    assert "━" in screen.text
    assert "saved" in screen.text
    assert screen.text.rstrip().endswith(".mp4")
    assert "\x1b[32m" in screen.raw or "\x1b[38;5" in screen.raw


def test_no_color_is_respected(
    open_terminal: OpenTerminal,
    server: SimulatorServer,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url, "NO_COLOR": "1"}

    screen = open_terminal(CREATE, there)
    code = screen.close()

    assert code == 0
    colours = [
        c for c in re.findall(r"\x1b\[([0-9;]*)m", screen.raw) if re.search("3[0-9]|9[0-9]", c)
    ]
    assert colours == []


def test_a_dumb_terminal_gets_plain_lines(
    open_terminal: OpenTerminal,
    environment: dict[str, str],
    tmp_path: Path,
    server: SimulatorServer,
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}
    screen = open_terminal(("tasks", "get", "nothing"), there)
    screen.close()
    terminal, theirs = pty.openpty()
    words = ("tasks", "get", "nothing")
    process = start(words, {**there, "TERM": "dumb"}, tmp_path, stdout=theirs, stderr=theirs)
    code = process.wait(TIMEOUT)
    os.close(theirs)
    output = os.read(terminal, 65536).decode()
    os.close(terminal)

    assert code == ExitCode.GATEWAY
    assert "\x1b" not in output
    assert "\x1b" in screen.raw
