"""Several workers share a batch in PostgreSQL; one is killed for good, one comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cometapi_runway.batch import Batch
from cometapi_runway.journal import Journal
from cometapi_runway.simulator import SimulatedTask, SimulatorServer, Timings

from ..postgres_server import PostgresServer, require_binaries, start_own_server
from . import preloaded_python
from .preloaded_python import PreloadedProcess

pytest.importorskip("dbos")

ROWS = int(os.environ.get("BATCH_WORKERS_ROWS", "60"))
"""Three chunks. 2,000 rows take a quarter of an hour, so they run only on request."""
CONCURRENCY = 8
MODULES = (
    *("cometapi_runway.batch._engine", "dbos", "psycopg"),
    "tests.end_to_end.programs.used_client",
)
FOLDER = Path(__file__).parent / "programs"
TIMINGS = Timings(invisible=0, pending=0.1, running=0.4, spread=0.2)


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=TIMINGS) as server:
        yield server


def start(
    stack: ExitStack, program: str, *arguments: object, stderr: bool = False
) -> PreloadedProcess | subprocess.Popen[str]:
    process = preloaded_python.start(
        FOLDER / program, *arguments, modules=MODULES, stderr=subprocess.PIPE if stderr else None
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def wait_for_charges(server: SimulatorServer, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(server.gateway.charges) < count:
        assert time.monotonic() < deadline, f"{len(server.gateway.charges)} charges"
        time.sleep(0.05)


def wait_for_rows(database: str, worker: int, *, expected: bool = True) -> None:
    """Wait until a worker has, or has not, begun chunks that have not ended."""
    import psycopg

    begun = (
        "SELECT 1 FROM cometapi_runway_dbos.workflow_status "
        "WHERE status = 'PENDING' AND executor_id = %s"
    )
    deadline = time.monotonic() + 120
    with psycopg.connect(database, autocommit=True) as db:
        while (db.execute(begun, [str(worker)]).fetchone() is not None) != expected:
            assert time.monotonic() < deadline, f"worker {worker} has rows: {not expected}"
            time.sleep(0.1)


def count_overlaps(tasks: list[SimulatedTask]) -> int:
    """How many tasks the gateway had at once, at most."""
    changes = [(task.created, 1) for task in tasks]
    changes += [(task.created + task.plan.ends, -1) for task in tasks]
    running = most = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def check_outcome(folder: Path, server: SimulatorServer, database: str) -> None:
    """Every row has one line, one task and its files; what is unknown is listed."""
    lines = (folder / "out" / "results.jsonl").read_text().splitlines()
    results = [json.loads(line) for line in lines]
    assert sorted(result["id"] for result in results) == sorted(f"row-{n}" for n in range(ROWS))
    statuses = Counter(result["status"] for result in results)
    assert statuses.keys() <= {"SUCCEEDED", "UNKNOWN"}, statuses
    journal = Journal(database)
    unknown = {record.label for record in journal.unknown()}
    rows = {f"crash/{one['id']}" for one in results if one["status"] == "UNKNOWN"}
    # A worker that comes back may have written a task's id after its row was given up.
    known_since = {label for label in rows if any(one.task_id for one in journal.find(label=label))}
    journal.close()
    assert rows - known_since == unknown
    prompts = Counter(task.prompt for task in server.gateway.tasks.values())
    assert set(prompts.values()) == {1}
    assert statuses["SUCCEEDED"] <= len(prompts) <= ROWS
    # A request that a stopped worker had recorded and not sent is sent when it comes back. Its row
    # was given up as unknown before, and its slot with it.
    given_up = {label.removeprefix("crash/").replace("-", " ") for label in rows}
    kept = [task for task in server.gateway.tasks.values() if task.prompt not in given_up]
    assert count_overlaps(kept) <= CONCURRENCY
    for result in results:
        for name in result["files"]:
            assert (folder / "out" / name).stat().st_size > 0


def test_one_worker_killed_and_one_restarted(
    tmp_path: Path, server: SimulatorServer, postgres_url: str
) -> None:
    arguments = (tmp_path, server.base_url, ROWS, CONCURRENCY, postgres_url)
    with ExitStack() as stack:
        run = start(stack, "run_batch.py", *arguments)
        killed = start(stack, "work_on_batches.py", postgres_url, server.base_url, 1)
        restarted = start(stack, "work_on_batches.py", postgres_url, server.base_url, 2)
        wait_for_charges(server, ROWS // 4)
        wait_for_rows(postgres_url, 1)
        killed.kill()
        wait_for_charges(server, ROWS // 2)
        wait_for_rows(postgres_url, 2)
        restarted.kill()
        start(stack, "work_on_batches.py", postgres_url, server.base_url, 3)
        output, _ = run.communicate(timeout=900)
    assert output.endswith("complete\n")
    check_outcome(tmp_path, server, postgres_url)


def test_the_database_restarts(tmp_path: Path, server: SimulatorServer) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(start_own_server())
        url = database.url("postgres")
        run = start(stack, "run_batch.py", tmp_path, server.base_url, ROWS, CONCURRENCY, url)
        start(stack, "work_on_batches.py", url, server.base_url, 1)
        wait_for_charges(server, ROWS // 3)
        wait_for_rows(url, 1)
        database.stop(require_binaries())
        time.sleep(1)
        database.start(require_binaries())
        output, _ = run.communicate(timeout=900)
        assert output.endswith("complete\n")
        check_outcome(tmp_path, server, url)


def test_a_worker_comes_back_after_others_took_its_rows(
    tmp_path: Path, server: SimulatorServer, postgres_server: PostgresServer, postgres_url: str
) -> None:
    with ExitStack() as stack:
        arguments = (tmp_path, server.base_url, ROWS, CONCURRENCY, postgres_url)
        run = start(stack, "run_batch.py", *arguments)
        frozen = start(stack, "work_on_batches.py", postgres_url, server.base_url, 1)
        wait_for_charges(server, ROWS // 4)
        wait_for_rows(postgres_url, 1)
        # Its sessions end as if its machine had lost the network, and its lease with them.
        frozen.send_signal(signal.SIGSTOP)
        name = urlsplit(postgres_url).path.strip("/")
        sessions = f"FROM pg_stat_activity WHERE datname = '{name}'"
        postgres_server.execute(f"SELECT pg_terminate_backend(pid) {sessions}")
        charges = len(server.gateway.charges)
        wait_for_rows(postgres_url, 1, expected=False)
        frozen.send_signal(signal.SIGCONT)
        output, _ = run.communicate(timeout=900)
    assert output.endswith("complete\n")
    assert len(server.gateway.charges) > charges
    check_outcome(tmp_path, server, postgres_url)


def test_a_second_run_is_refused(
    tmp_path: Path, server: SimulatorServer, postgres_url: str
) -> None:
    with Batch(
        "crash", tmp_path / "out", database=postgres_url, api_key="a-key", base_url=server.base_url
    ) as batch:
        batch.add(
            {"id": f"row-{number}", "operation": "text_to_image", "prompt_text": f"row {number}",
             "reference_images": ["https://example.com/reference.png"]}
            for number in range(40)
        )  # fmt: skip
        results = batch.run(concurrency=2, interval=0.1)
        next(results)
        arguments = (tmp_path, server.base_url, ROWS, CONCURRENCY, postgres_url)
        with ExitStack() as stack:
            second = start(stack, "run_batch.py", *arguments, stderr=True)
            _, errors = second.communicate(timeout=120)
        assert second.returncode != 0
        assert "batch 'crash' is run by another process" in errors
        results.close()
