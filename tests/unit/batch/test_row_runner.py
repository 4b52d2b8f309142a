"""One row from create to files, and a worker that runs the rows of a chunk."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from cometapi_runway._core.task import Task
from cometapi_runway.batch import _row_runner, _worker
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._results import RowResult
from cometapi_runway.batch._row_runner import BatchHaltError, Repeat, RowRunner, RowState
from cometapi_runway.batch._rows import find_resource
from cometapi_runway.batch._store import RowEnded, RowStarted, Store, StoredRow
from cometapi_runway.batch._worker import Worker, Writer
from cometapi_runway.errors import (
    AuthenticationError,
    ConfigurationError,
    DownloadError,
    InvalidRequestError,
    Issue,
    SubmissionUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from cometapi_runway.resources._prices import find_price

PRICE = Decimal("0.5")
LOCKED = ConfigurationError("the journal is locked", setting="journal")


def failed(code: str = "INTERNAL") -> TaskFailedError:
    return TaskFailedError("t", Task("t", "FAILED", failure_code=code, raw={}))


def unknown(task_id: str | None = None) -> SubmissionUnknownError:
    error = SubmissionUnknownError("lost", operation="o", fingerprint="f")
    error.task_id = task_id
    return error


class Slot:
    """Admits every create."""

    async def admit(self) -> None:
        pass

    def finish(self, create: Awaitable[Any]) -> Awaitable[Any]:
        return create


class Gateway:
    """A client with one resource, and a folder; each create and wait takes the next outcome.

    An exception is raised by the create if it says so, otherwise by the wait; None succeeds.
    """

    def __init__(self, *outcomes: BaseException | None, at_create: bool = False) -> None:
        self.outcomes = list(outcomes)
        self.at_create = at_create
        self.creates: list[dict[str, Any]] = []
        self.waits: list[tuple[Any, ...]] = []
        self.saved: list[str] = []
        self.failure: Exception | None = None
        self.is_closed = False
        self.accepted_at: float | None = 40.0
        self.text_to_image = SimpleNamespace(create=self.create)

    async def create(self, **arguments: Any) -> Any:
        self.creates.append(arguments)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None and self.at_create:
            raise outcome

        async def wait(*args: Any, **options: Any) -> Any:
            self.waits.append((*args, options))
            if outcome is not None:
                raise outcome
            return task

        clock = SimpleNamespace(now=lambda: 100.0)
        task = SimpleNamespace(
            id=f"task-{len(self.creates)}",
            accepted_at=self.accepted_at,
            session=SimpleNamespace(driver=SimpleNamespace(clock=clock)),
            wait=wait,
        )
        return task

    async def save(self, task: Any, name: str) -> tuple[str, ...]:
        self.saved.append(task.id)
        if self.failure is not None:
            raise self.failure
        return (f"{name}.png",)

    async def close(self) -> None:
        self.is_closed = True

    @property
    def keys(self) -> list[str]:
        return [one["idempotency_key"] for one in self.creates]


def run(
    gateway: Gateway, row: StoredRow, *, is_halted: bool = False, **options: Any
) -> RowState | RowEnded | Repeat:
    """Run a row to its end, with its outputs."""
    all_options = BatchOptions(prices={"text_to_image": PRICE}, **options)
    client: Any = gateway
    runner = RowRunner("b", client, all_options, client, Slot(), lambda: is_halted)

    async def work() -> RowState | RowEnded | Repeat:
        found = await runner.run_tasks(row)
        return await runner.save(found) if isinstance(found, RowState) else found

    return asyncio.run(work())


def make_row(row_id: str = "r", attempt: int = 1, first: int | None = None) -> StoredRow:
    first = attempt if first is None else first
    return StoredRow(row_id, "d", "text_to_image", {"prompt_text": "x"}, "o/x", first, attempt)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(_row_runner, "asyncio", SimpleNamespace(sleep=sleep))
    return pauses


def test_a_row_that_succeeds() -> None:
    for accepted_at, age in ((40.0, 60.0), (None, 0.0)):
        gateway = Gateway()
        gateway.accepted_at = accepted_at
        began = datetime.now(UTC)
        end = run(gateway, make_row(), timeout=9.0, interval=2.0, polling="fixed")
        assert isinstance(end, RowEnded)
        result = end.result
        expected = RowResult(
            "r",
            "SUCCEEDED",
            "task-1",
            ("o/x.png",),
            1,
            PRICE,
            None,
            None,
            result.created_at,
            result.ended_at,
        )
        assert result == expected
        assert end.next_attempt == 1
        assert result.created_at is not None
        assert result.ended_at is not None
        assert abs(result.created_at + timedelta(seconds=age) - began) < timedelta(seconds=5)
        assert abs(result.ended_at - began) < timedelta(seconds=5)
        assert gateway.waits == [(9.0, {"interval": 2.0, "polling": "fixed"})]
        (create,) = gateway.creates
        assert create == {"prompt_text": "x", "idempotency_key": "b/r/1", "label": "b/r"}


@pytest.mark.parametrize(
    ("gateway", "row", "options", "keys", "expected"),
    [
        # Each task is paid for; the last one counts.
        (Gateway(failed()), make_row(), {"attempts": 2}, [1, 2], ("SUCCEEDED", "task-2", 2, 2, 2)),
        (Gateway(*[failed()] * 9), make_row(), {"attempts": 3}, [1, 2, 3],
         ("FAILED", "t", 3, 3, 4)),
        (Gateway(failed("SAFETY")), make_row(), {"attempts": 3}, [1], ("FAILED", "t", 1, 1, 2)),
        # A retry has as many attempts as the first run, whatever came before.
        (Gateway(*[failed()] * 9), make_row("r", 4), {"attempts": 2}, [4, 5],
         ("FAILED", "t", 5, 5, 6)),
        (Gateway(*[failed()] * 9), make_row("r", 4, first=3), {"attempts": 3}, [4, 5],
         ("FAILED", "t", 5, 5, 6)),
        (Gateway(*[failed()] * 9), make_row(), {"attempts": 3, "is_halted": True}, [1],
         ("FAILED", "t", 1, 1, 2)),
        # A task that did not end keeps its attempt, and so its key.
        (Gateway(TaskTimeoutError("t")), make_row(), {"attempts": 3}, [1],
         ("FAILED", "t", 1, 1, 1)),
        # What may have been charged is counted, what was refused is not.
        (Gateway(unknown(), at_create=True), make_row(), {}, [1], ("UNKNOWN", None, 1, 1, 1)),
        (Gateway(unknown("id"), at_create=True), make_row(), {}, [1], ("UNKNOWN", "id", 1, 1, 1)),
        (Gateway(InvalidRequestError([Issue("/a", "type", 1, "no")]), at_create=True), make_row(),
         {}, [1], ("REFUSED", None, 1, 0, 1)),
    ],
)  # fmt: skip
def test_what_a_row_costs_and_which_attempt_is_next(
    gateway: Gateway,
    row: StoredRow,
    options: dict[str, Any],
    keys: list[int],
    expected: tuple[str, str | None, int, int, int],
) -> None:
    end = run(gateway, row, **options)
    assert isinstance(end, RowEnded)
    result = end.result
    status, task_id, attempts, charged, next_attempt = expected
    assert gateway.keys == [f"b/r/{one}" for one in keys]
    assert (result.status, result.task_id, result.attempts) == (status, task_id, attempts)
    assert result.cost == charged * PRICE
    assert end.next_attempt == next_attempt
    # A task that has failed has a code, and its attempt is over.
    assert (result.failure_code is not None) == (next_attempt > attempts)
    assert (result.error is None) == (status == "SUCCEEDED")


def test_a_price_is_the_runs_then_the_contracts_then_unknown() -> None:
    signature = find_resource("text_to_image").signature
    own = BatchOptions(prices={"text_to_image": PRICE})
    known = find_price(None, signature.name, signature.operation)
    for options, price in ((own, PRICE), (BatchOptions(prices={}), known)):
        client: Any = Gateway()
        runner = RowRunner("b", client, options, client, Slot(), lambda: False)
        found = asyncio.run(runner.run_tasks(make_row()))
        assert isinstance(found, RowState)
        assert (found.price, found.charged) == (price, 1)
    unpriced = RowState(make_row(), 1, 1, None).make_end(RowResult("r", "FAILED"))
    assert unpriced.result.cost is None


def test_with_a_rate_the_queue_repeats_a_row() -> None:
    options = {"attempts": 3, "rate": "5/s"}
    assert run(Gateway(failed()), make_row("r", 2), **options) == Repeat("r", 3)


def test_a_journal_that_cannot_be_written_is_tried_for_a_minute(pauses: list[float]) -> None:
    gateway = Gateway(*[LOCKED] * 30, at_create=True)
    end = run(gateway, make_row())
    assert isinstance(end, RowEnded)
    assert (end.result.status, end.result.cost) == ("SUCCEEDED", PRICE)
    assert pauses == [2.0] * 30
    # Each try has the same key: whichever was recorded is found.
    assert set(gateway.keys) == {"b/r/1"}
    pauses.clear()
    with pytest.raises(BatchHaltError, match="the journal is locked"):
        run(Gateway(*[LOCKED] * 31, at_create=True), make_row())
    assert len(pauses) == 30


def test_what_meets_every_row_halts_at_once(pauses: list[float]) -> None:
    for error in (AuthenticationError(401), ConfigurationError("no price", setting="budget")):
        gateway = Gateway(error, at_create=True)
        with pytest.raises(BatchHaltError) as halt:
            run(gateway, make_row(), attempts=3)
        assert str(halt.value) == str(error)
        assert len(gateway.creates) == 1
    assert pauses == []


def test_an_output_that_cannot_be_saved_keeps_its_task() -> None:
    gateway = Gateway()
    gateway.failure = DownloadError("https://e.com/a?sig=secret is gone")
    end = run(gateway, make_row())
    assert isinstance(end, RowEnded)
    result = end.result
    assert (result.status, result.task_id, result.cost) == ("FAILED", "task-1", PRICE)
    assert (end.next_attempt, result.files, result.failure_code) == (1, (), None)
    assert result.error is not None
    assert "is gone" in result.error
    assert "secret" not in result.error


def test_an_output_needs_a_task() -> None:
    client: Any = Gateway()
    runner = RowRunner("b", client, BatchOptions(prices={}), client, Slot(), lambda: False)
    with pytest.raises(TypeError, match="without a task"):
        asyncio.run(runner.save(RowState(make_row(), 1, 0, None)))


def test_an_entry_whose_rows_are_cancelled_fails_in_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_worker, "_GATHER_TIME", 0.0)
    store: Any = SimpleNamespace(write=lambda *_: 1 / 0)

    async def work(is_cancelled: bool) -> None:
        writer = Writer(store, "b")
        entry = asyncio.ensure_future(writer.write(RowStarted("a")))
        written: Any = writer._written
        await asyncio.sleep(0)
        entry.cancel()
        if is_cancelled:
            written.cancel()
        await asyncio.wait([written])

    for is_cancelled in (False, True):
        asyncio.run(work(is_cancelled))
        gc.collect()
    assert caplog.text == ""


def test_entries_of_many_rows_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[list[str]] = []
    failures: list[Exception] = []

    def write(batch: str, entries: list[RowStarted]) -> None:
        assert batch == "b"
        written.append([one.row_id for one in entries])
        if failures:
            raise failures.pop()

    store: Any = SimpleNamespace(write=write)
    monkeypatch.setattr(_worker, "_GATHER_TIME", 0.02)

    async def work() -> None:
        writer = Writer(store, "b")
        first, second = writer.write(RowStarted("a")), writer.write(RowStarted("b"))
        assert written == []
        await first
        await second
        assert written == [["a", "b"]]
        await writer.write(RowStarted("c"))
        assert written.pop() == ["c"]
        # A row that is cancelled does not cancel the entries of the others.
        other, cancelled = (asyncio.ensure_future(writer.write(RowStarted(n))) for n in "de")
        cancelled.cancel()
        await other
        assert written.pop() == ["d", "e"]
        failures.append(ZeroDivisionError())
        for entry in [writer.write(RowStarted("f")), writer.write(RowStarted("g"))]:
            with pytest.raises(ZeroDivisionError):
                await entry
        written.clear()
        await writer.write(RowStarted("h"))
        assert written == [["h"]]

    asyncio.run(work())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_worker, "_GATHER_TIME", 0.01)
    monkeypatch.setattr(_worker, "_LOOK_INTERVAL", 0.02)
    store = Store(sa.create_engine(f"sqlite:///{tmp_path / 'rows.sqlite3'}"))
    yield store
    store.close()


def work_on(
    store: Store,
    gateway: Gateway,
    chunks: dict[str, list[StoredRow]],
    use: Callable[[Worker], Awaitable[object]],
    **options: Any,
) -> None:
    """Give a worker chunks, use it, and stop it."""
    all_options = BatchOptions(prices={}, **options)
    store.save_batch("b", "out", "https://g", all_options.to_json())
    for chunk, rows in chunks.items():
        store.add_rows("b", rows)
        store.assign("b", {chunk: [row.id for row in rows]})

    async def work() -> None:
        client: Any = gateway
        worker = Worker(store, lambda _batch, _options: client, lambda _: client)
        try:
            await use(worker)
        finally:
            await worker.stop()
        assert gateway.is_closed

    asyncio.run(work())


def results(store: Store) -> dict[str, RowResult]:
    return {one.id: one for _, one in store.read_results("b")}


def test_a_chunk_runs_its_rows_in_order_and_ends_with_their_results(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[object] = []
    monkeypatch.setattr(store, "release", lambda *arguments: released.append(arguments))
    gateway = Gateway(None, failed("SAFETY"), None)
    rows = [make_row(name) for name in ("c", "a", "b")]
    work_on(store, gateway, {"chunk": rows}, lambda worker: worker.run_chunk("b", "chunk"))
    assert gateway.keys == ["b/c/1", "b/a/1", "b/b/1"]
    assert released == []
    assert {name: one.status for name, one in results(store).items()} == {
        "c": "SUCCEEDED",
        "a": "FAILED",
        "b": "SUCCEEDED",
    }
    assert store.count("b").assigned == 0
    assert store.load_batch("b").halted is None


def test_rows_are_out_of_their_chunk_where_the_batch_stops_or_the_chunk_fails(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [make_row(name) for name in ("a", "b", "c")]
    gateway = Gateway(None, AuthenticationError(401), at_create=True)
    work_on(store, gateway, {"chunk": rows}, lambda worker: worker.run_chunk("b", "chunk"))
    assert len(gateway.creates) == 2
    # What was paid for is saved.
    assert gateway.saved == ["task-1"]
    assert list(results(store)) == ["a"]
    assert store.list_unassigned("b") == ["b", "c"]
    assert store.load_batch("b").halted == str(AuthenticationError(401))
    assert not caplog.records

    # Also where no row of the chunk is left that could find out.
    refused = Gateway(AuthenticationError(401), at_create=True)
    last = {"last": [make_row("x")]}
    work_on(store, refused, last, lambda worker: worker.run_chunk("b", "last"))
    assert store.list_unassigned("b") == ["b", "c", "x"]

    bug = Gateway(ZeroDivisionError("a bug"), at_create=True)
    more = [make_row(name) for name in ("d", "e")]
    work_on(store, bug, {"more": more}, lambda worker: worker.run_chunk("b", "more"))
    assert store.list_unassigned("b") == ["b", "c", "x", "d", "e"]
    assert store.load_batch("b").halted == "a bug"
    assert "chunk more failed" in caplog.text


def test_a_bug_in_one_save_does_not_end_the_others(store: Store) -> None:
    gateway = Gateway()

    async def save(task: Any, name: str) -> tuple[str, ...]:
        if task.id == "task-1":
            raise ZeroDivisionError
        await asyncio.sleep(0.03)
        return await Gateway.save(gateway, task, name)

    gateway.save = save  # type: ignore[method-assign]
    rows = [make_row(name) for name in ("a", "b")]

    async def use(worker: Worker) -> None:
        await worker.run_chunk("b", "chunk")
        assert gateway.saved == ["task-2"]

    work_on(store, gateway, {"chunk": rows}, use)
    assert list(results(store)) == ["b"]


def test_a_start_that_cannot_be_written_makes_a_count_lower_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store.write

    def write_results(name: str, entries: Sequence[RowStarted | RowEnded]) -> None:
        if not any(isinstance(entry, RowEnded) for entry in entries):
            raise RuntimeError("the disk is full")
        write(name, entries)

    monkeypatch.setattr(store, "write", write_results)

    async def use(worker: Worker) -> None:
        await worker.run_chunk("b", "chunk")

    gateway = Gateway()
    save = gateway.save

    async def save_later(task: Any, name: str) -> tuple[str, ...]:
        # The start is written alone.
        await asyncio.sleep(0.05)
        return await save(task, name)

    gateway.save = save_later  # type: ignore[method-assign]
    work_on(store, gateway, {"chunk": [make_row("a")]}, use)
    assert [one.status for one in results(store).values()] == ["SUCCEEDED"]
    assert store.load_batch("b").halted is None


def test_a_row_that_the_queue_repeats_is_planned_again(store: Store) -> None:
    rows = [make_row(name) for name in ("a", "b")]
    gateway = Gateway(failed())
    work_on(store, gateway, {"chunk": rows}, lambda worker: worker.run_chunk("b", "chunk"),
            rate="100/s", attempts=2)  # fmt: skip
    assert list(results(store)) == ["b"]
    assert store.list_unassigned("b") == ["a"]
    store.assign("b", {"again": ["a"]})
    (row,) = store.load_chunk("b", "again")
    assert (row.first_attempt, row.attempt) == (1, 2)


def test_a_watch_halts_a_batch_and_outlasts_errors(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    gateway = Gateway(*[failed("SAFETY")] * 9)
    first = [make_row(f"r{n}") for n in range(3)]
    last = [make_row("x")]

    async def use(worker: Worker) -> None:
        watching = asyncio.ensure_future(worker.watch())
        await worker.run_chunk("b", "first")
        for _ in range(200):
            if store.load_batch("b").halted:
                break
            await asyncio.sleep(0.01)
        with monkeypatch.context() as patch:
            patch.setattr(store, "load_batch", lambda _: 1 / 0)
            await asyncio.sleep(0.05)
        assert "batch b: division by zero" in caplog.text
        assert not watching.done()
        watching.cancel()
        run = worker._runs["b"]
        assert run.halted == "halt fail=2 is reached"
        await worker.run_chunk("b", "last")

    work_on(store, gateway, {"first": first, "last": last}, use, halt="fail=2")
    assert store.load_batch("b").halted == "halt fail=2 is reached"
    assert len(gateway.creates) == 3
    assert store.list_unassigned("b") == ["x"]


def test_a_watch_sees_that_another_worker_has_halted_the_batch(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(worker: Worker) -> None:
        watching = asyncio.ensure_future(worker.watch())
        await worker.run_chunk("b", "first")
        store.halt("b", "elsewhere")
        for _ in range(200):
            if worker._runs["b"].halted:
                break
            await asyncio.sleep(0.01)
        watching.cancel()
        assert worker._runs["b"].halted == "elsewhere"

    work_on(store, Gateway(), {"first": [make_row("a")]}, use)
    assert not caplog.records


def test_a_worker_that_stops_finishes_its_creates_and_begins_no_other(store: Store) -> None:
    gateway = Gateway()
    events: dict[str, asyncio.Event] = {}

    async def create(**arguments: Any) -> Any:
        events["begun"].set()
        await events["answer"].wait()
        return await Gateway.create(gateway, **arguments)

    gateway.text_to_image = SimpleNamespace(create=create)

    async def use(worker: Worker) -> None:
        events.update(begun=asyncio.Event(), answer=asyncio.Event())
        chunk = asyncio.ensure_future(worker.run_chunk("b", "chunk"))
        await events["begun"].wait()
        stopping = asyncio.ensure_future(worker.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        # A lease that is taken again meanwhile admits nothing.
        worker.resume()
        events["answer"].set()
        await stopping
        assert chunk.done()
        assert gateway.keys == ["b/a/1"]
        # Of ten thousand rows, none is kept.
        assert (worker._creates, worker._chunks) == (set(), set())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(worker.admit(), 0.02)

    work_on(store, gateway, {"chunk": [make_row("a"), make_row("b")]}, use)
    assert store.list_open_chunks("b") == ["chunk"]


def test_a_worker_without_its_lease_waits() -> None:
    async def work() -> None:
        worker = Worker(*[SimpleNamespace()] * 3)  # type: ignore[arg-type]
        await asyncio.wait_for(worker.admit(), 1)
        worker.pause()
        waiting = asyncio.ensure_future(worker.admit())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        worker.resume()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(work())
