"""Whether a process runs a batch, as others see it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from cometapi_runway._core.secret import Secret
from cometapi_runway.batch import _engine, _leases, _row_runner, _store, _worker
from cometapi_runway.batch._decisions import WorkerWatch
from cometapi_runway.batch._leases import (
    FileLease,
    PostgresLease,
    is_file_leased,
    is_run_leased,
)
from cometapi_runway.batch._places import make_place
from cometapi_runway.errors import ConfigurationError

NAMES = ["shots", "a", "x" * 40]
"""With negative and with positive hashes."""


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.mark.parametrize("records", ["file", POSTGRESQL])
def test_a_batch_is_run_as_long_as_its_lease_is_held(
    records: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = records == "file"
    url = None if is_file else Secret(request.getfixturevalue("postgres_url"))
    place = make_place("", tmp_path, url)
    for name, other in zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True):
        with contextlib.closing(place.open_store(name)) as store:
            assert not place.is_run(name, store)
            with place.lease(name, store):
                assert place.is_run(name, store)
                assert not place.is_run(other, store)
            # A server sees a moment later that a session has ended.
            deadline = time.monotonic() + 10
            while place.is_run(name, store):
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_a_folder_is_leased_to_one_process_which_is_named(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "lock"
    assert not is_file_leased(path)
    lease = FileLease(path, "7", "shots")
    assert path.read_text() == f"{os.getpid()}\n"
    assert is_file_leased(path)
    assert (lease.keep(), lease.begin_recovery()) == (True, True)
    assert lease.find_living() == {"7"}
    lease.end_recovery()
    # Those that had it before are dead at once.
    assert WorkerWatch(lease.grace).find_dead(0.0, {"6", "7"}, lease.find_living()) == {"6"}
    for content, owner in ((b"123\n", "123"), (b" \n", "unknown"), (b"\xff5\n", "\ufffd5"),
                           (b"9" * 30, "9" * 20)):  # fmt: skip
        # The text is the process's that has the lock.
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match=rf"\(number {owner}\)") as refusal:
            FileLease(path, "8", "shots")
        assert refusal.value.setting == "name"
        assert "batch 'shots' is run by another process" in str(refusal.value)
    lease.release()
    assert not is_file_leased(path)
    FileLease(path, "8", "shots").release()
    assert path.read_text() == f"{os.getpid()}\n"


def test_a_lease_that_cannot_be_looked_at_is_held(tmp_path: Path) -> None:
    assert is_file_leased(tmp_path)


class FakeServer:
    """A server with one session at a time, which can fail; an engine and its session in one."""

    def __init__(self) -> None:
        self.failures: list[BaseException | None] = []
        self.opened = self.closed = self.invalidated = 0
        self.is_free = True

    def execution_options(self, *, isolation_level: str) -> FakeServer:
        assert isolation_level == "AUTOCOMMIT"
        return self

    def connect(self) -> FakeServer:
        self.opened += 1
        return self

    def execute(self, _: object) -> FakeServer:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return self

    def scalar(self) -> bool:
        return self.is_free

    def invalidate(self) -> None:
        self.invalidated += 1

    def close(self) -> None:
        # What is closed without this goes back into the pool, with its locks.
        assert self.invalidated == self.closed + 1
        self.closed += 1


LOST = DBAPIError("SELECT 1", None, Exception("gone"))


def make_lease(batch: str | None = "shots") -> tuple[FakeServer, PostgresLease]:
    server: Any = FakeServer()
    return server, PostgresLease(server, "7", batch)


def test_a_lost_lease_is_taken_again_in_a_new_session() -> None:
    server, lease = make_lease()
    assert lease.keep() is True
    assert (server.opened, server.closed) == (1, 0)
    server.failures = [LOST]
    assert lease.keep() is False
    assert (server.opened, server.closed) == (1, 1)
    assert lease.begin_recovery() is False
    lease.end_recovery()
    # The session opens, but cannot lock.
    server.failures = [LOST]
    assert lease.keep() is False
    assert lease.keep() is True
    assert lease.begin_recovery() is True
    assert server.opened == server.closed + 1 == 3
    lease.release()
    lease.release()
    assert server.opened == server.closed


@pytest.mark.parametrize("ask", [PostgresLease.begin_recovery, PostgresLease.end_recovery])
def test_a_session_that_is_lost_in_any_statement_is_replaced(
    ask: Callable[[PostgresLease], object],
) -> None:
    server, lease = make_lease()
    server.failures = [LOST]
    with pytest.raises(DBAPIError):
        ask(lease)
    assert (server.opened, server.closed) == (1, 1)
    assert lease.keep() is True
    assert (server.opened, server.closed) == (2, 1)


def test_a_lease_that_another_process_took_meanwhile_is_not_kept() -> None:
    server, lease = make_lease()
    server.failures = [LOST]
    assert lease.keep() is False
    server.is_free = False
    assert lease.keep() is False
    assert server.opened == server.closed == 2
    server.is_free = True
    assert lease.keep() is True


def test_a_batch_that_another_process_runs_is_refused_and_a_worker_alone_is_not() -> None:
    server: Any = FakeServer()
    server.is_free = False
    with pytest.raises(ConfigurationError, match="'shots' is run by another process") as refusal:
        PostgresLease(server, "7", "shots")
    assert refusal.value.setting == "name"
    assert server.opened == server.closed == 1
    assert PostgresLease(server, "7").keep() is True


def test_each_question_about_locks_has_its_values() -> None:
    asked: list[set[str]] = []

    class Database:
        def execution_options(self, **_: object) -> Database:
            return self

        def connect(self) -> Database:
            return self

        def __enter__(self) -> Database:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, query: Any, values: dict[str, Any] | None = None) -> Any:
            if values is not None:
                assert query.compile().params.keys() == values.keys()
                asked.append(set(values))
            found = [7, 12]
            return SimpleNamespace(scalar=lambda: 1, scalars=lambda: found)

    server: Any = Database()
    assert PostgresLease(server, "7").find_living() == {"7", "12"}
    assert is_run_leased(server, "shots") is True
    assert asked == [{"lock_class"}, {"lock_class", "batch"}]


def test_an_interruption_while_a_lease_is_taken_leaves_no_session() -> None:
    server: Any = FakeServer()
    server.failures = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        PostgresLease(server, "7", "shots")
    assert server.opened == server.closed == 1


def test_an_error_of_the_program_is_not_taken_for_a_lost_lease() -> None:
    server, lease = make_lease()
    server.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        lease.keep()


def test_locks_have_the_same_names_in_every_version() -> None:
    """Workers of two versions on two machines look at each other's."""
    names = [
        (_leases._WORKER_LOCKS, b"CRWW"),
        (_leases._RUN_LOCKS, b"CRWR"),
        (_leases._RECOVERY_LOCK, b"CRWY\0\0\0\0"),
        (_store._LOCK, b"CRBT"),
    ]
    assert [number.to_bytes(len(name), "big") for number, name in names] == [
        name for _, name in names
    ]
    assert (_store._SCHEMA, _engine._SYSTEM_SCHEMA) == ("cometapi_runway", "cometapi_runway_dbos")
    assert _engine._FORMAT == "1"
    workflow: Any = _engine._run_chunk
    assert workflow.dbos_function_name == "cometapi_runway.run_chunk"
    for module in (_engine, _worker, _row_runner):
        assert module.logger.name == "cometapi_runway"
