"""What settling a submission of unknown outcome writes."""

from __future__ import annotations

import time

from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.journal._backend import Statement
from cometapi_runway.journal._queries import SETTLE
from cometapi_runway.journal._records import SubmissionRecord


def make_settlement(
    record: SubmissionRecord, *, task_id: str | None, charged: bool | None
) -> Statement | None:
    """The statement that settles a submission; None if it is settled in this way already.

    A mistake can be corrected until the task is seen to have ended.

    Raises:
        InvalidRequestError: The arguments say nothing or contradict each other, or the submission
            is not of unknown outcome.
    """
    if (task_id is None) == (charged is None) or (task_id is not None and not task_id.strip()):
        problem = "pass the id of its task, or charged=True or charged=False"
        raise _error("task_id", "one of", task_id, f"task_id: {problem}")
    if charged is not None and not isinstance(charged, bool):
        raise _error("charged", "type", charged, "charged: must be True or False")
    state, reason = _outcome(task_id, charged)
    if record.settled_at is not None and _is_same(record, task_id, charged):
        return None
    is_correctable = record.settled_at is not None and record.state in {"SUBMITTED", "LOST"}
    if record.state not in {"INTENDED", "UNKNOWN"} and not is_correctable:
        task = "" if record.task_id is None else f" with task {record.task_id}"
        problem = f"submission {record.key}: its outcome is known: it is {record.state}{task}"
        raise _error("key", "state", record.key, problem)
    return Statement(
        SETTLE,
        {
            "key": record.key,
            "state": state,
            "reason": reason,
            "task_id": task_id,
            "now": time.time(),
        },
    )


def _outcome(task_id: str | None, charged: bool | None) -> tuple[str, str | None]:
    if task_id is not None:
        return "SUBMITTED", None
    if charged:
        return "LOST", "charged, and its task is not known"
    return "REFUSED", SubmissionFailureReason.NOT_CHARGED.value


def _is_same(record: SubmissionRecord, task_id: str | None, charged: bool | None) -> bool:
    if task_id is not None:
        return record.task_id == task_id
    return record.state == _outcome(task_id, charged)[0]


def _error(path: str, rule: str, value: object, message: str) -> InvalidRequestError:
    return InvalidRequestError([Issue(path, rule, value, message)])
