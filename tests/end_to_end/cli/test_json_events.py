"""The fields of every JSON event, which programs rely on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cometapi_runway.simulator import Fault, Gateway, Outcome, When, failed

from .terminal import CREATE, FACE, QUICK, Terminal

SUBMISSION = (
    "key task_id state operation created_at ended_at idempotency_key label price scope settled_at "
    "seed fingerprint reason failure_code base_url arguments files unsaved unfetched"
)
BATCH = (
    "name folder rows ended running waiting statuses reasons halted complete spent tasks "
    "unpriced_tasks elapsed remaining"
)
STATUS = "task_id status progress failure failure_code operation seed"
CREATED = "price idempotency_key label reused"
FIELDS = {
    "batch": BATCH,
    "check": "name state message",
    "completion": "shell script",
    "contract": "title version package servers sha256 operations operations.id operations.method "
    "operations.path operations.resources operations.pages operations.pages.source "
    "operations.pages.obtained",
    "downloaded": "task_id output bytes",
    "drift": "drifts",
    "dry_run": f"operation method url headers body valid curl {CREATED}",
    "error": "code error message details next task_id "
    # Of a body, of a manifest, and of a batch.
    "resource operation file issues issues.path issues.rule issues.message "
    "manifest rows bad_rows bad_rows_shown issues.line issues.id issues.value "
    "name failed open unknown",
    "file": "task_id path size",
    "manifest": "manifest rows operations known_cost unpriced_rows",
    "note": "message",
    "progress": BATCH,
    "report": "name path",
    "row": "id status task_id attempts files cost created_at ended_at error failure_code",
    "settled": SUBMISSION,
    "spent": "base_url scope tasks cost unpriced",
    "status": f"{STATUS} elapsed remaining",
    "submission": SUBMISSION,
    "submitted": f"{STATUS} output {CREATED}",
    "task": f"{STATUS} output",
    "valid": "resource operation file",
    "warning": "message",
}


def list_fields(event: dict[str, Any]) -> Iterator[str]:
    """The names in an event, and in the objects that its lists hold."""
    for name, value in event.items():
        yield name
        for item in value if isinstance(value, list) else []:
            if isinstance(item, dict):
                yield from (f"{name}.{inner}" for inner in list_fields(item))


def test_every_event_has_all_its_fields_and_no_others(run: Terminal, gateway: Gateway) -> None:
    for operation in ("character_performance", "image_to_video"):
        gateway.outcomes.add(Outcome(failed("INTERNAL"), When(operation, nth=2)))
    gateway.faults.add(Fault("cut", when=When("character_performance", nth=3)))
    Path("valid.json").write_text('{"videoUri": "https://example.com/x.mp4", "model": "m"}')
    Path("bad.json").write_text("{}")
    head, row = "id,prompt_image,prompt_text,model", f",{FACE},x,gen4_turbo"
    Path("rows.csv").write_text(f"{head}\na{row}\nb{row}\n")
    Path("bad.csv").write_text(f"{head}\na{row}\na{row}\n")
    operation = ("--operation", "image-to-video")
    task_id = run(*CREATE, "--no-wait").out.strip()
    found: dict[str, set[str]] = {}
    for words in (
        (*CREATE, "--dry-run"),
        (*CREATE, *QUICK),
        (*CREATE, "--idempotency-key", "k"),
        (*CREATE, "--no-wait"),
        ("tasks", "get", task_id),
        ("tasks", "wait", task_id),
        ("tasks", "list"),
        ("tasks", "resume", *QUICK),
        ("tasks", "settle", "k", "--charged"),
        ("tasks", "spent"),
        ("validate", "valid.json"),
        ("validate", "bad.json"),
        ("doctor",),
        ("contract",),
        ("contract", "drift", "."),
        ("completion", "fish"),
        ("batch", "check", "bad.csv", *operation),
        ("batch", "run", "rows.csv", "--output", "out", *operation, *QUICK),
        ("batch", "report", "rows"),
        *(("batch", name, "rows") for name in ("status", "watch", "cancel")),
        ("batch", "list"),
    ):
        result = run(*words, "--format", "json")
        for event in (*result.results, *result.progress):
            found.setdefault(event["event"], set()).update(list_fields(event))

    assert found == {name: {"event", "time", *fields.split()} for name, fields in FIELDS.items()}
