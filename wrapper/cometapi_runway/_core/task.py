"""A task as a value, and its statuses. `_flows.parse_task` parses responses into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from attrs import Attribute, field, fields, frozen

from cometapi_runway._core.json_values import Object
from cometapi_runway._core.redaction import redact_url, safe_repr

Route: TypeAlias = Literal["tasks", "feed"]
"""Where a task is polled: ``GET /runwayml/v1/tasks/{id}`` or ``POST /runway/feed``."""

TaskStatus: TypeAlias = Literal[
    "PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "UNKNOWN"
]
"""The statuses that are documented or observed. The gateway may send a new one."""

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
_KNOWN_STATUSES: Final[Mapping[str, TaskStatus]] = {word: word for word in get_args(TaskStatus)}
METHODS_OF_BOUND_TASKS: Final = frozenset({"download", "refresh", "wait", "wait_for_task_output"})
"""What a task can do only with a client."""


def _redact_urls(urls: tuple[str, ...]) -> str:
    return repr(tuple(redact_url(url) for url in urls))


def _empty_object() -> Object:
    return {}


@frozen(repr=False)
class Task:
    """A task as the gateway described it at one moment.

    A notebook shows it as a table. A task that has a client loses it when it is pickled;
    `RunwayClient.bind` binds it again.

    Attributes:
        id: The task's id.
        status: ``PENDING THROTTLED RUNNING SUCCEEDED FAILED CANCELLED``, or the server's own
            word if it is a new one. ``UNKNOWN`` if the gateway knows the task and not its state.
            A ``match`` that a type checker completes is possible with `known_status`.
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
    status: TaskStatus | str
    progress: float | None = None
    output: tuple[str, ...] = field(default=(), repr=_redact_urls)
    failure: str | None = field(default=None, repr=safe_repr)
    failure_code: str | None = None
    created_at: datetime | None = field(default=None, repr=str)
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

    @property
    def known_status(self) -> TaskStatus | None:
        """The status, or None for a word that this version does not know."""
        return _KNOWN_STATUSES.get(self.status)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={text}" for name, text in self._describe_fields())
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align: left'>{escape(name)}</th>"
            f"<td style='text-align: left'>{escape(text)}</td></tr>"
            for name, text in self._describe_fields()
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"

    def _describe_fields(self) -> Iterator[tuple[str, str]]:
        """The name and the text of every field that has a value and may be shown."""
        declared: tuple[Attribute[object], ...] = fields(type(self))
        for one in declared:
            value: object = getattr(self, one.name)
            if one.repr is not False and value != one.default:
                yield one.name, safe_repr(value) if one.repr is True else one.repr(value)

    if not TYPE_CHECKING:
        # Hidden from type checkers, for which the class would have every attribute.
        def __getattr__(self, name: str) -> object:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in METHODS_OF_BOUND_TASKS:
                message += f": it has no client; client.bind(task).{name}(...) gives it one"
            raise AttributeError(message, name=name, obj=self)
