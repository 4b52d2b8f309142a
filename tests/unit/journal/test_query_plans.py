"""What a create asks the journal does not grow with the journal."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

from tests.cases import each_case

from cometapi_runway._flows.entries import (
    IdempotencyKey,
    Reservation,
    SubmissionAccepted,
    SubmissionStarted,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal, _queries
from cometapi_runway.journal._backend import Statement
from cometapi_runway.journal._statements import Write, make_write

CALL = PreparedRequest("upscale_a_video", "POST", "/runwayml/v1/video_upscale", {}, {"seed": 1})
WITHIN = Reservation(Decimal("0.5"), "default", Decimal(100), 100)
START = SubmissionStarted("new", CALL, "tasks", 1, IdempotencyKey("order-17", "digest"), WITHIN)
BY_IDEMPOTENCY_KEY = Statement(
    _queries.build_select(_queries.BY_IDEMPOTENCY_KEY, "rowid"),
    {"idempotency_key": "order-17", **_queries.make_values(None, None)},
)


def list_statements(write: Write) -> list[Statement]:
    return [*write.statements, *([] if write.claim is None else [write.claim])]


@each_case(
    "statement",
    [
        *list_statements(make_write(START, "https://api.cometapi.com")),
        *list_statements(make_write(SubmissionAccepted("new", "task-1"), "")),
        BY_IDEMPOTENCY_KEY,
    ],
    ids=["intent", "claim", "acceptance", "find by key"],
)
def test_a_create_reads_no_whole_table(tmp_path: Path, statement: Statement) -> None:
    Journal(tmp_path / "journal").close()
    with sqlite3.connect(tmp_path / "journal") as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values).fetchall()
    db.close()
    steps = [step for *_, step in plan]
    assert not [step for step in steps if step.startswith("SCAN submission")], steps
    # A range of row numbers is the whole table too.
    assert not [step for step in steps if "submission USING INTEGER PRIMARY KEY" in step], steps
