"""Templates take names and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.batch._templates import parse_templates
from cometapi_runway.errors import ConfigurationError, InvalidRequestError


def fill(text: str, **fields: Any) -> str:
    (template,) = parse_templates([f"prompt_text={text}"])
    return template.fill(fields)


@each_case(
    ("text", "expected"),
    [
        ("{hero} at dawn", "A cat at dawn"),
        ("{{{hero}}}", "{A cat}"),
        ("{count} of {hero}, {is_big}", "5 of A cat, true"),
        ("{a column}", "x"),
        ("{X}", "capital"),
        ("a=b", "a=b"),
        ("{braces}", "{hero}"),
    ],
)
def test_filling(text: str, expected: str) -> None:
    fields = {"hero": "A cat", "count": 5, "is_big": True, "a column": "x", "braces": "{hero}"}
    fields["X"] = "capital"
    assert fill(text, **fields) == expected


@each_case(
    "text",
    [
        "{hero.upper}",
        "{hero.__class__.__init__.__globals__}",
        "{hero[0]}",
        "{hero!r}",
        "{hero:>1000000000}",
        "{hero:{width}}",
        "{}",
        "{",
        "}",
        "{hero",
        "",
    ],
)
def test_anything_but_a_name_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_templates([f"prompt_text={text}"])
    assert caught.value.setting == "set"
    assert "prompt_text=" in str(caught.value)


@each_case("assignments", [["prompt_text"], ["=x"], ["a=1", "a=2"], ["a-b=1", "a_b=2"]])
def test_a_malformed_assignment_is_refused(assignments: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="--set"):
        parse_templates(assignments)


@pytest.mark.parametrize("value", [None, {"a": 1}, [1]])
def test_a_field_without_a_text_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        fill("{hero}", hero=value, heron="x")
    (issue,) = caught.value.issues
    assert (issue.path, issue.rule, issue.value) == ("prompt_text", "template", "hero")
    assert issue.message.startswith("prompt_text: ")
    assert "'hero'" in issue.message


def test_an_unknown_name_suggests_a_known_one() -> None:
    with pytest.raises(InvalidRequestError, match="did you mean 'hero'"):
        fill("{heroo}", hero="x")


@given(st.text(min_size=1))
def test_any_text_is_filled_or_refused_and_never_longer_than_its_parts(text: str) -> None:
    try:
        (template,) = parse_templates([f"field={text}"])
    except ConfigurationError:
        return
    filled = template.fill(dict.fromkeys(template.names, "x"))
    assert len(filled) <= len(text)


@given(st.text(min_size=1))
def test_doubled_braces_are_literal(text: str) -> None:
    assert fill(text.replace("{", "{{").replace("}", "}}")) == text
