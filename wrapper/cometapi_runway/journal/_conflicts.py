"""What is in the way of a submission: the one that has its idempotency key, or a budget."""

from __future__ import annotations

import time
from collections.abc import Iterable

from cometapi_runway._flows.entries import (
    BudgetExcess,
    Conflict,
    EarlierSubmission,
    IdempotencyKey,
    Reservation,
)
from cometapi_runway._settings import IN_FLIGHT_LIMIT
from cometapi_runway.journal import _queries as queries
from cometapi_runway.journal._backend import Backend, StorageError
from cometapi_runway.journal._money import add_exactly, from_micros
from cometapi_runway.journal._records import SubmissionRecord, UnreadableRecord, parse_records
from cometapi_runway.journal._statements import Write


def find_conflict(backend: Backend, write: Write, timeout: float) -> Conflict | None:
    """Why an intent was not written; None if nothing is in the way any more.

    Raises:
        StorageError: The database cannot be read, or the row with its idempotency key is damaged.
    """
    if write.intent is None:
        return None
    own_key, reservation = write.intent.idempotency_key, write.intent.reservation
    if own_key is not None:
        earlier = _find_earlier(backend, own_key, write.gateway, timeout)
        if earlier is not None:
            return earlier
    if reservation.scope is None:
        return None
    return _find_excess(backend, reservation, reservation.scope, write.gateway, timeout)


def list_in_progress(
    backend: Backend, records: Iterable[SubmissionRecord], timeout: float
) -> frozenset[str]:
    """The keys of the submissions that running processes are sending."""
    oldest = time.time() - IN_FLIGHT_LIMIT
    owners = {
        record.key: record.owner
        for record in records
        if record.state == "INTENDED"
        and record.owner is not None
        and record.created_at.timestamp() > oldest
    }
    if not owners:
        return frozenset()
    living = backend.find_living(set(owners.values()), timeout)
    return frozenset(key for key, owner in owners.items() if owner in living)


def _find_earlier(
    backend: Backend, own_key: IdempotencyKey, gateway: str, timeout: float
) -> EarlierSubmission | None:
    values = {"idempotency_key": own_key.text, **queries.make_values(gateway, None)}
    query = queries.build_select(queries.BY_IDEMPOTENCY_KEY, backend.row_order)
    rows = list(backend.fetch(query, values, timeout))
    digests = {row["key"]: row["request_digest"] for row in rows}
    for record in parse_records(rows, _fail):
        is_same_request = digests[record.key] == own_key.digest
        # A refused one bought nothing: the same request may be made again.
        if record.state != "REFUSED" or not is_same_request:
            return EarlierSubmission(
                key=record.key,
                task_id=record.task_id,
                state=record.state,
                is_same_request=is_same_request,
                is_in_progress=bool(list_in_progress(backend, [record], timeout)),
                age=max(time.time() - record.created_at.timestamp(), 0.0),
                seed=record.seed,
                arguments=record.arguments,
                trace_parent=record.trace_parent,
            )
    return None


def _fail(row: UnreadableRecord) -> None:
    raise StorageError(str(row), is_permanent=True)


def _find_excess(
    backend: Backend, reservation: Reservation, scope: str, gateway: str, timeout: float
) -> BudgetExcess | None:
    values = {"scope": scope, "base_url": gateway}
    (row,) = backend.fetch(queries.SPENDING, values, timeout)
    price, limit = reservation.price, reservation.max_tasks
    if limit is not None and row["tasks"] >= limit:
        return BudgetExcess(scope, "tasks", limit, row["tasks"], price)
    cost, max_cost = from_micros(int(row["cost"])), reservation.max_cost
    if max_cost is not None and price is not None and add_exactly(cost, price) > max_cost:
        return BudgetExcess(scope, "USD", max_cost, cost, price)
    return None
