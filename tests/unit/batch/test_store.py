"""The database of batches: what is written is read back, and each method changes its rows only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from attrs import evolve, fields
from sqlalchemy.exc import OperationalError

from cometapi_runway.batch import _store as module
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._results import RowResult, RowStatus
from cometapi_runway.batch._store import (
    Counts,
    RowEnded,
    RowStarted,
    Store,
    StoredBatch,
    StoredRow,
)
from cometapi_runway.errors import ConfigurationError

START = datetime(2026, 11, 20, 12, 0, 0, 250000, tzinfo=UTC)


class Clock:
    """The time of the store, which passes only when a test or a pause lets it."""

    def __init__(self) -> None:
        self.now = START.timestamp()
        self.pauses: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(sa.create_engine(f"sqlite:///{tmp_path / 'rows.sqlite3'}"))
    yield store
    store.close()


def make_row(row_id: str, **options: Any) -> StoredRow:
    return StoredRow(row_id, f"digest of {row_id}", "text_to_image", {"seed": 1}, "out", **options)


def end(row_id: str, status: RowStatus = "FAILED", next_attempt: int = 2) -> RowEnded:
    return RowEnded(RowResult(row_id, status), next_attempt)


def read_ids(store: Store, *args: Any) -> list[str]:
    return [result.id for _, result in store.read_results("b", *args)]


def test_what_is_stored_is_read_back_field_by_field(store: Store, clock: Clock) -> None:
    options = BatchOptions(
        concurrency=3,
        rate="5/min",
        max_cost=Decimal("0.30"),
        max_tasks=9,
        prices={"a": Decimal("0.10")},
        attempts=4,
        halt="fail=7",
        interval=2.5,
        timeout=7.5,
        polling="fixed",
    )
    # A field without its own value here would be read back by its default.
    for one in fields(BatchOptions):
        assert getattr(options, one.name) != one.default
    batch = store.save_batch("b", "s3://out", "https://gateway", options.to_json())
    assert batch == StoredBatch(
        "b", "s3://out", "https://gateway", options.to_json(), None, START, START
    )
    assert BatchOptions.from_json(batch.options) == options
    assert BatchOptions.from_json(BatchOptions(prices={}).to_json()) == BatchOptions(prices={})

    files = {"image": Path("cat.png"), "many": [{"uri": Path("/dog.png"), "$path": "no"}]}
    row = evolve(make_row("a"), arguments=files, first_attempt=3, attempt=5, output="x/y")
    store.add_rows("b", [row])
    store.assign("b", {"chunk": ["a"]})
    absolute = {**files, "image": Path("cat.png").absolute()}
    assert store.load_chunk("b", "chunk") == [evolve(row, arguments=absolute)]
    with pytest.raises(TypeError, match="a row cannot hold bytes"):
        store.add_rows("b", [evolve(row, id="c", arguments={"image": b""})])

    result = RowResult(
        "a", "FAILED", "task", ("x/y.mp4",), 5, Decimal("0.10"), "CODE", "why", START, START
    )
    assert not [one.name for one in fields(RowResult) if getattr(result, one.name) == one.default]
    store.write("b", [RowEnded(result, 6)])
    assert list(store.read_results("b")) == [(clock.now, result)]


def test_a_batch_that_is_run_again_keeps_its_folder_and_gateway(store: Store, clock: Clock) -> None:
    first = store.save_batch("b", "out", "https://g", {"a": 1})
    store.save_batch("c", "other", "https://g", {})
    store.halt("b", "the first reason")
    store.halt("b", "another reason")
    assert store.load_batch("b").halted == "the first reason"
    clock.now += 60

    again = store.save_batch("b", "out", "https://g", {"a": 2})
    assert again.options == {"a": 2}
    assert again.halted is None
    assert again.created_at == START
    assert (again.run_at - START).total_seconds() == 60
    assert store.load_batch("c") == StoredBatch("c", "other", "https://g", {}, None, START, START)
    assert [one.name for one in store.list_batches()] == ["b", "c"]
    for folder, gateway, setting in (
        ("elsewhere", "https://g", "output"),
        ("out", "https://h", "base_url"),
    ):
        with pytest.raises(ConfigurationError, match=r"has (out|https://g); got") as refusal:
            store.save_batch("b", folder, gateway, {"a": 3})
        assert refusal.value.setting == setting
        assert store.load_batch("b") == again
    with pytest.raises(ConfigurationError, match="there is no batch 'd'") as refusal:
        store.load_batch("d")
    assert refusal.value.setting == "name"
    assert first.run_at == START


def test_rows_keep_their_order_over_additions_and_pages(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 3)
    # Neither the order of ids nor that of chunks.
    names = [f"{n * 7 % 20:02}" for n in range(20)]
    for start, stop in ((0, 1), (1, 7), (7, 13), (13, 20)):
        store.add_rows("b", (make_row(name) for name in names[start:stop]))
    store.add_rows("other", [make_row("00")])
    with store.engine.connect() as db:
        query = sa.text("SELECT position FROM batch_row WHERE batch = 'b' ORDER BY position")
        assert list(db.execute(query).scalars()) == list(range(1, 21))
    assert store.load_digests("b") == {name: f"digest of {name}" for name in names}
    assert store.list_unassigned("b") == names

    chunks = {"z": names[:2], "m": names[2:6], "a": names[6:19]}
    store.assign("b", chunks)
    store.assign("b", {})
    assert store.list_open_chunks("b") == ["z", "m", "a"]
    assert [row.id for row in store.load_chunk("b", "a")] == names[6:19]
    assert store.list_unassigned("b") == names[19:]
    assert store.list_unassigned("other") == ["00"]
    assert store.load_chunk("other", "a") == []

    # A row that ends leaves its chunk; one that is repeated is planned again.
    store.write("b", [end(names[0]), end(names[1])])
    store.repeat("b", names[7], 4)
    store.repeat("b", names[0], 9)
    assert store.list_open_chunks("b") == ["m", "a"]
    assert store.list_unassigned("b") == [names[7], names[19]]
    store.assign("b", {"new": [names[7]]})
    (row,) = store.load_chunk("b", "new")
    assert (row.attempt, row.first_attempt) == (4, 1)

    store.write("b", [RowStarted(name) for name in names[2:7]])
    store.release("b", ["m", "x", "y", "w", "new"])
    assert store.list_open_chunks("b") == ["a"]
    assert store.list_unassigned("b") == [*names[2:6], names[7], names[19]]
    assert store.count("b") == Counts(20, 1, 12, {"FAILED": 2})
    store.release("b", [])
    assert store.count("b").assigned == 12


def test_results_are_read_in_the_order_of_their_end_each_once(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 3)
    names = [f"r{n}" for n in range(9)]
    store.add_rows("b", map(make_row, names))
    store.add_rows("other", map(make_row, names))
    # Of one transaction more than a page, with equal times.
    store.write("b", [*map(end, names[4:8]), RowStarted("r0")])
    clock.now += 1
    store.write("b", [*map(end, names[:4]), end("r5", "SUCCEEDED")])
    ordered = [*names[4:8], *names[:4]]
    assert read_ids(store) == ordered
    assert read_ids(store, clock.now) == names[:4]
    assert read_ids(store, clock.now + 1) == []
    assert read_ids(store, 0.0, {"r5", "r0"}) == [one for one in ordered if one not in {"r5", "r0"}]
    assert [time for time, _ in store.read_results("b")] == [clock.now - 1] * 4 + [clock.now] * 4
    # The first result of a row stays.
    assert dict(store.count("b").statuses) == {"FAILED": 8}
    assert read_ids(store) == ordered
    assert list(store.read_results("other")) == []


def test_rows_are_counted_by_how_far_they_are(store: Store, clock: Clock) -> None:
    statuses = get_args(RowStatus)
    names = [f"r{n}" for n in range(12)]
    store.add_rows("b", map(make_row, names))
    store.add_rows("other", map(make_row, names))
    store.assign("b", {"c": names[:10]})
    store.write("b", [RowStarted(name) for name in names[:9]])
    store.write("b", [end(name, status) for name, status in zip(names, statuses, strict=False)])
    clock.now += 1
    store.write("b", [end("r6", "FAILED")])
    found = store.count("b")
    assert found == Counts(12, 2, 3, {**dict.fromkeys(statuses, 1), "FAILED": 2})
    assert found.ended == 7
    # Those that have not ended are counted whenever the others did.
    assert store.count("b", clock.now) == Counts(6, 2, 3, {"FAILED": 1})
    assert store.count("other") == Counts(12, 0, 0, {})
    assert store.count("none") == Counts(0, 0, 0, {})


def test_rows_that_run_again_are_as_new_but_for_their_attempts(store: Store) -> None:
    names = ["a", "b", "c", "d"]
    store.add_rows("b", map(make_row, names))
    store.add_rows("other", map(make_row, names))
    store.assign("b", {"chunk": names})
    store.write("b", [RowStarted(name) for name in names])
    store.write("other", [end("a", "FAILED")])
    store.write(
        "b", [end("a", "SUCCEEDED"), end("b", "FAILED", 3), end("c", "UNKNOWN", 1), end("d")]
    )
    assert sorted(store.forget_results("b", ("FAILED", "UNKNOWN"))) == ["b", "c", "d"]
    assert store.count("b") == Counts(4, 0, 0, {"SUCCEEDED": 1})
    assert store.count("other").ended == 1
    assert read_ids(store) == ["a"]
    assert store.list_unassigned("b") == ["b", "c", "d"]
    store.assign("b", {"chunk": names})
    rows = store.load_chunk("b", "chunk")
    assert [(row.id, row.first_attempt, row.attempt) for row in rows] == [
        ("b", 3, 3),
        ("c", 1, 1),
        ("d", 2, 2),
    ]
    assert store.forget_results("b", ()) == []


CALLS: list[Callable[[Store], object]] = [
    lambda store: store.save_batch("b", "out", "https://g", {}),
    lambda store: store.load_batch("b"),
    lambda store: store.list_batches(),
    lambda store: store.halt("b", "why"),
    lambda store: store.load_digests("b"),
    lambda store: store.list_unassigned("b"),
    lambda store: store.assign("b", {"chunk": ["a"]}),
    lambda store: store.list_open_chunks("b"),
    lambda store: store.release("b", ["chunk"]),
    lambda store: store.load_chunk("b", "chunk"),
    lambda store: store.repeat("b", "a", 2),
    lambda store: store.write("b", [RowStarted("a")]),
    lambda store: list(store.read_results("b")),
    lambda store: store.forget_results("b", ["FAILED"]),
    lambda store: store.count("b"),
]


def test_every_call_outlasts_a_restart_and_no_longer_outage(store: Store, clock: Clock) -> None:
    store.save_batch("b", "out", "https://g", {})
    store.add_rows("b", [make_row("a")])
    failures: list[OperationalError] = []

    def fail(*_: object) -> None:
        if failures:
            raise failures.pop()

    sa.event.listen(store.engine.engine, "before_cursor_execute", fail)
    for call in CALLS:
        failures[:] = [OperationalError("", None, Exception("restarting"))] * 2
        clock.pauses.clear()
        call(store)
        assert clock.pauses == [1.0, 1.0]
    began = clock.now
    failures[:] = [OperationalError("", None, Exception("away"))] * 1000
    with pytest.raises(OperationalError, match="away"):
        store.count("b")
    assert 120 < clock.now - began <= 121


def test_only_what_a_row_gets_later_may_be_absent(store: Store) -> None:
    found = sa.inspect(store.engine)
    absent = {
        table: {one["name"] for one in found.get_columns(table) if one["nullable"]}
        for table in found.get_table_names()
    }
    assert absent == {
        "batch": {"halted"},
        "batch_row": {"chunk", "started_at", "ended_at", "status", "result"},
    }
    keys = {table: found.get_pk_constraint(table)["constrained_columns"] for table in absent}
    assert keys == {"batch": ["name"], "batch_row": ["batch", "id"]}
    indexed = {tuple(one["column_names"]) for one in found.get_indexes("batch_row")}
    assert indexed == {("batch", "chunk"), ("batch", "ended_at")}


def test_a_reader_and_a_second_writer_wait_for_one_another(store: Store, tmp_path: Path) -> None:
    store.save_batch("b", "out", "https://g", {})
    other = Store(sa.create_engine(f"sqlite:///{tmp_path / 'rows.sqlite3'}"))
    with store.engine.begin() as db:
        db.execute(sa.text("UPDATE batch SET halted = 'now'"))
        assert other.load_batch("b").halted is None
        pragmas = ("journal_mode", "synchronous", "busy_timeout")
        found = [db.execute(sa.text(f"PRAGMA {name}")).scalar() for name in pragmas]
    assert found == ["wal", 1, 10000]
    assert other.load_batch("b").halted == "now"
    other.close()
