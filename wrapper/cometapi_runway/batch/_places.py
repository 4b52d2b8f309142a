"""Where a batch keeps its records: a folder of this machine, or one PostgreSQL database for many.

The libraries of the extra `batch` are imported here and below, when the first batch is opened.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway._extras import LIBRARIES, requires_extra
from cometapi_runway.batch._outputs import is_remote
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal import Journal

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy import Engine as Database

    from cometapi_runway.batch._leases import Leases
    from cometapi_runway.batch._store import Store

_SESSION_OPTIONS: Final = (
    "-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"
)
"""The server notices within 12 seconds that a worker's machine is gone, and ends its lease."""
_POOL_SIZE: Final = 5


@frozen
class Place:
    """Where a batch keeps its records: one of the two.

    Attributes:
        data: A folder, which is also for files that only this machine needs.
        url: The database, with its password, or None.
    """

    data: Path
    url: Secret | None = None

    def open_store(self, name: str) -> Store:
        """Open the rows of a batch, and create their tables if need be.

        Raises:
            ConfigurationError: The database cannot be opened, or the extra is not installed.
        """
        _check_installed()
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - late: an extra's library

        from cometapi_runway.batch._store import Store  # noqa: PLC0415

        try:
            return Store(self._open_database(name))
        except (SQLAlchemyError, OSError) as error:
            # The text of a SQLAlchemy error holds the statement, and no password.
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            message = f"database: cannot be opened: {reason}"
            raise ConfigurationError(message, setting="database") from None

    def open_journal(self, journal: str | os.PathLike[str] | Journal | None) -> Journal:
        """Open the journal of a batch.

        Raises:
            ConfigurationError: It cannot be opened, or there is a database, which is the journal.
        """
        if self.url is not None:
            if journal is not None:
                raise ConfigurationError(
                    "journal: a batch with a database has its journal there", setting="journal"
                )
            return Journal(self.url.reveal())
        if isinstance(journal, Journal):
            return journal
        self.data.mkdir(parents=True, exist_ok=True)
        return Journal(self.data / "journal.sqlite3" if journal is None else journal)

    def get_engine_url(self, name: str) -> str:
        """The URL of the engine's database, with its password."""
        if self.url is not None:
            return _read_url(self.url).render_as_string(hide_password=False)
        return f"sqlite:///{(self.get_batch_folder(name) / 'engine.sqlite3').absolute()}"

    def get_batch_folder(self, name: str) -> Path:
        """The folder of one batch's records on this machine."""
        return self.data / "batches" / name

    @contextlib.contextmanager
    def lease(self, name: str | None, store: Store) -> Generator[tuple[str, Leases]]:
        """Hold the lease of a worker, and with a name the right to write a batch's results.

        Yields:
            The worker's number, and its lease.

        Raises:
            ConfigurationError: Another process runs the batch.
        """
        from cometapi_runway.batch._engine import draw_worker_number  # noqa: PLC0415 - late, as above
        from cometapi_runway.batch._leases import FileLease, PostgresLease  # noqa: PLC0415

        number = draw_worker_number()
        leases: Leases
        if self.url is not None:
            leases = PostgresLease(store.engine, number, name)
        else:
            folder = self.get_batch_folder(name or "")
            leases = FileLease(folder / "lock", number, name or "")
        try:
            yield number, leases
        finally:
            leases.release()

    def is_run(self, name: str, store: Store) -> bool:
        """Whether a process runs a batch; workers without it only finish what has begun."""
        from cometapi_runway.batch import _leases as leases  # noqa: PLC0415 - late, as above

        if self.url is not None:
            return leases.is_run_leased(store.engine, name)
        return leases.is_file_leased(self.get_batch_folder(name) / "lock")

    def list_names(self) -> Sequence[str]:
        """The names of the batches in the folder."""
        folder = self.data / "batches"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def _open_database(self, name: str) -> Database:
        from sqlalchemy import create_engine  # noqa: PLC0415 - late, as above

        if self.url is None:
            folder = self.get_batch_folder(name)
            folder.mkdir(parents=True, exist_ok=True)
            return create_engine(f"sqlite:///{(folder / 'rows.sqlite3').absolute()}")
        return create_engine(
            _read_url(self.url),
            pool_size=_POOL_SIZE,
            # A restart of the server breaks the connections in the pool.
            pool_pre_ping=True,
            connect_args={"options": _SESSION_OPTIONS, "connect_timeout": 10},
        )


def make_place(folder: str, data: str | os.PathLike[str] | None, database: Secret | None) -> Place:
    """Decide where a batch keeps its records.

    Args:
        folder: The batch's folder or its URL.
        data: The folder of records, or None for the default.
        database: The URL of the database, or None.

    Raises:
        ConfigurationError: The URL is not of PostgreSQL, or the folder is needed and not given.
    """
    if database is not None:
        check_database(database)
    if data is not None:
        return Place(Path(data).absolute(), database)
    if database is not None:
        return Place(Path(tempfile.gettempdir()) / DISTRIBUTION, database)
    if is_remote(folder):
        raise ConfigurationError(
            "data: a batch with a remote folder needs a folder of this machine for its records",
            setting="data",
            is_missing=True,
        )
    return Place(Path(folder) / f".{DISTRIBUTION}")


def check_database(database: Secret) -> None:
    """Check that a URL is of PostgreSQL.

    Raises:
        ConfigurationError: It is not.
    """
    scheme = urlsplit(database.reveal()).scheme
    if scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError(
            f"database: must be postgresql://USER@HOST/NAME, got a URL of {safe_repr(scheme)}",
            setting="database",
        )


def _read_url(url: Secret) -> URL:
    """A URL as libpq reads it, which the journal does, for SQLAlchemy, which reads some otherwise.

    Raises:
        ConfigurationError: It is malformed.
    """
    from psycopg import Error, conninfo  # noqa: PLC0415 - late: the libraries of an extra
    from sqlalchemy import URL  # noqa: PLC0415

    try:
        parts = conninfo.conninfo_to_dict(url.reveal())
    except Error as error:
        message = "database: is not a URL of PostgreSQL"
        raise ConfigurationError(message, setting="database") from error
    texts = {name: str(value) for name, value in parts.items() if value is not None}
    return URL.create(
        "postgresql+psycopg",
        username=texts.pop("user", None),
        password=texts.pop("password", None),
        database=texts.pop("dbname", None),
        query=texts,
    )


def _check_installed() -> None:
    # Before anything is opened; the libraries themselves are imported when they are needed.
    with requires_extra("batch", setting="batch"):
        for name in sorted(LIBRARIES["batch"]):
            if find_spec(name) is None:
                raise ModuleNotFoundError(name=name)
