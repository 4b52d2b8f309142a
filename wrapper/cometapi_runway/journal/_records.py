"""What the journal's rows say: submissions, and rows that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, parse_json
from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import Route
from cometapi_runway._flows.entries import PastDuration
from cometapi_runway._flows.prepared_request import find_model
from cometapi_runway.journal._backend import Row
from cometapi_runway.journal._money import from_micros

SubmissionState: TypeAlias = Literal[
    "INTENDED", "REFUSED", "UNKNOWN", "SUBMITTED", "SUCCEEDED", "FAILED", "CANCELLED", "LOST"
]
"""How a paid request stands.

- ``INTENDED``: about to be sent, or sent by a process that is still running or was killed.
- ``REFUSED``: refused or never sent; not charged.
- ``UNKNOWN``: the gateway may have accepted and charged it.
- ``SUBMITTED``, ``SUCCEEDED``, ``FAILED``, ``CANCELLED``: the task's state, as last seen.
- ``LOST``: the gateway does not know the task, two days or more after it was created. It is no
  longer resumed automatically. If it is seen to have ended later, that state replaces ``LOST``.
"""

_LONGEST_DURATION: Final = 7 * 86_400.0
"""Seconds; a longer one is damaged, and would make a plan of polls too long."""
_ROW_ERRORS = (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What reading a row can raise if its values are not those that were written."""
_TYPES: dict[str, tuple[type, ...]] = {
    "key": (str,),
    "operation": (str,),
    "arguments": (str,),
    "fingerprint": (str,),
    # PostgreSQL returns a NUMERIC as a Decimal.
    "seed": (int, bytes, Decimal, type(None)),
    "base_url": (str,),
    "created_at": (int, float),
    "task_id": (str, type(None)),
    "reason": (str, type(None)),
    "failure_code": (str, type(None)),
    "ended_at": (int, float, type(None)),
    "idempotency_key": (str, type(None)),
    "label": (str, type(None)),
    "scope": (str, type(None)),
    "price": (int, type(None)),
    "owner": (int, type(None)),
    "settled_at": (int, float, type(None)),
    "trace_parent": (str, type(None)),
}
"""Types of a submission's values. SQLite stores any type in any column."""


@frozen
class SubmissionRecord:
    """One paid request, as recorded.

    Attributes:
        key: Its key in the journal.
        operation: The operation's id in the contract.
        arguments: The body that was sent, without the payloads of data URIs.
        fingerprint: Digest of operation and body.
        seed: The seed that was sent, or None.
        route: The route on which its task is polled.
        base_url: The gateway it was sent to.
        created_at: When it was sent.
        task_id: The task's id, or None.
        state: How it stands.
        reason: Why it was refused, failed, or is of unknown outcome, or None; see
            `failure_reason`. Of a task that succeeded: why its output cannot be fetched any more.
        failure_code: The failed task's code, or None.
        ended_at: When its task was seen to have ended, or None.
        files: Outputs on disk, in the task's order.
        unsaved: How many outputs were requested within the last seven days and are not saved.
        is_unfetched: Whether its task succeeded within the last seven days and an output of it,
            or all of them, are not on record as saved.
        idempotency_key: The key that the caller gave it, or None.
        label: The label that the caller gave it, or None.
        scope: The scope of the budget that it counts towards, or None.
        price: US dollars, or None if the price was not known.
        settled_at: When it was settled, see `Journal.settle`, or None.
        trace_parent: The trace context in which it was sent, see `telemetry`, or None.
        owner: The number of the process that recorded it, or None.
    """

    key: str
    operation: str
    arguments: JSON
    fingerprint: str
    seed: int | None
    route: Route
    base_url: str
    created_at: datetime
    task_id: str | None
    state: SubmissionState
    reason: str | None
    failure_code: str | None
    ended_at: datetime | None
    files: tuple[Path, ...] = ()
    unsaved: int = 0
    is_unfetched: bool = False
    idempotency_key: str | None = None
    label: str | None = None
    scope: str | None = None
    price: Decimal | None = None
    settled_at: datetime | None = None
    trace_parent: str | None = field(default=None, repr=False)
    owner: int | None = field(default=None, repr=False, eq=False)

    @property
    def model(self) -> str | None:
        """The model that was asked for, or None."""
        return find_model(self.arguments)

    @property
    def failure_reason(self) -> SubmissionFailureReason | None:
        """Why the submission returned no task id; None if it returned one, or has not ended."""
        if self.state not in {"REFUSED", "UNKNOWN"}:
            return None
        return SubmissionFailureReason.parse(self.reason)


@frozen
class UnreadableRecord:
    """A submission whose row is damaged.

    Attributes:
        key: Its key, as far as it can be shown.
        task_id: Its task's id, or None if it has none or that is damaged as well.
        problem: What is wrong with the row.
    """

    key: str
    task_id: str | None
    problem: str

    def __str__(self) -> str:
        """One sentence that names the row and the problem."""
        task = "" if self.task_id is None else f" (task {self.task_id})"
        return f"submission {self.key}{task} cannot be read: {self.problem}"


def parse_records(
    rows: Iterable[Row], on_unreadable: Callable[[UnreadableRecord], object]
) -> list[SubmissionRecord]:
    """Build submissions from the rows of a query; damaged ones are passed on and left out."""
    records: list[SubmissionRecord] = []
    for _, group in groupby(rows, lambda row: row["place"]):
        record = parse_record(list(group))
        if isinstance(record, UnreadableRecord):
            on_unreadable(record)
        else:
            records.append(record)
    return records


def parse_record(rows: Sequence[Row]) -> SubmissionRecord | UnreadableRecord:
    """Build a submission from its rows, one for each file."""
    first = rows[0]
    try:
        return _parse(first, rows)
    except _ROW_ERRORS as error:
        task_id = first["task_id"]
        return UnreadableRecord(
            key=str(first["key"]),
            task_id=task_id if isinstance(task_id, str) else None,
            problem=str(error) or type(error).__name__,
        )


def _parse(first: Row, rows: Sequence[Row]) -> SubmissionRecord:
    _check_types(first)
    _check_choice(first, "route", get_args(Route))
    _check_choice(first, "state", get_args(SubmissionState))
    return SubmissionRecord(
        key=first["key"],
        operation=first["operation"],
        arguments=parse_json(first["arguments"].encode()),
        fingerprint=first["fingerprint"],
        seed=None if first["seed"] is None else int(first["seed"]),
        route=first["route"],
        base_url=first["base_url"],
        created_at=_to_time(first["created_at"]),
        task_id=first["task_id"],
        state=first["state"],
        reason=first["reason"],
        failure_code=first["failure_code"],
        ended_at=_to_time(first["ended_at"]) if first["ended_at"] else None,
        files=tuple(Path(os.fsdecode(row["path"])) for row in rows if row["path"] is not None),
        unsaved=first["unsaved"],
        is_unfetched=bool(first["unfetched"]),
        idempotency_key=first["idempotency_key"],
        label=first["label"],
        scope=first["scope"],
        price=from_micros(first["price"]),
        settled_at=_to_time(first["settled_at"]) if first["settled_at"] else None,
        trace_parent=first["trace_parent"],
        owner=first["owner"],
    )


def parse_durations(rows: Iterable[Row]) -> list[PastDuration]:
    """The durations of ended tasks; damaged ones are left out."""
    pairs = ((row["duration"], row["duration_gap"]) for row in rows)
    return [
        PastDuration(seconds, gap)
        for seconds, gap in pairs
        if isinstance(seconds, float) and isinstance(gap, float)
        if 0 < seconds < _LONGEST_DURATION and 0 <= gap <= seconds
    ]


EXPORT_FIELDS: Final = (
    "key",
    "idempotency_key",
    "label",
    "operation",
    "created_at",
    "state",
    "task_id",
    "reason",
    "failure_code",
    "ended_at",
    "settled_at",
    "price",
    "scope",
    "seed",
    "fingerprint",
    "base_url",
    "arguments",
    "files",
)
"""The names of what `Journal.export` yields, in their order."""


def make_export_row(record: SubmissionRecord) -> dict[str, JSON]:
    """A submission as a plain mapping: what was sent when, what it cost, and what came of it."""
    reason = record.failure_reason
    return {
        "key": record.key,
        "idempotency_key": record.idempotency_key,
        "label": record.label,
        "operation": record.operation,
        "created_at": record.created_at.isoformat(),
        "state": record.state,
        "task_id": record.task_id,
        "reason": record.reason if reason is None else reason.value,
        "failure_code": record.failure_code,
        "ended_at": _format_time(record.ended_at),
        "settled_at": _format_time(record.settled_at),
        "price": None if record.price is None else str(record.price),
        "scope": record.scope,
        "seed": record.seed,
        "fingerprint": record.fingerprint,
        "base_url": record.base_url,
        "arguments": record.arguments,
        "files": [str(file) for file in record.files],
    }


def _format_time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _to_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _check_types(row: Row) -> None:
    for name, types in _TYPES.items():
        value = row[name]
        if not isinstance(value, types):
            raise TypeError(f"{name} is of type {type(value).__name__}")
        if isinstance(value, str):
            # Bytes that are not UTF-8 are read as surrogates, which cannot be encoded again.
            value.encode()


def _check_choice(row: Row, name: str, choices: tuple[str, ...]) -> None:
    if row[name] not in choices:
        raise ValueError(f"{name} is {row[name]!r}")
