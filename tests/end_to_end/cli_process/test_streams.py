"""Pipes, full disks and closed streams."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    SimulatorServer,
)

from .processes import (
    CREATE,
    TIMEOUT,
    run,
    run_in_shell,
    start,
)


@pytest.mark.parametrize("words", [("completion", "bash"), ("--help",), ("--version",)], ids=str)
def test_a_closed_pipe_is_no_error(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    process = start(words, environment, tmp_path)
    assert process.stdout is not None
    process.stdout.close()

    _, err = process.communicate(timeout=TIMEOUT)

    assert err == ""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
@pytest.mark.parametrize("words", [("--version",), ("--help",), ("contract",)], ids=str)
def test_a_full_disk_is_reported_in_one_line(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(words, environment, tmp_path, stdout=full.fileno())
    _, err = process.communicate(timeout=TIMEOUT)

    assert process.returncode == ExitCode.OUTPUT
    assert re.match(r"error: standard output cannot be written: .*\nnext:  .*\n\Z", err)


@pytest.mark.parametrize("line", [">/dev/full", ">&-"])
def test_a_paid_task_id_is_shown_on_stderr_if_stdout_fails(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path, line: str
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    done = run_in_shell(line, there, tmp_path, *CREATE, "--no-wait")

    (task_id,) = server.gateway.tasks
    assert done.returncode == ExitCode.OUTPUT
    assert f"submitted {task_id}".encode() in done.stderr
    assert b"tasks list" in done.stderr


@pytest.mark.parametrize("line", ["2>/dev/full", "2>&-", "2>&- <&-"])
def test_work_continues_if_stderr_fails(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path, line: str
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    done = run_in_shell(line, there, tmp_path, *CREATE)
    listed = run(("tasks", "list", "--format", "json"), there, tmp_path)

    assert done.returncode == 0
    assert (tmp_path / done.stdout.decode().strip()).read_bytes()[4:8] == b"ftyp"
    assert json.loads(listed.stdout)["state"] == "SUCCEEDED"


def test_a_file_name_that_is_not_text_is_printed_unchanged(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}
    folder = os.fsdecode(b"caf\xe9")

    done = run_in_shell("", there, tmp_path, *CREATE, "--output", folder)

    assert done.stdout.startswith(b"caf\xe9/")
    assert (tmp_path / os.fsdecode(done.stdout.strip())).exists()


def test_a_pipe_gets_plain_lines(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url, "FORCE_COLOR": "1"}

    done = run(CREATE, there, tmp_path)

    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert Path(tmp_path / done.stdout.strip()).exists()
    states = re.findall(r"(PENDING|RUNNING|SUCCEEDED)", done.stderr)
    assert "RUNNING" in states
    assert states[-1] == "SUCCEEDED"
