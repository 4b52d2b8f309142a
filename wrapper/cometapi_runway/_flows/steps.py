"""What a flow can ask for.

A flow is a generator of steps. Whoever drives it carries each step out, writes what happened
into the step, and asks for the next; the flow's return value is its result. An exception that
interrupts a step (Ctrl-C, cancellation) is thrown into the flow, which may still take steps
before it lets the exception go on. Times are seconds of one monotonic clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from attrs import define, field, frozen

from cometapi_runway._core.json_values import Object
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import redact_headers, redact_url
from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import Route, Task
from cometapi_runway.errors import APIConnectionError

T = TypeVar("T")


def _no_headers() -> dict[str, str]:
    return {}


@frozen
class PreparedRequest:
    """One request, complete but for the key.

    Attributes:
        operation: The operation's id in the contract.
        method: HTTP method.
        url: Path from the gateway's root.
        headers: Header fields that this call adds to the client's own.
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
    def fingerprint(self) -> str:
        """Digest of operation and body: the same request has the same one, in every process."""
        text = json.dumps([self.operation, self.body], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@define
class Send:
    """Send a call once, and report its answer or how the connection failed.

    Attributes:
        call: The request.
        timeout: Seconds that it may take.
        queues: Whether they count from when it is sent. A paid request waits for its turn among
            others of its client and then has all its time; a poll's deadline does not move.
        task: The task whose state it asks for, where another wait's answer will do as well.
        max_age: How many seconds old such an answer may be.
        unsent: Whether nothing of it has left this process, or nothing that was acted on.
        response: The response, or None.
        error: How the connection failed, or None.
        at: When it ended.
    """

    call: PreparedRequest
    timeout: float
    queues: bool = False
    task: str | None = None
    max_age: float = 0.0
    unsent: bool = False
    response: RawResponse | None = None
    error: APIConnectionError | None = None
    at: float = 0.0


@define
class Sleep:
    """Let time pass.

    Attributes:
        seconds: How much.
        why: What is said meanwhile to whoever listens, if anything.
        at: When it ended.
    """

    seconds: float
    why: str = ""
    at: float = 0.0


@define
class Notify:
    """Tell the caller how the task stands."""

    task: Task


@define
class Fetch:
    """Stream a file to disk, without credentials.

    Attributes:
        url: The file's address.
        part: The local file; held from here on, until it is published or closed.
        resume: Whether bytes already in `part` are kept and only the rest is asked for.
        timeout: Seconds without a byte after which the connection is given up.
        index: Which output of the task it is, for whoever watches the progress.
        status: The answer's HTTP status, or None where none came.
        headers: The answer's header fields, to be looked up in lower case.
        received: Bytes that this step brought.
        offset: From which byte of the file its body was written, or None for not at all.
        body_prefix: How an answer began that is words where a file should be; may hold secrets.
        size: Bytes in `part` afterwards.
        error: How the connection failed, or None.
        failed_write: Why the disk refused, or None.
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
    """Look whether a finished file is there."""

    path: Path
    found: bool = False


@define
class Publish:
    """Give a finished file its final name, at once and durably.

    Without `overwrite` a file that has the name already is kept and `error` is FileExistsError.
    """

    part: PartialFile
    final: Path
    overwrite: bool
    error: OSError | None = None


@frozen
class SubmissionStarted:
    """A paid request is about to be sent."""

    key: str
    call: PreparedRequest
    route: Route
    seed: int | None


@frozen
class SubmissionAccepted:
    """The gateway accepted it under this id."""

    key: str
    task_id: str


@frozen
class SubmissionFailed:
    """It came to nothing (`refused`), or nobody knows what it came to."""

    key: str
    refused: bool
    reason: SubmissionFailureReason


@frozen
class TaskEnded:
    """A task reached a terminal state."""

    task: Task


@frozen
class TaskMissing:
    """The gateway does not know a task, though it has had the time to."""

    task_id: str


@frozen
class OutputRequested:
    """An output of a task is to be saved; until it is, the task is not done with."""

    task_id: str
    index: int
    folder: Path


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
    """Write an entry to the journal, durably, and report if that failed."""

    entry: Entry
    error: Exception | None = None


@define
class Warn:
    """Say aloud what must not be lost, though it stops nothing."""

    message: str


Step: TypeAlias = Send | Sleep | Notify | Fetch | Exists | Publish | Record | Warn
Flow: TypeAlias = Generator[Step, None, T]
