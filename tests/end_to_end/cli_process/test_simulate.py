"""``simulate`` as a process."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.process_lines import read_line

from ..preloaded_python import PreloadedProcess
from .processes import CREATE, TIMEOUT, run
from .processes import start as start_command


@pytest.fixture
def simulate(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts local gateways; returns each one's ``ready`` event and a function to stop it."""
    started: list[PreloadedProcess | subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[dict[str, Any], Callable[[], int]]:
        process = start_command(
            ("simulate", "--format", "json", "--speed", "100", *words),
            environment,
            tmp_path,
            *("cometapi_runway.simulator", "uvicorn"),
        )
        started.append(process)
        ready: dict[str, Any] = json.loads(read_line(process))

        def end() -> int:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT)
            return process.wait()

        return ready, end

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=TIMEOUT)


def test_simulate_serves_until_ctrl_c(
    environment: dict[str, str], tmp_path: Path, simulate: Callable[..., Any]
) -> None:
    ready, end = simulate()

    done = run((*CREATE, "--base-url", ready["base_url"]), environment, tmp_path)

    assert ready["event"] == "ready"
    assert done.returncode == 0, done.stderr
    assert end() == 0


def test_two_local_gateways_have_different_task_ids(
    environment: dict[str, str], tmp_path: Path, simulate: Callable[..., Any]
) -> None:
    """The journal outlives both gateways; the same seed repeats the ids."""

    def first_id(*words: str) -> tuple[str, int]:
        ready, end = simulate(*words)
        there = (*CREATE, "--no-wait", "--no-journal", "--base-url", ready["base_url"])
        made = run(there, environment, tmp_path).stdout.strip()
        end()
        return made, ready["seed"]

    one, seed = first_id()
    other, _ = first_id()
    again, _ = first_id("--seed", str(seed))

    assert one == again != other
