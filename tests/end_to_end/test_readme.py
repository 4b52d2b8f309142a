"""The examples of the README run as they are printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cometapi_runway import RunwayClient
from cometapi_runway.simulator import SimClock, SimulatorServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
FIRST, ERRORS, LEDGER, BATCH, SIMULATOR, TESTING = BLOCKS
(MANIFEST,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
(COMMAND,) = re.findall(r"^cometapi-runway (batch run .*?)\n```", README, re.DOTALL | re.MULTILINE)


def run(arguments: list[str], folder: Path, **environment: str) -> str:
    paths = os.pathsep.join(str(ROOT / name) for name in ("wrapper", "generated"))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def server() -> SimulatorServer:
    return SimulatorServer(clock=SimClock.scaled(40))


def test_the_first_example_saves_a_file(server: SimulatorServer, tmp_path: Path) -> None:
    with server:
        output = run(
            ["-c", FIRST],
            tmp_path,
            COMETAPI_KEY="a-key",
            COMETAPI_RUNWAY_BASE_URL=server.base_url,
        )
    (file,) = (tmp_path / "out").iterdir()
    assert file.name in output


def test_the_error_example_resumes_tasks(server: SimulatorServer, tmp_path: Path) -> None:
    with server:
        client = RunwayClient(
            "a-key", base_url=server.base_url, journal=tmp_path / "runway.journal"
        )
        task, other = (
            client.video_upscale.create(video_uri=f"https://example.com/{n}.mp4") for n in "ab"
        )
        client.close()
        (shown,) = re.findall(r'wait\("([^"]+)"', ERRORS)
        output = run(
            ["-c", ERRORS.replace(shown, task.id)],
            tmp_path,
            COMETAPI_KEY="a-key",
            COMETAPI_RUNWAY_BASE_URL=server.base_url,
        )
    assert f"{other.id} SUCCEEDED None" in output


def test_the_batch_example_saves_a_file_for_each_row(
    server: SimulatorServer, tmp_path: Path
) -> None:
    with server:
        output = run(
            ["-c", BATCH],
            tmp_path,
            COMETAPI_KEY="a-key",
            COMETAPI_RUNWAY_BASE_URL=server.base_url,
        )
    assert sorted(output.splitlines()) == ["fox SUCCEEDED fox.mp4", "owl SUCCEEDED owl.mp4"]
    assert (tmp_path / "out" / "spring" / "owl.mp4").stat().st_size


def test_the_batch_command_saves_a_file_for_each_row(
    server: SimulatorServer, tmp_path: Path
) -> None:
    (tmp_path / "heroes.csv").write_text(MANIFEST, "utf-8")
    with server:
        output = run(
            ["-m", "cometapi_runway", *shlex.split(COMMAND.replace("\\\n", " "))],
            tmp_path,
            COMETAPI_KEY="a-key",
            COMETAPI_RUNWAY_BASE_URL=server.base_url,
            COMETAPI_RUNWAY_JOURNAL=str(tmp_path / "journal.sqlite3"),
            COMETAPI_RUNWAY_CONFIG=str(tmp_path / "config.toml"),
        )
    assert "2 rows: 2 succeeded" in output
    assert (tmp_path / "out" / "fox.mp4").stat().st_size


def test_the_ledger_example_pays_once(server: SimulatorServer, tmp_path: Path) -> None:
    with server:
        outputs = {
            run(
                ["-c", LEDGER],
                tmp_path,
                COMETAPI_KEY="a-key",
                COMETAPI_RUNWAY_BASE_URL=server.base_url,
            )
            for _ in range(2)
        }
        (task_id,) = server.gateway.tasks
        assert len(server.gateway.charges) == 1
    (output,) = outputs
    assert output.startswith(f"{task_id} Spending(cost=Decimal('0.25'), tasks=1, unpriced=0)")


def test_the_simulator_example_runs(tmp_path: Path) -> None:
    output = run(["-c", SIMULATOR], tmp_path)
    (file,) = (tmp_path / "out").iterdir()
    assert file.name in output
    assert "upscale_a_video" in output


def test_the_testing_example_passes(tmp_path: Path) -> None:
    test = "import pytest\nfrom cometapi_runway import SubmissionUnknownError\n\n\n" + TESTING
    (tmp_path / "test_it.py").write_text(test, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    assert "1 passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path)
