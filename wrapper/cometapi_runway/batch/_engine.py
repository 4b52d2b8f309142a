"""The engine: DBOS queues chunks, keeps to the limits of all workers, and runs them in one loop.

DBOS is one per process, so one engine is, too. Every engine has a number of its own, drawn at its
start: DBOS then never takes up the chunks of an earlier process by itself, and the leases decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID

from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.batch._decisions import Rate, WorkerWatch
from cometapi_runway.batch._leases import Leases
from cometapi_runway.batch._worker import Worker
from cometapi_runway.errors import ConfigurationError

T = TypeVar("T")

_FORMAT: Final = "1"
"""What chunks mean. Workers of another format leave them alone."""
_SYSTEM_SCHEMA: Final = "cometapi_runway_dbos"
_POLL: Final = 0.15
"""Seconds between two looks at the queue; a slot stays empty as long between two chunks."""
_END_LOOK: Final = 0.1
"""Seconds between two looks of DBOS's listener, which hears of nothing here, for its own end."""
_THREADS: Final = 32
_HOUR: Final = 3600.0
_LEASE_INTERVAL: Final = 2.5
"""Seconds between two looks at the leases."""
_ENQUEUED_PAGE: Final = 500

logger: Final = logging.getLogger("cometapi_runway")
_process_lock: Final = threading.Lock()
_worker: Worker | None = None


@DBOS.workflow(name="cometapi_runway.run_chunk")
async def _run_chunk(batch: str, chunk: str) -> None:
    if _worker is None:
        raise RuntimeError("the engine has stopped")
    await _worker.run_chunk(batch, chunk)


def _read_clock(_modifier: object) -> float:
    return round(time.time(), 3)


class SqliteConnection(sqlite3.Connection):
    """Knows ``unixepoch('subsec')``, which SQLite has since 3.42.

    DBOS uses it on Python 3.12 and newer, which does not mean that SQLite is as new: on Debian 12
    it is 3.40, where the result is NULL and nothing can be queued.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if sqlite3.sqlite_version_info < (3, 42):
            self.create_function("unixepoch", 1, _read_clock)


def draw_worker_number() -> str:
    """A number for a worker, below 2**31."""
    return str(1 + secrets.randbelow(2**31 - 2))


class Engine:
    """Runs the chunks of batches in a thread of its own, until it is stopped.

    Args:
        url: DBOS's database.
        number: The worker's number, see `draw_worker_number`.
        leases: The worker's lease, which is held already.
        make_worker: Makes the worker; called in the event loop.
        gateway: The gateway that this worker creates tasks at.
        queue: The only queue to work on; None for every queue of the gateway.
    """

    def __init__(
        self,
        url: Secret,
        number: str,
        leases: Leases,
        make_worker: Callable[[], Worker],
        gateway: str,
        queue: str | None = None,
    ) -> None:
        self._url = url
        self._number = number
        self._leases = leases
        self._make_worker = make_worker
        # DBOS keeps applications apart, and so this keeps gateways apart.
        self._application = f"{DISTRIBUTION}-{hashlib.sha256(gateway.encode()).hexdigest()[:16]}"
        self._queue = queue
        self._watch = WorkerWatch(leases.grace)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._thread: threading.Thread | None = None

    def start(self, concurrency: int | None = None, rate: Rate | None = None) -> None:
        """Start the engine, and return when it works.

        Args:
            concurrency: Set the limits of its only queue, for all workers, to this and the rate.
            rate: How often a chunk begins.

        Raises:
            ConfigurationError: Another engine runs in this process, or the database cannot be used.
        """
        if not _process_lock.acquire(blocking=False):
            raise ConfigurationError("another batch runs in this process", setting="batch")
        self._thread = threading.Thread(
            target=self._run, args=(concurrency, rate), name="batch-engine", daemon=True
        )
        try:
            self._thread.start()
            self._started.result()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Let creates finish that have begun, then end; their tasks continue at the gateway."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(RuntimeError):
            _process_lock.release()

    def check(self) -> None:
        """Raise the error that has ended the engine, if one has."""
        if self._ended.done():
            self._ended.result()

    def enqueue(self, queue: str, batch: str, chunks: Sequence[str]) -> None:
        """Put chunks into a queue; one that is there already stays as it is."""
        self._call(self._enqueue(queue, batch, chunks))

    def drop_queued(self, queue: str) -> list[str]:
        """Take every chunk out of a queue that no worker has begun; return them."""
        return self._call(self._drop_queued(queue))

    def find_ended(self, chunks: Sequence[str]) -> list[str]:
        """Which of these chunks the engine will not run any more, nor again."""
        return self._call(self._find_ended(chunks))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise RuntimeError("the engine has not started")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self, concurrency: int | None, rate: Rate | None) -> None:
        try:
            if self._queue is not None and concurrency is not None:
                self._register_queue(self._queue, concurrency, rate)
            asyncio.run(self._work())
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _work(self) -> None:
        global _worker  # noqa: PLW0603 - DBOS calls workflows as functions of a module
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        _worker = worker = self._make_worker()
        background: list[asyncio.Task[None]] = []
        try:
            # In the loop, so that DBOS runs the chunks in it.
            self._launch()
            await self._take_up_dead()
            background = [
                asyncio.ensure_future(work) for work in (worker.watch(), self._keep_lease(worker))
            ]
            self._started.set_result(None)
            await self._stop.wait()
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await worker.stop()
            _worker = None
            await asyncio.to_thread(DBOS.destroy)

    def _register_queue(self, name: str, concurrency: int, rate: Rate | None) -> None:
        """Set the limits of a queue, for all workers.

        Before DBOS starts: it sees a queue that is new to it a second later, and the first chunks
        would be subject to the limits of the run before.
        """
        url = self._url.reveal()
        DBOS.migrate(url, schema=_SYSTEM_SCHEMA)
        engine: sa.Engine | None = None
        if url.startswith("sqlite"):
            engine = sa.create_engine(url, connect_args={"factory": SqliteConnection})
        client = DBOSClient(
            system_database_url=url,
            system_database_engine=engine,
            dbos_system_schema=_SYSTEM_SCHEMA,
            application_name=self._application,
        )
        try:
            client.register_queue(
                name,
                global_concurrency=concurrency,
                limiter=None if rate is None else {"limit": 1, "period": rate.spacing},
                polling_interval_sec=_POLL if rate is None else min(_POLL, rate.spacing / 4),
                on_conflict="always_update",
            )
        finally:
            client.destroy()
            if engine is not None:
                engine.dispose()

    def _launch(self) -> None:
        engine_log = logging.getLogger("dbos")
        if not engine_log.handlers:
            # Otherwise DBOS prints to the terminal.
            engine_log.addHandler(logging.NullHandler())
        config: DBOSConfig = {
            "name": self._application,
            "system_database_url": self._url.reveal(),
            "dbos_system_schema": _SYSTEM_SCHEMA,
            "executor_id": self._number,
            "application_version": _FORMAT,
            "log_level": "WARNING",
            "enable_otlp": False,
            "max_executor_threads": _THREADS,
            # Nothing is scheduled, and nothing waits for the end of a workflow.
            "use_listen_notify": False,
            "scheduler_polling_interval_sec": _HOUR,
            "notification_listener_polling_interval_sec": _END_LOOK,
        }
        if self._url.reveal().startswith("sqlite"):
            config["db_engine_kwargs"] = {"connect_args": {"factory": SqliteConnection}}
        DBOS(config=config)
        if self._queue is not None:
            DBOS.listen_queues([self._queue])
        DBOS.launch()

    async def _enqueue(self, queue: str, batch: str, chunks: Sequence[str]) -> None:
        for chunk in chunks:
            with SetWorkflowID(chunk):
                await DBOS.enqueue_workflow_async(queue, _run_chunk, batch, chunk)

    async def _drop_queued(self, queue: str) -> list[str]:
        dropped: list[str] = []
        while True:
            queued = await DBOS.list_workflows_async(
                status="ENQUEUED", queue_name=queue, limit=_ENQUEUED_PAGE, load_input=False
            )
            if not queued:
                return dropped
            page = [one.workflow_id for one in queued]
            await DBOS.cancel_workflows_async(page)
            dropped += page

    async def _find_ended(self, chunks: Sequence[str]) -> list[str]:
        ended: list[str] = []
        for start in range(0, len(chunks), _ENQUEUED_PAGE):
            page = await DBOS.list_workflows_async(
                workflow_ids=list(chunks[start : start + _ENQUEUED_PAGE]),
                status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
                load_input=False,
                load_output=False,
            )
            ended += [one.workflow_id for one in page]
        return ended

    async def _keep_lease(self, worker: Worker) -> None:
        while True:
            await asyncio.sleep(_LEASE_INTERVAL)
            try:
                if await asyncio.to_thread(self._leases.keep):
                    worker.resume()
                    await self._take_up_dead()
                else:
                    worker.pause()
            except Exception as error:
                # The database may be restarting.
                logger.warning("batch: the leases cannot be read: %s", error)

    async def _take_up_dead(self) -> None:
        """Put the chunks of dead workers back into their queues, before those that wait.

        A queue's order is that of enqueueing, which resuming keeps. So a chunk whose task still
        runs at the gateway gets the next slot, and no other task starts in its place.
        """
        if not await asyncio.to_thread(self._leases.begin_recovery):
            return
        try:
            await self._resume_dead()
        finally:
            await asyncio.to_thread(self._leases.end_recovery)

    async def _resume_dead(self) -> None:
        begun = await DBOS.list_workflows_async(
            status="PENDING", load_input=False, load_output=False
        )
        owners = {one.executor_id for one in begun if one.executor_id}
        living = await asyncio.to_thread(self._leases.find_living)
        dead = self._watch.find_dead(time.monotonic(), owners, living)
        queues = {one.queue_name for one in begun if one.executor_id in dead and one.queue_name}
        for queue in queues:
            chunks = [
                one.workflow_id
                for one in begun
                if one.executor_id in dead and one.queue_name == queue
            ]
            logger.info("batch: taking up %d chunks of workers that have ended", len(chunks))
            await DBOS.resume_workflows_async(chunks, queue_name=queue)
