"""Where a journal is: the path of a file, or the URL of a database."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from attrs import frozen

from cometapi_runway._core.redaction import redact_database_url, redact_url, safe_repr
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import ConfigurationError
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


def parse_location(location: str | os.PathLike[str]) -> Location:
    """Read a path or a URL.

    Raises:
        ConfigurationError: It is neither.
    """
    scheme = _SCHEME.match(location) if isinstance(location, str) else None
    if isinstance(location, str) and scheme is not None:
        name = scheme[1].lower()
        if name in _POSTGRES:
            if redact_database_url(location) is None:
                # Its parts may be shown, and a part of the password would be one of them.
                raise ConfigurationError(
                    f"journal: in a {name}:// URL, / and @ in a user, a password or a parameter "
                    "must be written as %2F and %40",
                    setting="journal",
                )
            return Location(url=Secret(location))
        if name != "sqlite":
            raise ConfigurationError(
                f"journal: {redact_url(location)} must be a path, sqlite:///PATH, or "
                "postgresql://USER@HOST/DATABASE",
                setting="journal",
            )
        # As in SQLAlchemy, three slashes begin a relative path and four an absolute one.
        location = location[scheme.end() :].removeprefix("/")
    try:
        return Location(path=Path(location))
    except TypeError:
        raise ConfigurationError(
            f"journal: must be the path of a file, a URL, or a Journal; got {safe_repr(location)}",
            setting="journal",
        ) from None


def open_backend(location: Location) -> Backend:
    """The backend of a location; nothing is opened yet.

    Raises:
        ConfigurationError: The database's driver is not installed.
    """
    if location.url is None:
        return SqliteBackend(location.path or Path())
    try:
        # Late: psycopg is an extra, and takes a while to import.
        from cometapi_runway.journal._postgres import PostgresBackend  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "journal: a postgresql:// journal needs psycopg; install cometapi-runway[postgres] "
            f"({error})",
            setting="journal",
        ) from error
    return PostgresBackend(location.url)
