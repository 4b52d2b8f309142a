"""``client.journal``: one gateway's part of the journal, and the resuming of unfinished tasks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.task import PENDING, Task
from cometapi_runway._flows.entries import (
    Conflict,
    Entry,
    OutputRequested,
    PastDuration,
    TaskMissing,
)
from cometapi_runway._flows.polling import MAX_PAST, Polling
from cometapi_runway._flows.steps import Flow, Record, Warn
from cometapi_runway._io.drivers import OnUpdate
from cometapi_runway._io.session import AsyncSession, Session
from cometapi_runway._settings import JOURNAL_TIMEOUT, POLL_INTERVAL, RECALL_TIMEOUT, WAIT_TIMEOUT
from cometapi_runway.errors import ConfigurationError, RunwayError, TaskNotFoundError
from cometapi_runway.journal import Journal, Spending, StorageError, SubmissionRecord
from cometapi_runway.resources._bound_task import AsyncBoundTask, BoundTask, bind, bind_async
from cometapi_runway.resources._tasks import AsyncTasks, Tasks


@frozen
class GatewayJournal:
    """A journal restricted to one gateway: submissions to others are not shown.

    Attributes:
        store: The journal, which may hold other gateways' tasks too; None if the client was
            created without one, and then every query raises `ConfigurationError`.
        base_url: The gateway.
    """

    store: Journal | None
    base_url: str

    @property
    def is_kept(self) -> bool:
        """Whether the client has a journal."""
        return self.store is not None

    @property
    def _journal(self) -> Journal:
        if self.store is None:
            raise ConfigurationError(
                "this client has no journal: create it with journal=<file>",
                setting="journal",
                is_missing=True,
            )
        return self.store

    def write(self, entry: Entry, timeout: float = JOURNAL_TIMEOUT) -> Conflict | None:
        """Write an entry; see `Journal.write`."""
        return self._journal.write(entry, self.base_url, timeout=timeout)

    def tasks(
        self, *, unfinished: bool = False, limit: int | None = None
    ) -> list[SubmissionRecord]:
        """Submissions to this gateway, newest first; see `Journal.tasks`."""
        return self._journal.tasks(unfinished=unfinished, limit=limit, gateway=self.base_url)

    def unknown(self) -> list[SubmissionRecord]:
        """Submissions that may have been charged and have no id. They are never repeated."""
        return self._journal.unknown(gateway=self.base_url)

    @overload
    def find(self, task_id: str) -> SubmissionRecord | None: ...
    @overload
    def find(self, *, idempotency_key: str) -> SubmissionRecord | None: ...
    @overload
    def find(self, *, label: str) -> list[SubmissionRecord]: ...
    def find(
        self,
        task_id: str | None = None,
        *,
        idempotency_key: str | None = None,
        label: str | None = None,
    ) -> SubmissionRecord | list[SubmissionRecord] | None:
        """Find a submission to this gateway by task or key, or several by label.

        See `Journal.find`.
        """
        journal = self._journal
        if label is not None and task_id is None and idempotency_key is None:
            return journal.find(label=label, gateway=self.base_url)
        if idempotency_key is not None and task_id is None and label is None:
            return journal.find(idempotency_key=idempotency_key, gateway=self.base_url)
        if task_id is None or idempotency_key is not None or label is not None:
            raise TypeError("find takes one of task_id, idempotency_key and label")
        return journal.find(task_id, gateway=self.base_url)

    def settle(
        self, key: str, *, task_id: str | None = None, charged: bool | None = None
    ) -> SubmissionRecord:
        """Close a submission of unknown outcome to this gateway; see `Journal.settle`."""
        return self._journal.settle(key, task_id=task_id, charged=charged, gateway=self.base_url)

    def spent(self, scope: str | None = "default") -> Spending:
        """What a scope has spent and reserved at this gateway; see `Journal.spent`."""
        return self._journal.spent(scope, gateway=self.base_url)

    def export(self) -> Iterator[dict[str, JSON]]:
        """Every submission to this gateway as a plain mapping; see `Journal.export`."""
        return self._journal.export(gateway=self.base_url)

    def request_output(self, task_id: str, folder: Path) -> None:
        """Record that the output of a task is to be saved. A journal error is ignored."""
        if self.store is not None:
            with contextlib.suppress(RunwayError, StorageError):
                self.write(OutputRequested(task_id, 0, folder))

    def recall(self, task_id: str) -> Task | None:
        """The task as the journal records it, or None. A journal error counts as no record."""
        if self.store is None:
            return None
        try:
            record = self._journal.find(task_id, gateway=self.base_url, timeout=RECALL_TIMEOUT)
        except RunwayError:
            return None
        return None if record is None else _to_task(record, task_id)

    def recall_durations(self, operation: str, model: str | None) -> Sequence[PastDuration]:
        """How long the latest tasks of a kind took, the newest first; see `Journal.durations`.

        A journal error counts as no record.
        """
        if self.store is None:
            return ()
        try:
            return self.store.durations(
                operation,
                model,
                limit=MAX_PAST,
                gateway=self.base_url,
                timeout=RECALL_TIMEOUT,
            )
        except RunwayError:
            return ()

    def close(self) -> None:
        """Close the journal; the next use opens it again."""
        if self.store is not None:
            self.store.close()

    def unfinished_tasks(self) -> list[tuple[Task, float]]:
        """Every unfinished task and its age in seconds, newest first."""
        return _with_ages(self._journal.resumable(gateway=self.base_url))

    def unfetched_tasks(self) -> list[tuple[Task, float]]:
        """Every task that succeeded without its files, and its age in seconds, newest first."""
        return _with_ages(self._journal.unfetched(gateway=self.base_url))

    def resumable_tasks(self, *, include_unfetched: bool) -> list[tuple[Task, float]]:
        """Every task that `resume` waits for, and its age in seconds, newest first."""
        return _with_ages(
            self._journal.resumable(include_unfetched=include_unfetched, gateway=self.base_url)
        )


def _with_ages(records: Iterable[SubmissionRecord]) -> list[tuple[Task, float]]:
    now = time.time()
    return [
        (_to_task(record, record.task_id), max(now - record.created_at.timestamp(), 0.0))
        for record in records
        if record.task_id is not None
    ]


def _to_task(record: SubmissionRecord, task_id: str) -> Task:
    return Task(
        task_id,
        PENDING,
        route=record.route,
        operation=record.operation,
        seed=record.seed,
        trace_parent=record.trace_parent,
        model=record.model,
        created_at=record.created_at,
    )


@frozen
class ClientJournal(GatewayJournal):
    """The journal of a `RunwayClient`, which can also resume its unfinished tasks."""

    _session: Callable[[], Session] = field(repr=False, eq=False)

    def unfinished(self) -> list[BoundTask]:
        """Tasks without a recorded end, or with an output still to be saved; newest first."""
        return self._bind(self.unfinished_tasks())

    def unfetched(self) -> list[BoundTask]:
        """Tasks that succeeded within the last seven days and whose files are not all on record.

        Runway keeps an output for a day or two, so fetch it soon: `BoundTask.wait` polls the
        task again for fresh addresses, and then `BoundTask.download` saves the files.
        """
        return self._bind(self.unfetched_tasks())

    def resume(
        self,
        timeout: float | None = WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
        include_unfetched: bool = False,
    ) -> Iterator[BoundTask]:
        """Wait for every unfinished task of the journal; see `Tasks.as_completed`.

        Submissions without an id are left alone; see `unknown`. A task that the gateway does not
        know is polled once more at each call, until it is two days old; see `SubmissionState`.

        Args:
            timeout: Seconds for all of them together; None for no limit.
            on_update: Called with a task whenever its state has changed.
            interval: Seconds between two polls of one task, at least.
            polling: When to poll; see `BoundTask.wait`.
            include_unfetched: Whether tasks that succeeded without their files are polled as
                well, see `unfetched`, so that their output can be downloaded.
        """
        tasks = self._bind(self.resumable_tasks(include_unfetched=include_unfetched))
        return self.record_missing(
            Tasks(self._session()).as_completed(
                tasks, timeout, on_update, interval=interval, polling=polling
            )
        )

    def _bind(self, tasks: Iterable[tuple[Task, float]]) -> list[BoundTask]:
        # The grace of a new task starts at its creation, which may have been in another process.
        session = self._session()
        now = session.driver.clock.now()
        return [bind(session, task, now - age) for task, age in tasks]

    def record_missing(self, completed: Iterable[BoundTask]) -> Iterator[BoundTask]:
        """Pass on tasks whose wait has ended, and record which ones the gateway does not know."""
        for task in completed:
            if isinstance(task.error, TaskNotFoundError):
                self._session().driver.run(_record_missing(task.id))
            yield task


@frozen
class AsyncClientJournal(GatewayJournal):
    """The journal of an `AsyncRunwayClient`; reading it blocks briefly. See `ClientJournal`."""

    _session: Callable[[], AsyncSession] = field(repr=False, eq=False)

    def unfinished(self) -> list[AsyncBoundTask]:
        """Tasks without a recorded end, or with an output still to be saved; newest first."""
        return self._bind(self.unfinished_tasks())

    def unfetched(self) -> list[AsyncBoundTask]:
        """Tasks that succeeded without their files; see `ClientJournal.unfetched`."""
        return self._bind(self.unfetched_tasks())

    def resume(
        self,
        timeout: float | None = WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
        include_unfetched: bool = False,
    ) -> AsyncIterator[AsyncBoundTask]:
        """Wait for every unfinished task of the journal; see `ClientJournal.resume`."""
        tasks = self._bind(self.resumable_tasks(include_unfetched=include_unfetched))
        return self.record_missing(
            AsyncTasks(self._session()).as_completed(
                tasks, timeout, on_update, interval=interval, polling=polling
            )
        )

    def _bind(self, tasks: Iterable[tuple[Task, float]]) -> list[AsyncBoundTask]:
        session = self._session()
        now = session.driver.clock.now()
        return [bind_async(session, task, now - age) for task, age in tasks]

    async def record_missing(
        self, completed: AsyncIterator[AsyncBoundTask]
    ) -> AsyncIterator[AsyncBoundTask]:
        """Pass on tasks whose wait has ended; see `ClientJournal.record_missing`."""
        try:
            async for task in completed:
                if isinstance(task.error, TaskNotFoundError):
                    await self._session().driver.run(_record_missing(task.id))
                yield task
        finally:
            # A caller that leaves early ends the waits now, not at garbage collection.
            if isinstance(completed, AsyncGenerator):
                await completed.aclose()


def _record_missing(task_id: str) -> Flow[None]:
    record = Record(TaskMissing(task_id))
    yield record
    if record.error is not None:
        yield Warn(f"task {task_id} is missing, but the journal cannot be written ({record.error})")
