"""`Batch` itself: what its methods pass on, and what it closes; no engine runs."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from attrs import asdict, evolve, fields

from cometapi_runway.batch import Batch, BatchStatus, RowResult, _batch, list_batches, work
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._results import RowStatus
from cometapi_runway.batch._store import RowEnded
from cometapi_runway.errors import ConfigurationError, InvalidRequestError
from cometapi_runway.journal import Journal, Spending

ROW = {"operation": "text_to_image", "prompt_text": "x", "reference_images": ["https://e.com/a"]}
OPTIONS: dict[str, Any] = {
    "concurrency": 3,
    "rate": "5/min",
    "max_cost": "0.5",
    "max_tasks": 7,
    "prices": {"text_to_image": "0.1"},
    "attempts": 4,
    "halt": "fail=2",
    "interval": 1.5,
    "polling": "fixed",
    "wait_timeout": 9.5,
}


class Run:
    """A coordinator that yields two results."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.options: list[BatchOptions] = []
        self.log: list[str] = []
        self.failure: Exception | None = None

    def open(self, options: BatchOptions, stack: contextlib.ExitStack) -> Run:
        self.options.append(options)
        stack.callback(self.log.append, "ended")
        return self

    def follow(self, is_stopping: Any, on_counts: Any) -> Iterator[RowResult]:
        stored = self.batch._store.save_batch("b", self.batch.folder, "https://g", {})
        on_counts(stored, self.batch._store.count("b"))
        for name in ("first", "second"):
            if is_stopping():
                return
            yield RowResult(name, "SUCCEEDED")


def make_batch(folder: Path, **options: Any) -> Batch:
    return Batch("b", folder / "deep" / "out", api_key="a-key", **options)


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Batch]:
    with make_batch(tmp_path) as batch:
        yield batch


@pytest.fixture
def run(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = Run(batch)
    monkeypatch.setattr(batch, "_open_run", run.open)
    return run


def test_every_option_reaches_the_run(
    batch: Batch, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OPTIONS.keys() == inspect.signature(batch.run).parameters.keys() - {"on_progress"}
    assert [one.id for one in batch.run(**OPTIONS)] == ["first", "second"]
    (options,) = run.options
    expected = {**OPTIONS, "timeout": OPTIONS["wait_timeout"], "max_cost": Decimal("0.5"),
                "prices": {"text_to_image": Decimal("0.1")}}  # fmt: skip
    assert asdict(options) == {name: expected[name] for name in asdict(options)}
    assert [one.name for one in fields(BatchOptions) if getattr(options, one.name) == one.default
            ] == []  # fmt: skip

    # The defaults are one and the same, in asyncio too.
    list(batch.run())
    assert run.options.pop() == BatchOptions(prices={})
    both = [inspect.signature(function).parameters for function in (batch.run, batch.run_async)]
    assert both[0] == both[1]

    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(batch, "run", lambda **options: seen.append(options) or iter(()))

    async def run_async() -> None:
        every = {**OPTIONS, "on_progress": print}
        with contextlib.suppress(AttributeError):
            # A generator has `close`, and an iterator has not.
            assert [one async for one in batch.run_async(**every)] == []
        assert seen == [every]

    asyncio.run(run_async())


@pytest.mark.parametrize("failure", [None, ZeroDivisionError()])
def test_a_cancelled_run_stops_and_ends_before_it_is_cancelled(
    batch: Batch, run: Run, failure: Exception | None
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    follow = run.follow

    def follow_slowly(is_stopping: Any, on_counts: Any) -> Iterator[RowResult]:
        yield from itertools.islice(follow(is_stopping, on_counts), 1)
        begun.set()
        assert go_on.wait(5)
        run.log.append(f"stopping: {is_stopping()}")
        if failure is not None:
            raise failure
        yield RowResult("late", "SUCCEEDED")

    run.follow = follow_slowly  # type: ignore[method-assign]

    async def use() -> None:
        async for _ in batch.run_async():
            pass

    async def cancel() -> None:
        running = asyncio.ensure_future(use())
        assert await asyncio.to_thread(begun.wait, 5)
        running.cancel()
        await asyncio.sleep(0.01)
        # The generator runs in a thread, and is closed once it does not.
        assert run.log == []
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert run.log == ["stopping: True", "ended"]

    asyncio.run(cancel())


def test_progress_is_passed_on_and_a_journal_that_cannot_be_read_delays_it(
    batch: Batch, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[BatchStatus] = []
    assert len(list(batch.run(on_progress=seen.append))) == 2
    assert [one.name for one in seen] == ["b"]

    def fail(*_: object, **__: object) -> None:
        raise ConfigurationError("locked", setting="journal")

    monkeypatch.setattr(batch.journal, "spent", fail)
    assert len(list(batch.run(on_progress=seen.append))) == 2
    assert len(list(batch.run())) == 2
    assert len(seen) == 1


def test_a_stop_ends_this_run_and_no_later_one(batch: Batch, run: Run) -> None:
    results = batch.run()
    assert next(results).id == "first"
    assert run.log == []
    batch.stop()
    assert list(results) == []
    assert run.log == ["ended"]
    assert len(list(batch.run())) == 2


def test_closing_ends_a_run_that_was_left_in_the_middle(tmp_path: Path) -> None:
    with make_batch(tmp_path) as batch:
        run = Run(batch)
        batch._open_run = run.open  # type: ignore[assignment,method-assign]
        results = batch.run()
        next(results)
        assert run.log == []
    assert run.log == ["ended"]


def test_a_journal_of_its_own_is_closed_and_one_of_the_caller_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Journal] = []

    def close(journal: Journal) -> None:
        closed.append(journal)

    monkeypatch.setattr(Journal, "close", close)
    with make_batch(tmp_path) as batch:
        with make_batch(tmp_path, data=tmp_path / "other", journal=batch.journal) as other:
            assert other.journal is batch.journal
        assert closed == []
    assert closed == [batch.journal]
    assert repr(batch) == "Batch('b')"

    async def use() -> Batch:
        async with make_batch(tmp_path) as batch:
            assert closed == []
        return batch

    closed.clear()
    batch = asyncio.run(use())
    assert closed == [batch.journal]


def test_without_statuses_a_retry_is_of_all_that_did_not_succeed(
    batch: Batch, tmp_path: Path
) -> None:
    with make_batch(tmp_path / "a", data=tmp_path / "other") as new:
        # Before the first run, which creates the folder.
        assert new.retry() == []
    statuses = sorted(get_args(RowStatus))
    batch.add({**ROW, "id": name} for name in statuses)
    results = [RowResult(name, name) for name in statuses]
    batch._store.write("b", [RowEnded(one, 1) for one in results])
    with batch._open_results() as file:
        file.append(results)
    assert list(batch.results()) == results
    assert sorted(batch.retry("FAILED", "REFUSED")) == ["FAILED", "REFUSED"]
    with batch._open_results() as file:
        assert set(file.statuses) == {"SUCCEEDED", "CANCELLED", "BUDGET", "UNKNOWN"}
    assert sorted(batch.retry()) == ["BUDGET", "CANCELLED", "UNKNOWN"]
    assert [one.id for one in batch.results()] == ["SUCCEEDED"]
    assert batch.retry() == []


def test_rows_are_added_all_or_none(batch: Batch, tmp_path: Path) -> None:
    report = batch.add([ROW], operation="video_upscale")
    assert (report.row_count, report.estimate.rows) == (1, {"text_to_image": 1})
    text = '{"id": "m", "prompt_text": "x", "reference_images": ["https://e.com/a"]}\n'
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(text)
    options: dict[str, Any] = {
        "operation": "text_to_image",
        "assignments": ["prompt_text={id} at dawn"],
    }
    batch.add_manifest(manifest, **options)
    batch._store.assign("b", {"chunk": ["m"]})
    (row,) = batch._store.load_chunk("b", "chunk")
    assert row.arguments["prompt_text"] == "m at dawn"
    assert (row.operation, row.output, row.attempt, row.first_attempt) == (
        "text_to_image",
        "m",
        1,
        1,
    )
    # As a `Manifest` it is the same.
    assert batch.add_manifest(_batch.Manifest(manifest, **options)).row_count == 1
    before = batch._store.load_digests("b")
    (Path(batch.folder) / "taken.png").write_bytes(b"mine")
    for bad, rules in (
        ({**ROW, "id": "m", "prompt_text": "another"}, ["idempotency"]),
        ({**ROW, "id": "taken"}, ["exists"]),
        ({**ROW, "id": "n", "colour": "red"}, ["unknown"]),
    ):
        with pytest.raises(InvalidRequestError) as refusal:
            batch.add([{**ROW, "id": "good"}, bad])
        assert [issue.rule for issue in refusal.value.issues] == rules
        if rules == ["idempotency"]:
            (issue,) = refusal.value.issues
            assert (issue.path, issue.value) == ("id", "m")
        assert refusal.value.issues[0].message.startswith("line 2 (")
        assert batch._store.load_digests("b") == before


@pytest.mark.parametrize("name", [None, 5, "", "x" * 41, "a\n", "ä", "A", "_a"])
def test_a_malformed_name_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="1 to 40 lower-case letters") as refusal:
        _batch.check_name(name)
    assert refusal.value.setting == "name"
    assert _batch.check_name("0" * 40) == "0" * 40


def test_batches_are_listed_of_one_place(tmp_path: Path, batch: Batch) -> None:
    for places in ({}, {"data": tmp_path, "database": "postgresql://h/d"}):
        with pytest.raises(ConfigurationError, match="either data or database") as refusal:
            list_batches(**places)  # type: ignore[arg-type]
        assert refusal.value.setting == "database"
    assert list_batches(data=tmp_path / "none") == []
    data = Path(batch.folder) / ".cometapi-runway"
    batch._store.save_batch("b", batch.folder, "https://g", {})
    with make_batch(tmp_path, data=data) as same:
        same._store.halt("b", "why")
    batch.add([ROW])
    (status,) = list_batches(data=data)
    assert status == batch.status()
    assert (status.rows, status.waiting, status.is_complete) == (1, 1, False)
    assert (status.halted, status.ended, status.folder) == ("why", 0, batch.folder)
    batch.cancel()
    assert batch.status().halted == "why"
    with make_batch(tmp_path, data=tmp_path / "new") as unknown:
        for ask in (unknown.cancel, unknown.status):
            with pytest.raises(ConfigurationError, match="there is no batch 'b'"):
                ask()


def test_what_waits_has_neither_begun_nor_ended() -> None:
    now = datetime.now(UTC)
    spending = Spending(Decimal(), 0, 0)
    status = BatchStatus("b", "out", 9, 3, {"FAILED": 2}, None, spending, now, now)
    assert (status.waiting, status.ended, status.is_complete) == (4, 2, False)
    assert evolve(status, rows=2, running=0).is_complete


def test_a_local_folder_is_absolute_and_a_url_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, expected in (("out", str(tmp_path / "out")), ("memory://a/b", "memory://a/b")):
        with Batch("b", folder, data=tmp_path / "data", api_key="a-key") as batch:
            assert batch.folder == expected


def test_spending_is_that_of_the_batch_at_its_gateway(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    spent = batch.journal.spent

    def record(scope: str, **options: Any) -> Any:
        seen.append((scope, options))
        return spent(scope, **options)

    monkeypatch.setattr(batch.journal, "spent", record)
    batch._store.save_batch("b", batch.folder, "https://gateway", {})
    batch.status()
    assert seen == [("b", {"gateway": "https://gateway"})]


def test_a_batch_that_is_cancelled_says_why(batch: Batch) -> None:
    for cancel in (batch.cancel, lambda: batch.cancel("too dear")):
        with pytest.raises(ConfigurationError, match="there is no batch 'b'"):
            cancel()
    for reason in ("cancelled", "too dear"):
        # A run begins anew.
        batch._store.save_batch("b", batch.folder, "https://g", {})
        batch.cancel(*([reason] if reason != "cancelled" else []))
        assert batch.status().halted == reason


@pytest.mark.parametrize(("folder", "place"), [("out", "out"), ("memory://x", "data/batches/b")])
def test_results_of_a_remote_folder_are_written_here_first(
    tmp_path: Path, folder: str, place: str
) -> None:
    target = folder if "://" in folder else tmp_path / folder
    with (
        Batch("b", target, data=tmp_path / "data", api_key="a-key") as batch,
        batch._open_results() as results,
    ):
        assert results.path == tmp_path / place / "results.jsonl"


def test_a_client_of_a_batch_has_its_settings_and_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(_batch, "AsyncRunwayClient", lambda key, **more: seen.append((key, more)))
    settings = {"base_url": "https://g.example", "runway_version": "2024-11-07", "timeout": 7.5}
    with make_batch(tmp_path, **settings) as batch:
        stored = batch._store.save_batch("b", batch.folder, "https://g", {})
        lease: Any = ("17", SimpleNamespace(grace=0.0))
        engine = _batch.make_engine(
            batch._place, "b", lease, batch._store, batch._settings, batch.journal
        )
        options = BatchOptions(prices={"text_to_image": Decimal(1)}, max_tasks=3)
        engine._make_worker()._open_client(stored, options)
        more = {"journal": batch.journal, "budget": options.make_budget("b")}
        assert seen == [("a-key", {**settings, **more})]


def test_a_worker_checks_its_database_first_and_its_engine_often(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="database: must be postgresql") as refusal:
        work("mysql://host/name", api_key="a-key")
    assert refusal.value.setting == "database"

    # Without anything to ask, it works until Ctrl-C.
    assert inspect.signature(work).parameters["is_stopping"].default() is False
    log: list[str] = []

    class Engine:
        def start(self) -> None:
            log.append("start")

        def stop(self) -> None:
            log.append("stop")

        def check(self) -> None:
            log.append("check")

    with make_batch(tmp_path) as other:
        place = other._place
        seen: list[tuple[Any, ...]] = []

        def make_engine(*arguments: Any) -> Engine:
            seen.append(arguments)
            return Engine()

        monkeypatch.setattr(_batch, "make_place", lambda *_: place)
        monkeypatch.setattr(_batch, "make_engine", make_engine)
        clock = SimpleNamespace(sleep=lambda seconds: log.append(f"sleep {seconds}"))
        monkeypatch.setattr(_batch, "time", clock)
        stops = iter([False, False, True])
        work(
            "postgres://host/name",
            is_stopping=lambda: next(stops),
            api_key="other-key",
            base_url="https://gateway.example",
            timeout=3.0,
        )
    assert log == ["start", *["check", "sleep 0.2"] * 2, "stop"]
    ((_, queue, (number, _), _, settings, _),) = seen
    assert queue is None
    assert 0 < int(number) < 2**31
    assert (settings.base_url, settings.timeout) == ("https://gateway.example", 3.0)
    assert settings.api_key.reveal() == "other-key"


def test_what_ends_while_the_engine_stops_is_in_the_results(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.add([{"id": "a", **ROW}])
    late = RowResult("a", "SUCCEEDED", ended_at=datetime.now(UTC))

    class Engine:
        def start(self, *_: object) -> None: ...

        def stop(self) -> None:
            batch._store.write(batch.name, [RowEnded(late, 1)])

    monkeypatch.setattr(_batch, "make_engine", lambda *_: Engine())
    with contextlib.ExitStack() as stack:
        run = batch._open_run(BatchOptions(prices={}), stack)
        assert run.results.statuses == {}
    (line,) = (Path(batch.folder) / "results.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["id"] == "a"
