"""Which workers live: each holds a lock that ends with it, and the others look at the locks.

On one machine a locked file admits one process to a batch. On many, every worker's session with the
PostgreSQL server holds an advisory lock on the worker's number.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cometapi_runway._core.file_locks import lock_file, unlock_file
from cometapi_runway.errors import ConfigurationError

_WORKER_LOCKS: Final = 0x43525757
_RUN_LOCKS: Final = 0x43525752
"""Classes of advisory locks: of living workers, and of batches whose results are being written."""
_RECOVERY_LOCK: Final = 0x43525759_00000000
"""The lock of the worker that takes up the chunks of dead ones."""


class Leases(Protocol):
    """The locks of one process."""

    grace: float

    def keep(self) -> bool:
        """Hold this worker's lease, taking it again if it was lost; False while that fails."""
        ...

    def find_living(self) -> frozenset[str]:
        """The workers that hold a lease."""
        ...

    def begin_recovery(self) -> bool:
        """Become the one worker that takes up the chunks of dead ones; False if another is."""
        ...

    def end_recovery(self) -> None:
        """Let other workers look."""
        ...

    def release(self) -> None:
        """End every lock."""
        ...


class FileLease:
    """The one process that may run a batch on this machine.

    Args:
        path: The file to lock.
        worker: The worker's number.

    Raises:
        ConfigurationError: Another process runs the batch.
    """

    grace = 0.0

    def __init__(self, path: Path, worker: str, batch: str) -> None:
        self._worker = worker
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("a+b")
        try:
            lock_file(self._file)
        except OSError as error:
            self._file.seek(0)
            owner = self._file.read(20).decode(errors="replace").strip() or "unknown"
            self._file.close()
            raise ConfigurationError(
                f"batch {batch!r} is run by another process (number {owner}); one process at a "
                "time runs a batch, unless a postgresql:// database holds it",
                setting="name",
            ) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n".encode())
        self._file.flush()

    def keep(self) -> bool:
        """Hold the lock, which only ends with the process."""
        return True

    def find_living(self) -> frozenset[str]:
        """This worker alone."""
        return frozenset({self._worker})

    def begin_recovery(self) -> bool:
        """There is no other worker."""
        return True

    def end_recovery(self) -> None:
        """Nothing: there is no other worker."""

    def release(self) -> None:
        """Unlock the file."""
        unlock_file(self._file)
        self._file.close()


def is_file_leased(path: Path) -> bool:
    """Whether a process holds the lease of this file.

    A process that asks for it at the same instant is refused, which is as unlikely as it is
    harmless: it can be started again.
    """
    try:
        with path.open("r+b") as file:
            lock_file(file)
            unlock_file(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def is_run_leased(engine: sa.Engine, batch: str) -> bool:
    """Whether a process of any machine writes the results of a batch."""
    # The server shows the signed hash as an unsigned number.
    query = sa.text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
        "AND classid::bigint = :lock_class "
        "AND objid::bigint = (hashtext(:batch)::bigint & 4294967295) "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with engine.connect() as db:
        values = {"lock_class": _RUN_LOCKS, "batch": batch}
        return bool(db.execute(query, values).scalar())


class PostgresLease:
    """A worker's lease, and the right to write a batch's results, as locks of one session.

    Args:
        engine: The database. Its sessions must end soon after their machine is gone.
        worker: The worker's number, below 2**31.
        batch: The batch whose results this process writes, or None.

    Raises:
        ConfigurationError: Another process writes the results of the batch.
    """

    grace = 10.0

    def __init__(self, engine: sa.Engine, worker: str, batch: str | None = None) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._worker = int(worker)
        self._batch = batch
        self._lock = threading.Lock()
        self._session: sa.Connection | None = self._open()

    def keep(self) -> bool:
        """Hold the lease, in a new session if the old one has ended; False while that fails."""
        with self._lock:
            try:
                if self._session is None:
                    self._session = self._open()
                self._ask(self._session, sa.select(1))
            except (SQLAlchemyError, ConfigurationError):
                return False
            return True

    def find_living(self) -> frozenset[str]:
        """The numbers that sessions of this database have locked."""
        query = sa.text(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND objsubid = 2 AND classid::bigint = :lock_class AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        with self._engine.connect() as db:
            found = db.execute(query, {"lock_class": _WORKER_LOCKS}).scalars()
            return frozenset(str(number) for number in found)

    def begin_recovery(self) -> bool:
        """Take the lock of those that recover.

        Without it, a worker with an old list would take a chunk from the one that took it up.
        """
        with self._lock:
            if self._session is None:
                return False
            taken = sa.select(sa.func.pg_try_advisory_lock(_RECOVERY_LOCK))
            return bool(self._ask(self._session, taken))

    def end_recovery(self) -> None:
        """Give the lock back."""
        with self._lock:
            if self._session is not None:
                self._ask(self._session, sa.select(sa.func.pg_advisory_unlock(_RECOVERY_LOCK)))

    def release(self) -> None:
        """End the session, and with it the locks."""
        with self._lock:
            self._close()

    def _ask(self, session: sa.Connection, query: sa.Select[Any]) -> object:
        try:
            return session.execute(query).scalar()
        except SQLAlchemyError:
            # A session that was lost in one statement refuses all others, with other errors.
            self._close()
            raise

    def _open(self) -> sa.Connection:
        session = self._engine.connect()
        try:
            session.execute(sa.select(sa.func.pg_advisory_lock(_WORKER_LOCKS, self._worker)))
            if self._batch is not None:
                self._take_run(session, self._batch)
        except BaseException:
            session.invalidate()
            session.close()
            raise
        return session

    def _take_run(self, session: sa.Connection, batch: str) -> None:
        name = sa.func.hashtext(batch)
        taken = session.execute(sa.select(sa.func.pg_try_advisory_lock(_RUN_LOCKS, name)))
        if not taken.scalar():
            raise ConfigurationError(
                f"batch {batch!r} is run by another process; `batch work` adds a worker to it",
                setting="name",
            )

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            # Not back into the pool: its locks would live on.
            session.invalidate()
            session.close()
