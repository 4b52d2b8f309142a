"""Ctrl-C and killed processes: what they leave, and how it continues."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    Fault,
    SimulatorServer,
    When,
)

from .processes import (
    CREATE,
    TIMEOUT,
    OpenTerminal,
    run,
    run_new,
    start,
)

SIMULATOR = ("cometapi_runway.simulator", "uvicorn")


def test_ctrl_c_during_imports_shows_no_traceback(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # Replaces the library that takes longest to import.
    (tmp_path / "cyclopts.py").write_text("raise KeyboardInterrupt\n")
    paths = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"

    done = run_new(("tasks", "list"), {**environment, "PYTHONPATH": paths}, tmp_path)

    assert done.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in done.stderr
    assert re.search("^next:", done.stderr, re.MULTILINE)


def test_ctrl_c_in_the_demo_advises_to_run_it_again(
    environment: dict[str, str], tmp_path: Path, open_terminal: OpenTerminal
) -> None:
    screen = open_terminal(("demo",), environment, *SIMULATOR)
    screen.until("submitted")
    screen.interrupt()

    assert screen.close() == ExitCode.INTERRUPTED
    assert "tasks wait" not in screen.text
    assert "next:  cometapi-runway demo" in screen.text


def test_ctrl_c_advises_a_command_that_continues(
    open_terminal: OpenTerminal,
    server: SimulatorServer,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = open_terminal((*CREATE, "--output", "videos"), there)
    screen.until("RUNNING")
    screen.interrupt()
    code = screen.close()

    assert code == ExitCode.INTERRUPTED
    assert "Traceback" not in screen.text
    (line,) = re.findall(r"next:\s+cometapi-runway (tasks wait .*?)\r?\n", screen.text)
    done = run((*line.split(), "--interval", "0.1"), there, tmp_path)
    assert done.returncode == 0, done.stderr
    (task_id,) = server.gateway.tasks
    assert (tmp_path / "videos" / f"{task_id}.mp4").exists()
    assert len(server.gateway.charges) == 1


def test_ctrl_c_does_not_wait_for_a_gateway_that_hangs(
    open_terminal: OpenTerminal,
    server: SimulatorServer,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    server.gateway.faults.add(Fault("hang", when=When("tasks"), seconds=600))
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = open_terminal(CREATE, there)
    screen.until("waiting")
    while not any(one.method == "GET" for one in server.gateway.requests):
        time.sleep(0.05)
    screen.interrupt()
    began = time.monotonic()
    code = screen.close()

    assert code == ExitCode.INTERRUPTED
    assert time.monotonic() - began < 5
    assert "continues at the gateway" in " ".join(screen.text.split())


def test_ctrl_c_during_a_paid_request_reports_an_unknown_outcome(
    open_terminal: OpenTerminal,
    server: SimulatorServer,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    server.gateway.faults.add(Fault("hang", when=When("character_performance"), seconds=600))
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = open_terminal((*CREATE, "--seed", "7"), there)
    while not server.gateway.requests:
        time.sleep(0.05)
    screen.interrupt()
    code = screen.close()

    words = " ".join(screen.text.split())
    assert code == ExitCode.INTERRUPTED
    assert "the gateway may have accepted the task" in words
    assert "seed 7" in words
    assert "usage log" in words


def test_ctrl_c_during_a_download_keeps_the_partial_file(
    open_terminal: OpenTerminal,
    steady_server: SimulatorServer,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    steady_server.gateway.faults.add(Fault("drip", when=When("download", first=1), seconds=300))
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": steady_server.base_url}

    screen = open_terminal(CREATE, there)
    screen.until("saving")
    screen.interrupt()
    code = screen.close()

    assert code == ExitCode.INTERRUPTED
    assert "partial files are kept" in " ".join(screen.text.split())
    (line,) = re.findall(r"next:\s+cometapi-runway (tasks download .*?)\r?\n", screen.text)
    (part,) = tmp_path.glob("*.part")
    size = part.stat().st_size
    assert size > 0
    done = run(line.split(), there, tmp_path)
    assert done.returncode == 0, done.stderr
    ranges = [
        h for one in steady_server.gateway.requests for h in one.headers if h[0].lower() == "range"
    ]
    assert any(value == f"bytes={size}-" for _, value in ranges)


def test_resume_finishes_a_killed_download(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    """The task is paid for, and the gateway keeps its output for a limited time."""
    environment["COMETAPI_RUNWAY_BASE_URL"] = server.base_url
    server.gateway.faults.add(Fault("drip", seconds=4000, when=When("download")))
    process = start((*CREATE, "--output", "out"), environment, tmp_path)
    try:
        end = time.monotonic() + TIMEOUT
        while not any((tmp_path / "out").glob("*.part")):
            assert time.monotonic() < end, "no download has begun"
            time.sleep(0.02)
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT)
    server.gateway.faults.replace(())

    listed = run(["tasks", "list"], environment, tmp_path)
    resume = ["tasks", "resume", "--output", "out", "--interval", "0.1"]
    resumed = run(resume, environment, tmp_path)
    again = run(resume, environment, tmp_path)

    assert "SUCCEEDED" in listed.stdout
    assert "its output is not saved yet" in listed.stdout
    assert resumed.returncode == ExitCode.SUCCESS, resumed.stderr
    (file,) = (tmp_path / "out").iterdir()
    assert resumed.stdout.strip() == str(file.relative_to(tmp_path))
    assert "every task in the journal has ended" in again.stderr
    assert len(server.gateway.charges) == 1
