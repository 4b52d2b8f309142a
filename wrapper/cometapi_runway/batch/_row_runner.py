"""One row from create to files: what is sent, which error ends it, what its result is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol, TypeVar

from attrs import define, evolve, field, frozen

from cometapi_runway._core.redaction import redact_text
from cometapi_runway.batch._decisions import Verdict, judge
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._outputs import OutputFolder
from cometapi_runway.batch._results import RowResult
from cometapi_runway.batch._rows import find_resource
from cometapi_runway.batch._store import RowEnded, StoredRow
from cometapi_runway.errors import RunwayError, SubmissionUnknownError, TaskFailedError
from cometapi_runway.resources._bound_task import AsyncBoundTask
from cometapi_runway.resources._client_resources import ResourceOwner
from cometapi_runway.resources._prices import find_price
from cometapi_runway.resources._resource import AsyncResource

T = TypeVar("T")

_JOURNAL_PAUSE: Final = 2.0
_JOURNAL_TRIES: Final = 30
"""How often, and with which pause in seconds, a row tries to record its create. A database that is
restarted is back within a minute."""

logger: Final = logging.getLogger("cometapi_runway")


class Client(ResourceOwner[AsyncResource[...]], Protocol):
    """What a row needs of an `AsyncRunwayClient`."""


class RunSlot(Protocol):
    """Says whether the next task may be created, and lets a create finish that has begun."""

    async def admit(self) -> None:
        """Wait until this worker may create tasks; for ever once it stops."""
        ...

    def finish(self, create: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a create to its end, also where the row is cancelled meanwhile."""
        ...


@frozen
class Repeat:
    """A row whose next task another chunk creates, because the queue limits the rate.

    Attributes:
        row_id: The row.
        attempt: The number of the task.
    """

    row_id: str
    attempt: int


class BatchHaltError(Exception):
    """No row of the batch can succeed now."""


@define
class RowState:
    """How far a row has come.

    Attributes:
        row: The row.
        attempt: The number of its latest task.
        charged: How many of its tasks were charged, or may have been.
        price: US dollars for one of them, or None if it is not known.
        task: The latest task, once it is accepted.
        created_at: When that was submitted.
    """

    row: StoredRow
    attempt: int
    charged: int
    price: Decimal | None
    task: AsyncBoundTask | None = None
    created_at: datetime | None = None

    def make_end(self, result: RowResult, *, ends_attempt: bool = False) -> RowEnded:
        """The entry of a result, with what all results say."""
        complete = evolve(
            result,
            task_id=result.task_id or (self.task.id if self.task else None),
            attempts=self.attempt,
            cost=None if self.price is None else self.price * self.charged,
            created_at=self.created_at,
            ended_at=datetime.now(UTC),
        )
        return RowEnded(complete, self.attempt + ends_attempt)


@frozen
class RowRunner:
    """Runs the rows of one batch.

    Attributes:
        batch: The batch's name.
        client: Creates the tasks, within the batch's budget.
        options: How the batch runs.
        outputs: Where its files go.
        slot: Admits creates.
        is_halted: Whether no further task is to be created.
    """

    batch: str
    client: Client
    options: BatchOptions
    outputs: OutputFolder
    slot: RunSlot
    is_halted: Callable[[], bool] = field(repr=False)

    async def run_tasks(self, row: StoredRow) -> RowState | RowEnded | Repeat:
        """Create the row's task and wait for it, again where that can help.

        Returns:
            The state whose task has succeeded, the end of the row, or the order to repeat it.

        Raises:
            BatchHaltError: The error would meet every row.
        """
        resource = find_resource(row.operation)
        signature = resource.signature
        budget = self.options.make_budget(self.batch)
        price = find_price(budget, signature.name, signature.operation)
        state = RowState(row, row.attempt, row.attempt - 1, price)
        outage = 0
        while True:
            try:
                await self._run_task(state, resource.get_from(self.client))
            except RunwayError as error:
                verdict = judge(error)
                if verdict.is_unrecorded and (outage := outage + 1) <= _JOURNAL_TRIES:
                    await asyncio.sleep(_JOURNAL_PAUSE)
                    continue
                if verdict.halts:
                    raise BatchHaltError(str(error)) from error
                state.charged += isinstance(error, SubmissionUnknownError)
                if not self._may_repeat(state, verdict):
                    return _end(state, verdict, error)
                state.attempt += 1
                if self.options.rate is not None:
                    return Repeat(row.id, state.attempt)
            else:
                return state

    async def save(self, state: RowState) -> RowEnded:
        """Download the outputs of the row's task, which has succeeded."""
        task = state.task
        if task is None:
            raise TypeError("a row without a task has no output")
        try:
            files = await self.outputs.save(task, state.row.output)
        except RunwayError as error:
            return _end(state, judge(error), error)
        return state.make_end(RowResult(state.row.id, "SUCCEEDED", files=files))

    async def _run_task(self, state: RowState, resource: AsyncResource[...]) -> None:
        """Create the task of an attempt, or find the one that its key has bought, and wait."""
        row, state.task = state.row, None
        await self.slot.admit()
        create = resource.create(
            **row.arguments,
            idempotency_key=f"{self.batch}/{row.id}/{state.attempt}",
            label=f"{self.batch}/{row.id}",
        )
        task = state.task = await self.slot.finish(create)
        state.charged += 1
        clock = task.session.driver.clock
        age = 0.0 if task.accepted_at is None else clock.now() - task.accepted_at
        state.created_at = datetime.now(UTC) - timedelta(seconds=age)
        options = self.options
        state.task = await task.wait(
            options.timeout, interval=options.interval, polling=options.polling
        )

    def _may_repeat(self, state: RowState, verdict: Verdict) -> bool:
        tries = state.attempt - state.row.first_attempt + 1
        return verdict.is_repeatable and tries < self.options.attempts and not self.is_halted()


def _end(state: RowState, verdict: Verdict, error: RunwayError) -> RowEnded:
    result = RowResult(
        state.row.id,
        verdict.status,
        task_id=error.task_id,
        failure_code=error.failure_code if isinstance(error, TaskFailedError) else None,
        error=redact_text(str(error)),
    )
    return state.make_end(result, ends_attempt=verdict.ends_attempt)
