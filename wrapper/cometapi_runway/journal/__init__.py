"""The record of every paid request, on disk: `Journal`.

The intent is written before the request, the id right after, then the end and the files. Nothing in
here sends a request or knows a client.
"""

from cometapi_runway.journal._journal import Journal, SubmissionRecord, SubmissionState

__all__ = ["Journal", "SubmissionRecord", "SubmissionState"]
