"""A batch from Python, against a simulator: what is sent, what is saved, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.errors import ConfigurationError, InvalidRequestError
from cometapi_runway.simulator import (
    Fault,
    Outcome,
    SimulatorServer,
    Timings,
    When,
    failed,
)

pytest.importorskip("dbos")

from cometapi_runway.batch import (
    Batch,
    RowResult,
    _coordinator,
    _worker,
    list_batches,
    read_results,
)

FAST = Timings(invisible=0, pending=0, running=0.05, spread=0)
REFERENCES = ["https://example.com/reference.png"]
OPTIONS: dict[str, Any] = {"concurrency": 4, "interval": 0.05}


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"row-{number}",
            "operation": "text_to_image",
            "prompt_text": f"row {number}",
            "reference_images": REFERENCES,
        }
        for number in range(start, start + count)
    ]


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice at once that a batch is to stop, or has."""
    monkeypatch.setattr(_worker, "_LOOK_INTERVAL", 0.1)
    monkeypatch.setattr(_coordinator, "_COUNT_INTERVAL", 0.1)
    monkeypatch.setattr(_coordinator, "_LOOK_INTERVAL", 0.05)


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=FAST) as server:
        yield server


@pytest.fixture
def batch(tmp_path: Path, server: SimulatorServer) -> Iterator[Batch]:
    with open_batch(tmp_path, server) as batch:
        yield batch


def open_batch(tmp_path: Path, server: SimulatorServer, **options: Any) -> Batch:
    folder = options.pop("folder", tmp_path / "out")
    name = options.pop("name", "spring")
    return Batch(
        name, folder, data=tmp_path / "data", api_key="a-key", base_url=server.base_url, **options
    )


def run(batch: Batch, **options: Any) -> dict[str, RowResult]:
    return {result.id: result for result in batch.run(**{**OPTIONS, **options})}


def count_charges(server: SimulatorServer) -> int:
    return sum(charge.kind == "charge" for charge in server.gateway.charges)


def statuses(results: dict[str, RowResult]) -> Counter[str]:
    return Counter(result.status for result in results.values())


def test_every_row_is_run_once_and_saved_under_its_name(
    batch: Batch, server: SimulatorServer, tmp_path: Path
) -> None:
    report = batch.add(rows(12))
    seen: list[int] = []
    results = run(batch, on_progress=lambda status: seen.append(status.ended))

    assert report.row_count == 12
    assert statuses(results) == {"SUCCEEDED": 12}
    assert count_charges(server) == 12
    for row_id, result in results.items():
        assert result.files == (f"{row_id}.png",)
        assert (tmp_path / "out" / f"{row_id}.png").stat().st_size > 0
        assert result.attempts == 1
        assert result.task_id in server.gateway.tasks
    assert {result.id: result for result in read_results(tmp_path / "out")} == results
    status = batch.status()
    assert (status.ended, status.waiting, status.running) == (12, 0, 0)
    assert status.is_complete
    assert status.spending.tasks == 12
    assert seen[-1] == 12
    (listed,) = list_batches(data=tmp_path / "data")
    assert listed == status

    # The same rows again are no new rows, and send nothing.
    batch.add(rows(12))
    received = server.gateway.received
    assert run(batch) == {}
    assert server.gateway.received == received


def test_labels_and_keys_name_batch_row_and_attempt(batch: Batch) -> None:
    batch.add(rows(1))
    run(batch)
    (record,) = batch.journal.find(label="spring/row-0")
    assert record.idempotency_key == "spring/row-0/1"
    assert record.scope == "spring"


def test_a_row_that_asks_for_something_else_is_refused(
    batch: Batch, server: SimulatorServer
) -> None:
    batch.add(rows(2))
    changed = rows(3)
    changed[1]["prompt_text"] = "another prompt"
    with pytest.raises(InvalidRequestError) as refusal:
        batch.add(changed)
    (issue,) = refusal.value.issues
    assert (issue.rule, issue.value) == ("idempotency", "row-1")
    # None of the rows was added, the new one included.
    assert len(run(batch)) == 2
    assert count_charges(server) == 2


def test_bad_rows_cost_nothing(batch: Batch, server: SimulatorServer) -> None:
    bad = [*rows(1), {**rows(1, 1)[0], "colour": "red"}]
    with pytest.raises(InvalidRequestError):
        batch.add(bad)
    assert server.gateway.received == 0


def test_one_process_at_a_time_runs_a_batch(
    batch: Batch, server: SimulatorServer, tmp_path: Path
) -> None:
    batch.add(rows(20))
    results = batch.run(**OPTIONS)
    next(results)
    with (
        open_batch(tmp_path, server) as second,
        pytest.raises(ConfigurationError, match="is run by another process") as refusal,
    ):
        next(second.run())
    assert refusal.value.setting == "name"
    assert len(list(results)) == 19


def test_leaving_the_loop_stops_and_the_next_run_goes_on(
    batch: Batch, server: SimulatorServer, tmp_path: Path
) -> None:
    batch.add(rows(30))
    for _ in batch.run(**OPTIONS):
        break
    assert count_charges(server) < 30
    assert not batch.journal.unknown()
    with open_batch(tmp_path, server) as again:
        run(again)
    assert count_charges(server) == 30
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == sorted(r["id"] for r in rows(30))


def test_only_failures_that_may_pass_are_repeated(tmp_path: Path) -> None:
    outcomes = [
        Outcome(failed("INTERNAL"), When("text_to_image", nth=1)),
        Outcome(failed("SAFETY.INPUT.TEXT"), When("text_to_image", nth=3)),
    ]
    with (
        SimulatorServer(timings=FAST, outcomes=outcomes) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(3))
        results = run(batch, concurrency=1, attempts=3)
        assert results["row-0"].status == "SUCCEEDED"
        assert results["row-0"].attempts == 2
        assert results["row-1"].status == "FAILED"
        assert results["row-1"].failure_code == "SAFETY.INPUT.TEXT"
        assert results["row-1"].attempts == 1
        assert count_charges(server) == 4
        price = batch.journal.find(label="spring/row-0")[0].price
        assert price is not None
        assert results["row-0"].cost == 2 * price


def test_attempts_are_limited(tmp_path: Path) -> None:
    outcomes = [Outcome(failed("INTERNAL"), When("text_to_image"))]
    with (
        SimulatorServer(timings=FAST, outcomes=outcomes) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(2))
        results = run(batch, attempts=2)
        assert [result.attempts for result in results.values()] == [2, 2]
        assert count_charges(server) == 4


def test_a_retry_buys_another_task_only_where_the_first_one_failed(
    tmp_path: Path,
) -> None:
    outcomes = [Outcome(failed("INTERNAL"), When("text_to_image", nth=1))]
    # The second row's task succeeds and its file cannot be downloaded.
    faults = [Fault("status", when=When("download", first=1), status=400)]
    with (
        SimulatorServer(timings=FAST, outcomes=outcomes, faults=faults) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(3))
        results = run(batch, concurrency=1)
        assert statuses(results) == {"FAILED": 2, "SUCCEEDED": 1}
        assert results["row-1"].task_id is not None
        assert sorted(batch.retry()) == ["row-0", "row-1"]
        again = run(batch)
        assert statuses(again) == {"SUCCEEDED": 2}
        assert again["row-1"].task_id == results["row-1"].task_id
        assert again["row-0"].task_id != results["row-0"].task_id
        assert count_charges(server) == 4
        assert len(list(read_results(tmp_path / "out"))) == 3


def test_a_lost_response_is_unknown_and_never_repeated(tmp_path: Path) -> None:
    faults = [Fault("reset", when=When("text_to_image", nth=1), acted=True)]
    with (
        SimulatorServer(timings=FAST, faults=faults) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(3))
        results = run(batch, attempts=3)
        assert statuses(results) == {"SUCCEEDED": 2, "UNKNOWN": 1}
        (row_id,) = (one.id for one in results.values() if one.status == "UNKNOWN")
        batch.retry()
        assert statuses(run(batch)) == {"UNKNOWN": 1}
        assert count_charges(server) == 3
        # Settled by the account's usage log, it is found.
        (record,) = batch.journal.unknown()
        known = {result.task_id for result in results.values()}
        (task_id,) = server.gateway.tasks.keys() - known
        batch.journal.settle(record.key, task_id=task_id)
        batch.retry("UNKNOWN")
        assert run(batch)[row_id].status == "SUCCEEDED"
        assert count_charges(server) == 3


def test_a_budget_is_kept_and_its_rows_are_named(batch: Batch, server: SimulatorServer) -> None:
    batch.add(rows(5))
    results = run(batch, max_tasks=3)
    assert statuses(results) == {"SUCCEEDED": 3, "BUDGET": 2}
    assert count_charges(server) == 3
    batch.retry("BUDGET")
    assert statuses(run(batch, max_tasks=5)) == {"SUCCEEDED": 2}


def test_too_many_failures_halt(tmp_path: Path) -> None:
    outcomes = [Outcome(failed("SAFETY.INPUT.TEXT"), When("text_to_image"))]
    slow = Timings(invisible=0, pending=0, running=0.3, spread=0)
    with (
        SimulatorServer(timings=slow, outcomes=outcomes) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(60))
        results = run(batch, concurrency=2, halt="fail=3")
        assert 3 <= len(results) < 60
        assert count_charges(server) == len(results)
        status = batch.status()
        assert status.halted == "halt fail=3 is reached"
        assert status.running == 0
        assert status.waiting == 60 - len(results)


def test_a_refused_key_halts_before_it_spoils_every_row(tmp_path: Path) -> None:
    with (
        SimulatorServer(timings=FAST, keys={"another-key"}) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(20))
        assert run(batch) == {}
        assert batch.status().halted is not None
        assert batch.status().waiting == 20


def test_cancel_lets_running_tasks_end(tmp_path: Path) -> None:
    slow = Timings(invisible=0, pending=0, running=0.5, spread=0)
    with (
        SimulatorServer(timings=slow) as server,
        open_batch(tmp_path, server) as batch,
        open_batch(tmp_path, server) as other,
    ):
        batch.add(rows(60))
        results = batch.run(concurrency=2, interval=0.05)
        done = [next(results)]
        other.cancel()
        done += results
        assert len(done) < 60
        assert {one.status for one in done} == {"SUCCEEDED"}
        assert count_charges(server) == len(done)


def test_outputs_go_to_a_url(tmp_path: Path, server: SimulatorServer) -> None:
    place = tmp_path / "bucket"
    with open_batch(tmp_path, server, folder=f"file://{place}") as batch:
        batch.add([{**rows(1)[0], "output": "heroes/fox"}])
        (result,) = run(batch).values()
    assert result.files == ("heroes/fox.png",)
    assert (place / "heroes" / "fox.png").stat().st_size > 0
    assert [one.id for one in read_results(place)] == ["row-0"]


def test_the_rate_is_kept_at_the_gateway(batch: Batch, server: SimulatorServer) -> None:
    # Also where the run before had none.
    batch.add(rows(4))
    run(batch)
    before = set(server.gateway.tasks)
    batch.add(rows(5, 4))
    run(batch, rate="4/s")
    tasks = server.gateway.tasks
    times = sorted(tasks[task_id].created for task_id in tasks.keys() - before)
    assert len(times) == 5
    assert all(sum(start <= time < start + 1 for time in times) <= 4 for start in times)


def test_repeated_tasks_keep_the_rate_too(tmp_path: Path) -> None:
    outcomes = [Outcome(failed("INTERNAL"), When("text_to_image", first=2))]
    with (
        SimulatorServer(timings=FAST, outcomes=outcomes) as server,
        open_batch(tmp_path, server) as batch,
    ):
        batch.add(rows(2))
        results = run(batch, rate="3/s", attempts=2)
        assert statuses(results) == {"SUCCEEDED": 2}
        times = sorted(task.created for task in server.gateway.tasks.values())
        assert len(times) == 4
        assert all(sum(start <= time < start + 1 for time in times) <= 3 for start in times)


def test_asyncio(batch: Batch) -> None:
    async def collect() -> list[RowResult]:
        return [result async for result in batch.run_async(**OPTIONS)]

    batch.add(rows(4))
    assert len(asyncio.run(collect())) == 4


def test_a_cancelled_run_stops_cleanly(batch: Batch, server: SimulatorServer) -> None:
    batch.add(rows(40))

    async def cancel() -> None:
        first = asyncio.Event()

        async def work() -> None:
            async for _ in batch.run_async(**OPTIONS):
                first.set()

        running = asyncio.create_task(work())
        await first.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel())
    assert not batch.journal.unknown()
    assert count_charges(server) < 40
    run(batch)
    assert count_charges(server) == 40


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("concurrency", 0),
        ("concurrency", True),
        ("attempts", 0),
        ("rate", "30"),
        ("rate", "0/min"),
        ("halt", "fail=0%"),
        ("halt", "10%"),
        ("max_tasks", -1),
        ("max_cost", "much"),
    ],
)
def test_options_are_checked_first(batch: Batch, setting: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        run(batch, **{setting: value})
    assert setting in str(refusal.value)


@pytest.mark.parametrize("name", ["", "Spring", "a/b", "a" * 41, "-a", "../a"])
def test_names_are_checked(tmp_path: Path, server: SimulatorServer, name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        open_batch(tmp_path, server, name=name)
    assert refusal.value.setting == "name"


def test_another_folder_is_refused(batch: Batch, server: SimulatorServer, tmp_path: Path) -> None:
    batch.add(rows(1))
    run(batch)
    with (
        open_batch(tmp_path, server, folder=tmp_path / "other") as other,
        pytest.raises(ConfigurationError) as refusal,
    ):
        run(other)
    assert refusal.value.setting == "output"
