"""A simulated gateway, and the environment of a command's process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from cometapi_runway.simulator import (
    SimClock,
    SimulatorServer,
)

from .processes import (
    ROOT,
    OpenTerminal,
    TerminalProcess,
)

SECONDS_PER_REQUEST = 1.5


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
        "PYTHONPATH": f"{ROOT / 'wrapper'}{os.pathsep}{ROOT / 'generated'}",
        "COMETAPI_KEY": "any",
        "COMETAPI_RUNWAY_JOURNAL": str(tmp_path / "journal.sqlite3"),
        "COMETAPI_RUNWAY_CONFIG": str(tmp_path / "config.toml"),
    }


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[OpenTerminal]:
    """Starts processes, each on its own terminal."""
    screens: list[TerminalProcess] = []

    def start(words: Sequence[str], environment: Mapping[str, str]) -> TerminalProcess:
        screens.append(TerminalProcess(words, environment, tmp_path))
        return screens[-1]

    yield start
    for screen in screens:
        screen.abandon()
