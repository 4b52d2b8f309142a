"""The record of every paid request: its intent before it is sent, its task id, its end, its files.

One SQLite file, readable by its owner only, which several processes and threads may use at once.
It holds what is needed to repeat a request (arguments, seed). It never holds the key, the payload
of a data URI, or the signed URL of an output, which is requested from the gateway when needed. An
intent without a task id is a request of unknown outcome: it is listed, and never sent again
automatically.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import frozen

from cometapi_runway import _settings
from cometapi_runway._core.json_values import JSON, parse_json
from cometapi_runway._core.redaction import redact_text, redact_url, strip_payloads
from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import CANCELLED, FAILED, SUCCEEDED, Route, Task
from cometapi_runway._flows.steps import (
    Entry,
    OutputRequested,
    OutputSaved,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway._settings import OUTPUT_LIFETIME
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._schema import open_database

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

_ROW_ERRORS = (ArithmeticError, LookupError, OSError, TypeError, ValueError)
"""What reading a row can raise if its values are not those that were written."""
_SQLITE_INTEGERS = range(-(2**63), 2**63)
"""Integers that SQLite stores exactly."""
_NOT_SAVED = -1
"""The ``size`` of a file that is still to be saved."""
_UNSAVED_COUNT = """CASE state WHEN 'SUCCEEDED' THEN (
    SELECT count(*) FROM file
    WHERE file.task_id = submission.task_id AND size = :wanted AND saved_at >= :since
) ELSE 0 END"""
"""SQL: how many outputs of a submission are still to be saved; older requests have expired."""


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
            `failure_reason`.
        failure_code: The failed task's code, or None.
        ended_at: When its task was seen to have ended, or None.
        files: Outputs on disk, in the task's order.
        unsaved: How many outputs were requested within the last seven days and are not saved.
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

    @property
    def failure_reason(self) -> SubmissionFailureReason | None:
        """Why the submission returned no task id; None if it returned one, or has not ended."""
        if self.state not in {"REFUSED", "UNKNOWN"}:
            return None
        return SubmissionFailureReason.parse(self.reason)


class Journal:
    """A journal file.

    Args:
        path: The file; created with its folder if it does not exist.

    Raises:
        ConfigurationError: `path` is not a path, the file cannot be opened, or it belongs to
            another program.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self.path = Path(path)
        except TypeError:
            raise ConfigurationError(
                f"journal: must be the path of a file, or a Journal; got {path!r}",
                setting="journal",
            ) from None
        self._lock = threading.RLock()
        self._process = 0
        with self._connection():
            pass

    @contextlib.contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        """Lock and yield the connection of this process.

        A SQLite connection serves one thread at a time. The lock is reentrant, because a signal
        handler may use the journal while its own thread holds the lock. A connection must not be
        used after a fork, so a child process opens its own.
        """
        with self._lock:
            if self._process != os.getpid():
                self._db = self._open()
                self._process = os.getpid()
            yield self._db

    def _open(self) -> sqlite3.Connection:
        try:
            return open_database(self.path)
        except (OSError, ValueError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"journal {self.path} cannot be opened: {error}", setting="journal"
            ) from error

    def write(self, entry: Entry, base_url: str = "") -> None:
        """Write an entry; it is on disk when this method returns.

        Args:
            entry: What happened.
            base_url: The gateway that a `SubmissionStarted` goes to.

        Raises:
            sqlite3.Error: The entry is not written.
        """
        match entry:
            case SubmissionStarted():
                self._insert_submission(entry, base_url)
            case SubmissionAccepted(key, task_id):
                self._update_submission("task_id = ?, state = 'SUBMITTED'", key, task_id)
            case SubmissionFailed(key, refused, reason, task_id):
                state = "REFUSED" if refused else "UNKNOWN"
                assignment = "state = ?, reason = ?, task_id = ?"
                self._update_submission(assignment, key, state, reason.value, task_id)
            case TaskEnded(task):
                self._record_end(task)
            case TaskMissing(task_id):
                self._mark_lost(task_id)
            case OutputRequested(task_id, index, folder):
                self._insert_file("IGNORE", task_id, index, folder, _NOT_SAVED)
            case OutputSaved(task_id, index, path, size):
                self._insert_file("REPLACE", task_id, index, path, size)

    def tasks(
        self, *, unfinished: bool = False, limit: int | None = None, gateway: str | None = None
    ) -> list[SubmissionRecord]:
        """Submissions, newest first.

        Args:
            unfinished: Only those whose task has no recorded end, or whose output was requested
                within the last seven days and is not saved.
            limit: How many at most; None for all.
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        condition = f"state = 'SUBMITTED' OR {_UNSAVED_COUNT} > 0" if unfinished else "1"
        return self._select(condition, {}, gateway, limit)

    def unknown(self, *, gateway: str | None = None) -> list[SubmissionRecord]:
        """Submissions without a task id that may have been charged, newest first.

        They include requests that another process has in flight.

        Args:
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        return self._select("state IN ('INTENDED', 'UNKNOWN')", {}, gateway, None)

    def find(self, task_id: str, *, gateway: str | None = None) -> SubmissionRecord | None:
        """The submission of a task, or None.

        Args:
            task_id: The task's id.
            gateway: Only if it was sent to this gateway, since another gateway's task may have the
                same id; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        records = self._select("task_id = :task_id", {"task_id": task_id}, gateway, 1)
        return records[0] if records else None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._process == os.getpid():
                self._db.close()
            self._process = 0

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"

    def _insert_submission(self, entry: SubmissionStarted, base_url: str) -> None:
        """Record an intent. INSERT, not REPLACE: a key that exists already raises an error."""
        request = entry.call
        arguments = json.dumps(strip_payloads(request.body), ensure_ascii=False)
        self._execute(
            "INSERT INTO submission (key, operation, arguments, fingerprint, seed, route, base_url,"
            " created_at, process, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'INTENDED')",
            (
                entry.key,
                request.operation,
                arguments,
                request.fingerprint,
                _encode_seed(entry.seed),
                entry.route,
                redact_url(base_url),
                time.time(),
                os.getpid(),
            ),
        )

    def _record_end(self, task: Task) -> None:
        """Record a terminal state, whatever was recorded before; a LOST task is found again."""
        if task.status in {SUCCEEDED, FAILED, CANCELLED}:
            reason = redact_text(task.failure) if task.failure else None
            self._execute(
                "UPDATE submission SET state = ?, reason = ?, failure_code = ?, ended_at = ?"
                " WHERE task_id = ?",
                (task.status, reason, task.failure_code, time.time(), task.id),
            )

    def _mark_lost(self, task_id: str) -> None:
        """Mark a task without a recorded end as LOST if it is old, and forget its unsaved files.

        A young one stays SUBMITTED: the key in use may be of another account than the task.
        """
        created_before = time.time() - _settings.LOST_AFTER
        self._execute(
            "UPDATE submission SET state = 'LOST', reason = ?"
            " WHERE task_id = ? AND state = 'SUBMITTED' AND created_at <= ?",
            ("the gateway does not know it", task_id, created_before),
        )
        self._execute(
            "DELETE FROM file WHERE task_id = :task_id AND size = :wanted AND EXISTS (SELECT 1 FROM"
            " submission WHERE submission.task_id = :task_id AND created_at <= :old)",
            {"task_id": task_id, "wanted": _NOT_SAVED, "old": created_before},
        )

    def _insert_file(self, conflict: str, task_id: str, index: int, path: Path, size: int) -> None:
        # IGNORE keeps an existing entry, whose file may be saved already. REPLACE marks a requested
        # file as saved. `conflict` is one of these two literals, never data.
        self._execute(
            f"INSERT OR {conflict} INTO file VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            (task_id, index, _encode_path(path.absolute()), size, time.time()),
        )

    def _update_submission(self, assignment: str, key: str, *values: str | None) -> None:
        # `assignment` is one of the two literals in `write`, never data.
        statement = f"UPDATE submission SET {assignment} WHERE key = ?"  # noqa: S608
        self._execute(statement, (*values, key))

    def _execute(self, statement: str, values: tuple[Any, ...] | Mapping[str, Any]) -> None:
        """Execute one statement, which SQLite commits by itself (autocommit)."""
        with self._connection() as db:
            db.execute(statement, values)

    def _select(
        self, condition: str, values: Mapping[str, str], gateway: str | None, limit: int | None
    ) -> list[SubmissionRecord]:
        """Select submissions with their saved files, in one query.

        The query returns one row for each saved file of a submission, and one row for a submission
        without files. The limit counts submissions, so it is inside the subquery.
        """
        # `condition` is one of the literals in the methods above, never data.
        query = f"""
            SELECT found.*, file.path FROM (
                SELECT *, rowid AS place, {_UNSAVED_COUNT} AS unsaved FROM submission
                WHERE ({condition}) AND (:gateway IS NULL OR base_url = :gateway)
                ORDER BY created_at DESC, place DESC LIMIT :limit
            ) AS found LEFT JOIN file ON file.task_id = found.task_id AND size <> :wanted
            ORDER BY created_at DESC, place DESC, number"""  # noqa: S608
        parameters = {
            **values,
            "gateway": None if gateway is None else redact_url(gateway),
            "limit": -1 if limit is None else limit,
            "wanted": _NOT_SAVED,
            "since": time.time() - OUTPUT_LIFETIME,
        }
        try:
            with self._connection() as db:
                rows = db.execute(query, parameters).fetchall()
            return [
                _parse_record(list(group)) for _, group in groupby(rows, lambda row: row["place"])
            ]
        except (sqlite3.Error, *_ROW_ERRORS) as error:
            raise ConfigurationError(
                f"journal {self.path} cannot be read: {error}", setting="journal"
            ) from error


def _encode_seed(seed: int | None) -> int | bytes | None:
    # SQLite converts a larger integer, or its digits as text, to a float in an INTEGER column. It
    # stores bytes unchanged.
    return seed if seed is None or seed in _SQLITE_INTEGERS else str(seed).encode()


def _encode_path(path: Path) -> str | bytes:
    """A path as text; as bytes if its name is not valid Unicode, which SQLite cannot store."""
    name = str(path)
    return os.fsencode(path) if name.encode("utf-8", "ignore").decode("utf-8") != name else name


def _parse_record(rows: Sequence[sqlite3.Row]) -> SubmissionRecord:
    """Build a submission from its rows, one for each file."""
    first = rows[0]
    return SubmissionRecord(
        key=first["key"],
        operation=first["operation"],
        arguments=parse_json(first["arguments"].encode()),
        fingerprint=first["fingerprint"],
        seed=int(first["seed"]) if isinstance(first["seed"], bytes) else first["seed"],
        route=first["route"],
        base_url=first["base_url"],
        created_at=datetime.fromtimestamp(first["created_at"], UTC),
        task_id=first["task_id"],
        state=first["state"],
        reason=first["reason"],
        failure_code=first["failure_code"],
        ended_at=datetime.fromtimestamp(first["ended_at"], UTC) if first["ended_at"] else None,
        files=tuple(Path(os.fsdecode(row["path"])) for row in rows if row["path"] is not None),
        unsaved=first["unsaved"],
    )
