"""One worker: runs chunks of rows in one event loop, and writes what happened to them.

A chunk occupies one slot of the queue and runs its rows one after another; each holds the slot from
its create to the end of its task. Downloads go on meanwhile. Nothing here decides about money: the
ledger does, at each create.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from attrs import define, field

from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._outputs import OutputFolder
from cometapi_runway.batch._row_runner import BatchHaltError, Client, Repeat, RowRunner, RowState
from cometapi_runway.batch._store import RowEnded, RowStarted, Store, StoredBatch, StoredRow

T = TypeVar("T")

_DOWNLOADS: Final = 8
"""Rows whose outputs a worker saves at once."""
_LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks at whether a batch is to stop."""
_GATHER_TIME: Final = 0.1
"""Seconds in which entries are gathered for one transaction. A result that is lost with the process
is found again by its key."""

logger: Final = logging.getLogger("cometapi_runway")


class ClosableClient(Client, Protocol):
    """An `AsyncRunwayClient`."""

    async def close(self) -> None:
        """Close its connections."""
        ...


class Writer:
    """Writes the entries of one batch, those of many rows in one transaction."""

    def __init__(self, store: Store, batch: str) -> None:
        self._store = store
        self._batch = batch
        self._entries: list[RowStarted | RowEnded] = []
        self._written: asyncio.Future[None] | None = None

    def write(self, entry: RowStarted | RowEnded) -> Awaitable[None]:
        """Write an entry soon; what is returned is done once it is on disk."""
        self._entries.append(entry)
        if self._written is None:
            self._written = asyncio.ensure_future(self._write_all())
            # Its rows get the error. asyncio would log it again at garbage collection, where the
            # rows were cancelled because the worker ends.
            self._written.add_done_callback(_retrieve_error)
        return asyncio.shield(self._written)

    async def _write_all(self) -> None:
        try:
            await asyncio.sleep(_GATHER_TIME)
            while self._entries:
                entries, self._entries = self._entries, []
                await asyncio.to_thread(self._store.write, self._batch, entries)
        finally:
            # Where it fails, the next entry is tried again.
            self._written = None


@define(eq=False)
class BatchRun:
    """A batch that this worker runs.

    Attributes:
        stored: The batch as it was stored when the run began.
        client: Its client.
        runner: Runs its rows.
        writer: Writes what happened to them.
        halted: Why no further task is created, or None.
    """

    stored: StoredBatch
    client: ClosableClient
    writer: Writer
    halted: str | None = None
    runner: RowRunner = field(init=False)


class Worker:
    """Runs chunks until it is stopped.

    Args:
        store: The rows.
        open_client: Opens the client of a batch: its budget is the batch's.
        open_outputs: Opens the folder of a batch.
    """

    def __init__(
        self,
        store: Store,
        open_client: Callable[[StoredBatch, BatchOptions], ClosableClient],
        open_outputs: Callable[[str], OutputFolder],
    ) -> None:
        self._store = store
        self._open_client = open_client
        self._open_outputs = open_outputs
        self._runs: dict[str, BatchRun] = {}
        self._old_runs: list[BatchRun] = []
        self._chunks: set[asyncio.Task[Any]] = set()
        self._creates: set[asyncio.Future[Any]] = set()
        self._may_create = asyncio.Event()
        self._may_create.set()
        self._is_stopping = False
        self._downloads = asyncio.Semaphore(_DOWNLOADS)
        self._opening = asyncio.Lock()

    async def admit(self) -> None:
        """Wait until this worker may create tasks; for ever once it stops."""
        await self._may_create.wait()

    def finish(self, create: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a create to its end, also where the row is cancelled meanwhile."""
        task = asyncio.ensure_future(create)
        self._creates.add(task)
        task.add_done_callback(self._forget_create)
        return asyncio.shield(task)

    def pause(self) -> None:
        """Create no task until `resume`: the lease is lost."""
        self._may_create.clear()

    def resume(self) -> None:
        """Create tasks again."""
        if not self._is_stopping:
            self._may_create.set()

    async def run_chunk(self, name: str, chunk: str) -> None:
        """Run the rows of a chunk that have no result, in order.

        It returns once their results are written, or once they are out of the chunk because the
        batch has stopped.
        """
        task = asyncio.current_task()
        if task is not None:
            self._chunks.add(task)
        try:
            run = await self._open(name)
            is_complete = await self._run_rows(run, chunk)
            if not is_complete:
                await asyncio.to_thread(self._store.release, name, [chunk])
        except Exception as error:
            # The rows must not wait for a chunk that has ended.
            logger.exception("batch %s: chunk %s failed", name, chunk)
            await asyncio.to_thread(self._store.halt, name, str(error))
            await asyncio.to_thread(self._store.release, name, [chunk])
        finally:
            if task is not None:
                self._chunks.discard(task)

    async def watch(self) -> None:
        """Look every second at whether a batch is to stop: cancelled, or too many failures."""
        while True:
            await asyncio.sleep(_LOOK_INTERVAL)
            for run in list(self._runs.values()):
                try:
                    await self._look(run)
                except Exception as error:
                    # The database may be restarting; rows in progress go on.
                    logger.warning("batch %s: %s", run.stored.name, error)

    async def stop(self) -> None:
        """Let creates finish that have begun, and end everything else; tasks continue."""
        self._is_stopping = True
        self.pause()
        if self._creates:
            await asyncio.wait(set(self._creates))
        chunks = list(self._chunks)
        for chunk in chunks:
            chunk.cancel()
        await asyncio.gather(*chunks, return_exceptions=True)
        for run in (*self._runs.values(), *self._old_runs):
            with contextlib.suppress(Exception):
                await run.client.close()

    async def _run_rows(self, run: BatchRun, chunk: str) -> bool:
        """Run rows; False if some are left."""
        rows = await asyncio.to_thread(self._store.load_chunk, run.stored.name, chunk)
        saves: list[asyncio.Task[None]] = []
        is_complete = True
        try:
            for row in rows:
                if run.halted is not None:
                    return False
                is_complete = await self._run_row(run, row, saves) and is_complete
            await asyncio.gather(*saves)
        except asyncio.CancelledError:
            for save in saves:
                save.cancel()
            raise
        finally:
            # Also where the batch halts: what was paid for is saved.
            await asyncio.gather(*saves, return_exceptions=True)
        return is_complete

    async def _run_row(
        self, run: BatchRun, row: StoredRow, saves: list[asyncio.Task[None]]
    ) -> bool:
        """Run a row's tasks and start to save their output; False if the row has not ended."""
        started = asyncio.ensure_future(run.writer.write(RowStarted(row.id)))
        saves.append(asyncio.ensure_future(_ignore_result(started)))
        try:
            outcome = await run.runner.run_tasks(row)
        except BatchHaltError as error:
            run.halted = str(error)
            await asyncio.to_thread(self._store.halt, run.stored.name, run.halted)
            return False
        if isinstance(outcome, Repeat):
            repeat = self._store.repeat
            await asyncio.to_thread(repeat, run.stored.name, outcome.row_id, outcome.attempt)
            return False
        saves.append(asyncio.ensure_future(self._finish(run, outcome)))
        return True

    async def _finish(self, run: BatchRun, outcome: RowState | RowEnded) -> None:
        if isinstance(outcome, RowState):
            async with self._downloads:
                outcome = await run.runner.save(outcome)
        await run.writer.write(outcome)

    async def _open(self, name: str) -> BatchRun:
        """The run of a batch, opened at its first chunk and again when the batch is run again."""
        async with self._opening:
            stored = await asyncio.to_thread(self._store.load_batch, name)
            run = self._runs.get(name)
            if run is not None and run.stored.run_at == stored.run_at:
                return run
            if run is not None:
                # Its rows still use it.
                self._old_runs.append(run)
            self._runs[name] = run = self._start(stored)
            return run

    def _start(self, stored: StoredBatch) -> BatchRun:
        options = BatchOptions.from_json(stored.options)
        client = self._open_client(stored, options)
        run = BatchRun(stored, client, Writer(self._store, stored.name), stored.halted)
        outputs = self._open_outputs(stored.folder)
        run.runner = RowRunner(
            stored.name, client, options, outputs, self, lambda: run.halted is not None
        )
        return run

    async def _look(self, run: BatchRun) -> None:
        name = run.stored.name
        stored = await asyncio.to_thread(self._store.load_batch, name)
        if stored.run_at != run.stored.run_at:
            return
        halt = run.runner.options.parse_halt()
        if stored.halted is None and halt is not None:
            since = stored.run_at.timestamp()
            counts = await asyncio.to_thread(self._store.count, name, since)
            if halt.is_reached(counts.statuses):
                reason = f"halt {run.runner.options.halt} is reached"
                await asyncio.to_thread(self._store.halt, name, reason)
                run.halted = reason
        run.halted = run.halted or stored.halted

    def _forget_create(self, create: asyncio.Future[Any]) -> None:
        self._creates.discard(create)
        if not create.cancelled():
            # Where the row was cancelled, the journal has the outcome.
            create.exception()


def _retrieve_error(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        written.exception()


async def _ignore_result(written: Awaitable[None]) -> None:
    """A start that is not written only makes a count lower."""
    with contextlib.suppress(Exception):
        await written
