"""The journal in a PostgreSQL database, for processes on any number of machines.

A statement and what belongs to it go to the server in one pipeline: one round trip. The process
holds a session lock with a number of its own, which the server ends with the connection.
"""

from __future__ import annotations

import os
import re
import secrets
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn, Ping
from psycopg.rows import DictRow, dict_row

from cometapi_runway._core.redaction import HIDDEN, redact_database_url, redact_text
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._backend import SQLValue, Statement, StorageError
from cometapi_runway.journal._schema import (
    INDEXES_V2,
    POSTGRES_TABLES,
    SCHEMA_VERSION,
    V2_TO_V3,
)

T = TypeVar("T")

_SCHEMA: Final = "cometapi_runway"
"""The tables have a schema of their own, so that they may share a database with others."""
_LOCK_CLASS: Final = 0x4352574A
"""The first half of the session locks' key: SQLite's application id of a journal."""
_MAX_OWNER: Final = 2**31 - 1
_CONNECT_TIMEOUT: Final = 2
"""Seconds to connect: the shortest time that libpq takes."""
_DEAD_CONNECTION: Final = 10_000
"""Milliseconds after which a connection counts as broken whose server acknowledges nothing."""
_LOCK_SLICE: Final = 0.2
"""Seconds that the server waits for a lock at a time: the journal's own lock is held meanwhile, and
another thread may need no lock of the server."""
_SLOWEST_STATEMENT: Final = 1.0
"""Seconds that a statement may take which needs not wait for a lock, however near a deadline is."""
_LONGEST_TIME: Final = 2_000_000.0
"""Seconds that fit into the server's limits, which are milliseconds in 32 bits."""
_LONGEST_HARMLESS: Final = 2
"""Characters of a piece of a password that tell nothing, and occur in words."""
_PLACEHOLDER: Final = re.compile(r"(?<!:):([a-z_]+)")
# The server cannot tell a value's type everywhere it stands, such as in `SELECT :price`.
_TYPES: Final = {
    "seed": "numeric",
    "created_at": "float8",
    "created_before": "float8",
    "ended_at": "float8",
    "now": "float8",
    "since": "float8",
    "time": "float8",
    "process": "int",
    "owner": "int",
    "index": "int",
    "size": "bigint",
    "not_saved": "bigint",
    "price": "bigint",
    "max_cost": "bigint",
    "max_tasks": "bigint",
    "limit": "bigint",
    "after": "bigint",
    "lock_class": "bigint",
    "path": "bytea",
}
_BUSY: Final = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)
_PERMANENT: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.NotSupportedError,
    psycopg.ProgrammingError,
    OverflowError,
    ValueError,
)


_ERRORS: Final = (psycopg.Error, OverflowError, ValueError)


class _Connection(psycopg.Connection[DictRow]):
    """A connection that is closed silently when it is freed, as a journal's file is."""

    def __del__(self, *_: object) -> None:
        """Nothing: libpq's own object closes itself, but not in a forked child."""


class PostgresBackend:
    """A journal in a PostgreSQL database; see `Backend`."""

    row_order = "submission.place"

    def __init__(self, url: Secret) -> None:
        self.name = redact_database_url(url.reveal()) or HIDDEN
        self.was_replaced = False
        self._url = url
        self._connection: psycopg.Connection[DictRow] | None = None
        self._owner = _draw_owner()
        self._has_connected = False
        self._failure: tuple[str, float] | None = None

    def connect(self, timeout: float) -> None:
        """Connect, unless a connection is open; create the tables in a new database."""
        if self._connection is not None and self._connection.closed:
            self.close()
        if self._connection is None:
            self._connection = self._open(timeout)

    def check_tables(self) -> None:
        """Nothing: a table can only be missing if an administrator has removed it."""

    def execute(
        self, statements: Sequence[Statement], timeout: float, *, lock: str | None = None
    ) -> list[int]:
        """Execute statements in one transaction and one round trip."""

        def execute_all(connection: psycopg.Connection[DictRow]) -> list[int]:
            # A pipeline is a transaction. psycopg's `transaction` would add three round trips.
            with connection.pipeline():
                _limit_time(connection, timeout)
                if not any(one.is_synced for one in statements):
                    connection.execute("SELECT set_config('synchronous_commit', 'off', true)")
                if lock is not None:
                    # Until the transaction ends; the next statement sees what others committed.
                    connection.execute(
                        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,)
                    )
                cursors = [
                    connection.execute(_translate(one.sql), _convert_values(one.values))
                    for one in statements
                ]
            return [cursor.rowcount for cursor in cursors]

        return self._run(execute_all)

    def fetch(
        self, query: str, values: Mapping[str, SQLValue], timeout: float
    ) -> list[dict[str, Any]]:
        """The rows of a query."""

        def fetch_all(connection: psycopg.Connection[DictRow]) -> list[dict[str, Any]]:
            with connection.pipeline():
                _limit_time(connection, timeout)
                cursor = connection.execute(_translate(query), _convert_values(values))
            return cursor.fetchall()

        return self._run(fetch_all)

    def get_owner(self) -> int | None:
        """This process's number, which its session has locked."""
        return self._owner

    def find_living(self, owners: Collection[int], timeout: float) -> frozenset[int]:
        """The numbers that sessions of this database have locked."""
        query = """SELECT objid::bigint AS owner FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2
                AND classid::bigint = :lock_class
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        rows = self.fetch(query, {"lock_class": _LOCK_CLASS}, timeout)
        return frozenset(owners) & {row["owner"] for row in rows}

    def close(self) -> None:
        """Close the connection, and with it the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Leave the connection and the number to the parent process."""
        self._connection = None
        self._owner = _draw_owner()

    def _open(self, timeout: float) -> psycopg.Connection[DictRow]:
        """Connect, unless that has failed a moment ago.

        A server that does not answer costs the whole time limit. It is not asked again for as
        long as the last attempt took, so that many threads do not wait for it in turn.
        """
        started = time.monotonic()
        if self._failure is not None and started < self._failure[1]:
            raise StorageError(self._failure[0], is_busy=True)
        self._failure = None
        try:
            connection = self._connect()
            self._prepare(connection, timeout)
        except StorageError as error:
            now = time.monotonic()
            self._failure = (str(error), now + (now - started))
            raise
        self._has_connected = True
        return connection

    def _connect(self) -> psycopg.Connection[DictRow]:
        try:
            return _Connection.connect(
                self._url.reveal(),
                autocommit=True,
                row_factory=dict_row,
                # psycopg takes a statement for prepared that a failed pipeline has left out, and
                # each later use of it fails. A connection pooler may not keep one either.
                prepare_threshold=None,
                connect_timeout=_CONNECT_TIMEOUT,
                tcp_user_timeout=_DEAD_CONNECTION,
                client_encoding="UTF8",
                fallback_application_name="cometapi-runway",
            )
        except BaseException as error:
            # psycopg's variables hold the password, which a traceback with locals shows.
            traceback.clear_frames(error.__traceback__)
            if not isinstance(error, psycopg.Error | ValueError):
                raise
            failure = self._make_error(error, may_pass=self._may_connect_later(error))
        # Outside the `except`, so that psycopg's error is not the context of this one.
        raise failure

    def _prepare(self, connection: psycopg.Connection[DictRow], timeout: float) -> None:
        try:
            _prepare(connection, self._owner, timeout)
        except psycopg.Error as error:
            connection.close()
            may_pass = isinstance(error, psycopg.OperationalError)
            raise self._make_error(error, may_pass=may_pass) from None
        except BaseException:
            connection.close()
            raise

    def _make_error(self, error: Exception, *, may_pass: bool) -> StorageError | ConfigurationError:
        problem = self._describe(error)
        if may_pass:
            return StorageError(problem, is_busy=True)
        return ConfigurationError(
            f"journal {self.name} cannot be opened: {problem}", setting="journal"
        )

    def _may_connect_later(self, error: Exception) -> bool:
        """Whether the server is starting, or cannot be reached; otherwise the URL is wrong.

        psycopg raises the same error for a wrong password. libpq's ping tells whether the server
        takes connections.
        """
        if not isinstance(error, psycopg.OperationalError):
            return False
        if self._has_connected or isinstance(error, psycopg.errors.ConnectionTimeout):
            # The URL is right: an administrator may have closed the database for a while.
            return True
        conninfo = make_conninfo(self._url.reveal(), connect_timeout=_CONNECT_TIMEOUT)
        ports = str(conninfo_to_dict(conninfo).get("port") or "").split(",")
        has_valid_ports = all(port.isdigit() for port in ports if port)
        return has_valid_ports and PGconn.ping(conninfo.encode()) != Ping.OK

    def _run(self, use: Callable[[psycopg.Connection[DictRow]], T]) -> T:
        connection = self._connection
        if connection is None:
            raise StorageError("the connection is closed", is_busy=True)
        try:
            return use(connection)
        except BaseException as error:
            interruption = _find_interruption(error)
            if interruption is not None or not isinstance(error, _ERRORS):
                # It may have come in the middle of a pipeline.
                self.close()
                raise interruption or error from None
            is_broken = connection.closed or connection.broken
            if is_broken:
                self.close()
            raise StorageError(
                self._describe(error),
                is_busy=is_broken or isinstance(error, _BUSY),
                is_permanent=isinstance(error, _PERMANENT),
            ) from None

    def _describe(self, error: Exception) -> str:
        """The error's first line, without the password."""
        text = str(error).strip().partition("\n")[0]
        return redact_text(_hide_password_in(text, self._url))


def _find_interruption(error: BaseException) -> BaseException | None:
    """The interruption during which an error was raised.

    psycopg leaves a pipeline after Ctrl-C, fails at that, and raises its own error instead.
    """
    found: BaseException | None = error
    while isinstance(found, Exception):
        found = found.__context__
    return found


def _draw_owner() -> int:
    return 1 + secrets.randbelow(_MAX_OWNER - 1)


def _prepare(connection: psycopg.Connection[DictRow], owner: int, timeout: float) -> None:
    """Take the session lock, and create the tables or check their version."""
    # A budget's sum must see what others committed before its lock was taken. Not psycopg's
    # `isolation_level`, which applies to transactions that psycopg begins.
    connection.execute("SET default_transaction_isolation TO 'read committed'")
    _limit_time(connection, timeout, is_local=False)
    # A commit is on disk when it returns, whatever the database's default is.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
    # `public` stays for extensions. The user's own search path is not used: every machine must
    # find the same tables.
    connection.execute(f"SET search_path TO {_SCHEMA}, public")
    # Shared: the server may not have noticed yet that an earlier session of this process is gone.
    connection.execute("SELECT pg_advisory_lock_shared(%s::int, %s::int)", (_LOCK_CLASS, owner))
    if _read_version(connection) == SCHEMA_VERSION:
        return
    with connection.transaction():
        # One process at a time creates the tables.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_CLASS,))
        version = _read_version(connection)
        if version == SCHEMA_VERSION:
            return
        if version not in {None, 2}:
            raise psycopg.NotSupportedError(
                f"it has schema version {version}; this package reads versions 2 to "
                f"{SCHEMA_VERSION}"
            )
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        tables = POSTGRES_TABLES + INDEXES_V2 if version is None else ""
        connection.execute((tables + V2_TO_V3).encode())
        connection.execute("DELETE FROM journal_version")
        connection.execute("INSERT INTO journal_version VALUES (%s)", (SCHEMA_VERSION,))


def _read_version(connection: psycopg.Connection[DictRow]) -> int | None:
    """The version of the tables, or None if there are none."""
    # Not `to_regclass`, which may answer from a cache that is older than the transaction's lock.
    query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'journal_version'"
    if connection.execute(query, (_SCHEMA,)).fetchone() is None:
        return None
    row = connection.execute(f"SELECT version FROM {_SCHEMA}.journal_version").fetchone()  # noqa: S608
    return None if row is None else int(row["version"])


def _limit_time(
    connection: psycopg.Connection[DictRow], timeout: float, *, is_local: bool = True
) -> None:
    """Have the server give up waiting for locks, and what takes longer than it ever does."""
    lock_time = min(max(timeout, 0.001), _LOCK_SLICE)
    statement_time = min(max(timeout, _SLOWEST_STATEMENT), _LONGEST_TIME)
    connection.execute(
        "SELECT set_config('lock_timeout', %s, %s), set_config('statement_timeout', %s, %s)",
        (_milliseconds(lock_time), is_local, _milliseconds(statement_time), is_local),
    )


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


@cache
def _translate(sql: str) -> bytes:
    """A statement with the driver's placeholders, each with its type."""
    return _PLACEHOLDER.sub(
        lambda match: f"%({match[1]})s::{_TYPES.get(match[1], 'text')}", sql
    ).encode()


def _convert_values(values: Mapping[str, SQLValue]) -> dict[str, SQLValue]:
    """Values as the columns want them: paths as bytes, large seeds as numbers."""
    converted = {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for name, value in values.items()
    }
    if isinstance(path := values.get("path"), str):
        converted["path"] = os.fsencode(path)
    if isinstance(seed := values.get("seed"), bytes):
        converted["seed"] = int(seed)
    return converted


def _hide_password_in(text: str, url: Secret) -> str:
    """A message of libpq, which quotes parts of a malformed URL, without the password."""
    # The URL has one @ at most, before which a ? belongs to the password: see `parse_location`.
    before, _, after = url.reveal().rpartition("@")
    hidden = [before.partition("://")[2].partition(":")[2]]
    for option in after.partition("?")[2].split("&"):
        name, _, value = option.partition("=")
        if "password" in unquote(name).lower():
            hidden.append(value)
    for secret in sorted(hidden, key=len, reverse=True):
        for form in (secret, unquote(secret)):
            if len(form) > _LONGEST_HARMLESS:
                text = text.replace(form, HIDDEN)
    return text
