"""What was paid for, on disk: the intent before the request, the id right after, the end, files.

One SQLite file, safe for several processes and threads at once, readable by its owner only. It
holds what repeats a request (arguments, seed), and never the key, the payload of a data URI, or
an output's signed address, which is fetched anew when needed. An intent without an id is a
request of unknown outcome; it is listed and never sent again by itself.
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

from cometapi_runway import _settings as settings
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
"""``INTENDED``: sent or about to be, by a process that lives or was killed. ``REFUSED``: it came
to nothing and was not charged. ``UNKNOWN``: nobody knows. The rest have an id. ``LOST``: the
gateway does not know the task, two days and more after it was made; it is not taken up by itself
any more, and no longer lost once it is seen."""

_DAMAGE = (ArithmeticError, LookupError, OSError, TypeError, ValueError)
"""What reading a row raises whose values are not those that were written."""
_INTEGERS = range(-(2**63), 2**63)
"""Those that SQLite keeps as they are."""


_WANTED = -1
"""The size of a file that is to be saved."""
_UNSAVED = """CASE state WHEN 'SUCCEEDED' THEN (
    SELECT count(*) FROM file
    WHERE file.task_id = submission.task_id AND size = :wanted AND saved_at >= :since
) ELSE 0 END"""


@frozen
class SubmissionRecord:
    """One paid request as the journal knows it.

    Attributes:
        key: Its name in the journal.
        operation: The operation's id in the contract.
        arguments: The body that was sent, with secrets and payloads left out.
        fingerprint: Digest of operation and body.
        seed: The seed that was sent, or None.
        route: Where its task is polled.
        base_url: The gateway it went to.
        created_at: When it was sent.
        task_id: The task's id, or None.
        state: How it stands.
        reason: Why it was refused or failed, or is unknown; see `failure_reason`.
        failure_code: The failed task's code.
        ended_at: When its task was seen to have ended.
        files: Outputs on disk, in the task's order.
        unsaved: How many outputs were to be saved, within the last days, and are not.
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
        path: The file; made, with its folder, if it is not there.

    Raises:
        ConfigurationError: That is no path, it cannot be opened, or another program's file is
            there.
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
        """The connection of this process, for one thread at a time.

        A connection must not be carried over a fork, so a child process opens its own.
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
        """Write an entry; it is on the disk when this returns.

        Args:
            entry: What happened.
            base_url: The gateway where.

        Raises:
            sqlite3.Error: It is not.
        """
        match entry:
            case SubmissionStarted():
                self._intend(entry, base_url)
            case SubmissionAccepted(key, task_id):
                self._change("task_id = ?, state = 'SUBMITTED'", key, task_id)
            case SubmissionFailed(key, refused, reason):
                state = "REFUSED" if refused else "UNKNOWN"
                self._change("state = ?, reason = ?", key, state, reason.value)
            case TaskEnded(task):
                self._end(task)
            case TaskMissing(task_id):
                self._miss(task_id)
            case OutputRequested(task_id, index, folder):
                self._file("IGNORE", task_id, index, folder, _WANTED)
            case OutputSaved(task_id, index, path, size):
                self._file("REPLACE", task_id, index, path, size)

    def tasks(
        self, *, unfinished: bool = False, limit: int | None = None, gateway: str | None = None
    ) -> list[SubmissionRecord]:
        """Submissions, newest first.

        Args:
            unfinished: Only those whose task has not been seen to end, or whose output was to be
                saved, within the last days, and is not.
            limit: How many at most.
            gateway: Only those that went to this gateway.

        Raises:
            ConfigurationError: The file is damaged.
        """
        condition = f"state = 'SUBMITTED' OR {_UNSAVED} > 0" if unfinished else "1"
        return self._select(condition, {}, gateway, limit)

    def unknown(self, *, gateway: str | None = None) -> list[SubmissionRecord]:
        """Submissions without an id that may have been charged, newest first.

        One that another living process is about to hear of is among them.

        Args:
            gateway: Only those that went to this gateway.

        Raises:
            ConfigurationError: The file is damaged.
        """
        return self._select("state IN ('INTENDED', 'UNKNOWN')", {}, gateway, None)

    def find(self, task_id: str, *, gateway: str | None = None) -> SubmissionRecord | None:
        """The submission of a task, or None.

        Args:
            task_id: The task's id.
            gateway: Only if it went to this gateway; another's tasks may bear the same id.

        Raises:
            ConfigurationError: The file is damaged.
        """
        found = self._select("task_id = :task_id", {"task_id": task_id}, gateway, 1)
        return found[0] if found else None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._process == os.getpid():
                self._db.close()
            self._process = 0

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"

    def _intend(self, entry: SubmissionStarted, base_url: str) -> None:
        call = entry.call
        arguments = json.dumps(strip_payloads(call.body), ensure_ascii=False)
        self._run(
            "INSERT INTO submission (key, operation, arguments, fingerprint, seed, route, base_url,"
            " created_at, process, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'INTENDED')",
            (
                entry.key,
                call.operation,
                arguments,
                call.fingerprint,
                _kept(entry.seed),
                entry.route,
                redact_url(base_url),
                time.time(),
                os.getpid(),
            ),
        )

    def _end(self, task: Task) -> None:
        if task.status in {SUCCEEDED, FAILED, CANCELLED}:
            reason = redact_text(task.failure) if task.failure else None
            self._run(
                "UPDATE submission SET state = ?, reason = ?, failure_code = ?, ended_at = ?"
                " WHERE task_id = ?",
                (task.status, reason, task.failure_code, time.time(), task.id),
            )

    def _miss(self, task_id: str) -> None:
        old = time.time() - settings.LOST_AFTER
        self._run(
            "UPDATE submission SET state = 'LOST', reason = ?"
            " WHERE task_id = ? AND state = 'SUBMITTED' AND created_at <= ?",
            ("the gateway does not know it", task_id, old),
        )
        self._run(
            "DELETE FROM file WHERE task_id = :task_id AND size = :wanted AND EXISTS (SELECT 1 FROM"
            " submission WHERE submission.task_id = :task_id AND created_at <= :old)",
            {"task_id": task_id, "wanted": _WANTED, "old": old},
        )

    def _file(self, conflict: str, task_id: str, index: int, path: Path, size: int) -> None:
        # `conflict` is one of the two words above, never data.
        self._run(
            f"INSERT OR {conflict} INTO file VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            (task_id, index, _text(path.absolute()), size, time.time()),
        )

    def _change(self, assignment: str, key: str, *values: str) -> None:
        # `assignment` is one of the two texts above, never data.
        self._run(f"UPDATE submission SET {assignment} WHERE key = ?", (*values, key))  # noqa: S608

    def _run(self, statement: str, values: tuple[Any, ...] | Mapping[str, Any]) -> None:
        with self._connection() as db:
            db.execute(statement, values)

    def _select(
        self, condition: str, values: Mapping[str, str], gateway: str | None, limit: int | None
    ) -> list[SubmissionRecord]:
        # `condition` is one of the texts above, never data. One row for every file, or one alone.
        query = f"""
            SELECT found.*, file.path FROM (
                SELECT *, rowid AS place, {_UNSAVED} AS unsaved FROM submission
                WHERE ({condition}) AND (:gateway IS NULL OR base_url = :gateway)
                ORDER BY created_at DESC, place DESC LIMIT :limit
            ) AS found LEFT JOIN file ON file.task_id = found.task_id AND size <> :wanted
            ORDER BY created_at DESC, place DESC, number"""  # noqa: S608
        named = {
            **values,
            "gateway": None if gateway is None else redact_url(gateway),
            "limit": -1 if limit is None else limit,
            "wanted": _WANTED,
            "since": time.time() - OUTPUT_LIFETIME,
        }
        try:
            with self._connection() as db:
                rows = db.execute(query, named).fetchall()
            return [_read(list(group)) for _, group in groupby(rows, lambda row: row["place"])]
        except (sqlite3.Error, *_DAMAGE) as error:
            raise ConfigurationError(
                f"journal {self.path} cannot be read: {error}", setting="journal"
            ) from error


def _kept(seed: int | None) -> int | bytes | None:
    # An INTEGER column makes floats of larger ones, also of their digits; bytes it leaves alone.
    return seed if seed is None or seed in _INTEGERS else str(seed).encode()


def _text(path: Path) -> str | bytes:
    """A path as it is kept: a name that is no text goes as the bytes it is."""
    name = str(path)
    return os.fsencode(path) if name.encode("utf-8", "ignore").decode("utf-8") != name else name


def _read(rows: Sequence[sqlite3.Row]) -> SubmissionRecord:
    """A submission from its rows, which differ in their file."""
    row = rows[0]
    return SubmissionRecord(
        key=row["key"],
        operation=row["operation"],
        arguments=parse_json(row["arguments"].encode()),
        fingerprint=row["fingerprint"],
        seed=int(row["seed"]) if isinstance(row["seed"], bytes) else row["seed"],
        route=row["route"],
        base_url=row["base_url"],
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        task_id=row["task_id"],
        state=row["state"],
        reason=row["reason"],
        failure_code=row["failure_code"],
        ended_at=datetime.fromtimestamp(row["ended_at"], UTC) if row["ended_at"] else None,
        files=tuple(Path(os.fsdecode(one["path"])) for one in rows if one["path"] is not None),
        unsaved=row["unsaved"],
    )
