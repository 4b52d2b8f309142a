"""What flows record in the journal, and what the journal answers.

Each entry is the content of a `steps.Record`.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import Route, Task
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.errors import BudgetUnit


@frozen
class Reservation:
    """What a submission may cost, and the limits that it must stay within.

    Attributes:
        price: US dollars, or None if the price is not known.
        scope: Whose limits they are; None if the submission counts towards no budget.
        max_cost: US dollars for all submissions of the scope together, or None.
        max_tasks: How many submissions the scope may have, or None.
    """

    price: Decimal | None = None
    scope: str | None = None
    max_cost: Decimal | None = None
    max_tasks: int | None = None


NO_RESERVATION: Final = Reservation()


@frozen
class IdempotencyKey:
    """The caller's name for a request, under which it buys one task.

    Attributes:
        text: The name.
        digest: Digest of the request, without what the client chose by itself.
    """

    text: str
    digest: str


@frozen
class SubmissionStarted:
    """A paid request is about to be sent.

    The journal writes it, in one transaction, only if its idempotency key is free and its
    reservation is within the limits; otherwise `Record.conflict` says what is in the way.
    """

    key: str
    call: PreparedRequest
    route: Route
    seed: int | None
    idempotency_key: IdempotencyKey | None = None
    reservation: Reservation = NO_RESERVATION
    label: str | None = None
    trace_parent: str | None = None


@frozen
class EarlierSubmission:
    """The submission that has an idempotency key already.

    Attributes:
        key: Its key in the journal.
        task_id: Its task, or None.
        state: How it stands; see `journal.SubmissionState`.
        is_same_request: Whether it was made with the same arguments.
        is_in_progress: Whether a running process is sending it.
        age: Seconds since it was recorded.
        seed: The seed that was sent, or None.
        arguments: The body that was sent, without the payloads of data URIs.
        trace_parent: The trace context in which it was sent, or None.
    """

    key: str
    task_id: str | None
    state: str
    is_same_request: bool
    is_in_progress: bool
    age: float
    seed: int | None
    arguments: JSON = field(repr=False)
    trace_parent: str | None = None


@frozen
class BudgetExcess:
    """A submission would exceed a budget.

    Attributes:
        scope: Whose budget it is.
        unit: What is limited.
        limit: How much, in that unit.
        spent: How much is spent or reserved.
        price: US dollars of the submission, or None if the price is not known.
    """

    scope: str
    unit: BudgetUnit
    limit: Decimal | int
    spent: Decimal | int
    price: Decimal | None


Conflict: TypeAlias = EarlierSubmission | BudgetExcess
"""Why a `SubmissionStarted` is not written."""


@frozen
class SubmissionAccepted:
    """The gateway accepted a paid request under this id."""

    key: str
    task_id: str


@frozen
class SubmissionFailed:
    """A paid request was not accepted (`refused`), or its outcome is unknown."""

    key: str
    refused: bool
    reason: SubmissionFailureReason
    task_id: str | None = None


@frozen
class PastDuration:
    """How long a task took whose end was watched.

    Attributes:
        seconds: From its creation until its end was seen.
        gap: How long before that it was known not to have ended.
    """

    seconds: float
    gap: float


@frozen
class TaskEnded:
    """A task reached a terminal state.

    Attributes:
        task: The task.
        duration: How long it took, if its end was watched closely enough to know it.
    """

    task: Task
    duration: PastDuration | None = None


@frozen
class TaskMissing:
    """The gateway does not know a task whose grace is over."""

    task_id: str


@frozen
class OutputRequested:
    """Outputs of a task are to be saved; until then, the task counts as unfinished.

    Attributes:
        task_id: The task.
        index: The first of these outputs.
        folder: Where their files go.
        count: How many outputs, from `index` on.
    """

    task_id: str
    index: int
    folder: Path
    count: int = 1


@frozen
class OutputSaved:
    """An output of a task is on disk."""

    task_id: str
    index: int
    path: Path
    size: int


Entry: TypeAlias = (
    SubmissionStarted
    | SubmissionAccepted
    | SubmissionFailed
    | TaskEnded
    | TaskMissing
    | OutputRequested
    | OutputSaved
)
