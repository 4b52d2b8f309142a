"""Where a journal is, without a database."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import ConfigurationError, MissingExtraError
from cometapi_runway.journal._location import (
    Location,
    hide_location,
    open_backend,
    parse_location,
)
from cometapi_runway.journal._sqlite import SqliteBackend

URL = "postgresql://me:pa55@host/db"


@each_case(
    ("location", "path"),
    [
        ("a.db", "a.db"),
        ("/a/b.db", "/a/b.db"),
        ("c:a.db", "c:a.db"),
        ("sqlite:///a.db", "a.db"),
        ("sqlite:////a.db", "/a.db"),
        ("SQLite:///a.db", "a.db"),
        ("sqlite://a.db", "a.db"),
    ],
)
def test_a_file(location: str, path: str) -> None:
    hidden = hide_location(location)
    assert isinstance(hidden, Secret)
    assert parse_location(hidden) == Location(path=Path(path))
    assert hide_location(Path(path)) == Path(path)
    assert parse_location(Path(path)) == Location(path=Path(path))


@each_case("scheme", ["postgresql", "postgres", "PostgreSQL"])
def test_a_database(scheme: str) -> None:
    url = Secret(URL.replace("postgresql", scheme))
    assert parse_location(url) == Location(None, url)


@each_case(
    ("location", "message"),
    [
        (Secret("mysql://me:pa55@host/db"), "mysql://host/db must be a path, "
         "sqlite:///PATH, or postgresql://USER@HOST/DATABASE"),
        (Secret("POSTGRES://me:pa/55@host/db"), "in a postgres:// URL, / and @ in a user, a "
         "password or a parameter must be written as %2F and %40"),
        (5, "must be the path of a file, a URL, or a Journal; got 5"),
    ],
)  # fmt: skip
def test_what_is_neither(location: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_location(location)
    assert str(caught.value) == f"journal: {message}"
    assert caught.value.setting == "journal"
    assert caught.value.__cause__ is None


def test_a_file_needs_no_driver_and_a_database_does(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = open_backend(Location(Path("a.db")))
    assert isinstance(backend, SqliteBackend)
    assert backend.path == Path("a.db")

    class WithoutLibrary(ModuleType):
        def __getattr__(self, name: str) -> Any:
            raise self.error

    module = WithoutLibrary("_postgres")
    monkeypatch.setitem(sys.modules, "cometapi_runway.journal._postgres", module)
    for error, library in (
        (ModuleNotFoundError(name="psycopg_binary"), "psycopg_binary"),
        # Where the server's library is missing.
        (ImportError("no pq wrapper available"), "psycopg"),
    ):
        vars(module)["error"] = error
        with pytest.raises(MissingExtraError) as caught:
            open_backend(Location(url=Secret(URL)))
        refusal = caught.value
        assert (refusal.extra, refusal.library) == ("postgres", library)
        assert refusal.setting == "journal"
        assert refusal.is_missing
        assert refusal.__cause__ is error
