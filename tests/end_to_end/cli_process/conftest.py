"""A simulated gateway, and the environment of a command's process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import cometapi_runway
import cometapi_runway_api
from cometapi_runway.simulator import (
    SimClock,
    SimulatorServer,
)

from .processes import (
    OpenTerminal,
    TerminalProcess,
)

SECONDS_PER_REQUEST = 1.5
# The packages that this process has loaded: a copy of them, where mutants are run.
_PATHS = [str(Path(one.__path__[0]).parent) for one in (cometapi_runway, cometapi_runway_api)]


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """A gateway whose clock moves with each request: a task is seen in every state, soon."""
    clock = SimClock.manual()
    with SimulatorServer(clock=clock) as running:
        running.gateway.watchers.append(lambda _: clock.advance(SECONDS_PER_REQUEST))
        yield running


@pytest.fixture
def steady_server() -> Iterator[SimulatorServer]:
    """A gateway whose clock moves by itself, so that a slow file goes on arriving."""
    with SimulatorServer(clock=SimClock.scaled(20)) as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(_PATHS),
        "COMETAPI_KEY": "any",
        "COMETAPI_RUNWAY_JOURNAL": str(tmp_path / "journal.sqlite3"),
        "COMETAPI_RUNWAY_CONFIG": str(tmp_path / "config.toml"),
    }


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[OpenTerminal]:
    """Starts processes, each on its own terminal."""
    screens: list[TerminalProcess] = []

    def start(
        words: Sequence[str], environment: Mapping[str, str], *modules: str
    ) -> TerminalProcess:
        screens.append(TerminalProcess(words, environment, tmp_path, *modules))
        return screens[-1]

    yield start
    for screen in screens:
        screen.abandon()
