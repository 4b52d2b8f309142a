"""Tasks and submissions as text, and as fields of a JSON result."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway.cli._errors import format_command
from cometapi_runway.resources._client_resources import list_client_resources

if TYPE_CHECKING:
    from cometapi_runway._core.task import Task
    from cometapi_runway.journal import SubmissionRecord

_REFUSALS: Final = {
    SubmissionFailureReason.NOT_SENT: "never sent: the gateway was not reachable",
    SubmissionFailureReason.AUTHENTICATION: "the key was not accepted",
    SubmissionFailureReason.PERMISSION: "the key lacks the permission",
    SubmissionFailureReason.QUOTA: "the balance or the key's quota did not cover it",
    SubmissionFailureReason.RATE_LIMIT: "the gateway asked for a slower pace at every try",
    SubmissionFailureReason.BAD_REQUEST: "the gateway refused it as a bad request",
    SubmissionFailureReason.OTHER_STATUS: "the gateway refused it",
    SubmissionFailureReason.INTERRUPTED: "interrupted; nothing was accepted",
    SubmissionFailureReason.UNEXPECTED_ERROR: "an unexpected error; nothing was accepted",
    SubmissionFailureReason.NOT_CHARGED: "settled: nothing was charged",
}
_REFUSED: Final = "nothing was accepted"
_UNKNOWN: Final = "it may have been accepted and charged"
_UNKNOWN_CAUSES: Final = {
    SubmissionFailureReason.UNKNOWN_OUTCOME: "no usable response; ",
    SubmissionFailureReason.INTERRUPTED: "interrupted; ",
    SubmissionFailureReason.UNEXPECTED_ERROR: "an unexpected error; ",
}
_LINE_WIDTH: Final = 80
_INTENDED: Final = f"being sent, or its process was stopped; {_UNKNOWN}"


def format_task(task: Task) -> str:
    """A task in one line, and its output in further lines."""
    percent = "" if task.progress is None or task.is_terminal else f" {task.progress:.0%}"
    code = f" ({task.failure_code})" if task.failure_code else ""
    reason = f": {task.failure}{code}" if task.failure else code
    return "\n".join([f"{task.id}  {task.status}{percent}{reason}", *task.output])


def format_submission(submission: SubmissionRecord, gateway: str, more: Sequence[str] = ()) -> str:
    """A submission in one line of at most 80 columns, and details in further lines.

    Args:
        submission: The submission.
        gateway: The gateway in use; another one's address is shown.
        more: Further details.
    """
    state = _describe_state(submission)
    name = submission.task_id or f"(no id; request {submission.fingerprint})"
    age, command = format_age(submission.created_at), _format_commands(submission.operation)
    details = [
        "" if submission.base_url == gateway else f"at {submission.base_url}",
        ""
        if submission.task_id
        else f"{_format_time(submission)}{_format_seed_and_key(submission)}",
        *list_names_and_price(submission),
        _describe_reason(submission),
        *map(str, submission.files),
        _describe_unsaved(submission),
        *more,
    ]
    head = f"{name:<36}  {state:<9}  {age:>5}  {command}"
    return "\n  ".join([head, *filter(None, details)])


def describe_unknown_submission(submission: SubmissionRecord) -> str:
    """A submission of unknown outcome in one sentence."""
    identity = f"request {submission.fingerprint}{_format_seed_and_key(submission)}"
    names = "".join(f", {name} {value!r}" for name, value in _list_names(submission))
    task_id = submission.task_id
    task = "has no id" if task_id is None else f"names task {task_id} in a broken response"
    return (
        f"a request sent {format_age(submission.created_at)} ago, at {_format_time(submission)}, "
        f"{task} and may have been charged ({identity}{names})"
    )


def format_settle_command(submission: SubmissionRecord, options: Sequence[str] = ()) -> str:
    """The command that settles a submission; the id is left to fill in where it is not known."""
    task_id = submission.task_id or "ID"
    return format_command("tasks", "settle", submission.key, "--task", task_id, *options)


def make_submission_fields(submission: SubmissionRecord) -> dict[str, JSON]:
    """A submission's fields in a JSON result."""
    failure_reason = submission.failure_reason
    ended_at = submission.ended_at
    return {
        "key": submission.key,
        "task_id": submission.task_id,
        "state": submission.state,
        "operation": submission.operation,
        "created_at": submission.created_at.isoformat(),
        "ended_at": ended_at.isoformat() if ended_at else None,
        "idempotency_key": submission.idempotency_key,
        "label": submission.label,
        "price": None if submission.price is None else str(submission.price),
        "scope": submission.scope,
        "settled_at": submission.settled_at.isoformat() if submission.settled_at else None,
        "seed": submission.seed,
        "fingerprint": submission.fingerprint,
        "reason": submission.reason if failure_reason is None else failure_reason.value,
        "failure_code": submission.failure_code,
        "base_url": submission.base_url,
        "arguments": submission.arguments,
        "files": [str(file) for file in submission.files],
        "unsaved": submission.unsaved,
        "unfetched": submission.is_unfetched,
    }


def _list_names(submission: SubmissionRecord) -> list[tuple[str, str]]:
    """The names that the caller gave it."""
    names = (("idempotency key", submission.idempotency_key), ("label", submission.label))
    return [(name, value) for name, value in names if value is not None]


def list_names_and_price(submission: SubmissionRecord) -> list[str]:
    """Lines for the names that the caller gave it, and for its price."""
    parts = [f"{name} {value}" for name, value in _list_names(submission)]
    if submission.price is not None:
        parts.append(f"{submission.price} USD")
    elif submission.scope is not None:
        parts.append("price unknown")
    if submission.scope not in {None, "default"}:
        parts.append(f"budget {submission.scope}")
    width = _LINE_WIDTH - 2
    line = ", ".join(parts)
    lines = [line] if len(line) <= width else parts
    # A long name is cut anywhere, so that it is whole when its lines are joined.
    return [part for one in lines for part in textwrap.wrap(one, width, drop_whitespace=False)]


def _describe_unsaved(submission: SubmissionRecord) -> str:
    if submission.unsaved:
        return "its output is not saved yet"
    return "its output was never saved" if submission.is_unfetched else ""


def _describe_state(submission: SubmissionRecord) -> str:
    """The state for people."""
    is_unsent = submission.failure_reason is SubmissionFailureReason.NOT_SENT
    return "UNSENT" if is_unsent and submission.state == "REFUSED" else submission.state


def _describe_reason(submission: SubmissionRecord) -> str | None:
    """Why there is no task or no output, for people; None if there is no reason to show."""
    failure_reason = submission.failure_reason
    match submission.state:
        case "INTENDED":
            return _INTENDED
        case "UNKNOWN":
            cause = "" if failure_reason is None else _UNKNOWN_CAUSES.get(failure_reason, "")
            return f"{cause}{_UNKNOWN}"
        case "REFUSED":
            return _REFUSED if failure_reason is None else _REFUSALS.get(failure_reason, _REFUSED)
        case "FAILED" | "LOST":
            return submission.reason or submission.failure_code
        case _:
            return None


def _format_time(submission: SubmissionRecord) -> str:
    """When it was sent, in local time."""
    return submission.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _format_seed_and_key(submission: SubmissionRecord) -> str:
    """What distinguishes it from other requests; equal ones share the fingerprint and the seed."""
    seed = "" if submission.seed is None else f", seed {submission.seed}"
    return f"{seed}, key {submission.key}"


def _format_commands(operation: str) -> str:
    """The command of an operation; two resources may share the operation."""
    commands = [
        " ".join(one.command_words)
        for one in list_client_resources()
        if one.operation.id == operation
    ]
    return " or ".join(commands) or operation


def format_age(moment: datetime) -> str:
    """The time since a moment, in one unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    # Cut like the larger units: rounded, it would reach 60s.
    return f"{max(seconds, 0) // 1:.0f}s"
