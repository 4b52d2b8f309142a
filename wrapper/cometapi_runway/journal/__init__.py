"""The record of every paid request, on disk: `Journal`.

The intent is written before the request, the task id right after it, then the task's end and its
files. The modules here send no request and do not import the client.
"""

from cometapi_runway.journal._journal import Journal, SubmissionRecord, SubmissionState

__all__ = ["Journal", "SubmissionRecord", "SubmissionState"]
