"""SIGKILL at every step from intent to file: no task is paid twice, and none is lost."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import av
import pytest

from cometapi_runway import RunwayClient
from cometapi_runway.simulator import SimClock, SimulatorServer, Timings

PROGRAM = Path(__file__).with_name("programs") / "kill_at_step.py"
# Intent, POST, id; polls until the end, with an update for every change; the end; then the file:
# look, fetch, rename, record.
STEPS = range(1, 16)


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    timings = Timings(invisible=1, pending=1, running=4, spread=0)
    with SimulatorServer(clock=SimClock.scaled(60), timings=timings) as running:
        yield running


def start(server: SimulatorServer, folder: Path, step: int, moment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, PROGRAM, server.base_url, folder / "journal", folder, str(step), moment],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def resume_and_check(server: SimulatorServer, folder: Path, charged_before: int) -> None:
    """Resume a killed job, and compare the journal with the charges."""
    charged = server.gateway.charges[charged_before:]
    assert len(charged) <= 1
    with RunwayClient("a-key", base_url=server.base_url, journal=folder / "journal") as client:
        finished = list(client.journal.resume(interval=0.02))
        paths = [path for task in finished for path in task.result().download(folder)]
        # Every charge is in the journal: as a task id, or as an intent that is never repeated.
        known = {entry.task_id for entry in client.journal.tasks() if entry.task_id}
        unknown = client.journal.unknown()
        for charge in charged:
            assert charge.task_id in known or unknown
        assert len(known) + len(unknown) <= 1
        assert client.journal.tasks(unfinished=True) == []
        for task_id in known:
            ended = client.journal.find(task_id)
            assert ended is not None
            assert ended.state == "SUCCEEDED"
            # Killed after the end was recorded: the journal still has the task id.
            paths = paths or client.tasks.wait(task_id, interval=0.02).download(folder)
            with av.open(str(paths[0])) as container:
                assert any(container.decode(video=0))
            assert not list(folder.glob("*.part"))
    assert len(server.gateway.charges) == charged_before + len(charged), "resuming charged again"


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_job_killed_at_any_step_resumes(
    server: SimulatorServer, tmp_path: Path, step: int, moment: str
) -> None:
    before = len(server.gateway.charges)
    job = start(server, tmp_path, step, moment)
    _, stderr = job.communicate(timeout=60)
    assert job.returncode in {0, -signal.SIGKILL}, stderr
    assert job.returncode or step > 8, "the job ended before the kill"
    resume_and_check(server, tmp_path, before)


def test_jobs_killed_at_random_moments_resume(server: SimulatorServer, tmp_path: Path) -> None:
    moments = Random(20261121)
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        before = len(server.gateway.charges)
        job = start(server, folder, 0, "never")
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(moments.uniform(0.2, 0.9))
        job.kill()
        job.communicate(timeout=60)
        # The server may still be handling a request of the killed process.
        time.sleep(0.1)
        resume_and_check(server, folder, before)
