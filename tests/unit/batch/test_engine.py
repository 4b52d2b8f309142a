"""What the engine says to DBOS, and what it does with the answers; DBOS itself is not run."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from cometapi_runway._core.secret import Secret
from cometapi_runway.batch import _engine
from cometapi_runway.batch._decisions import parse_rate
from cometapi_runway.batch._engine import Engine, draw_worker_number
from cometapi_runway.errors import ConfigurationError

SQLITE, POSTGRES = "sqlite://", "postgresql+psycopg://h/d"


class FakeDBOS:
    """Records every call, and lists workflows."""

    def __init__(self, **options: Any) -> None:
        FakeDBOS.calls.append(("config", options["config"]))

    calls: ClassVar[list[tuple[str, Any]]] = []
    workflows: ClassVar[list[list[Any]]] = []
    failure: BaseException | None = None

    @classmethod
    def record(cls, name: str) -> Callable[..., None]:
        def call(*arguments: Any, **options: Any) -> None:
            cls.calls.append((name, (*arguments, options) if options else arguments))
            if name == "launch" and cls.failure is not None:
                raise cls.failure

        return call

    @classmethod
    async def list_workflows_async(cls, **options: Any) -> list[Any]:
        cls.calls.append(("list", options))
        return cls.workflows.pop(0) if cls.workflows else []

    @classmethod
    async def cancel_workflows_async(cls, ids: list[str]) -> None:
        cls.calls.append(("cancel", ids))

    @classmethod
    async def resume_workflows_async(cls, ids: list[str], *, queue_name: str) -> None:
        cls.calls.append(("resume", (ids, queue_name)))

    @classmethod
    async def enqueue_workflow_async(cls, queue: str, function: Any, *arguments: str) -> None:
        assert function is _engine._run_chunk
        cls.calls.append(("enqueue", (queue, *arguments)))


class FakeClient:
    def __init__(self, **options: Any) -> None:
        FakeDBOS.calls.append(("client", options))

    def register_queue(self, name: str, **options: Any) -> None:
        FakeDBOS.calls.append(("register", (name, options)))
        if name == "bad":
            raise ZeroDivisionError

    def destroy(self) -> None:
        FakeDBOS.calls.append(("client destroyed", ()))


class Leases:
    """The lease of worker 7; worker 8 lives, too."""

    grace = 0.0

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.is_free = True
        self.log: list[str] = []

    def keep(self) -> bool:
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    def find_living(self) -> frozenset[str]:
        return frozenset({"7", "8"})

    def begin_recovery(self) -> bool:
        self.log.append("begin")
        return self.is_free

    def end_recovery(self) -> None:
        self.log.append("end")

    def release(self) -> None:
        raise AssertionError("the engine does not hold it")


class FakeWorker:
    def __init__(self) -> None:
        self.log: list[str] = []

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.log.append("stop")

    def pause(self) -> None:
        self.log.append("pause")

    def resume(self) -> None:
        self.log.append("resume")

    async def run_chunk(self, batch: str, chunk: str) -> None:
        self.log.append(f"{batch} {chunk}")


@pytest.fixture(autouse=True)
def _no_dbos(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeDBOS.calls, FakeDBOS.workflows, FakeDBOS.failure = [], [], None
    for name in ("launch", "destroy", "listen_queues", "migrate"):
        monkeypatch.setattr(FakeDBOS, name, staticmethod(FakeDBOS.record(name)), raising=False)
    monkeypatch.setattr(_engine, "DBOS", FakeDBOS)
    monkeypatch.setattr(_engine, "DBOSClient", FakeClient)
    monkeypatch.setattr(_engine, "SetWorkflowID", record_id)


@contextlib.contextmanager
def record_id(name: str) -> Iterator[None]:
    FakeDBOS.calls.append(("id", name))
    yield


def find(name: str) -> list[Any]:
    return [value for kind, value in FakeDBOS.calls if kind == name]


def make_engine(
    url: str = POSTGRES, queue: str | None = None, gateway: str = "https://g"
) -> tuple[Engine, Leases, FakeWorker]:
    leases, worker = Leases(), FakeWorker()
    make_worker: Any = lambda: worker  # noqa: E731
    return Engine(Secret(url), "7", leases, make_worker, gateway, queue), leases, worker


def test_one_engine_at_a_time_works_in_a_process_and_leaves_nothing_behind() -> None:
    engine, _, worker = make_engine()
    other, *_ = make_engine()
    # DBOS records the name, and a later version of this package resumes by it.
    assert vars(_engine._run_chunk)["dbos_function_name"] == "cometapi_runway.run_chunk"
    for _ in range(2):
        engine.start()
        thread = engine._thread
        assert thread is not None
        assert thread.name == "batch-engine"
        # A thread that hangs does not keep the process alive.
        assert thread.daemon
        assert _engine._worker is worker
        with pytest.raises(ConfigurationError, match="another batch runs") as refusal:
            other.start()
        assert refusal.value.setting == "batch"
        engine.check()
        engine.stop()
        assert not thread.is_alive()
        assert _engine._worker is None
        assert worker.log.pop() == "stop"
        assert len(find("launch")) == len(find("destroy"))
        engine.check()
        engine.stop()
        engine, _, worker = make_engine()
    assert not [one for one in threading.enumerate() if one.name == "batch-engine"]


def test_what_ends_an_engine_is_raised_where_it_is_used() -> None:
    engine, *_ = make_engine()
    FakeDBOS.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        engine.start()
    with pytest.raises(ZeroDivisionError):
        engine.check()
    assert find("destroy")
    # Another one may start.
    FakeDBOS.failure = None
    after, *_ = make_engine()
    with pytest.raises(RuntimeError, match="has not started"):
        after.find_ended(["c"])
    after.start()
    after.stop()


def test_an_interruption_in_the_thread_of_an_engine_ends_its_start() -> None:
    class Bounded(Future[None]):
        def result(self, timeout: float | None = 10) -> None:
            super().result(timeout)

    engine, *_ = make_engine()
    engine._started = Bounded()
    FakeDBOS.failure = SystemExit()
    with pytest.raises(SystemExit):
        engine.start()


def test_an_interrupted_start_leaves_nothing_behind() -> None:
    class Interrupted(Future[None]):
        def result(self, timeout: float | None = None) -> None:
            super().result(timeout)
            raise KeyboardInterrupt

    engine, *_ = make_engine()
    engine._started = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        engine.start()
    assert find("destroy")
    assert not [one for one in threading.enumerate() if one.name == "batch-engine"]
    after, *_ = make_engine()
    after.start()
    after.stop()


def test_chunks_run_in_the_worker_of_the_engine() -> None:
    run_chunk: Any = inspect.unwrap(_engine._run_chunk)
    engine, _, worker = make_engine()
    with pytest.raises(RuntimeError, match="has stopped"):
        asyncio.run(run_chunk("b", "c"))
    engine.start()
    asyncio.run(run_chunk("b", "c"))
    engine.stop()
    assert "b c" in worker.log


@pytest.mark.parametrize("url", [SQLITE, POSTGRES])
def test_what_dbos_is_configured_with(url: str) -> None:
    applications = []
    for queue, gateway in ((None, "https://g"), ("b", "https://g"), ("b", "https://h")):
        FakeDBOS.calls.clear()
        engine, *_ = make_engine(url, queue, gateway)
        engine.start(5 if queue else None, None)
        engine.stop()
        (config,) = find("config")
        applications.append(config.pop("name"))
        expected: dict[str, Any] = {
            "system_database_url": url,
            "dbos_system_schema": "cometapi_runway_dbos",
            "executor_id": "7",
            "application_version": "1",
            "log_level": "WARNING",
            "enable_otlp": False,
            "max_executor_threads": 32,
            "use_listen_notify": False,
            "scheduler_polling_interval_sec": 3600.0,
            "notification_listener_polling_interval_sec": 0.1,
        }
        if url == SQLITE:
            factory = {"factory": _engine.SqliteConnection}
            expected["db_engine_kwargs"] = {"connect_args": factory}
        assert config == expected
        # Other queues are for others.
        assert find("listen_queues") == ([] if queue is None else [(["b"],)])
        kinds = [kind for kind, _ in FakeDBOS.calls]
        assert kinds.index("config") < kinds.index("launch") < kinds.index("destroy")
        assert ("register" in kinds) is (queue is not None)
        if queue is not None:
            assert kinds.index("register") < kinds.index("config")
    # Gateways are kept apart.
    assert applications[0] == applications[1] != applications[2]
    assert all(name.startswith("cometapi-runway-") for name in applications)


def test_a_queue_has_the_limits_of_the_run() -> None:
    for text, limiter, pause in (
        (None, None, 0.15),
        ("1/s", {"limit": 1, "period": 1.5}, 0.15),
        ("10/s", {"limit": 1, "period": 0.15}, 0.0375),
    ):
        FakeDBOS.calls.clear()
        engine, *_ = make_engine(SQLITE, "b")
        engine.start(5, None if text is None else parse_rate(text))
        engine.stop()
        ((name, options),) = find("register")
        assert name == "b"
        assert options == {
            "global_concurrency": 5,
            "limiter": limiter,
            "polling_interval_sec": pytest.approx(pause),
            "on_conflict": "always_update",
        }
        (client,) = find("client")
        database = client.pop("system_database_engine")
        assert database.dialect.name == "sqlite"
        with database.connect() as db:
            connection = db.connection.driver_connection
            assert isinstance(connection, _engine.SqliteConnection)
        database.dispose()
        assert client == {
            "system_database_url": SQLITE,
            "dbos_system_schema": "cometapi_runway_dbos",
            "application_name": engine._application,
        }
        assert find("migrate") == [(SQLITE, {"schema": "cometapi_runway_dbos"})]
        assert len(find("client destroyed")) == 1
    # Without concurrency the limits stay as they are.
    FakeDBOS.calls.clear()
    engine, *_ = make_engine(SQLITE, "b")
    engine.start()
    engine.stop()
    assert find("register") == []
    engine, *_ = make_engine(POSTGRES, "bad")
    with pytest.raises(ZeroDivisionError):
        engine.start(5)
    (client,) = find("client")
    assert client["system_database_engine"] is None
    assert len(find("client destroyed")) == 1


def flow(name: str, owner: str | None = None, queue: str | None = None) -> Any:
    return SimpleNamespace(workflow_id=name, executor_id=owner, queue_name=queue)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine, *_ = make_engine()
    engine.start()
    FakeDBOS.calls.clear()
    yield engine
    engine.stop()


def test_chunks_are_put_into_a_queue_by_their_name(engine: Engine) -> None:
    engine.enqueue("q", "b", ["b/1", "b/2"])
    assert FakeDBOS.calls == [
        ("id", "b/1"),
        ("enqueue", ("q", "b", "b/1")),
        ("id", "b/2"),
        ("enqueue", ("q", "b", "b/2")),
    ]


def test_a_queue_is_emptied_page_by_page(engine: Engine) -> None:
    FakeDBOS.workflows = [[flow("a"), flow("b")], [flow("c")], []]
    assert engine.drop_queued("q") == ["a", "b", "c"]
    assert find("cancel") == [["a", "b"], ["c"]]
    asked = {"status": "ENQUEUED", "queue_name": "q", "limit": 500, "load_input": False}
    assert find("list") == [asked] * 3


def test_chunks_that_have_ended_are_found_page_by_page(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_engine, "_ENQUEUED_PAGE", 2)
    FakeDBOS.workflows = [[flow("a")], [], [flow("e")]]
    assert engine.find_ended(["a", "b", "c", "d", "e"]) == ["a", "e"]
    asked = find("list")
    assert [one.pop("workflow_ids") for one in asked] == [["a", "b"], ["c", "d"], ["e"]]
    # Every status of DBOS in which a workflow stays.
    ended = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
    assert asked == [{"status": ended, "load_input": False, "load_output": False}] * 3
    assert engine.find_ended([]) == []


def test_only_chunks_of_dead_workers_are_taken_up_each_in_its_queue() -> None:
    begun = [
        flow("own", "7", "q"),
        flow("living", "8", "q"),
        flow("a", "1", "q"),
        flow("b", "2", "q"),
        flow("c", "1", "other"),
        flow("no owner", None, "q"),
        flow("no queue", "1", None),
    ]
    FakeDBOS.workflows = [begun]
    engine, leases, _ = make_engine()
    engine.start()
    engine.stop()
    assert sorted(find("resume")) == [(["a", "b"], "q"), (["c"], "other")]
    asked = {"status": "PENDING", "load_input": False, "load_output": False}
    assert find("list") == [asked]
    assert leases.log == ["begin", "end"]

    # Another worker does it now.
    FakeDBOS.calls.clear()
    FakeDBOS.workflows = [begun]
    engine, leases, _ = make_engine()
    leases.is_free = False
    engine.start()
    engine.stop()
    assert find("list") == find("resume") == []
    assert leases.log == ["begin"]


def test_the_recovery_ends_where_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, leases, _ = make_engine()
    monkeypatch.setattr(leases, "find_living", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        engine.start()
    assert leases.log == ["begin", "end"]


def test_a_worker_pauses_while_its_lease_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_engine, "_LEASE_INTERVAL", 0.01)
    caplog.set_level(logging.WARNING)
    engine, leases, worker = make_engine()
    # Lost in the end, so that no look is under way when the engine stops.
    leases.answers = [True, False, ZeroDivisionError("away"), False, True, *[False] * 1000]
    engine.start()
    deadline = time.monotonic() + 5
    while leases.log.count("end") < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    engine.stop()
    assert worker.log[:4] == ["resume", "pause", "pause", "resume"]
    assert "the leases cannot be read: away" in caplog.text
    # Once at its start, and once with each lease that is held.
    assert leases.log.count("begin") == 1 + worker.log.count("resume") == 3


def test_dbos_does_not_print() -> None:
    log = logging.getLogger("dbos")
    handlers, log.handlers = log.handlers, []
    try:
        for _ in range(2):
            engine, *_ = make_engine()
            engine.start()
            engine.stop()
        (handler,) = log.handlers
        assert isinstance(handler, logging.NullHandler)
    finally:
        log.handlers = handlers


def test_the_number_of_a_worker_fits_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    for drawn, number in ((0, "1"), (2**40, str(2**31 - 2))):
        monkeypatch.setattr(
            _engine.secrets, "randbelow", lambda limit, drawn=drawn: min(drawn, limit - 1)
        )
        assert draw_worker_number() == number


def test_the_time_to_the_millisecond_is_a_default_of_columns() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", factory=_engine.SqliteConnection)) as db:
        db.execute("CREATE TABLE t (id, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        db.execute("INSERT INTO t (id) VALUES (1)")
        ((at,),) = db.execute("SELECT at FROM t").fetchall()
    assert at / 1000 == pytest.approx(time.time(), abs=5)


def test_only_an_sqlite_that_lacks_it_gets_a_function_for_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: list[tuple[str, int]] = []

    class Connection(_engine.SqliteConnection):
        def create_function(self, name: str, count: int, *_: Any, **__: Any) -> None:
            names.append((name, count))

    for version, expected in (
        ((3, 40, 1), [("unixepoch", 1)]),
        ((3, 41, 9), [("unixepoch", 1)]),
        ((3, 42, 0), []),
        ((3, 50, 0), []),
    ):
        names.clear()
        monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
        sqlite3.connect(":memory:", factory=Connection).close()
        assert names == expected
