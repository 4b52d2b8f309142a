"""The journal's database in one process: its lock, retries, and entries that are not written yet.

An entry that cannot be written now is kept and written, in order, with the next use. What this
process wrote about its latest submissions is written again if the file is removed or replaced.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from attrs import evolve

from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._flows.entries import Conflict
from cometapi_runway._settings import JOURNAL_READ_TIMEOUT, JOURNAL_TIMEOUT, RECALL_TIMEOUT
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._backend import Backend, Row, SQLValue, Statement, StorageError
from cometapi_runway.journal._conflicts import find_conflict
from cometapi_runway.journal._recent import RecentSubmissions
from cometapi_runway.journal._statements import Write

T = TypeVar("T")

logger = logging.getLogger("cometapi_runway.journal")

_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
"""Seconds between two attempts while another process holds a lock of the database."""
_CLAIM_ATTEMPTS: Final = 5
"""How often an intent is tried whose obstacle is gone when it is looked for."""


class PendingEntryError(StorageError):
    """An entry is not on disk yet; this process keeps it and writes it later."""


class MissingSubmissionError(StorageError):
    """An entry is about a submission that is not in the file, and not known to this process."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_permanent=True)


class JournalDatabase:
    """A backend that threads share.

    Args:
        backend: The database; it is opened.

    Attributes:
        backend: The database.

    Raises:
        ConfigurationError: It cannot be opened.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        # Reentrant, because a signal handler may use the journal while its own thread holds the
        # lock. It is held by a plain `with` only: after Ctrl-C inside a generator's context
        # manager, the traceback would keep the generator alive and the lock held.
        self._lock = threading.RLock()
        self._pending: deque[Write] = deque()
        self._recent = RecentSubmissions()
        self._unreadable_until = 0.0
        register_fork_aware(self)
        try:
            self._retry(self._open, JOURNAL_READ_TIMEOUT)
        except StorageError as error:
            raise ConfigurationError(
                f"journal {backend.name} cannot be opened: {error}", setting="journal"
            ) from error

    def write(self, write: Write, timeout: float) -> Conflict | None:
        """Write an entry; see `Journal.write`."""
        if self._pending and not write.is_intent:
            # The file could not be written a moment ago. Many waits that end now would each wait
            # for it in turn.
            timeout = 0.0
        try:
            return self._retry(partial(self._write_after_pending, write), timeout)
        except (ConfigurationError, StorageError) as error:
            if write.is_intent or not _is_recoverable(error):
                raise
            self._keep(write)
            raise PendingEntryError(
                f"{error}; the entry is kept in memory and written with the next use of the "
                "journal, or when it is closed"
            ) from error

    def fetch(self, query: str, values: Mapping[str, SQLValue], timeout: float) -> list[Row]:
        """The rows of a query.

        Raises:
            ConfigurationError: The database cannot be read.
        """

        def fetch_rows(backend: Backend, remaining: float) -> list[Row]:
            # A file that cannot be written can still be read.
            with contextlib.suppress(StorageError):
                self._catch_up(remaining)
            return list(backend.fetch(query, values, remaining))

        return self.read(fetch_rows, timeout)

    def read(self, use: Callable[[Backend, float], T], timeout: float) -> T:
        """Use the open database, with the seconds that remain.

        Raises:
            ConfigurationError: It cannot be read.
        """
        if timeout <= RECALL_TIMEOUT and time.monotonic() < self._unreadable_until:
            # It could not be read a moment ago. Many waits that begin now would each wait for it
            # in turn, for what they can do without.
            timeout = 0.0
        try:
            return self._retry(partial(self._use, use), timeout)
        except StorageError as error:
            if error.is_busy:
                self._unreadable_until = time.monotonic() + RECALL_TIMEOUT
            raise ConfigurationError(
                f"journal {self.backend.name} cannot be read: {error}", setting="journal"
            ) from error

    def execute(self, statement: Statement, timeout: float) -> int:
        """Execute a statement that belongs to no entry; return the number of changed rows.

        Raises:
            ConfigurationError: The database cannot be written.
        """

        def execute_one(backend: Backend, remaining: float) -> int:
            return backend.execute([statement], remaining)[0]

        try:
            return self._retry(partial(self._use, execute_one), timeout)
        except StorageError as error:
            raise ConfigurationError(
                f"journal {self.backend.name} cannot be written: {error}", setting="journal"
            ) from error

    def close(self) -> None:
        """Write the pending entries and close the database; see `Journal.close`."""
        if self._pending:
            try:
                self._retry(self._write_pending, JOURNAL_TIMEOUT)
            except (ConfigurationError, StorageError) as error:
                self._log_pending(error)
        with self._lock:
            self.backend.close()

    def reset_after_fork(self) -> None:
        """Leave connection, lock and entries of the parent to the parent; called in a child."""
        self._lock = threading.RLock()
        self.backend.abandon()
        self._pending = deque()

    def _retry(self, attempt: Callable[[float], T], timeout: float) -> T:
        """Repeat an attempt while another process holds the file's lock.

        The journal's own lock is free between attempts, so that no thread waits for another one's
        timeout. An attempt is called with the seconds that remain.
        """
        end = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return attempt(max(end - time.monotonic(), 0.0))
            except StorageError as error:
                remaining = end - time.monotonic()
                if not error.is_busy or remaining <= 0:
                    raise
            time.sleep(min(pause, remaining))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _open(self, timeout: float) -> None:
        with self._lock:
            self.backend.connect(timeout)

    def _use(self, use: Callable[[Backend, float], T], timeout: float) -> T:
        with self._lock:
            self.backend.connect(timeout)
            return use(self.backend, timeout)

    def _write_after_pending(self, write: Write, timeout: float) -> Conflict | None:
        with self._lock:
            self.backend.connect(timeout)
            self._catch_up(timeout)
            if write.claim is None:
                self._apply(write, timeout)
            elif conflict := self._claim(write, write.claim, timeout):
                return conflict
            # If the file was replaced meanwhile, the write went into the old one.
            self.backend.connect(timeout)
            self._catch_up(timeout)
            return None

    def _write_pending(self, timeout: float) -> None:
        with self._lock:
            self.backend.connect(timeout)
            self._catch_up(timeout)

    def _catch_up(self, timeout: float) -> None:
        """Write what a replaced file lacks, and the entries that could not be written so far."""
        if self.backend.was_replaced:
            for writes in self._recent:
                self._restore(writes, timeout)
            self.backend.was_replaced = False
        while self._pending:
            write = self._pending[0]
            try:
                self._apply(write, timeout)
            except StorageError as error:
                if _is_recoverable(error):
                    raise
                logger.warning(
                    "journal %s: not written: %s (%s)", self.backend.name, write.description, error
                )
            # A signal handler may have written it meanwhile.
            if self._pending and self._pending[0] is write:
                self._pending.popleft()
            if not self._pending:
                atexit.unregister(self.close)

    def _claim(self, write: Write, claim: Statement, timeout: float) -> Conflict | None:
        """Write an intent, or find out what is in the way."""
        # A damaged file must not be found after the request has been paid for.
        self.backend.check_tables()
        claim = evolve(claim, values={**claim.values, "owner": self.backend.get_owner()})
        for _ in range(_CLAIM_ATTEMPTS):
            (changed,) = self.backend.execute([claim], timeout, lock=write.lock)
            if changed or self._is_written(write, timeout):
                self._recent.remember(write)
                return None
            conflict = find_conflict(self.backend, write, timeout)
            if conflict is not None:
                return conflict
        raise StorageError("other processes use the same key or budget at once", is_busy=True)

    def _is_written(self, write: Write, timeout: float) -> bool:
        """Whether an intent is in the database already.

        An earlier attempt may have written it whose connection broke before the server answered.
        """
        query = "SELECT 1 FROM submission WHERE key = :key"
        return bool(self.backend.fetch(query, {"key": write.key}, timeout))

    def _apply(self, write: Write, timeout: float) -> None:
        """Execute an entry's statements."""
        counts = self.backend.execute(write.statements, timeout)
        for statement, count in zip(write.statements, counts, strict=True):
            if count == 0 and statement.updates_submission:
                self._update_lost(write, statement, timeout)
        self._recent.remember(write)

    def _update_lost(self, write: Write, statement: Statement, timeout: float) -> None:
        """Write a submission again that is not in the file, and repeat its update."""
        writes = self._recent.find(write)
        if writes:
            self._restore(writes, timeout)
        elif write.key is None:
            # A task that was not created with this journal has no row to update.
            return
        if self.backend.execute([statement], timeout) == [0]:
            raise MissingSubmissionError(f"the journal has no request {write.key or ''}".rstrip())

    def _restore(self, writes: list[Write], timeout: float) -> None:
        """Write a submission again, unless the file has it: another process may have updated it."""
        for write in writes:
            counts = self.backend.execute(write.statements, timeout)
            if write.is_intent and counts == [0]:
                return

    def _keep(self, write: Write) -> None:
        with self._lock:
            if not self._pending:
                # A program that ends without closing its client.
                atexit.register(self.close)
            self._pending.append(write)

    def _log_pending(self, error: Exception) -> None:
        logger.warning(
            "journal %s cannot be written (%s). Not recorded: %s",
            self.backend.name,
            error,
            "; ".join(write.description for write in list(self._pending)),
        )


def _is_recoverable(error: Exception) -> bool:
    """Whether the same entry may be written later: a lock ends, a disk gets space."""
    return not (isinstance(error, StorageError) and error.is_permanent)
