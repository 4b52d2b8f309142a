"""Journal entries as SQL."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Final

from attrs import frozen

from cometapi_runway import _settings
from cometapi_runway._core.redaction import redact_text, redact_url, strip_payloads
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    Entry,
    OutputRequested,
    OutputSaved,
    PastDuration,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway.journal._backend import SQLValue, Statement
from cometapi_runway.journal._money import to_micros

NOT_SAVED: Final = -1
"""The ``size`` of a file that is still to be saved."""
_SQLITE_INTEGERS: Final = range(-(2**63), 2**63)
"""Integers that SQLite stores exactly."""

# One statement decides and writes, so that no other process can come in between.
_INSERT_SUBMISSION: Final = """
INSERT INTO submission (key, operation, arguments, fingerprint, seed, route, base_url, created_at,
    process, state, idempotency_key, request_digest, label, scope, price, owner,
    trace_parent, model)
SELECT :key, :operation, :arguments, :fingerprint, :seed, :route, :base_url, :created_at,
    :process, 'INTENDED', :idempotency_key, :request_digest, :label, :scope, :price, :owner,
    :trace_parent, :model
WHERE {conditions}
ON CONFLICT DO NOTHING
"""
# Of refused submissions only the arguments matter: the key is free again, for the same request.
# The unique index admits one at a time of those that were not refused.
_KEY_IS_FREE: Final = """NOT EXISTS (
    SELECT 1 FROM submission WHERE base_url = :base_url AND idempotency_key = :idempotency_key
        AND state = 'REFUSED' AND request_digest <> :request_digest
)"""
IN_SCOPE: Final = "scope = :scope AND base_url = :base_url AND state <> 'REFUSED'"
"""SQL: whether a submission is spent or reserved. An unknown outcome is; a refusal is not."""
# One scan for both limits: it reads an entry of the index for each submission of the scope.
_WITHIN_BUDGET: Final = f"""(SELECT {{limits}} FROM (
    SELECT count(*) AS tasks, coalesce(sum(price), 0) AS cost FROM submission WHERE {IN_SCOPE}
) AS spent)"""  # noqa: S608
_ACCEPT_SUBMISSION: Final = """
UPDATE submission SET task_id = :task_id, state = 'SUBMITTED', reason = NULL WHERE key = :key
"""
_FAIL_SUBMISSION: Final = """
UPDATE submission SET state = :state, reason = :reason, task_id = :task_id WHERE key = :key
"""
# Whatever was recorded before: a LOST task is found again.
_END_TASK: Final = """
UPDATE submission
SET state = :state, reason = :reason, failure_code = :failure_code, ended_at = :ended_at,
    duration = coalesce(CAST(:duration AS DOUBLE PRECISION), duration),
    duration_gap = coalesce(CAST(:gap AS DOUBLE PRECISION), duration_gap)
WHERE task_id = :task_id
"""
# A young task stays SUBMITTED: the key in use may be of another account than the task.
_MARK_LOST: Final = """
UPDATE submission SET state = 'LOST', reason = :reason
WHERE task_id = :task_id AND state = 'SUBMITTED' AND created_at <= :created_before
"""
_MARK_OUTPUT_GONE: Final = """
UPDATE submission SET reason = :reason
WHERE task_id = :task_id AND state = 'SUCCEEDED' AND created_at <= :created_before
"""
_FORGET_UNSAVED: Final = """
DELETE FROM file
WHERE task_id = :task_id AND size = :not_saved AND EXISTS (
    SELECT 1 FROM submission
    WHERE submission.task_id = :task_id AND created_at <= :created_before
)
"""
# NOTHING keeps an existing entry, whose file may be saved already.
_REQUEST_FILE: Final = """
INSERT INTO file (task_id, number, path, size, saved_at)
VALUES (:task_id, :index, :path, :size, :time) ON CONFLICT DO NOTHING
"""
# UPDATE marks a requested file as saved.
_SAVE_FILE: Final = """
INSERT INTO file (task_id, number, path, size, saved_at)
VALUES (:task_id, :index, :path, :size, :time)
ON CONFLICT (task_id, number)
DO UPDATE SET path = excluded.path, size = excluded.size, saved_at = excluded.saved_at
"""


@frozen
class Write:
    """What one entry writes; its times are those of the entry, however late it is written.

    Attributes:
        statements: The statements, in order.
        slot: Which fact about a submission it states. A later write of the same slot replaces it.
        description: The entry for a log.
        key: The submission, if the entry names it by its key.
        task_id: The task, if the entry names it.
        claim: What writes a `SubmissionStarted` if nothing is in the way, or None. The first of
            `statements` writes it again whatever is in the way, for it was sent.
        intent: The `SubmissionStarted`, or None.
        gateway: Where it is sent; empty for other entries.
    """

    statements: tuple[Statement, ...]
    slot: tuple[str, int]
    description: str
    key: str | None = None
    task_id: str | None = None
    claim: Statement | None = None
    intent: SubmissionStarted | None = None
    gateway: str = ""

    @property
    def is_intent(self) -> bool:
        """Whether a paid request is sent after it."""
        return self.intent is not None

    @property
    def lock(self) -> str | None:
        """The name under which one process at a time checks a budget; None without a budget."""
        limits = None if self.intent is None else self.intent.reservation
        if limits is None or (limits.max_cost is None and limits.max_tasks is None):
            return None
        return f"{self.gateway} {limits.scope}"


def make_write(entry: Entry, base_url: str) -> Write:
    """The statements of an entry; `base_url` is the gateway of a `SubmissionStarted`."""
    match entry:
        case SubmissionStarted(key):
            gateway = redact_url(base_url)
            values = _intent_values(entry, gateway)
            insert = Statement(_INSERT_SUBMISSION.format(conditions="1 = 1"), values)
            claim = Statement(_INSERT_SUBMISSION.format(conditions=_conditions(entry)), values)
            description = f"request {key}"
            return Write((insert,), ("start", 0), description, key, None, claim, entry, gateway)
        case SubmissionAccepted(key, task_id):
            accept = Statement(_ACCEPT_SUBMISSION, {"key": key, "task_id": task_id}, True)
            description = f"task {task_id} was accepted"
            return Write((accept,), ("decision", 0), description, key, task_id)
        case SubmissionFailed(key, refused, reason, task_id):
            state = "REFUSED" if refused else "UNKNOWN"
            values = {"key": key, "state": state, "reason": reason.value, "task_id": task_id}
            fail = Statement(_FAIL_SUBMISSION, values, True)
            return Write((fail,), ("decision", 0), f"request {key} is {state}", key, task_id)
        case TaskEnded(task, duration):
            return _write_end(task, duration)
        case TaskMissing(task_id):
            return _write_missing(task_id)
        case OutputRequested(task_id, first, folder, count):
            requests = (
                _file_statement(_REQUEST_FILE, task_id, index, folder, NOT_SAVED)
                for index in range(first, first + count)
            )
            description = f"the output of task {task_id} is to be saved"
            return Write(tuple(requests), ("request", first), description, task_id=task_id)
        case OutputSaved(task_id, index, path, size):
            save = _file_statement(_SAVE_FILE, task_id, index, path, size)
            return Write((save,), ("file", index), f"{path} is saved", task_id=task_id)


def _conditions(entry: SubmissionStarted) -> str:
    """SQL: whether nothing is in the way of a submission."""
    limits = [
        "tasks < :max_tasks" if entry.reservation.max_tasks is not None else "",
        "cost + :price <= :max_cost" if entry.reservation.max_cost is not None else "",
    ]
    conditions = [
        _KEY_IS_FREE if entry.idempotency_key is not None else "",
        _WITHIN_BUDGET.format(limits=_join(limits)) if any(limits) else "",
    ]
    return _join(conditions) or "1 = 1"


def _join(conditions: list[str]) -> str:
    return " AND ".join(filter(None, conditions))


def _intent_values(entry: SubmissionStarted, gateway: str) -> dict[str, SQLValue]:
    request, reservation, own_key = entry.call, entry.reservation, entry.idempotency_key
    return {
        "key": entry.key,
        "operation": request.operation,
        "arguments": json.dumps(strip_payloads(request.body), ensure_ascii=False),
        "fingerprint": request.fingerprint,
        "seed": _encode_seed(entry.seed),
        "route": entry.route,
        "base_url": gateway,
        "created_at": time.time(),
        "process": os.getpid(),
        "owner": None,
        "idempotency_key": None if own_key is None else own_key.text,
        "request_digest": None if own_key is None else own_key.digest,
        "label": entry.label,
        "trace_parent": entry.trace_parent,
        "model": request.model or "",
        "scope": reservation.scope,
        "price": to_micros(reservation.price),
        "max_tasks": reservation.max_tasks,
        "max_cost": to_micros(reservation.max_cost),
    }


def _write_end(task: Task, duration: PastDuration | None) -> Write:
    end: tuple[Statement, ...] = ()
    if task.is_terminal:
        values: dict[str, SQLValue] = {
            "task_id": task.id,
            "state": task.status,
            "reason": redact_text(task.failure) if task.failure else None,
            "failure_code": task.failure_code,
            "ended_at": time.time(),
            "duration": None if duration is None else duration.seconds,
            "gap": None if duration is None else duration.gap,
        }
        end = (Statement(_END_TASK, values, updates_submission=True, is_synced=False),)
    return Write(end, ("end", 0), f"task {task.id} is {task.status}", task_id=task.id)


def _write_missing(task_id: str) -> Write:
    """Mark an old task as LOST if it has no recorded end, and its output as gone if it has."""
    values: dict[str, SQLValue] = {
        "task_id": task_id,
        "reason": "the gateway does not know it",
        "created_before": time.time() - _settings.LOST_AFTER,
        "not_saved": NOT_SAVED,
    }
    statements = (_MARK_LOST, _MARK_OUTPUT_GONE, _FORGET_UNSAVED)
    return Write(
        tuple(Statement(sql, values, is_synced=False) for sql in statements),
        ("missing", 0),
        f"task {task_id} is missing",
        task_id=task_id,
    )


def _file_statement(sql: str, task_id: str, index: int, path: Path, size: int) -> Statement:
    return Statement(
        sql,
        {
            "task_id": task_id,
            "index": index,
            "path": _encode_path(path.absolute()),
            "size": size,
            "time": time.time(),
        },
        is_synced=False,
    )


def _encode_seed(seed: int | None) -> int | bytes | None:
    # SQLite converts a larger integer, or its digits as text, to a float in an INTEGER column. It
    # stores bytes unchanged.
    return seed if seed is None or seed in _SQLITE_INTEGERS else str(seed).encode()


def _encode_path(path: Path) -> str | bytes:
    """A path as text; as bytes if its name is not valid Unicode, which SQLite cannot store."""
    name = str(path)
    return os.fsencode(path) if name.encode("utf-8", "ignore").decode("utf-8") != name else name
