"""Where a PostgreSQL journal is, how it is reached, and what its backend does by itself."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import (
    AsyncRunwayClient,
    ConfigurationError,
    RunwayClient,
)
from cometapi_runway._core.secret import Secret
from cometapi_runway.journal import Journal, StorageError
from cometapi_runway.journal import _database as database_module
from cometapi_runway.journal._backend import Statement
from cometapi_runway.journal._postgres import PostgresBackend

from ...postgres_server import (
    GUARDED,
    PASSWORD,
    PostgresServer,
)
from ..support.both_clients import KEY
from ..support.journals import connect_to_postgres
from ..support.shown_locals import show_error

SHORT = 0.1


class TestWrongLocation:
    @pytest.fixture
    def urls(self, postgres_server: PostgresServer, postgres_database: str) -> dict[str, str]:
        right = postgres_server.url(postgres_database, GUARDED, PASSWORD)
        host = postgres_server.url().rpartition("@")[2]
        return {
            "password": right.replace(PASSWORD, f"{PASSWORD}-wrong"),
            "database": right.rpartition("/")[0] + "/nowhere",
            "user": right.replace(GUARDED, "nobody-at-all"),
            "option": f"{right}?nonsense=1",
            "password as an option": f"postgresql://{GUARDED}@{host}?password={PASSWORD}-wrong",
            "escape": f"postgresql://{GUARDED}:{PASSWORD}%zz@{host}",
            "question mark": f"postgresql://{GUARDED}:{PASSWORD}?{PASSWORD}&x=%zz@{host}",
            "escape in an option": f"postgresql://{host}?connect_timeout=2&PASS%57ord={PASSWORD}%zz",
            "slash": f"postgresql://{GUARDED}:{PASSWORD}/{PASSWORD}@{host}",
            "port": f"postgresql://{GUARDED}:{PASSWORD}@{host.partition('/')[0]}:nonsense/x",
            "bracket": f"postgresql://{GUARDED}:{PASSWORD}@[::1/x",
            "two": f"postgresql://{GUARDED}:{PASSWORD}@{host.partition('/')[0]},/nowhere",
            "scheme": f"mysql://{GUARDED}:{PASSWORD}@localhost/x",
            "driver": f"postgresql+psycopg://{GUARDED}:{PASSWORD}@localhost/x",
        }

    @pytest.mark.parametrize("kind", [Journal, RunwayClient, AsyncRunwayClient])
    @pytest.mark.parametrize(
        "problem",
        [
            *("password", "database", "user", "option", "password as an option", "escape"),
            *("question mark", "escape in an option"),
            *("slash", "port", "bracket", "two", "scheme", "driver"),
        ],
    )
    def test_is_named_at_once_and_no_password_is_shown(
        self,
        kind: Any,
        problem: str,
        urls: dict[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("DEBUG")
        began = time.monotonic()
        error = fail(kind, urls[problem])
        assert time.monotonic() - began < 3
        assert error.setting == "journal"
        assert str(error).startswith("journal")
        for shown in (show_error(error), caplog.text):
            start = shown.find(PASSWORD)
            assert start < 0, shown[max(start - 300, 0) : start + 100]

    @each_case("host", ["%2Fnowhere%2Fat-all", "127.0.0.1:1", "[::1]:1", "127.0.0.1:1,[::1]:2"])
    @each_case("kind", [Journal, RunwayClient, AsyncRunwayClient])
    def test_of_a_server_that_is_not_there(
        self, kind: Any, host: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may be starting, so that it is asked for a while."""
        monkeypatch.setattr(database_module, "JOURNAL_READ_TIMEOUT", SHORT)
        began = time.monotonic()
        error = fail(kind, f"postgresql://me:{PASSWORD}@{host}/x")
        assert time.monotonic() - began >= SHORT
        assert f"journal postgresql://me@{host}/x cannot be opened: connection" in str(error)
        assert "\n" not in str(error)
        assert PASSWORD not in show_error(error)

    @each_case("scheme", ["mysql", "file", "https", "postgresql+psycopg", "SQLite3"])
    def test_of_another_scheme(self, scheme: str) -> None:
        with pytest.raises(ConfigurationError, match=r"must be a path, sqlite:///PATH, or postg"):
            Journal(f"{scheme}://user:pw@host/x")

    def test_the_name_has_no_password(
        self, postgres_server: PostgresServer, postgres_database: str, postgres_url: str
    ) -> None:
        with connect_to_postgres(postgres_url) as db:
            db.execute(f"GRANT CREATE ON DATABASE {postgres_database} TO {GUARDED}".encode())
        url = postgres_server.url(postgres_database, GUARDED, PASSWORD)
        journal = Journal(f"{url}?application_name=x&password={PASSWORD}")
        assert journal.name == url.replace(f":{PASSWORD}", "")
        assert journal.path is None
        assert PASSWORD not in repr(journal)
        assert PASSWORD not in str(vars(journal._database.backend))
        journal.close()

    def test_a_password_that_says_nothing_leaves_the_message_whole(self) -> None:
        for password, message in ("of", "end of string"), ("end", "[hidden] of string"):
            with pytest.raises(ConfigurationError, match="cannot be opened") as caught:
                Journal(f"postgresql://me:{password}@[::1/x")
            assert message in str(caught.value)

    def test_a_sqlite_url_is_a_path(self, tmp_path: Path) -> None:
        journal = Journal(f"sqlite:///{tmp_path}/a.journal")
        assert journal.path == tmp_path / "a.journal"
        journal.close()


def fail(kind: Any, url: str) -> ConfigurationError:
    """What a constructor raises, without this module's own frames, which hold the URL."""
    options = {} if kind is Journal else {"journal": url, "api_key": KEY}
    try:
        kind(*([url] if kind is Journal else []), **options)
    except ConfigurationError as error:
        trace = error.__traceback__
        return error.with_traceback(trace and trace.tb_next)
    raise AssertionError("nothing was raised")


class TestBackend:
    def test_a_failed_connect_is_remembered_as_long_as_it_took(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Many threads do not wait in turn for a server that does not answer."""
        asked: list[float] = []
        now = 100.0

        def fail_after_three_seconds() -> Any:
            nonlocal now
            asked.append(now)
            now += 3
            raise StorageError("no answer", is_busy=True)

        backend = PostgresBackend(Secret("postgresql://me@host/x"))
        monkeypatch.setattr(backend, "_connect", fail_after_three_seconds)
        monkeypatch.setattr(time, "monotonic", lambda: now)
        for moment in 100, 103, 105.9, 106, 111.9, 112:
            now = moment
            with pytest.raises(StorageError, match="no answer") as caught:
                backend.connect(1)
            assert caught.value.is_busy
        assert asked == [100, 106, 112]

    @each_case("error", [KeyboardInterrupt(), RuntimeError("of no driver")], ids=repr)
    def test_what_interrupts_a_pipeline_closes_the_connection(
        self, error: BaseException, postgres_url: str
    ) -> None:
        backend = PostgresBackend(Secret(postgres_url))
        backend.connect(1)

        def interrupt(_: Any) -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            backend._run(interrupt)
        assert caught.value is error
        with pytest.raises(StorageError, match="the connection is closed"):
            backend.fetch("SELECT 1", {}, 1)
        backend.connect(1)
        assert backend.fetch("SELECT 1 AS one", {}, 1) == [{"one": 1}]
        backend.close()

    @each_case(("option", "name"), [("", "cometapi-runway"), ("application_name=x", "x")])
    def test_the_server_knows_which_program_is_connected(
        self, option: str, name: str, postgres_url: str
    ) -> None:
        backend = PostgresBackend(Secret(f"{postgres_url}?{option}"))
        backend.connect(1)
        query = "SELECT current_setting('application_name') AS name"
        assert backend.fetch(query, {}, 1) == [{"name": name}]
        backend.close()

    def test_each_process_has_a_number_of_its_own(self) -> None:
        backend = PostgresBackend(Secret("postgresql://me@host/x"))
        numbers = [backend.get_owner()]
        for _ in range(99):
            backend.abandon()
            numbers.append(backend.get_owner())
        assert len(set(numbers)) == 100
        assert all(number is not None and 0 < number < 2**31 for number in numbers)

    def test_each_call_has_its_own_limits(self, postgres_url: str) -> None:
        """A wait for a lock is cut into slices; a statement has at least a second."""
        backend = PostgresBackend(Secret(postgres_url))
        backend.connect(3)
        query = (
            "SELECT current_setting('lock_timeout') AS lock, "
            "current_setting('statement_timeout') AS statement"
        )
        into = "INSERT INTO cometapi_runway.limits "
        create = "CREATE TABLE cometapi_runway.limits (lock TEXT, statement TEXT)"
        backend.execute([Statement(create, {})], 1)
        limits = {
            0.05: ("50ms", "1s"), 0: ("1ms", "1s"), 10: ("200ms", "10s"),
            1e9: ("200ms", "2000000s"),
        }  # fmt: skip
        for timeout, expected in limits.items():
            (row,) = backend.fetch(query, {}, timeout)
            assert tuple(row.values()) == expected
            backend.execute([Statement(into + query, {})], timeout)
        written = backend.fetch("SELECT * FROM cometapi_runway.limits", {}, 1)
        assert [tuple(row.values()) for row in written] == list(limits.values())
        connection: Any = backend._connection
        # Outside of a call, those of the connection.
        assert tuple(connection.execute(query).fetchone().values()) == ("200ms", "3s")
        backend.close()
        assert connection.closed


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cometapi_runway.journal._postgres", None)
    with pytest.raises(ConfigurationError, match=r"install 'cometapi-runway\[postgres\]'"):
        Journal("postgresql://user@host/x")


def test_an_interrupted_connect_shows_no_password(
    postgres_server: PostgresServer, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.url(postgres_database, GUARDED, PASSWORD)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("psycopg.waiting.wait_conn", stop)
    backend = PostgresBackend(Secret(url))
    with pytest.raises(KeyboardInterrupt) as caught:
        backend.connect(1)
    error = caught.value
    trace = error.__traceback__
    assert PASSWORD not in show_error(error.with_traceback(trace and trace.tb_next))


def test_an_interrupted_preparation_closes_its_connection(
    postgres_server: PostgresServer, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def stop(connection: Any, *_: object) -> None:
        made.append(connection)
        raise KeyboardInterrupt

    monkeypatch.setattr("cometapi_runway.journal._postgres._prepare", stop)
    with pytest.raises(KeyboardInterrupt):
        PostgresBackend(Secret(postgres_server.url(postgres_database))).connect(1)
    assert [one.closed for one in made] == [True]
