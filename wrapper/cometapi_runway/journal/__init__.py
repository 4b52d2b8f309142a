"""The record of every paid request, on disk: `Journal`.

The intent is written before the request, the task id right after it, then the task's end and its
files. The modules here send no request and do not import the client.
"""

from cometapi_runway.journal._journal import (
    Journal,
    MissingSubmissionError,
    PendingEntryError,
)
from cometapi_runway.journal._records import SubmissionRecord, SubmissionState, UnreadableRecord

__all__ = [
    "Journal",
    "MissingSubmissionError",
    "PendingEntryError",
    "SubmissionRecord",
    "SubmissionState",
    "UnreadableRecord",
]
