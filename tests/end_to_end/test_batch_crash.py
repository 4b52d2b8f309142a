"""A batch whose process is killed pays for no row twice, and loses none."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.process_lines import read_line

from cometapi_runway.journal import Journal
from cometapi_runway.simulator import SimulatorServer, Timings

from . import preloaded_python
from .preloaded_python import PreloadedProcess

pytest.importorskip("dbos")

ROWS = int(os.environ.get("BATCH_CRASH_ROWS", "60"))
PROGRAM = Path(__file__).parent / "programs" / "run_batch.py"
TIMINGS = Timings(invisible=0, pending=0.05, running=0.15, spread=0.2)


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=TIMINGS) as server:
        yield server


def start(
    folder: Path, server: SimulatorServer, concurrency: int = 16
) -> PreloadedProcess | subprocess.Popen[str]:
    modules = ["cometapi_runway.batch._engine", "dbos", "tests.end_to_end.programs.used_client"]
    words = folder, server.base_url, ROWS, concurrency
    return preloaded_python.start(PROGRAM, *words, modules=modules)


def read_lines(process: PreloadedProcess | subprocess.Popen[str], count: int) -> None:
    """Read so many results, so that the process is killed in the middle of others."""
    # A run with fewer rows left ends before.
    with contextlib.suppress(AssertionError):
        for _ in range(count):
            read_line(process)


def count_posts(server: SimulatorServer) -> int:
    return sum(charge.kind == "charge" for charge in server.gateway.charges)


def test_a_batch_killed_three_times(tmp_path: Path, server: SimulatorServer) -> None:
    for _ in range(3):
        with start(tmp_path, server) as process:
            read_lines(process, 1 + ROWS // 5)
            process.kill()
    for _ in range(2):
        # The second of these finds nothing to do.
        with start(tmp_path, server) as process:
            output, _ = process.communicate(timeout=240)
        assert output.endswith("complete\n")
        charges = count_posts(server)

    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    results = [json.loads(line) for line in lines]
    assert sorted(result["id"] for result in results) == sorted(f"row-{n}" for n in range(ROWS))
    statuses = Counter(result["status"] for result in results)
    assert statuses.keys() <= {"SUCCEEDED", "UNKNOWN"}
    journal = Journal(tmp_path / "data" / "journal.sqlite3")
    unknown = {record.label for record in journal.unknown()}
    journal.close()
    assert {f"crash/{one['id']}" for one in results if one["status"] == "UNKNOWN"} == unknown
    assert statuses["SUCCEEDED"] <= charges <= ROWS
    assert count_posts(server) == charges
    for result in results:
        if result["status"] == "SUCCEEDED":
            (name,) = result["files"]
            assert (tmp_path / "out" / name).stat().st_size > 0


def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(
    tmp_path: Path, server: SimulatorServer
) -> None:
    # Slow enough that it does not end before the signal comes, however busy the machine is.
    with start(tmp_path, server, concurrency=3) as process:
        read_lines(process, 1 + ROWS // 5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert 0 < count_posts(server) < ROWS
    with contextlib.closing(Journal(tmp_path / "data" / "journal.sqlite3")) as journal:
        assert not journal.unknown()
    with start(tmp_path, server) as process:
        output, _ = process.communicate(timeout=240)
    assert output.endswith("complete\n")
    assert count_posts(server) == ROWS
