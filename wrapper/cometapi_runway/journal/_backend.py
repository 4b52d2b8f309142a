"""What the journal asks of its storage; `_sqlite` and `_postgres` are the two backends.

A backend knows its database's driver, its locks and its errors. It decides nothing: which entry is
written, when it is tried again and what a refused claim means is `Journal`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from attrs import frozen

SQLValue: TypeAlias = str | bytes | int | float | None


class StorageError(Exception):
    """The database did not carry out a statement.

    Attributes:
        is_busy: Whether it may carry it out in a moment: another process holds a lock, or the
            server cannot be reached.
        is_permanent: Whether it can never carry it out: the statement or a value is wrong.
    """

    def __init__(self, message: str, *, is_busy: bool = False, is_permanent: bool = False) -> None:
        self.is_busy = is_busy
        self.is_permanent = is_permanent
        super().__init__(message)


class Row(Protocol):
    """One row of a result."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""
        ...


@frozen
class Statement:
    """One SQL statement, with its values.

    Attributes:
        sql: The statement, in SQL that both databases understand; values are ``:name``.
        values: Its values by name.
        updates_submission: Whether it changes the row of a submission, which must exist.
        is_synced: Whether it is on disk when it returns. Otherwise a power failure, but no end of
            the process, may lose it: the gateway still knows what it says.
    """

    sql: str
    values: Mapping[str, SQLValue]
    updates_submission: bool = False
    is_synced: bool = True


class Backend(Protocol):
    """A database with a journal's tables. Its methods are called by one thread at a time.

    Every method that uses the database raises `StorageError` if that fails, and
    `ConfigurationError` if the database cannot be opened.

    Attributes:
        name: The database in messages, without a password.
        row_order: The SQL expression by which rows are in the order of their insertion.
        was_replaced: Whether the database lacks what was written before, because its file was
            removed or replaced; the journal resets it.
    """

    name: str
    row_order: str
    was_replaced: bool

    def connect(self, timeout: float) -> None:
        """Open the database if it is not open, and notice a replaced one."""
        ...

    def check_tables(self) -> None:
        """Check that no table or column is missing, where another program can remove one."""
        ...

    def execute(
        self, statements: Sequence[Statement], timeout: float, *, lock: str | None = None
    ) -> list[int]:
        """Execute statements durably; return the number of rows that each one changed.

        Args:
            statements: What to execute, in order.
            timeout: Seconds that a lock of the server may take.
            lock: A name that only one process at a time holds while it executes, or None.
        """
        ...

    def fetch(self, query: str, values: Mapping[str, SQLValue], timeout: float) -> Sequence[Row]:
        """The rows of a query."""
        ...

    def get_owner(self) -> int | None:
        """A number of this process that `find_living` finds until the process ends, or None.

        None where the system has no locks; a process without a number counts as ended.
        """
        ...

    def find_living(self, owners: Collection[int], timeout: float) -> frozenset[int]:
        """Which of these numbers belong to processes that are running."""
        ...

    def close(self) -> None:
        """Close the database; `connect` opens it again."""
        ...

    def abandon(self) -> None:
        """Leave the connection to the parent process; called in a forked child."""
        ...
