"""SIGKILL at every step between intent and file: nothing is paid twice and nothing is lost.

The steps come from the code, see `kill_at_step.list_points`: a new kind of step is a new test.
Each job is a process of its own. It is forked from a server that has imported everything, because
a start of Python takes longer than a job.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest
from tests.forkserver import FORKS

from cometapi_runway import RunwayClient
from cometapi_runway.simulator import SimClock, SimulatorServer, Timings
from cometapi_runway.simulator._media.media_file import make_file

from .programs import kill_at_step
from .programs.kill_at_step import CREATE_REQUEST, NO_POINT, POLL, list_points

OUTPUT = "output.txt"
# What no undisturbed job does.
NEVER = {"Warn", "Record SubmissionFailed", "Record TaskMissing"}
POINTS = [point for point in list_points() if point not in NEVER]
# What a process does that resumes a job killed just before its first poll; the scheduler, which
# waits for many tasks, sleeps without a step.
RESUMED = [
    point
    for point in POINTS
    if point not in {CREATE_REQUEST, "Sleep", "Record SubmissionStarted"}
    and point != "Record SubmissionAccepted"
]


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    timings = Timings(invisible=1, pending=1, running=4, spread=0)
    with SimulatorServer(clock=SimClock.scaled(60), timings=timings) as running:
        yield running


def start(
    server: SimulatorServer, folder: Path, point: str, moment: str, job: str = "create"
) -> BaseProcess:
    arguments = [server.base_url, str(folder / "journal"), str(folder), job, point, moment]
    process = FORKS.Process(target=kill_at_step.run_forked, args=(folder / OUTPUT, arguments))
    process.start()
    return process


def run(
    server: SimulatorServer, folder: Path, point: str, moment: str, job: str = "create"
) -> None:
    """Run a job until SIGKILL ends it."""
    process = start(server, folder, point, moment, job)
    process.join(60)
    output = (folder / OUTPUT).read_text("utf-8")
    assert process.exitcode == -signal.SIGKILL, f"{job}: not killed {moment} {point}: {output}"


def settle(server: SimulatorServer, folder: Path, charged_before: int) -> None:
    """Finish what a killed job left, and compare the journal with what was charged."""
    charged = server.gateway.charges[charged_before:]
    assert len(charged) <= 1
    with RunwayClient("a-key", base_url=server.base_url, journal=folder / "journal") as client:
        for task in client.journal.resume(interval=0.02, include_unfetched=True):
            task.result().download(folder)
        # What was charged is on record: by its id, or as an intent that is never repeated.
        known = {entry.task_id for entry in client.journal.tasks() if entry.task_id}
        unknown = client.journal.unknown()
        for charge in charged:
            assert charge.task_id in known or unknown
        assert len(known) + len(unknown) <= 1
        assert client.journal.tasks(unfinished=True) == []
        assert client.journal.unfetched() == []
        for task_id in known:
            ended = client.journal.find(task_id)
            assert ended is not None
            assert ended.state == "SUCCEEDED"
            (path,) = ended.files
            assert path.read_bytes() == make_file(task_id, "video").content
            assert [file.name for file in folder.glob("*.mp4")] == [path.name]
            assert not list(folder.glob("*.part"))
    assert len(server.gateway.charges) == charged_before + len(charged), "resuming charged again"


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


def test_every_step_of_a_job_is_a_point(server: SimulatorServer, tmp_path: Path) -> None:
    """In a process that is started, not forked."""
    arguments = [server.base_url, tmp_path / "journal", tmp_path, "create", NO_POINT, "never"]
    command = [sys.executable, kill_at_step.__file__, *map(str, arguments)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert set(output.splitlines()) == set(POINTS)
    settle(server, tmp_path, len(server.gateway.charges))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_a_job_killed_at_a_step_is_resumed(
    server: SimulatorServer, tmp_path: Path, point: str, moment: str
) -> None:
    before = len(server.gateway.charges)
    run(server, tmp_path, point, moment)
    settle(server, tmp_path, before)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", RESUMED)
def test_a_resumed_job_killed_at_a_step_is_resumed_again(
    server: SimulatorServer, tmp_path: Path, point: str, moment: str
) -> None:
    before = len(server.gateway.charges)
    run(server, tmp_path, POLL, "before")
    run(server, tmp_path, point, moment, "resume")
    settle(server, tmp_path, before)
    assert len(server.gateway.charges) == before + 1


def test_jobs_killed_at_any_moment_are_taken_up(server: SimulatorServer, tmp_path: Path) -> None:
    moments = Random(20261121)
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        before = len(server.gateway.charges)
        job = start(server, folder, NO_POINT, "never")
        job.join(moments.uniform(0.0, 0.5))
        job.kill()
        job.join(60)
        # A request that had left the killed process is still on its way to be answered.
        time.sleep(0.1)
        settle(server, folder, before)
