"""A task as a value, and its statuses. `_flows.parse_task` parses responses into one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from attrs import field, frozen

from cometapi_runway._core.json_values import Object
from cometapi_runway._core.redaction import redact_url, safe_repr

Route: TypeAlias = Literal["tasks", "feed"]
"""Where a task is polled: ``GET /runwayml/v1/tasks/{id}`` or ``POST /runway/feed``."""

TASK_NOT_EXIST = "task_not_exist"
"""The gateway's error code for a task that it does not know, or not yet. CometAPI's blog calls it a
status."""

PENDING = "PENDING"
THROTTLED = "THROTTLED"
RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"
UNKNOWN = "UNKNOWN"
"""The gateway's own word for a task whose state it does not know."""
TERMINAL = frozenset({SUCCEEDED, FAILED, CANCELLED})


def _redact_urls(urls: tuple[str, ...]) -> str:
    return repr(tuple(redact_url(url) for url in urls))


def _empty_object() -> Object:
    return {}


@frozen
class Task:
    """A task as the gateway described it at one moment.

    Attributes:
        id: The task's id.
        status: ``PENDING THROTTLED RUNNING SUCCEEDED FAILED CANCELLED``, or the server's own
            word if it is a new one. ``UNKNOWN`` if the gateway knows the task and not its state.
        progress: Fraction done, 0.0 to 1.0, or None if the response does not say.
        output: URLs of the finished files; they expire.
        failure: Why it failed, as the server says.
        failure_code: Runway's dotted code, such as ``SAFETY.INPUT.TEXT``.
        created_at: When the gateway accepted it, with a time zone.
        route: Which route reports its state.
        operation: The operation that created it, as its id in the contract, if known.
        seed: The seed that was sent, so that the result can be repeated, if known.
        raw: The JSON as received.
        trace_parent: The trace context of the call that created it (W3C's ``traceparent``), if
            telemetry recorded one.
        model: The model that was asked for, if known.
    """

    id: str
    status: str
    progress: float | None = None
    output: tuple[str, ...] = field(default=(), repr=_redact_urls)
    failure: str | None = field(default=None, repr=safe_repr)
    failure_code: str | None = None
    created_at: datetime | None = None
    route: Route = "tasks"
    operation: str | None = None
    seed: int | None = None
    raw: Object = field(factory=_empty_object, repr=False, eq=False)
    trace_parent: str | None = field(default=None, repr=False, eq=False)
    model: str | None = field(default=None, repr=False, eq=False)

    @property
    def is_terminal(self) -> bool:
        """Whether the task has ended, well or badly."""
        return self.status in TERMINAL
