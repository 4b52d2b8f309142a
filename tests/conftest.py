"""Fixtures of every test: an environment without settings, and no network but loopback."""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import common_cause

from .known_names import check_names
from .postgres_server import SHARED_FOLDER, PostgresServer, use_shared_server

# They import what POSIX systems alone have: terminals, forked processes.
collect_ignore = (
    [
        "end_to_end/cli/test_bash_completion.py",
        "end_to_end/cli_process",
        "end_to_end/test_crash.py",
        "end_to_end/test_shared_journal.py",
    ]
    if sys.platform == "win32"
    else []
)
# The files that take longest, in seconds of a run with four workers. Begun last, one of them would
# keep one worker busy while the others have nothing left.
_WAITING = {
    "end_to_end/test_batch_workers.py": 34,
    "end_to_end/test_batch.py": 33,
    "unit/journal/test_locked_file.py": 22,
    "end_to_end/cli/test_batch_run.py": 21,
    "end_to_end/cli_process/test_batch.py": 16,
    "unit/journal/test_postgres.py": 12,
    "end_to_end/test_crash.py": 10,
    "end_to_end/test_batch_crash.py": 9,
    "unit/journal/test_idempotency.py": 8,
    "end_to_end/cli_process/test_streams.py": 8,
    "end_to_end/test_wheel.py": 8,
    "end_to_end/cli_process/test_interruptions.py": 7,
}
"""These wait for other processes and for time: half of the workers begin with them."""
_COMPUTING = {
    "mutants/test_runner.py": 19,
    "contract/test_client_as_server.py": 15,
    "end_to_end/test_simulator_conformance.py": 14,
    "end_to_end/test_shared_journal.py": 10,
    "end_to_end/test_page_changes.py": 8,
    "contract/test_generated_responses.py": 6,
    "contract/test_wrapper_responses.py": 6,
    "unit/testing/test_violations.py": 6,
    "end_to_end/test_prism.py": 5,
    "mutants/test_lists.py": 5,
}
"""These keep a core busy: the other half begins with them, so that no core is idle."""
_VARIABLES = (
    "COMETAPI_KEY",
    "COMETAPI_RUNWAY_BASE_URL",
    "COMETAPI_RUNWAY_VERSION",
    "COMETAPI_RUNWAY_CAPTURE",
    "SSL_CERT_FILE",
)


def pytest_sessionstart(session: pytest.Session) -> None:
    common_cause.install(session)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that need a server, before `-m` selects, and run the longest files first."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = _deal_longest(items, workers)
    for item in items:
        if {"postgres_server", "own_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("postgres")


def _deal_longest(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order tests so that the part of each worker begins with as much of the longest files.

    `--dist worksteal` cuts the list into one part for each worker, and moves tests from the end of
    a part only.
    """
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.nodeid.partition("::")[0].removeprefix("tests/"), []).append(item)
    parts: list[list[pytest.Item]] = [[] for _ in range(workers)]
    half = (workers + 1) // 2
    for table, mine in (_WAITING, parts[:half]), (_COMPUTING, parts[half:] or parts):
        seconds = [0] * len(mine)
        for name in filter(by_file.__contains__, table):
            first = seconds.index(min(seconds))
            mine[first] += by_file.pop(name)
            seconds[first] += table[name]
    others = [item for tests in by_file.values() for item in tests]
    ordered: list[pytest.Item] = []
    for number, part in enumerate(parts):
        size = (len(items) - len(ordered)) // (workers - number)
        missing = max(0, size - len(part))
        ordered += part + others[:missing]
        del others[:missing]
    return ordered


def pytest_collection() -> None:
    # Nothing that it makes is garbage, and a fifth of its time would go to finding that out.
    gc.disable()


def pytest_collection_finish() -> None:
    # Many tests collect garbage, and would each time visit all objects of all collected tests.
    # Little of that is garbage: to collect it first would take longer than it is worth.
    gc.freeze()
    # Python would look for garbage after each 700 objects, and find little.
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    # What a file leaves behind stays: modules, caches, validators. The next one need not visit it.
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _clear_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # A test that sets one of them does so by `monkeypatch`. To clear them for each test takes a
    # third of the time of a small one.
    with pytest.MonkeyPatch.context() as patch:
        for variable in _VARIABLES:
            patch.delenv(variable, raising=False)
        # Each client of bare httpx would read all certificate authorities, for 20 ms.
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("no-authorities")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _check_names() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        check_names(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def _block_network() -> Any:
    """Refuse every name lookup: connections that leave the machine begin with one."""
    real = socket.getaddrinfo

    def local(host: Any, *rest: Any, **more: Any) -> Any:
        if not _is_local(host):
            raise AssertionError(f"a test tried to reach {host!r}")
        return real(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", local)
        yield


def _is_local(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or name == "0.0.0.0"  # noqa: S104 - compared
    except ValueError:
        return False


@pytest.fixture(scope="session")
def cache_contract_tools() -> Iterator[None]:
    """Cache the slowest steps of the contract tools."""
    # Imported here: most tests do not need the tools.
    from .contract_tool_caches import cache_results

    with cache_results():
        yield


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test run."""
    folder = tmp_path_factory.getbasetemp()
    # Each worker of xdist has a folder in that of the run.
    run = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with use_shared_server(Path(os.environ.get(SHARED_FOLDER) or run / "postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_database(postgres_server: PostgresServer) -> str:
    """The database of this test process."""
    name = f"test_{os.getpid()}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_database: str) -> str:
    """The URL of a database that has no tables."""
    # One connection: they take longer than what is executed in them.
    postgres_server.execute(
        f"""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '{postgres_database}' AND pid <> pg_backend_pid();
        ALTER DATABASE {postgres_database} RESET ALL;
        DROP SCHEMA IF EXISTS cometapi_runway, cometapi_runway_dbos CASCADE
        """,  # noqa: S608 - a name of our own
        postgres_database,
    )
    return postgres_server.url(postgres_database)
