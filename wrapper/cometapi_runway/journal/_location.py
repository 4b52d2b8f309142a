"""Where a journal is: the path of a file, or the URL of a database."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from attrs import frozen

from cometapi_runway._core.redaction import redact_database_url, redact_url, safe_repr
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import ConfigurationError, MissingExtraError
from cometapi_runway.journal._backend import Backend
from cometapi_runway.journal._sqlite import SqliteBackend

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_POSTGRES: Final = frozenset({"postgresql", "postgres"})


@frozen
class Location:
    """Where a journal is: one of the two.

    Attributes:
        path: Its file.
        url: Its database, with the password.
    """

    path: Path | None = None
    url: Secret | None = None


def hide_location(location: str | os.PathLike[str] | Secret) -> os.PathLike[str] | Secret:
    """A location whose representation shows no password, for variables of functions that raise."""
    return Secret(location) if isinstance(location, str) else location


def parse_location(location: os.PathLike[str] | Secret) -> Location:
    """Read a path or a URL.

    Raises:
        ConfigurationError: It is neither.
    """
    if not isinstance(location, Secret):
        return _parse_path(location)
    scheme = _read_scheme(location)
    if scheme in _POSTGRES:
        if redact_database_url(location.reveal()) is None:
            # Its parts may be shown, and a part of the password would be one of them.
            raise ConfigurationError(
                f"journal: in a {scheme}:// URL, / and @ in a user, a password or a parameter must "
                "be written as %2F and %40",
                setting="journal",
            )
        return Location(url=location)
    if scheme not in {None, "sqlite"}:
        raise ConfigurationError(
            f"journal: {redact_url(location.reveal())} must be a path, sqlite:///PATH, or "
            "postgresql://USER@HOST/DATABASE",
            setting="journal",
        )
    path = location.reveal()
    if scheme is not None:
        # As in SQLAlchemy, three slashes begin a relative path and four an absolute one.
        path = path.partition("://")[2].removeprefix("/")
    return _parse_path(path)


def _read_scheme(location: Secret) -> str | None:
    scheme = _SCHEME.match(location.reveal())
    return None if scheme is None else scheme[1].lower()


def _parse_path(path: str | os.PathLike[str]) -> Location:
    try:
        return Location(path=Path(path))
    except TypeError:
        raise ConfigurationError(
            f"journal: must be the path of a file, a URL, or a Journal; got {safe_repr(path)}",
            setting="journal",
        ) from None


def open_backend(location: Location) -> Backend:
    """The backend of a location; nothing is opened yet.

    Raises:
        MissingExtraError: The database's driver is not installed.
    """
    if location.url is None:
        return SqliteBackend(location.path or Path())
    try:
        # Late: psycopg is an extra, and takes a while to import.
        from cometapi_runway.journal._postgres import PostgresBackend  # noqa: PLC0415
    except ImportError as error:
        # Of any class: psycopg raises its own where the server's library is missing.
        raise MissingExtraError("postgres", error.name or "psycopg", setting="journal") from error
    return PostgresBackend(location.url)
