"""A long text in a wrong place: the refusal shows its beginning, not all of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError, RunwayClient, RunwayError
from cometapi_runway._core.redaction import redact_text, redact_url, safe_repr
from cometapi_runway.validation import contract

from .support.both_clients import KEY, ClientHarness
from .support.operation_cases import OperationCase, each, make

LONG = "a long text of words, " * 400
URL = "https://example.com/" + "folder/" * 800
SHOWN = 600
LONG_VALUES: list[Any] = [
    LONG, URL, f"see {URL}", [LONG], (LONG, LONG), {"uri": LONG}, {"uri": URL}, {"type": LONG},
    {"type": LONG, "uri": LONG}, [{"uri": LONG}], [{"uri": URL, "position": LONG}], b"x" * 5000,
    {LONG}, Path(LONG), Path(f"{LONG}.png"), {LONG: 1}, {"uri": Path(f"{LONG}.mp4")},
]  # fmt: skip


def is_short(message: str) -> bool:
    """Whether a message has no more than the beginning of a long value."""
    # Every part of the values that is this long repeats, so one part stands for all.
    parts = [LONG[:SHOWN], URL[-SHOWN:], "x" * SHOWN]
    return not any(part in message for part in parts)


def refusal_of(call: Callable[[], object]) -> Exception | None:
    """The error of a call; None if it has none: some places accept a long text."""
    try:
        call()
    except (RunwayError, TypeError) as error:
        return error
    return None


@each
@each_case("value", LONG_VALUES, ids=lambda value: safe_repr(value)[:30])
def test_no_argument_is_shown_whole(
    case: OperationCase, harness: ClientHarness, value: object
) -> None:
    names = inspect.signature(case.on(harness.client).create).parameters
    for name in names.keys() - {"self"}:
        error = refusal_of(lambda: make(harness, case, **{name: value}))  # noqa: B023 - called here
        assert is_short(f"{error} {error!r}"), (name, error)
        issues = error.issues if isinstance(error, InvalidRequestError) else ()
        assert is_short(repr(issues)), (name, issues)


def test_a_long_prompt_where_an_asset_belongs_is_named_by_its_beginning(
    harness: ClientHarness,
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        harness.create(character=LONG)
    (issue,) = caught.value.issues
    assert (issue.path, issue.rule) == ("/character/type", "required")
    assert LONG[:100] in issue.message
    assert is_short(issue.message)
    assert not harness.network.sent


@each_case("call", ["retrieve", "wait"])
def test_a_long_task_id_is_not_shown_whole(harness: ClientHarness, call: str) -> None:
    with pytest.raises(RunwayError) as caught:
        harness.run(getattr(harness.client.tasks, call)(LONG))
    assert is_short(str(caught.value))


@each_case(
    "options",
    [
        {"base_url": LONG}, {"base_url": URL.replace("https:", "http:")}, {"runway_version": LONG},
        {"timeout": LONG}, {"timeout": 10**4000}, {"validate": LONG}, {"clock": LONG},
        {"api_key": LONG}, {"api_key": KEY, "budget": LONG}, {"capture": LONG},
    ],
    ids="+".join,
)  # fmt: skip
def test_no_setting_is_shown_whole(options: dict[str, Any]) -> None:
    error = refusal_of(lambda: RunwayClient(**{"api_key": KEY, **options}).close())
    assert is_short(str(error)), error
    assert "0" * SHOWN not in str(error)


def test_no_part_of_a_request_is_shown_whole() -> None:
    """The check of a whole request, which the fixtures for other programs' tests use."""
    source = contract()
    for operation in source.operations:
        path = operation.path.replace("{id}", LONG.replace(" ", "%20"))
        for url, headers in [
            (path, []),
            (f"{path}%2f", []),
            (f"{operation.path}?{LONG}={LONG}".replace(" ", "+"), []),
            (f"{operation.path}?q={LONG}%zz".replace(" ", "+"), []),
            (operation.path + LONG, []),
            (operation.path, [(LONG, LONG), ("X-Runway-Version", LONG), ("Content-Type", LONG)]),
            (operation.path, [("Content-Length", LONG), ("Content-Encoding", LONG)]),
            (operation.path, [("X-Any", f"{LONG}\n")]),
            (URL + "é", []),
            (URL, []),
        ]:
            issues = source.check_request(operation.method, url, headers, b"{}")
            for issue in issues:
                assert is_short(issue.message.replace("%20", " ").replace("+", " ")), issue
        for method in ("PUT", LONG):
            issues = source.check_request(method, f"/{LONG}".replace(" ", "+"), [], b"")
            assert all(is_short(one.message.replace("+", " ")) for one in issues)


@each_case("length", [199, 200, 201, 5000])
def test_what_is_no_address_is_shortened_and_short_texts_are_kept(length: int) -> None:
    text = ("words " * 1000)[:length]
    shown = redact_url(text)
    assert shown == (text if length <= 200 else f"{text[:200]}…")
    assert redact_text(text) == text
    assert redact_url(f"https://h.example/{text}").startswith("https://h.example/words")
