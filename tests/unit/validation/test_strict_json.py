"""What is JSON, and what the issue of everything else says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway.validation import _strict_json as strict
from cometapi_runway.validation._messages import describe_value


class Text(str):
    __slots__ = ()


class Number(int):
    __slots__ = ()


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@each_case(
    ("value", "is_plain", "is_json"),
    [
        *((value, True, True) for value in (
            None, True, 1, 1.5, "a", "é", Text("a"), [], {}, [[], {}], {"a": [None, {"b": False}]},
            nested(200),
        )),
        # Slower to judge, and JSON all the same.
        ({"é": 1}, False, True), (MappingProxyType({}), False, True), ((1,), False, True),
        (Number(1), False, True),
        ([float("inf")], False, False), ({"a": float("nan")}, False, False),
        (2**14_000 - 1, True, True), ({"a": 2**14_000}, False, False),
        ([-(10**5000)], False, False),
        ("\ud800", False, False), ({"a": b""}, False, False), ({1: 2}, False, False),
        (nested(300), False, False),
    ],
)  # fmt: skip
def test_the_fast_check_is_never_wrong(value: Any, is_plain: bool, is_json: bool) -> None:
    assert strict.is_plain_json(value) is is_plain
    assert (strict.check_json(value) == ()) is is_json


def test_a_text_that_is_no_unicode_is_shown_cut() -> None:
    (issue,) = strict.check_json(["\ud800" * 50])
    assert issue.value == ("'" + r"\ud800" * 50)[:80]


@each_case("value", [{"\ud800": 1}, {"\ud800": float("nan")}, {"a": {"\ud800": {1: 2}}}])
def test_an_issue_of_a_field_that_is_no_unicode_can_be_printed(value: Any) -> None:
    issues = strict.check_json(value)
    assert issues
    for issue in issues:
        assert "\ud800" in issue.path
        assert r"\ud800" in issue.message
        assert f"{issue.value} {issue.message}".encode()


def test_what_is_too_large_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "_MAX_PARTS", 10)
    assert strict.is_plain_json([0] * 10)
    assert not strict.is_plain_json([0] * 11)
    assert strict.check_json([0] * 9) == ()
    (issue,) = strict.check_json([0] * 10)
    assert issue.message == "the body is too large, too deep, or contains itself (json)"


@each_case(
    ("content", "found"),
    [
        (b'{"a": 1}', []),
        (b"{", [("", "json", "the body is not JSON (json): Expecting property name enclosed in "
                 "double quotes at line 1, column 2")]),
        (b"\xff", [("", "utf-8", "the body is not UTF-8 (utf-8): byte 0 is invalid")]),
        (b"[" * 100_000, [("", "json", "the body is nested too deeply to read (json)")]),
        (b"9" * 5000, [("", "json", "the body has a number that is too long to read (json)")]),
        (b'{"a": [{"b": 1, "b": 2}]}',
         [("/a/0/b", "duplicate-key", "/a/0/b is repeated (duplicate-key), got 2")]),
        (b'{"a": 1, "a": {"c": 1, "c": []}}',
         [("/a", "duplicate-key", "/a is repeated (duplicate-key), got _Pairs"),
          ("/a/c", "duplicate-key", "/a/c is repeated (duplicate-key), got list")]),
    ],
)  # fmt: skip
def test_a_body_that_is_no_strict_json_says_why(
    content: bytes, found: list[tuple[str, str, str]]
) -> None:
    value, issues = strict.decode_json(content)
    assert [(one.path, one.rule, one.message) for one in issues] == found
    assert value == (None if found else {"a": 1})


@each_case(
    ("value", "text"),
    [
        ({"type": 1, "uri": 2}, 'an object with "type", "uri"'),
        ({}, "an empty object"),
        ([1, 2], "a list of 2"),
        ("é", '"é"'),
        (3, "3"),
        (None, "null"),
        (b"x", "a bytes"),
    ],
)
def test_a_value_is_described_by_its_kind(value: object, text: str) -> None:
    assert describe_value(value) == text


def test_strings_mappings_and_tuples_are_what_they_are_on_the_wire() -> None:
    value: Mapping[str, object] = MappingProxyType({"a": (Text("b"), MappingProxyType({}))})
    assert strict.to_plain_json(value) == {"a": ["b", {}]}
