"""Several workers share a batch in PostgreSQL; one is killed for good, one comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cometapi_runway.journal import Journal
from cometapi_runway.simulator import SimulatedTask, SimulatorServer, Timings

pytest.importorskip("dbos")

ROWS = int(os.environ.get("BATCH_WORKERS_ROWS", "200"))
"""2,000 take a quarter of an hour, so they run only on request."""
CONCURRENCY = 8
FOLDER = Path(__file__).parent / "programs"
TIMINGS = Timings(invisible=0, pending=0.1, running=0.4, spread=0.2)


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=TIMINGS) as server:
        yield server


def start(stack: ExitStack, program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(FOLDER / program), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def wait_for_charges(server: SimulatorServer, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(server.gateway.charges) < count:
        assert time.monotonic() < deadline, f"{len(server.gateway.charges)} charges"
        time.sleep(0.05)


def count_overlaps(tasks: list[SimulatedTask]) -> int:
    """How many tasks the gateway had at once, at most."""
    changes = [(task.created, 1) for task in tasks]
    changes += [(task.created + task.plan.ends, -1) for task in tasks]
    running = most = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def test_one_worker_killed_and_one_restarted(
    tmp_path: Path, server: SimulatorServer, postgres_url: str
) -> None:
    arguments = (tmp_path, server.base_url, ROWS, CONCURRENCY, postgres_url)
    with ExitStack() as stack:
        run = start(stack, "run_batch.py", *arguments)
        killed = start(stack, "work_on_batches.py", postgres_url, server.base_url)
        restarted = start(stack, "work_on_batches.py", postgres_url, server.base_url)
        wait_for_charges(server, ROWS // 4)
        killed.kill()
        wait_for_charges(server, ROWS // 2)
        restarted.kill()
        start(stack, "work_on_batches.py", postgres_url, server.base_url)
        output, _ = run.communicate(timeout=900)
    assert output.endswith("complete\n")

    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    results = [json.loads(line) for line in lines]
    assert sorted(result["id"] for result in results) == sorted(f"row-{n}" for n in range(ROWS))
    statuses = Counter(result["status"] for result in results)
    assert statuses.keys() <= {"SUCCEEDED", "UNKNOWN"}
    journal = Journal(postgres_url)
    unknown = {record.label for record in journal.unknown()}
    journal.close()
    assert {f"crash/{one['id']}" for one in results if one["status"] == "UNKNOWN"} == unknown
    prompts = Counter(task.prompt for task in server.gateway.tasks.values())
    assert set(prompts.values()) == {1}
    assert statuses["SUCCEEDED"] <= len(prompts) <= ROWS
    assert count_overlaps(list(server.gateway.tasks.values())) <= CONCURRENCY
    for result in results:
        for name in result["files"]:
            assert (tmp_path / "out" / name).stat().st_size > 0
