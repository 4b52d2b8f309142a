"""What a row says, and what is said of a damaged one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from attrs import evolve
from tests.cases import each_case

from cometapi_runway._flows.entries import PastDuration
from cometapi_runway.journal import EXPORT_FIELDS, SubmissionRecord, UnreadableRecord
from cometapi_runway.journal._records import (
    make_export_row,
    parse_durations,
    parse_record,
    parse_records,
)

START = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
ROW: dict[str, Any] = {
    "key": "k",
    "operation": "o",
    "arguments": '{"model": "m"}',
    "fingerprint": "f",
    "seed": 7,
    "route": "tasks",
    "base_url": "https://g",
    "created_at": START.timestamp(),
    "task_id": "t",
    "state": "FAILED",
    "reason": "r",
    "failure_code": "c",
    "ended_at": START.timestamp() + 60,
    "idempotency_key": "i",
    "request_digest": "d",
    "label": "l",
    "scope": "s",
    "price": 320_000,
    "owner": 3,
    "settled_at": START.timestamp() + 90,
    "trace_parent": "00-a-b-01",
    "place": 1,
    "unsaved": 2,
    "unfetched": 1,
    "path": "/a.mp4",
}
FULL = SubmissionRecord(
    key="k",
    operation="o",
    arguments={"model": "m"},
    fingerprint="f",
    seed=7,
    route="tasks",
    base_url="https://g",
    created_at=START,
    task_id="t",
    state="FAILED",
    reason="r",
    failure_code="c",
    ended_at=START.replace(minute=31),
    files=(Path("/a.mp4"), Path("/b.mp4")),
    unsaved=2,
    is_unfetched=True,
    idempotency_key="i",
    label="l",
    scope="s",
    price=Decimal("0.32"),
    settled_at=START.replace(minute=31, second=30),
    trace_parent="00-a-b-01",
    owner=3,
)


def test_a_record_has_every_column() -> None:
    rows = [ROW, {**ROW, "path": b"/b.mp4"}, {**ROW, "path": None}]
    (record,) = parse_records(rows, fail)
    assert (record, record.owner, record.model) == (FULL, 3, "m")
    none = dict.fromkeys(
        ("seed", "task_id", "reason", "failure_code", "ended_at", "idempotency_key", "label",
         "scope", "price", "owner", "settled_at", "trace_parent", "path")
    )  # fmt: skip
    (record,) = parse_records([{**ROW, **none, "unsaved": 0, "unfetched": 0}], fail)
    assert record == SubmissionRecord(
        "k", "o", {"model": "m"}, "f", None, "tasks", "https://g", START, None, "FAILED", None,
        None, None,
    )  # fmt: skip
    assert record.owner is None


def fail(row: UnreadableRecord) -> NoReturn:
    raise AssertionError(row)


def test_two_records_differ_in_what_they_show() -> None:
    """The process is nobody's business, and a trace is for programs."""
    assert evolve(FULL, owner=4) == FULL
    assert evolve(FULL, trace_parent=None) != FULL
    assert "owner" not in repr(FULL)
    assert "trace" not in repr(FULL)


def test_a_row_of_an_export_has_the_fields_that_are_named() -> None:
    assert tuple(make_export_row(FULL)) == EXPORT_FIELDS
    assert make_export_row(evolve(FULL, state="UNKNOWN"))["reason"] == "unexpected_error"


def test_numbers_of_each_type_that_a_database_returns_are_read() -> None:
    for seed, found in ((Decimal(10**30), 10**30), (b"-5", -5), (0, 0)):
        assert evolve(FULL, seed=found, files=(Path("/a.mp4"),)) == parse_record(
            [{**ROW, "seed": seed}]
        )
    for column in ("created_at", "ended_at", "settled_at"):
        record = parse_record([{**ROW, column: int(START.timestamp())}])
        assert getattr(record, column) == START


@each_case(
    ("changes", "task_id", "problem"),
    [
        ({"key": 5}, "t", "key is of type int"),
        ({"created_at": "soon"}, "t", "created_at is of type str"),
        ({"price": 0.5}, "t", "price is of type float"),
        ({"task_id": b"t"}, None, "task_id is of type bytes"),
        ({"task_id": None, "state": "NEW"}, None, "state is 'NEW'"),
        ({"route": "NEW"}, "t", "route is 'NEW'"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], task_id: str | None, problem: str) -> None:
    row = {**ROW, **changes}
    assert parse_record([row]) == UnreadableRecord(str(row["key"]), task_id, problem)


def test_an_error_without_words_is_named() -> None:
    class Damaged(dict[str, Any]):
        def __getitem__(self, name: str, /) -> Any:
            if name == "route":
                raise ValueError
            return super().__getitem__(name)

    row: Any = Damaged(ROW)
    assert parse_record([row]) == UnreadableRecord("k", "t", "ValueError")
    assert str(parse_record([row])) == "submission k (task t) cannot be read: ValueError"
    damaged: Any = Damaged(ROW, task_id=None)
    assert str(parse_record([damaged])) == "submission k cannot be read: ValueError"


def test_only_durations_that_make_sense_are_read() -> None:
    week = 7 * 86_400.0
    pairs: list[tuple[Any, Any]] = [
        (1.0, 0.0), (1.0, 1.0), (week - 1, 5.0),
        (0.0, 0.0), (1.0, 1.5), (1.0, -0.5), (week, 5.0), (1, 0.0), (1.0, 0), (None, None),
    ]  # fmt: skip
    rows = [{"duration": seconds, "duration_gap": gap} for seconds, gap in pairs]
    assert parse_durations(rows) == [PastDuration(*pair) for pair in pairs[:3]]
