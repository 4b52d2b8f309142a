"""What processes do to a journal. They import this module, and take a third of the time for it."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier

from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal

CALL = PreparedRequest("control_a_character", "POST", "/x", {}, {"seed": 7})
# SQLite serves those that wait in no order, and one of them may wait long on a busy machine.
_PATIENCE = 60.0


def write_many(location: Path | str, name: str, count: int) -> None:
    journal = Journal(location)
    for number in range(count):
        key = f"{name}-{number}"
        journal.write(SubmissionStarted(key, CALL, "tasks", number), timeout=_PATIENCE)
        if number % 3:
            journal.write(SubmissionAccepted(key, f"task-{key}"), timeout=_PATIENCE)
        else:
            failure = SubmissionFailed(key, refused=False, reason=Reason.UNKNOWN_OUTCOME)
            journal.write(failure, timeout=_PATIENCE)
        if number % 3 == 2:
            journal.write(TaskEnded(Task(f"task-{key}", "SUCCEEDED")), timeout=_PATIENCE)
    journal.close()


def open_all(folder: Path, together: Barrier, count: int) -> None:
    for number in range(count):
        together.wait(20)
        Journal(folder / f"{number}.journal").close()
