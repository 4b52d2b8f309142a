"""The record of every paid request: `Journal`, and what may be spent: `Budget`.

The intent is written before the request, the task id right after it, then the task's end and its
files. The modules here send no request and do not import the client.
"""

from cometapi_runway.journal._backend import StorageError
from cometapi_runway.journal._budget import Amount, Budget, Spending, load_prices
from cometapi_runway.journal._database import MissingSubmissionError, PendingEntryError
from cometapi_runway.journal._journal import Journal
from cometapi_runway.journal._records import (
    EXPORT_FIELDS,
    SubmissionRecord,
    SubmissionState,
    UnreadableRecord,
)

__all__ = [
    "EXPORT_FIELDS",
    "Amount",
    "Budget",
    "Journal",
    "MissingSubmissionError",
    "PendingEntryError",
    "Spending",
    "StorageError",
    "SubmissionRecord",
    "SubmissionState",
    "UnreadableRecord",
    "load_prices",
]
