"""A client's journal: what is on record for its gateway, and the taking up of the unfinished."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from cometapi_runway import settings
from cometapi_runway.drivers import OnUpdate
from cometapi_runway.errors import ConfigurationError, RunwayError, TaskNotFoundError
from cometapi_runway.flows.steps import Entry, Flow, Missing, Record, Wanted, Warn
from cometapi_runway.journal import Journal, Submission
from cometapi_runway.task import PENDING, Task

if TYPE_CHECKING:
    from cometapi_runway.bound import AsyncBoundTask, BoundTask
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient


@frozen
class _Record:
    """A journal, for one gateway: what went to others is not shown.

    Attributes:
        kept: The journal, which may hold other gateways' tasks too; None where the client was
            made without one, and then every question raises `ConfigurationError`.
        base_url: The gateway.
    """

    kept: Journal | None
    base_url: str

    @property
    def _file(self) -> Journal:
        if self.kept is None:
            raise ConfigurationError("this client keeps no journal: make it with journal=<file>")
        return self.kept

    def write(self, entry: Entry) -> None:
        """Write an entry."""
        self._file.write(entry, self.base_url)

    def tasks(self, *, unfinished: bool = False, limit: int | None = None) -> list[Submission]:
        """Submissions to this gateway, newest first; see `Journal.tasks`."""
        return self._file.tasks(unfinished=unfinished, limit=limit, gateway=self.base_url)

    def unknown(self) -> list[Submission]:
        """Submissions that may have been charged and have no id. Nothing repeats them."""
        return self._file.unknown(gateway=self.base_url)

    def find(self, task_id: str) -> Submission | None:
        """The submission of a task of this gateway, or None."""
        return self._file.find(task_id, gateway=self.base_url)

    def want(self, task_id: str, folder: Path) -> None:
        """Note that the output of a task is to be saved; trouble with the record stops nothing."""
        if self.kept is not None:
            with contextlib.suppress(RunwayError, sqlite3.Error):
                self.write(Wanted(task_id, 0, folder))

    def recall(self, task_id: str) -> Task | None:
        """A task as far as it is on record here; trouble with the record ends no wait."""
        if self.kept is None:
            return None
        try:
            found = self.find(task_id)
        except RunwayError:
            return None
        return None if found is None else _task(found, task_id)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self.kept is not None:
            self.kept.close()

    def _open(self) -> Iterator[tuple[Task, float]]:
        """Every task that is not done with, and its age in seconds."""
        for submission in self.tasks(unfinished=True):
            if submission.task_id is not None:
                task = _task(submission, submission.task_id)
                yield task, max(time.time() - submission.created_at.timestamp(), 0.0)


def _task(submission: Submission, task_id: str) -> Task:
    return Task(
        task_id,
        PENDING,
        route=submission.route,
        operation=submission.operation,
        seed=submission.seed,
    )


@frozen
class History(_Record):
    """The journal of a `RunwayClient`: what is on record, and the taking up of it."""

    client: RunwayClient = field(repr=False)

    def unfinished(self) -> list[BoundTask]:
        """Every task not seen to end, or whose output was to be saved and is not; newest first."""
        # The grace of a new task counts from when it was made, in whichever process.
        now = self.client.driver.clock.now()
        return [self.client.bind(task, now - age) for task, age in self._open()]

    def resume(
        self,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> Iterator[BoundTask]:
        """Wait for every unfinished task of the journal; see `Tasks.as_completed`.

        Submissions without an id are left alone; see `unknown`. A task that the gateway does not
        know is asked for once more at each call, and no more once it is two days old; see
        `journal.State`.
        """
        tasks = self.unfinished()
        return self.noting(
            self.client.tasks.as_completed(tasks, timeout, on_update, interval=interval)
        )

    def noting(self, endings: Iterable[BoundTask]) -> Iterator[BoundTask]:
        """Pass on tasks whose wait has ended, and note which of them the gateway does not know."""
        for task in endings:
            if isinstance(task.error, TaskNotFoundError):
                self.client.driver.run(_note_missing(task.id))
            yield task


@frozen
class AsyncHistory(_Record):
    """The journal of an `AsyncRunwayClient`; reading it blocks briefly. See `History`."""

    client: AsyncRunwayClient = field(repr=False)

    def unfinished(self) -> list[AsyncBoundTask]:
        """Every task not seen to end, or whose output was to be saved and is not; newest first."""
        now = self.client.driver.clock.now()
        return [self.client.bind(task, now - age) for task, age in self._open()]

    def resume(
        self,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncIterator[AsyncBoundTask]:
        """Wait for every unfinished task of the journal; see `History.resume`."""
        tasks = self.unfinished()
        return self.noting(
            self.client.tasks.as_completed(tasks, timeout, on_update, interval=interval)
        )

    async def noting(self, endings: AsyncIterator[AsyncBoundTask]) -> AsyncIterator[AsyncBoundTask]:
        """Pass on tasks whose wait has ended; see `History.noting`."""
        try:
            async for task in endings:
                if isinstance(task.error, TaskNotFoundError):
                    await self.client.driver.run(_note_missing(task.id))
                yield task
        finally:
            # Whoever leaves early ends the waits now, and not when somebody collects them.
            if isinstance(endings, AsyncGenerator):
                await endings.aclose()


def _note_missing(task_id: str) -> Flow[None]:
    record = Record(Missing(task_id))
    yield record
    if record.error is not None:
        yield Warn(f"task {task_id} is missing, but the journal cannot note it ({record.error})")
