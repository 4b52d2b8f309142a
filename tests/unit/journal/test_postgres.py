"""What a PostgreSQL server can do to a journal."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import (
    ConfigurationError,
)
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    IdempotencyKey,
    OutputSaved,
    Reservation,
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal, PendingEntryError, StorageError
from cometapi_runway.journal import _database as database_module

from ...postgres_server import (
    GUARDED,
    PASSWORD,
    PostgresServer,
    require_binaries,
    start_own_server,
)
from ..support.both_clients import ASSETS, BASE, ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journal_processes import CALL
from ..support.journals import connect_to_postgres
from ..support.scripted_transport import json_reply

SHORT = 0.3


@pytest.fixture
def journal(postgres_url: str) -> Iterator[Journal]:
    journal = Journal(postgres_url)
    yield journal
    journal.close()


def start(journal: Journal, key: str, **more: Any) -> Any:
    return journal.write(SubmissionStarted(key, CALL, "tasks", 7, **more), BASE)


def measure(function: Any) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


def count_sessions(server: PostgresServer, database: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = "
    ((count,),) = server.execute(f"{query}'{database}'")
    return int(count)


def wait_for_none(server: PostgresServer, database: str) -> None:
    end = time.monotonic() + 5
    while count_sessions(server, database) and time.monotonic() < end:
        time.sleep(0.01)
    assert count_sessions(server, database) == 0


class TestTables:
    def test_are_in_a_schema_of_their_own(self, postgres_url: str) -> None:
        with connect_to_postgres(postgres_url) as db:
            db.execute("DROP TABLE IF EXISTS public.submission, public.file, public.other")
            db.execute("CREATE TABLE public.submission (theirs TEXT)")
            db.execute("CREATE TABLE public.file (theirs TEXT)")
            db.execute("INSERT INTO public.submission VALUES ('stays')")
            try:
                journal = Journal(postgres_url)
                start(journal, "k")
                assert [one.key for one in journal.tasks()] == ["k"]
                journal.close()
                assert db.execute("SELECT * FROM public.submission").fetchall() == [("stays",)]
                tables = db.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'cometapi_runway'"
                ).fetchall()
            finally:
                db.execute("DROP TABLE public.submission, public.file")
        assert {name for (name,) in tables} == {"submission", "file", "journal_version"}

    def test_are_created_once_by_many(self, postgres_url: str) -> None:
        errors: list[BaseException] = []
        barrier = threading.Barrier(8)

        def create() -> None:
            try:
                barrier.wait(10)
                Journal(postgres_url).close()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=create) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []

    def test_need_no_right_to_create_them_again(
        self, postgres_server: PostgresServer, postgres_database: str, postgres_url: str
    ) -> None:
        Journal(postgres_url).close()
        for statement in (
            f"GRANT USAGE ON SCHEMA cometapi_runway TO {GUARDED}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cometapi_runway "
            f"TO {GUARDED}",
        ):
            postgres_server.execute(statement, postgres_database)
        journal = Journal(postgres_server.url(postgres_database, GUARDED, PASSWORD))
        assert start(journal, "k") is None
        journal.write(SubmissionAccepted("k", "t"))
        journal.write(OutputSaved("t", 0, Path("a.mp4"), 1))
        assert journal.tasks()[0].task_id == "t"
        journal.close()

    def test_without_the_right_the_problem_is_named(
        self, postgres_server: PostgresServer, postgres_database: str, postgres_url: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="cannot be opened: permission denied"):
            Journal(postgres_server.url(postgres_database, GUARDED, PASSWORD))

    @pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
    def test_in_a_database_of_another_encoding(
        self, postgres_server: PostgresServer, postgres_url: str, encoding: str
    ) -> None:
        name = f"other_{encoding.lower()}_{os.getpid()}"
        postgres_server.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'"
        )
        journal = Journal(postgres_server.url(name))
        start(journal, "k", label="Ü*")
        assert [one.label for one in journal.find(label="Ü**")] == ["Ü*"]
        journal.close()
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def test_commits_are_on_disk_whatever_the_default_is(
        self, postgres_server: PostgresServer, postgres_database: str, postgres_url: str
    ) -> None:
        postgres_server.execute(f"ALTER DATABASE {postgres_database} SET synchronous_commit TO off")
        journal = Journal(postgres_url)
        rows = journal._database.backend.fetch("SHOW synchronous_commit", {}, 1)
        assert [row["synchronous_commit"] for row in rows] == ["on"]
        journal.close()

    def test_only_what_was_paid_for_waits_for_the_disk(
        self, journal: Journal, postgres_url: str
    ) -> None:
        """The gateway can be asked for the rest."""
        with connect_to_postgres(postgres_url) as db:
            db.execute("SET search_path TO cometapi_runway")
            db.execute("CREATE TABLE seen (task_id TEXT, state TEXT, setting TEXT)")
            db.execute(
                """CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO cometapi_runway.seen VALUES (
                    NEW.task_id, NEW.state, current_setting('synchronous_commit'));
                RETURN NEW; END $$"""
            )
            db.execute(
                "CREATE TRIGGER see AFTER INSERT OR UPDATE ON submission "
                "FOR EACH ROW EXECUTE FUNCTION see()"
            )
            start(journal, "k")
            journal.write(SubmissionAccepted("k", "t"))
            journal.write(TaskEnded(Task("t", "SUCCEEDED")))
            start(journal, "l")
            seen = db.execute("SELECT task_id, state, setting FROM seen").fetchall()
        assert [setting for _, _, setting in seen] == ["on", "on", "off", "on"], seen

    def test_of_another_version_are_left_at_once(
        self, postgres_server: PostgresServer, postgres_database: str, postgres_url: str
    ) -> None:
        Journal(postgres_url).close()
        with connect_to_postgres(postgres_url) as db:
            db.execute("UPDATE cometapi_runway.journal_version SET version = 99")
        with pytest.raises(ConfigurationError, match="it has schema version 99") as caught:
            Journal(postgres_url)
        # Whoever holds the error holds no session.
        wait_for_none(postgres_server, postgres_database)
        assert caught.value.setting == "journal"


class TestValues:
    def test_that_its_text_cannot_hold(self, journal: Journal) -> None:
        call = PreparedRequest("o", "POST", "/x", {}, {"text": "a\0b"})
        journal.write(SubmissionStarted("k", call, "tasks", 10**100), BASE)
        journal.write(SubmissionAccepted("k", "t"))
        journal.write(TaskEnded(Task("t", "FAILED", failure="no\0", failure_code="X\0Y")))
        (record,) = journal.tasks()
        assert (record.arguments, record.seed) == ({"text": "a\0b"}, 10**100)
        assert (record.state, record.reason, record.failure_code) == ("FAILED", "no�", "X�Y")

    def test_of_a_gateway_that_writes_surrogates(
        self, harness: ClientHarness, postgres_url: str
    ) -> None:
        client = harness.new(journal=postgres_url)
        harness.respond_with(json_reply({"id": ID}))
        harness.run(client.character_performance.create(**ASSETS, label="a"))
        harness.respond_with(json_reply({"id": ID, "status": "FAILED", "failure": "\ud800\0x"}))
        harness.run(client.tasks.retrieve(ID))
        (record,) = client.journal.tasks()
        assert record.state == "FAILED"
        assert record.reason.endswith("x")

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX names are bytes")
    @pytest.mark.parametrize("name", [b"caf\xe9.mp4", "Ünï 💐.mp4".encode(), b"a\\134b%s.mp4"])
    def test_of_paths(self, journal: Journal, name: bytes) -> None:
        file = Path("/out") / os.fsdecode(name)
        start(journal, "k")
        journal.write(SubmissionAccepted("k", "t"))
        journal.write(OutputSaved("t", 0, file, 2**40))
        found = journal.find("t")
        assert found is not None
        assert found.files == (file,)
        assert next(journal.export())["files"] == [str(file)]


class TestBrokenConnection:
    @pytest.fixture
    def break_connections(self, postgres_server: PostgresServer, postgres_database: str) -> Any:
        def run() -> None:
            postgres_server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "  # noqa: S608
                f"WHERE datname = '{postgres_database}'"
            )

        return run

    def test_is_opened_again(self, journal: Journal, break_connections: Any) -> None:
        start(journal, "k")
        break_connections()
        assert [one.key for one in journal.tasks()] == ["k"]
        break_connections()
        start(journal, "l")
        break_connections()
        journal.write(SubmissionAccepted("l", "t"))
        break_connections()
        # This process is still the one that sends k.
        assert journal.unknown() == []
        assert {one.state for one in journal.tasks()} == {"INTENDED", "SUBMITTED"}

    @pytest.mark.parametrize("limits", [None, Reservation(None, "default", None, 1)])
    def test_an_intent_whose_answer_is_lost_is_written_once(
        self, journal: Journal, limits: Reservation | None, break_connections: Any
    ) -> None:
        """The server has committed it, and the connection breaks before it says so."""
        backend: Any = journal._database.backend
        execute = backend.execute

        def lose_answer(*arguments: Any, **options: Any) -> Any:
            backend.execute = execute
            execute(*arguments, **options)
            break_connections()
            raise StorageError("the connection is lost", is_busy=True)

        backend.execute = lose_answer
        more = {} if limits is None else {"reservation": limits}
        assert start(journal, "k", idempotency_key=IdempotencyKey("a", "d"), **more) is None
        assert [one.key for one in journal.tasks()] == ["k"]

    def test_a_session_that_the_server_still_holds_blocks_nothing(self, journal: Journal) -> None:
        """Of a connection that broke on the way the server may learn hours later."""
        backend: Any = journal._database.backend
        forgotten, backend._connection = backend._connection, None
        assert measure(lambda: start(journal, "k")) < 1
        other = Journal(os.fspath(backend._url.reveal()))
        forgotten.close()
        assert other.unknown() == []
        other.close()


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    with start_own_server() as server:
        yield server


class TestServerThatStops:
    @pytest.fixture
    def journal(self, own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(database_module, "JOURNAL_TIMEOUT", SHORT)
        own_server.execute("DROP SCHEMA IF EXISTS cometapi_runway CASCADE")
        journal = Journal(own_server.url("postgres"))
        start(journal, "k")
        yield journal
        journal.close()

    @contextlib.contextmanager
    def down(self, server: PostgresServer, mode: str = "fast") -> Iterator[None]:
        server.stop(require_binaries(), mode)
        try:
            yield
        finally:
            server.start(require_binaries())

    @pytest.mark.parametrize("mode", ["fast", "immediate"])
    def test_entries_are_written_when_it_is_back(
        self, own_server: PostgresServer, journal: Journal, mode: str
    ) -> None:
        with self.down(own_server, mode):
            for entry in (SubmissionAccepted("k", "t"), TaskEnded(Task("t", "SUCCEEDED"))):
                with pytest.raises(PendingEntryError, match="the entry is kept in memory"):
                    journal.write(entry, timeout=SHORT)
            with pytest.raises(ConfigurationError, match="cannot be read"):
                journal.find("t", timeout=SHORT)
            with pytest.raises(StorageError) as caught:
                journal.write(SubmissionStarted("l", CALL, "tasks", 7), timeout=SHORT)
            assert not isinstance(caught.value, PendingEntryError)
        (record,) = journal.tasks()
        assert (record.key, record.task_id, record.state) == ("k", "t", "SUCCEEDED")

    def test_an_intent_waits_for_it_and_is_written_once(
        self, own_server: PostgresServer, journal: Journal
    ) -> None:
        restart = threading.Thread(target=lambda: self.restart(own_server))
        restart.start()
        for number in range(10):
            entry = SubmissionStarted(f"l{number}", CALL, "tasks", 7)
            assert journal.write(entry, BASE, timeout=30) is None
            time.sleep(0.02)
        restart.join()
        assert len(journal.tasks()) == 11

    def restart(self, server: PostgresServer) -> None:
        with self.down(server):
            "Nothing."

    def test_clients_keep_their_deadlines(
        self, own_server: PostgresServer, harness: ClientHarness
    ) -> None:
        client = harness.new(journal=own_server.url("postgres"), timeout=SHORT)
        harness.respond_with(json_reply({"id": ID}))
        harness.run(client.character_performance.create(**ASSETS))
        harness.network.sent.clear()
        with self.down(own_server):

            def create() -> None:
                with pytest.raises(ConfigurationError, match="nothing was sent"):
                    harness.run(client.character_performance.create(**ASSETS))

            assert measure(create) < 1.5
            assert harness.network.sent == []
            harness.respond_with(DONE)
            ended: list[Any] = []
            waits = [f"{ID[:-2]}{number:02}" for number in range(20)]
            assert (
                measure(lambda: ended.append(harness.run(client.tasks.wait(ID, timeout=0.4)))) < 4
            )
            assert ended[0].status == "SUCCEEDED"
            assert measure(lambda: harness.run(client.tasks.wait_all(waits, timeout=0.4))) < 4
        assert client.journal.find(ID).state == "SUCCEEDED"


class TestServerThatDoesNotAnswer:
    @pytest.fixture
    def silent_url(self) -> Iterator[str]:
        """A server that takes connections and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield f"postgresql://me@127.0.0.1:{listener.getsockname()[1]}/x"

    def test_is_given_up_and_not_asked_in_turn(
        self, silent_url: str, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backend: Any = journal._database.backend
        start(journal, "k")
        backend.close()
        url = backend._url
        backend._url = type(url)(silent_url)

        def write_all() -> None:
            for _ in range(10):
                with pytest.raises(PendingEntryError):
                    journal.write(SubmissionAccepted("k", "t"), timeout=SHORT)

        assert measure(write_all) < 3.5
        backend._url = url
        backend._failure = None
        assert journal.tasks()[0].task_id == "t"


class TestAbsence:
    def test_one_session_and_no_thread(
        self,
        postgres_server: PostgresServer,
        postgres_database: str,
        postgres_url: str,
    ) -> None:
        threads = threading.active_count()
        journal = Journal(postgres_url)
        for number in range(5):
            start(journal, f"k{number}", idempotency_key=IdempotencyKey(f"a{number}", "d"))
            journal.unknown()
        assert count_sessions(postgres_server, postgres_database) == 1
        query = "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid"
        query += f" WHERE locktype = 'advisory' AND datname = '{postgres_database}'"
        assert postgres_server.execute(query) == [(1,)]
        assert threading.active_count() == threads
        journal.close()
        wait_for_none(postgres_server, postgres_database)
        assert postgres_server.execute(query) == [(0,)]

    def test_no_session_is_left_of_a_client_that_is_closed(
        self,
        harness: ClientHarness,
        postgres_server: PostgresServer,
        postgres_database: str,
        postgres_url: str,
    ) -> None:
        client = harness.new(journal=postgres_url)
        harness.respond_with(json_reply({"id": ID}))
        harness.run(client.character_performance.create(**ASSETS))
        harness.run(client.close())
        wait_for_none(postgres_server, postgres_database)

    def test_a_journal_that_is_dropped_open_warns_of_nothing(
        self,
        postgres_server: PostgresServer,
        postgres_database: str,
        postgres_url: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ignored: list[object] = []
        monkeypatch.setattr(sys, "unraisablehook", ignored.append)
        journal = Journal(postgres_url)
        assert journal.tasks() == []
        del journal
        gc.collect()
        assert ignored == []
        wait_for_none(postgres_server, postgres_database)

    def test_no_idle_transaction_stays_open(
        self, journal: Journal, postgres_server: PostgresServer, postgres_database: str
    ) -> None:
        start(journal, "k", reservation=Reservation(None, "default", None, 1))
        assert start(journal, "l", reservation=Reservation(None, "default", None, 1)) is not None
        journal.tasks()
        query = "SELECT state FROM pg_stat_activity"
        states = postgres_server.execute(f"{query} WHERE datname = '{postgres_database}'")
        assert states == [("idle",)]

    def test_the_driver_is_imported_for_such_journals_only(self, path: Path) -> None:
        program = (
            "import sys; from cometapi_runway import *; Journal(sys.argv[1]).close(); "
            "sys.exit('psycopg' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program, path], check=True)
