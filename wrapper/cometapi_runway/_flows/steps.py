"""The steps that a flow can take.

A flow is a generator of steps. A driver carries out each step, writes the result into the step, and
asks for the next one; the flow's return value is its result. An exception that interrupts a step
(Ctrl-C, cancellation) is thrown into the flow, which may take more steps before it propagates.
Times are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from attrs import define, field

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.task import Task
from cometapi_runway._settings import JOURNAL_TIMEOUT
from cometapi_runway.errors import APIConnectionError

if TYPE_CHECKING:
    from pathlib import Path

    from cometapi_runway._core.partial_file import PartialFile
    from cometapi_runway._flows.entries import Conflict, Entry
    from cometapi_runway._flows.prepared_request import PreparedRequest

T = TypeVar("T")


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


@define(weakref_slot=False)
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
    headers: Mapping[str, str] = field(factory=dict[str, str])
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
