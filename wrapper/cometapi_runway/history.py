"""A client's journal: what is on record for its gateway, and the taking up of the unfinished."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from attrs import field, frozen

from cometapi_runway import settings
from cometapi_runway.drivers import OnUpdate
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.flows.steps import Entry
from cometapi_runway.journal import Journal, Submission
from cometapi_runway.redaction import url as shown
from cometapi_runway.task import PENDING, Task

if TYPE_CHECKING:
    from cometapi_runway.bound import AsyncBoundTask, BoundTask
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient


@frozen
class _Record:
    """A journal, for one gateway.

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
        here = [s for s in self._file.tasks(unfinished=unfinished) if self._is_here(s)]
        return here[:limit]

    def unknown(self) -> list[Submission]:
        """Submissions that may have been charged and have no id. Nothing repeats them."""
        return [s for s in self._file.unknown() if self._is_here(s)]

    def find(self, task_id: str) -> Submission | None:
        """The submission of a task, or None."""
        return self._file.find(task_id)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self.kept is not None:
            self.kept.close()

    def unfinished(self) -> Iterator[Task]:
        """Every task that was submitted and not seen to end."""
        for submission in self.tasks(unfinished=True):
            if submission.task_id is not None:
                yield Task(
                    submission.task_id,
                    PENDING,
                    route=submission.route,
                    operation=submission.operation,
                    seed=submission.seed,
                )

    def _is_here(self, submission: Submission) -> bool:
        # The same task asked of another gateway would be "not found" there.
        return submission.base_url == shown(self.base_url)


@frozen
class History(_Record):
    """The journal of a `RunwayClient`: what is on record, and the taking up of it."""

    client: RunwayClient = field(repr=False)

    def resume(
        self,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> Iterator[BoundTask]:
        """Wait for every unfinished task of the journal; see `Tasks.as_completed`.

        Submissions without an id are left alone; see `unknown`.
        """
        tasks = [self.client.bind(task) for task in self.unfinished()]
        return self.client.tasks.as_completed(tasks, timeout, on_update, interval=interval)


@frozen
class AsyncHistory(_Record):
    """The journal of an `AsyncRunwayClient`; reading it blocks briefly. See `History`."""

    client: AsyncRunwayClient = field(repr=False)

    def resume(
        self,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncIterator[AsyncBoundTask]:
        """Wait for every unfinished task of the journal; see `AsyncTasks.as_completed`."""
        tasks = [self.client.bind(task) for task in self.unfinished()]
        return self.client.tasks.as_completed(tasks, timeout, on_update, interval=interval)
