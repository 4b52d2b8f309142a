"""The journal in a PostgreSQL database, for processes on any number of machines.

A statement and what belongs to it go to the server in one pipeline: one round trip. The process
holds a session lock with a number of its own, which the server ends with the connection.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import DictRow, dict_row

from cometapi_runway._core.redaction import redact_database_url, redact_text
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._backend import SQLValue, Statement, StorageError
from cometapi_runway.journal._schema import INDEXES_V2, POSTGRES_TABLES, SCHEMA_VERSION

T = TypeVar("T")

_SCHEMA: Final = "cometapi_runway"
"""The tables have a schema of their own, so that they may share a database with others."""
_LOCK_CLASS: Final = 0x4352574A
"""The first half of the session locks' key: SQLite's application id of a journal."""
_MAX_OWNER: Final = 2**31 - 1
_CONNECT_TIMEOUT: Final = 5
"""Seconds to connect; libpq takes whole seconds from 2."""
_DEAD_CONNECTION: Final = 10_000
"""Milliseconds after which a connection counts as broken whose server acknowledges nothing."""
_LONGEST_INT: Final = 2**31 - 1
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
    "length": "int",
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

_inherited: list[psycopg.Connection[DictRow]] = []
"""In a forked child, the parent's connections: to close one would end the parent's session."""


class PostgresBackend:
    """A journal in a PostgreSQL database; see `Backend`."""

    row_order = "submission.place"

    def __init__(self, url: Secret) -> None:
        self.name = redact_database_url(url.reveal()) or "postgresql://"
        self.was_replaced = False
        self._url = url
        self._connection: psycopg.Connection[DictRow] | None = None
        self._owner = _draw_owner()

    def connect(self, timeout: float) -> None:
        """Connect, unless a connection is open; create the tables in a new database."""
        if self._connection is not None and self._connection.closed:
            self.close()
        if self._connection is None:
            self._connection = self._open()

    def check_tables(self) -> None:
        """Nothing: a table can only be missing if an administrator has removed it."""

    def execute(
        self, statements: Sequence[Statement], timeout: float, *, lock: str | None = None
    ) -> list[int]:
        """Execute statements in one transaction and one round trip."""

        def execute_all(connection: psycopg.Connection[DictRow]) -> list[int]:
            with connection.pipeline(), connection.transaction():
                _limit_time(connection, timeout)
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
            with connection.pipeline(), connection.transaction():
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
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None
        self._owner = _draw_owner()

    def _open(self) -> psycopg.Connection[DictRow]:
        try:
            connection = psycopg.Connection[DictRow].connect(
                self._url.reveal(),
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=_CONNECT_TIMEOUT,
                tcp_user_timeout=_DEAD_CONNECTION,
                fallback_application_name="cometapi-runway",
            )
        except psycopg.OperationalError as error:
            # The server may be starting; a wrong name or password is told in the same class.
            raise StorageError(self._describe(error), is_busy=True) from None
        except (psycopg.Error, ValueError) as error:
            raise ConfigurationError(
                f"journal {self.name} cannot be opened: {self._describe(error)}", setting="journal"
            ) from None
        try:
            _prepare(connection, self._owner)
        except psycopg.Error as error:
            connection.close()
            if isinstance(error, psycopg.OperationalError):
                raise StorageError(self._describe(error), is_busy=True) from None
            raise ConfigurationError(
                f"journal {self.name} cannot be opened: {self._describe(error)}", setting="journal"
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _run(self, use: Callable[[psycopg.Connection[DictRow]], T]) -> T:
        connection = self._connection
        if connection is None:
            raise StorageError("the connection is closed", is_busy=True)
        try:
            return use(connection)
        except (psycopg.Error, OverflowError, ValueError) as error:
            is_broken = connection.closed or connection.broken
            if is_broken:
                self.close()
            raise StorageError(
                self._describe(error),
                is_busy=is_broken or isinstance(error, _BUSY),
                is_permanent=isinstance(error, _PERMANENT),
            ) from None
        except BaseException:
            # An interruption may have come in the middle of a pipeline.
            self.close()
            raise

    def _describe(self, error: Exception) -> str:
        """The error's first line, without the password."""
        password = urlsplit(self._url.reveal()).password
        text = str(error).strip().split("\n", 1)[0]
        return redact_text(text if not password else text.replace(password, "[hidden]"))


def _draw_owner() -> int:
    return 1 + secrets.randbelow(_MAX_OWNER - 1)


def _prepare(connection: psycopg.Connection[DictRow], owner: int) -> None:
    """Take the session lock, and create the tables or check their version."""
    # `public` stays for extensions. The user's own search path is not used: every machine must
    # find the same tables.
    connection.execute(f"SET search_path TO {_SCHEMA}, public")
    connection.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (_LOCK_CLASS, owner))
    if _read_version(connection) == SCHEMA_VERSION:
        return
    with connection.transaction():
        # One process at a time creates the tables.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_CLASS,))
        version = _read_version(connection)
        if version == SCHEMA_VERSION:
            return
        if version is not None:
            raise psycopg.NotSupportedError(
                f"it has schema version {version}; this package reads version {SCHEMA_VERSION}"
            )
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        for statement in (POSTGRES_TABLES + INDEXES_V2).split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("INSERT INTO journal_version VALUES (%s)", (SCHEMA_VERSION,))


def _read_version(connection: psycopg.Connection[DictRow]) -> int | None:
    """The version of the tables, or None if there are none."""
    table = f"{_SCHEMA}.journal_version"
    row = connection.execute("SELECT to_regclass(%s) AS name", (table,)).fetchone()
    if row is None or row["name"] is None:
        return None
    row = connection.execute(f"SELECT version FROM {table}").fetchone()  # noqa: S608
    return None if row is None else int(row["version"])


def _limit_time(connection: psycopg.Connection[DictRow], timeout: float) -> None:
    """Have the server give up what takes longer in this transaction, such as a lock."""
    milliseconds = min(max(int(timeout * 1000), 1), _LONGEST_INT)
    connection.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))


@cache
def _translate(sql: str) -> bytes:
    """A statement with the driver's placeholders, each with its type."""
    escaped = sql.replace("%", "%%")
    return _PLACEHOLDER.sub(
        lambda match: f"%({match[1]})s::{_TYPES.get(match[1], 'text')}", escaped
    ).encode()


def _convert_values(values: Mapping[str, SQLValue]) -> dict[str, SQLValue]:
    """Values as the columns want them: paths as bytes, large seeds as numbers."""
    converted = dict(values)
    if isinstance(path := values.get("path"), str):
        converted["path"] = os.fsencode(path)
    if isinstance(seed := values.get("seed"), bytes):
        converted["seed"] = int(seed)
    return converted
