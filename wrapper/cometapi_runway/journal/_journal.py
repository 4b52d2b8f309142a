"""The record of every paid request: its intent before it is sent, its task id, its end, its files.

One SQLite file, readable by its owner only, which several processes and threads may use at once.
It holds what is needed to repeat a request (arguments, seed). It never holds the key, the payload
of a data URI, or the signed URL of an output, which is requested from the gateway when needed. An
intent without a task id is a request of unknown outcome: it is listed, and never sent again
automatically.

A journal that cannot be written delays nothing and forgets nothing. An intent is refused, so that
nothing is sent. Every other entry is kept in memory and written, in order, with the next use of the
journal, when it is closed, or when the process ends. A file that is removed or replaced while it is
open is noticed at the next use; what this process recorded is written into the new one.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar

from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._flows.steps import Entry
from cometapi_runway._settings import JOURNAL_READ_TIMEOUT, JOURNAL_TIMEOUT, OUTPUT_LIFETIME
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._recent import RecentSubmissions
from cometapi_runway.journal._records import SubmissionRecord, UnreadableRecord, parse_record
from cometapi_runway.journal._schema import (
    Database,
    FileIdentity,
    check_schema,
    is_busy,
    open_database,
)
from cometapi_runway.journal._statements import NOT_SAVED, Statement, Write, make_write

T = TypeVar("T")
OnUnreadable = Callable[[UnreadableRecord], object]

logger = logging.getLogger("cometapi_runway")

_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
"""Seconds between two attempts while another process holds the file's lock."""

_COLUMNS: Final = """key, operation, arguments, fingerprint, seed, route, base_url, created_at,
    task_id, state, reason, failure_code, ended_at"""
_UNSAVED_COUNT: Final = """CASE state WHEN 'SUCCEEDED' THEN (
    SELECT count(*) FROM file
    WHERE file.task_id = submission.task_id AND size = :not_saved AND saved_at >= :since
) ELSE 0 END"""
"""SQL: how many outputs of a submission are still to be saved; older requests have expired."""
_UNFINISHED: Final = f"(state = 'SUBMITTED' OR {_UNSAVED_COUNT} > 0)"
# A reason says that the gateway does not know a task any more that succeeded.
_UNFETCHED: Final = f"""(
    state = 'SUCCEEDED' AND reason IS NULL AND ended_at >= :since AND ({_UNSAVED_COUNT} > 0
    OR NOT EXISTS (
        SELECT 1 FROM file WHERE file.task_id = submission.task_id AND size <> :not_saved
    ))
)"""  # noqa: S608 - literals only
"""SQL: whether a task succeeded, and its output still exists and is not on record as saved."""

_inherited: list[Database] = []
"""In a forked child, the parent's databases: SQLite forbids a child to use or to close them."""


class PendingEntryError(sqlite3.OperationalError):
    """An entry is not on disk yet; this process keeps it and writes it later."""


class MissingSubmissionError(sqlite3.DatabaseError):
    """An entry is about a submission that is not in the file, and not known to this process."""


class Journal:
    """A journal file.

    Args:
        path: The file; created with its folder if it does not exist.

    Raises:
        ConfigurationError: `path` is not a path, the file cannot be opened, it belongs to another
            program, or it is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self.path = Path(path)
        except TypeError:
            raise ConfigurationError(
                f"journal: must be the path of a file, or a Journal; got {path!r}",
                setting="journal",
            ) from None
        # Reentrant, because a signal handler may use the journal while its own thread holds the
        # lock. It is held by a plain `with` only: after Ctrl-C inside a generator's context
        # manager, the traceback would keep the generator alive and the lock held.
        self._lock = threading.RLock()
        self._database: Database | None = None
        self._identity: FileIdentity = None
        self._was_replaced = False
        self._pending: deque[Write] = deque()
        self._recent = RecentSubmissions()
        register_fork_aware(self)
        try:
            self._retry(self._open, JOURNAL_READ_TIMEOUT)
        except sqlite3.Error as error:
            raise self._opening_error(error) from error

    def write(self, entry: Entry, base_url: str = "", *, timeout: float = JOURNAL_TIMEOUT) -> None:
        """Write an entry; it is on disk when this method returns.

        Args:
            entry: What happened.
            base_url: The gateway that a `SubmissionStarted` goes to.
            timeout: Seconds to wait while another process holds the file's lock.

        Raises:
            PendingEntryError: The file cannot be written now. The entry, which is not a
                `SubmissionStarted`, is kept and written later; see the module's docstring.
            MissingSubmissionError: The file has no such submission, and this process does not know
                enough of it to write it again.
            sqlite3.Error: The entry is not written.
            ConfigurationError: The file cannot be opened any more, and the entry is a
                `SubmissionStarted`.
        """
        write = make_write(entry, base_url)
        if self._pending and not write.is_intent:
            # The file could not be written a moment ago. Many waits that end now would each wait
            # for it in turn.
            timeout = 0.0
        try:
            self._retry(partial(self._write_after_pending, write), timeout)
        except (OSError, ConfigurationError, sqlite3.DatabaseError) as error:
            if write.is_intent or not _is_recoverable(error):
                raise
            self._keep(write)
            raise PendingEntryError(
                f"{error}; the entry is kept in memory and written with the next use of the "
                "journal, or when it is closed"
            ) from error

    def tasks(
        self,
        *,
        unfinished: bool = False,
        limit: int | None = None,
        gateway: str | None = None,
        on_unreadable: OnUnreadable | None = None,
    ) -> list[SubmissionRecord]:
        """Submissions, newest first. Rows that are damaged are left out.

        Args:
            unfinished: Only those whose task has no recorded end, or whose output was requested
                within the last seven days and is not saved.
            limit: How many at most; None for all.
            gateway: Only those sent to this gateway; None for all gateways.
            on_unreadable: Called with each damaged row; None logs a warning.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        condition = _UNFINISHED if unfinished else "1"
        return self._select(condition, {}, gateway, limit, on_unreadable)

    def unfetched(self, *, gateway: str | None = None) -> list[SubmissionRecord]:
        """Tasks that succeeded within the last seven days and whose files are not all saved.

        Runway keeps an output for a day or two; seven days is how long the journal offers it.

        Args:
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        return self._select(_UNFETCHED, {}, gateway)

    def resumable(
        self, *, include_unfetched: bool = False, gateway: str | None = None
    ) -> list[SubmissionRecord]:
        """Unfinished tasks, see `tasks`, and on request the unfetched ones, see `unfetched`.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        condition = f"{_UNFINISHED} OR {_UNFETCHED}" if include_unfetched else _UNFINISHED
        return self._select(condition, {}, gateway)

    def unknown(self, *, gateway: str | None = None) -> list[SubmissionRecord]:
        """Submissions without a task id that may have been charged, newest first.

        They include requests that another process has in flight.

        Args:
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        return self._select("state IN ('INTENDED', 'UNKNOWN')", {}, gateway)

    def find(
        self,
        task_id: str,
        *,
        gateway: str | None = None,
        timeout: float = JOURNAL_READ_TIMEOUT,
    ) -> SubmissionRecord | None:
        """The submission of a task, or None.

        Args:
            task_id: The task's id.
            gateway: Only if it was sent to this gateway, since another gateway's task may have the
                same id; None for all gateways.
            timeout: Seconds to wait while another process holds the file's lock.

        Raises:
            ConfigurationError: The file cannot be read, or the submission's row is damaged.
        """

        def fail(row: UnreadableRecord) -> None:
            raise ConfigurationError(
                f"journal {self.path} cannot be read: {row}", setting="journal"
            )

        condition, values = "task_id = :task_id", {"task_id": task_id}
        records = self._select(condition, values, gateway, 1, fail, timeout)
        return records[0] if records else None

    def close(self) -> None:
        """Write the entries that are still in memory and close the file; the next use opens it.

        Entries that cannot be written are logged, and stay in memory.
        """
        if self._pending:
            try:
                self._retry(self._write_pending, JOURNAL_TIMEOUT)
            except (OSError, ConfigurationError, sqlite3.Error) as error:
                self._log_pending(error)
        with self._lock:
            self._disconnect()

    def reset_after_fork(self) -> None:
        """Leave connection, lock and entries of the parent to the parent; called in a child."""
        self._lock = threading.RLock()
        if self._database is not None:
            _inherited.append(self._database)
        self._database = None
        self._pending = deque()

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"

    def _retry(self, attempt: Callable[[], T], timeout: float) -> T:
        """Repeat an attempt while another process holds the file's lock.

        The journal's own lock is free between attempts, so that no thread waits for another one's
        timeout.
        """
        end = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                remaining = end - time.monotonic()
                if not is_busy(error) or remaining <= 0:
                    raise
            time.sleep(min(pause, remaining))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _open(self) -> None:
        with self._lock:
            self._connect()

    def _connect(self) -> sqlite3.Connection:
        """The connection to the file that is now at the path; the lock is held.

        Raises:
            sqlite3.OperationalError: Another process holds the file's lock.
            ConfigurationError: The file cannot be opened.
        """
        if self._database is not None and not self._database.is_in_place():
            # Before the old file is closed: afterwards its inode may be the new file's.
            self._note_replacement(self._database.is_moved())
            self._disconnect()
        if self._database is None:
            self._database = self._open_database()
            if self._identity not in {None, self._database.identity}:
                self._note_replacement(not self._was_replaced)
            self._identity = self._database.identity
        return self._database.connection

    def _note_replacement(self, is_news: bool) -> None:
        self._was_replaced = True
        if is_news:
            logger.warning(
                "journal %s was removed or replaced while it was in use; what this process recorded"
                " is written again, entries of other processes may be missing",
                self.path,
            )

    def _open_database(self) -> Database:
        try:
            return open_database(self.path)
        except (OSError, ValueError, sqlite3.Error) as error:
            if is_busy(error):
                raise
            raise self._opening_error(error) from error

    def _opening_error(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"journal {self.path} cannot be opened: {error}", setting="journal"
        )

    def _disconnect(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.connection.close()

    def _write_after_pending(self, write: Write) -> None:
        with self._lock:
            db = self._connect()
            self._catch_up(db)
            if write.is_intent:
                # A damaged file must not be found after the request has been paid for.
                check_schema(db)
            self._apply(db, write)
            # If the file was replaced meanwhile, the write went into the old one.
            self._catch_up(self._connect())

    def _write_pending(self) -> None:
        with self._lock:
            self._catch_up(self._connect())

    def _catch_up(self, db: sqlite3.Connection) -> None:
        """Write what a replaced file lacks, and the entries that could not be written so far."""
        if self._was_replaced:
            for writes in self._recent:
                self._restore(db, writes)
            self._was_replaced = False
        while self._pending:
            write = self._pending[0]
            try:
                self._apply(db, write)
            except (OverflowError, ValueError, sqlite3.Error) as error:
                if _is_recoverable(error):
                    raise
                logger.warning(
                    "journal %s: not written: %s (%s)", self.path, write.description, error
                )
            # A signal handler may have written it meanwhile.
            if self._pending and self._pending[0] is write:
                self._pending.popleft()
            if not self._pending:
                atexit.unregister(self.close)

    def _apply(self, db: sqlite3.Connection, write: Write) -> None:
        """Execute an entry's statements, each of which SQLite commits by itself (autocommit)."""
        for statement in write.statements:
            is_lost = db.execute(statement.sql, statement.values).rowcount == 0
            if is_lost and statement.updates_submission:
                self._update_lost(db, write, statement)
        self._recent.remember(write)

    def _update_lost(self, db: sqlite3.Connection, write: Write, statement: Statement) -> None:
        """Write a submission again that is not in the file, and repeat its update."""
        writes = self._recent.find(write)
        if writes:
            self._restore(db, writes)
        elif write.key is None:
            # A task that was not created with this journal has no row to update.
            return
        if db.execute(statement.sql, statement.values).rowcount == 0:
            raise MissingSubmissionError(f"the journal has no request {write.key or ''}".rstrip())

    def _restore(self, db: sqlite3.Connection, writes: list[Write]) -> None:
        """Write a submission again, unless the file has it: another process may have updated it."""
        with contextlib.suppress(sqlite3.IntegrityError):
            for write in writes:
                for statement in write.statements:
                    db.execute(statement.sql, statement.values)

    def _keep(self, write: Write) -> None:
        with self._lock:
            if not self._pending:
                # A program that ends without closing its client.
                atexit.register(self.close)
            self._pending.append(write)

    def _log_pending(self, error: Exception) -> None:
        logger.warning(
            "journal %s cannot be written (%s). Not recorded: %s",
            self.path,
            error,
            "; ".join(write.description for write in list(self._pending)),
        )

    def _select(
        self,
        condition: str,
        values: Mapping[str, str],
        gateway: str | None,
        limit: int | None = None,
        on_unreadable: OnUnreadable | None = None,
        timeout: float = JOURNAL_READ_TIMEOUT,
    ) -> list[SubmissionRecord]:
        """Select submissions with their saved files, in one query.

        The query returns one row for each saved file of a submission, and one row for a submission
        without files. The limit counts submissions, so it is inside the subquery.
        """
        # `condition` is one of the literals in the methods above, never data.
        query = f"""
            SELECT found.*, file.path FROM (
                SELECT {_COLUMNS}, rowid AS place,
                    {_UNSAVED_COUNT} AS unsaved, {_UNFETCHED} AS unfetched
                FROM submission
                WHERE ({condition}) AND (:gateway IS NULL OR base_url = :gateway)
                ORDER BY created_at DESC, place DESC LIMIT :limit
            ) AS found LEFT JOIN file ON file.task_id = found.task_id AND size <> :not_saved
            ORDER BY created_at DESC, place DESC, number"""  # noqa: S608
        parameters = {
            **values,
            "gateway": None if gateway is None else redact_url(gateway),
            "limit": -1 if limit is None else limit,
            "not_saved": NOT_SAVED,
            "since": time.time() - OUTPUT_LIFETIME,
        }
        try:
            rows = self._retry(partial(self._fetch, query, parameters), timeout)
        except (sqlite3.Error, UnicodeError) as error:
            raise ConfigurationError(
                f"journal {self.path} cannot be read: {error}", setting="journal"
            ) from error
        return self._parse_rows(rows, on_unreadable or self._log_unreadable)

    def _fetch(
        self, query: str, parameters: Mapping[str, str | int | float | None]
    ) -> list[sqlite3.Row]:
        with self._lock:
            db = self._connect()
            # A file that cannot be written can still be read.
            with contextlib.suppress(sqlite3.Error):
                self._catch_up(db)
            return db.execute(query, parameters).fetchall()

    def _parse_rows(
        self, rows: list[sqlite3.Row], on_unreadable: OnUnreadable
    ) -> list[SubmissionRecord]:
        records: list[SubmissionRecord] = []
        for _, group in groupby(rows, lambda row: row["place"]):
            record = parse_record(list(group))
            if isinstance(record, UnreadableRecord):
                on_unreadable(record)
            else:
                records.append(record)
        return records

    def _log_unreadable(self, row: UnreadableRecord) -> None:
        logger.warning("journal %s: %s; it is left out", self.path, row)


def _is_recoverable(error: Exception) -> bool:
    """Whether the same entry may be written later: a lock ends, a disk gets space."""
    permanent = (
        MissingSubmissionError,
        sqlite3.DataError,
        sqlite3.IntegrityError,
        sqlite3.NotSupportedError,
        sqlite3.ProgrammingError,
    )
    recoverable = (OSError, ConfigurationError, sqlite3.DatabaseError)
    return isinstance(error, recoverable) and not isinstance(error, permanent)
