"""The steps that a flow can take, and the entries that it records.

A flow is a generator of steps. A driver carries out each step, writes the result into the step, and
asks for the next one; the flow's return value is its result. An exception that interrupts a step
(Ctrl-C, cancellation) is thrown into the flow, which may take more steps before it propagates.
Times are seconds of one monotonic clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from attrs import define, field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import redact_headers, redact_url
from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import Route, Task
from cometapi_runway._settings import JOURNAL_TIMEOUT
from cometapi_runway.errors import APIConnectionError, BudgetUnit

T = TypeVar("T")


def _no_headers() -> dict[str, str]:
    return {}


def find_model(body: JSON) -> str | None:
    """The model that a request's body asks for, or None."""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else None


@frozen
class PreparedRequest:
    """One HTTP request to the gateway, complete except for the API key.

    Attributes:
        operation: The operation's id in the contract.
        method: HTTP method.
        url: Path from the gateway's root.
        headers: Header fields in addition to the client's own.
        body: JSON body, or None.
    """

    operation: str
    method: str
    url: str
    headers: Mapping[str, str] = field(
        factory=_no_headers, repr=lambda h: repr(redact_headers(h.items()))
    )
    body: Object | None = field(default=None, repr=False)

    @property
    def model(self) -> str | None:
        """The model that it asks for, or None."""
        return find_model(self.body)

    @property
    def fingerprint(self) -> str:
        """Digest of operation and body, the same for equal requests in every process."""
        text = json.dumps([self.operation, self.body], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@define
class Send:
    """Send a request once.

    Attributes:
        call: The request.
        timeout: Seconds that it may take.
        is_paid: Whether it creates a task. A paid request waits for its turn among the client's
            requests and then has its whole timeout, on a connection of its own; the deadline of a
            poll does not move.
        task: The id of the task that is polled, if the response to another wait may be reused.
        max_age: Age of a reused response in seconds, at most.
        scope: What the driver enters while it sends the request, or None; see `observation`.
        unsent: Set if the gateway cannot have acted on the request.
        response: Set to the response, if one arrived.
        error: Set to how the connection failed, if it did.
        at: Set to when the step ended.
    """

    call: PreparedRequest
    timeout: float
    is_paid: bool = False
    task: str | None = None
    max_age: float = 0.0
    scope: AbstractContextManager[object] | None = None
    unsent: bool = False
    response: RawResponse | None = None
    error: APIConnectionError | None = None
    at: float = 0.0


@define
class Sleep:
    """Sleep.

    Attributes:
        seconds: How long.
        why: The reason, for the log; empty for none.
        host: The host that it is about; the gateway's if empty.
        at: Set to when the step ended.
    """

    seconds: float
    why: str = ""
    host: str = ""
    at: float = 0.0


@define
class Notify:
    """Pass a new state of the task to the caller's callback."""

    task: Task


@define
class Fetch:
    """Stream a file to disk, without credentials.

    Attributes:
        url: The file's URL.
        part: The local file; it stays locked until it is published or closed.
        resume: Whether bytes already in `part` are kept and only the rest is requested.
        timeout: Seconds without a byte after which the connection is closed.
        index: Which output of the task it is, for the progress callback.
        status: Set to the response's HTTP status, if one arrived.
        headers: Set to the response's header fields, in lower case.
        received: Set to the bytes that this step received.
        offset: Set to the offset at which the body was written, or None if it was not.
        body_prefix: Set to the start of a text that came instead of a file; may hold secrets.
        size: Set to the bytes in `part` afterwards.
        error: Set to how the connection failed, if it did.
        failed_write: Set to the error of the disk, if one occurred.
        at: Set to when the step ended.
    """

    url: str = field(repr=redact_url)
    part: PartialFile
    resume: bool
    timeout: float
    index: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(factory=_no_headers)
    received: int = 0
    offset: int | None = None
    body_prefix: bytes = field(default=b"", repr=False)
    size: int = 0
    error: APIConnectionError | None = None
    failed_write: OSError | None = None
    at: float = 0.0


@define
class Exists:
    """Check whether a complete file exists.

    Attributes:
        path: The file.
        partial: Its name while it was unfinished, which a killed process may have left.
        found: Set to whether it exists.
        size: Set to its size in bytes.
        error: Set to why the name cannot be used: something that is not a file has it.
    """

    path: Path
    partial: Path
    found: bool = False
    size: int = 0
    error: OSError | None = None


@define
class Publish:
    """Give a complete file its final name, atomically and durably.

    Without `overwrite`, an existing file of that name is kept and `error` is FileExistsError.
    """

    part: PartialFile
    final: Path
    overwrite: bool
    error: OSError | None = None


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


@define
class Record:
    """Write an entry to the journal, durably.

    Attributes:
        entry: What happened.
        timeout: Seconds to wait for the journal while another process holds its lock.
        conflict: Set if the entry is not written because of an earlier submission or a budget.
        error: Set if the entry is not written, or not yet.
    """

    entry: Entry
    timeout: float = JOURNAL_TIMEOUT
    conflict: Conflict | None = None
    error: Exception | None = None


@define
class Warn:
    """Log a warning; the flow goes on."""

    message: str


Step: TypeAlias = Send | Sleep | Notify | Fetch | Exists | Publish | Record | Warn
Flow: TypeAlias = Generator[Step, None, T]
