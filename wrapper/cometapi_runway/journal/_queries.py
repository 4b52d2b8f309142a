"""The journal's queries."""

from __future__ import annotations

import time
from typing import Final

from cometapi_runway._core.redaction import redact_url
from cometapi_runway._settings import OUTPUT_LIFETIME
from cometapi_runway.journal._backend import SQLValue
from cometapi_runway.journal._statements import IN_SCOPE, NOT_SAVED

_COLUMNS: Final = """key, operation, arguments, fingerprint, seed, route, base_url, created_at,
    task_id, state, reason, failure_code, ended_at, idempotency_key, request_digest, label, scope,
    price, owner, settled_at, trace_parent"""
_UNSAVED_COUNT: Final = """CASE state WHEN 'SUCCEEDED' THEN (
    SELECT count(*) FROM file
    WHERE file.task_id = submission.task_id AND size = :not_saved AND saved_at >= :since
) ELSE 0 END"""
"""SQL: how many outputs of a submission are still to be saved; older requests have expired."""
UNFINISHED: Final = f"(state = 'SUBMITTED' OR {_UNSAVED_COUNT} > 0)"
"""SQL: whether a task has no recorded end, or an output of it is still to be saved."""
# A reason says that the gateway does not know a task any more that succeeded.
UNFETCHED: Final = f"""(
    state = 'SUCCEEDED' AND reason IS NULL AND ended_at >= :since AND ({_UNSAVED_COUNT} > 0
    OR NOT EXISTS (
        SELECT 1 FROM file WHERE file.task_id = submission.task_id AND size <> :not_saved
    ))
)"""  # noqa: S608 - literals only
"""SQL: whether a task succeeded, and its output still exists and is not on record as saved."""
UNKNOWN: Final = "state IN ('INTENDED', 'UNKNOWN')"
"""SQL: whether a submission has not ended, or is of unknown outcome."""
BY_TASK: Final = "task_id = :task_id"
BY_KEY: Final = "key = :key"
# One condition for each of the two indexes; neither has all submissions.
BY_IDEMPOTENCY_KEY: Final = """(idempotency_key = :idempotency_key AND state <> 'REFUSED')
    OR (idempotency_key = :idempotency_key AND state = 'REFUSED')"""
BY_LABEL: Final = "label = :label"
BY_LABEL_PREFIX: Final = "substr(label, 1, length(:prefix)) = :prefix"
ANY: Final = "1 = 1"

SPENDING: Final = f"""SELECT count(*) AS tasks, coalesce(sum(price), 0) AS cost,
    count(*) - count(price) AS unpriced FROM submission WHERE {IN_SCOPE}"""  # noqa: S608
SPENDING_OF_ALL: Final = SPENDING.replace("scope = :scope AND ", "")
TASK_KEYS: Final = """SELECT key FROM submission
WHERE task_id = :task_id AND key <> :key AND base_url = :base_url"""
# An id that the response named stays on record; one that was settled by mistake does not. What was
# settled as not charged stays: its idempotency key may have been used again.
SETTLE: Final = """UPDATE submission
SET state = :state, reason = :reason, settled_at = :now,
    task_id = CASE WHEN settled_at IS NULL THEN coalesce(:task_id, task_id) ELSE :task_id END
WHERE key = :key AND (
    state IN ('INTENDED', 'UNKNOWN')
    OR (settled_at IS NOT NULL AND state IN ('SUBMITTED', 'LOST'))
)"""

DURATIONS: Final = """SELECT duration, duration_gap FROM submission
WHERE operation = :operation AND model = :model AND duration IS NOT NULL
    AND (:gateway IS NULL OR base_url = :gateway)
ORDER BY created_at DESC LIMIT :limit"""

_NO_LIMIT: Final = 2**62


def build_select(condition: str, row_order: str, *, is_oldest_first: bool = False) -> str:
    """A query for submissions with their saved files.

    It returns one row for each saved file of a submission, and one row for a submission without
    files. The limit counts submissions, so it is inside the subquery.

    Args:
        condition: Which submissions; one of this module's literals, never data.
        row_order: The backend's expression for the order of insertion.
        is_oldest_first: Whether the order is that of insertion; otherwise, newest first.
    """
    order = "place" if is_oldest_first else "created_at DESC, place DESC"
    return f"""
        SELECT found.*, file.path FROM (
            SELECT {_COLUMNS}, {row_order} AS place,
                {_UNSAVED_COUNT} AS unsaved, {UNFETCHED} AS unfetched
            FROM submission
            WHERE ({condition}) AND (:gateway IS NULL OR base_url = :gateway)
                AND {row_order} > :after
            ORDER BY {order} LIMIT :limit
        ) AS found LEFT JOIN file ON file.task_id = found.task_id AND size <> :not_saved
        ORDER BY {order}, number"""  # noqa: S608


def make_values(gateway: str | None, limit: int | None, after: int = 0) -> dict[str, SQLValue]:
    """The values that every query of `build_select` needs."""
    return {
        "gateway": None if gateway is None else redact_url(gateway),
        "limit": _NO_LIMIT if limit is None else limit,
        "after": after,
        "not_saved": NOT_SAVED,
        "since": time.time() - OUTPUT_LIFETIME,
    }
