"""Submissions as text: what tells them apart, and why they have no task."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway._core.submission_failure import SubmissionFailureReason
from cometapi_runway._core.task import Task
from cometapi_runway.cli._commands import _submission_text
from cometapi_runway.cli._commands._submission_text import (
    describe_unknown_submission,
    format_settle_command,
    format_submission,
    format_task,
    list_names_and_price,
    make_submission_fields,
)
from cometapi_runway.cli._commands._task_list import read_task_list
from cometapi_runway.journal import SubmissionRecord, SubmissionState

from ..support.strategies import deterministic

GATEWAY = "https://api.cometapi.com"
SENT = datetime(2026, 5, 1, 14, 3, 12, tzinfo=UTC)
OPEN: tuple[SubmissionState, ...] = ("REFUSED", "UNKNOWN", "INTENDED")


def submission(**changes: Any) -> SubmissionRecord:
    fields: dict[str, Any] = {
        "key": "0" * 32,
        "operation": "control_a_character",
        "arguments": {},
        "fingerprint": "f" * 16,
        "seed": 4294967295,
        "route": "tasks",
        "base_url": GATEWAY,
        "created_at": SENT,
        "task_id": None,
        "state": "UNKNOWN",
        "reason": "unknown_outcome",
        "failure_code": None,
        "ended_at": None,
    }
    return SubmissionRecord(**fields | changes)


@pytest.mark.parametrize("state", OPEN)
def test_equal_requests_without_an_id_differ_in_time_and_key(state: SubmissionState) -> None:
    first = submission(state=state)
    later = submission(state=state, created_at=SENT + timedelta(seconds=1))
    twin = submission(state=state, key="1" * 32)

    texts = {format_submission(one, GATEWAY) for one in (first, later, twin)}

    assert len(texts) == 3
    for text in texts:
        assert "seed 4294967295" in text
        assert max(map(len, text.splitlines())) <= 80
    local = SENT.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert f"\n  {local}, seed 4294967295, key {'0' * 32}" in format_submission(first, GATEWAY)
    assert len({make_submission_fields(one)["key"] for one in (first, twin)}) == 2


def test_a_warning_of_an_unknown_outcome_names_its_request() -> None:
    texts = [describe_unknown_submission(submission(key=key)) for key in ("0" * 32, "1" * 32)]

    local = SENT.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert all(local in text for text in texts)
    assert texts[0].endswith(f"(request {'f' * 16}, seed 4294967295, key {'0' * 32})")
    assert texts[0] != texts[1]


@each_case(
    ("changes", "line"),
    [
        ({}, ""),
        ({"scope": "default"}, "price unknown"),
        ({"scope": "shop"}, "price unknown, budget shop"),
        ({"price": Decimal("0.4")}, "0.4 USD"),
        ({"price": Decimal("0.4"), "scope": "default"}, "0.4 USD"),
        (
            {"idempotency_key": "k", "label": "l", "price": Decimal(1), "scope": "s"},
            "idempotency key k, label l, 1 USD, budget s",
        ),
    ],
)
def test_names_price_and_budget_are_on_one_line(changes: dict[str, Any], line: str) -> None:
    assert list_names_and_price(submission(**changes)) == ([line] if line else [])


NAMES = st.one_of(st.none(), st.text(st.sampled_from("ab/ ,-1"), min_size=1, max_size=255))


@deterministic
@given(
    idempotency_key=NAMES,
    label=NAMES,
    scope=NAMES,
    price=st.one_of(st.none(), st.decimals(0, 10**12, places=6)),
    task_id=st.sampled_from([None, "b9342fdf-36b3-4829-bd4d-61c3307d4d4b"]),
)
def test_names_and_price_are_whole_within_80_columns(**changes: Any) -> None:
    record = submission(**changes)

    text = format_submission(record, GATEWAY, [format_settle_command(submission())])

    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    # A long name goes on in the next line.
    joined = "".join(line.removeprefix("  ") for line in lines)
    for name in (record.idempotency_key, record.label):
        assert name is None or name in joined
    assert record.price is None or f"{record.price} USD" in joined
    assert ("price unknown" in joined) == (record.price is None and record.scope is not None)
    fields = make_submission_fields(record)
    assert [fields[name] for name in ("idempotency_key", "label", "scope")] == [
        record.idempotency_key,
        record.label,
        record.scope,
    ]


def test_the_command_that_settles_names_the_task_of_a_broken_response() -> None:
    known = submission(task_id="an-id")
    options = ("--journal", "my file")

    settle = f"cometapi-runway tasks settle {'0' * 32} --task"
    assert format_settle_command(submission()) == f"{settle} ID"
    assert format_settle_command(known, options) == f"{settle} an-id --journal 'my file'"
    assert "names task an-id" in describe_unknown_submission(known)
    assert "has no id" not in describe_unknown_submission(known)


def test_a_task_with_an_id_is_told_by_its_id() -> None:
    text = format_submission(submission(task_id="an-id", state="SUCCEEDED", reason=None), GATEWAY)

    assert text.startswith("an-id ")
    assert len(text.splitlines()) == 1


OLD_CLASS_NAMES = ("ResponseDecodeError", "RuntimeError", "KeyboardInterrupt", "APITimeoutError")


@each_case("reason", [*map(str, SubmissionFailureReason), *OLD_CLASS_NAMES, None])
@each_case("state", OPEN)
def test_a_reason_is_in_words(state: SubmissionState, reason: str | None) -> None:
    lines = format_submission(submission(state=state, reason=reason), GATEWAY).splitlines()

    (words,) = lines[2:]
    assert words.strip() != reason
    assert not re.search(r"_|Error|Interrupt", words)
    assert len(words.split()) >= 3


@each_case(
    ("reason", "cause"),
    [
        ("unknown_outcome", "no usable response; "),
        ("interrupted", "interrupted; "),
        ("unexpected_error", "an unexpected error; "),
        ("quota", ""),
        (None, ""),
    ],
)
def test_an_unknown_outcome_says_its_cause(reason: str | None, cause: str) -> None:
    lines = format_submission(submission(reason=reason), GATEWAY).splitlines()
    assert lines[2].strip() == f"{cause}it may have been accepted and charged"


@each_case("state", [*OPEN, "SUCCEEDED"])
def test_a_list_asks_for_unknown_outcomes_where_there_can_be_any(state: SubmissionState) -> None:
    asked: list[str] = []

    def list_unknown() -> list[SubmissionRecord]:
        asked.append(state)
        return [one]

    one = submission(state=state)
    store: Any = SimpleNamespace(tasks=lambda **_: [one], unknown=list_unknown)
    found = read_task_list(store, unfinished=False, unknown=False, label=None, limit=None)
    can_be_unknown = state in {"INTENDED", "UNKNOWN"}
    assert asked == [state] * can_be_unknown
    assert found.unknown == ({one.key} if can_be_unknown else set())


@pytest.mark.parametrize("state", ["FAILED", "LOST"])
def test_a_failed_task_without_a_text_shows_its_code(state: SubmissionState) -> None:
    failed = submission(task_id="an-id", state=state, reason=None, failure_code="SAFETY.INPUT.TEXT")

    assert format_submission(failed, GATEWAY).endswith("\n  SAFETY.INPUT.TEXT")


@each_case(
    ("operation", "commands"),
    [
        ("control_a_character", "character-performance"),
        ("generate", "compat text-to-video or compat image-to-video"),
        ("of_an_old_version", "of_an_old_version"),
    ],
)
def test_a_line_ends_with_the_command_or_else_the_operation(operation: str, commands: str) -> None:
    one = submission(task_id="an-id", operation=operation)

    assert format_submission(one, GATEWAY).splitlines()[0].endswith(f"  {commands}")


@each_case(
    ("seconds", "age"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.9, "0s"),
        (1, "1s"),
        (59.9, "59s"),
        (60, "1m"),
        (119.9, "1m"),
        (3599.9, "59m"),
        (3600, "1h"),
        (86_399.9, "23h"),
        (86_400, "1d"),
        (86_400 * 400, "400d"),
    ],
)
def test_an_age_is_cut_to_one_unit(
    monkeypatch: pytest.MonkeyPatch, seconds: float, age: str
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromtimestamp(SENT.timestamp() + seconds, tz)

    monkeypatch.setattr(_submission_text, "datetime", Clock)

    assert f" {age}  " in format_submission(submission(), GATEWAY)
    assert f" sent {age} ago" in describe_unknown_submission(submission())


@each_case(
    ("fields", "line"),
    [
        ({"status": "PENDING"}, "t  PENDING"),
        ({"status": "RUNNING", "progress": 0.5}, "t  RUNNING 50%"),
        ({"status": "SUCCEEDED", "progress": 1.0, "output": ("a", "b")}, "t  SUCCEEDED\na\nb"),
        ({"status": "FAILED", "progress": 0.5}, "t  FAILED"),
        ({"status": "FAILED", "failure": "why"}, "t  FAILED: why"),
        ({"status": "FAILED", "failure_code": "A.B"}, "t  FAILED (A.B)"),
        ({"status": "FAILED", "failure": "why", "failure_code": "A.B"}, "t  FAILED: why (A.B)"),
    ],
)
def test_a_task_is_one_line_and_its_outputs(fields: dict[str, Any], line: str) -> None:
    assert format_task(Task("t", **fields)) == line


@pytest.mark.parametrize(("length", "is_one_line"), [(1, True), (40, True), (41, False)])
def test_names_share_a_line_as_long_as_they_fit(length: int, is_one_line: bool) -> None:
    key = "idempotency key " + "k" * (_submission_text._LINE_WIDTH - 2 - 16 - 2 - 6 - 40)
    label = "label " + "l" * length
    one = submission(idempotency_key=key[16:], label=label[6:], price=None, scope=None)
    assert list_names_and_price(one) == ([f"{key}, {label}"] if is_one_line else [key, label])


def test_only_what_was_never_sent_is_unsent() -> None:
    for reason in SubmissionFailureReason:
        for state in OPEN:
            text = format_submission(submission(state=state, reason=reason.value), GATEWAY)
            is_unsent = (state, reason) == ("REFUSED", SubmissionFailureReason.NOT_SENT)
            assert text.splitlines()[0].split()[4] == ("UNSENT" if is_unsent else state)
