"""The candidates for a witness: which values, and which of them first."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from contract_tools.diff import witness
from contract_tools.diff.changes import Judgement
from contract_tools.diff.judge import judge
from contract_tools.diff.witness import WitnessSearch, find_examples

CASES: list[tuple[Any, str, list[Any]]] = [
    (
        {},
        "",
        [
            None,
            True,
            False,
            1,
            0,
            2,
            -1,
            0.5,
            -0.5,
            "a",
            "",
            "text",
            "0",
            ["a"],
            [],
            ["a", "a", "a"],
            [1],
            [1, 1, 1],
            {},
            {"new": "value"},
            {"new": 1},
            {"new": None},
        ],
    ),
    ({"type": "string"}, "", ["a", "", "text", "0"]),
    (
        {"type": "string", "minLength": 3, "maxLength": 5},
        "",
        ["aaa", "aaaaa", "a", "", "text", "0"],
    ),
    ({"type": "string", "minLength": 20000}, "", ["LONG", "", "a", "text", "0"]),
    ({"type": "string", "pattern": "^[a-c]{2}$"}, "", ["aa", "a", "", "text", "0"]),
    (
        {"type": "string", "pattern": "^[a-c]{2}$", "not": {"const": "aa"}},
        "",
        ["ab", "a", "", "text", "0"],
    ),
    ({"type": "integer", "minimum": 3, "maximum": 9}, "", [3, 9, 1, 0, 2, -1]),
    ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 9}, "", [4, 8, 1, 0, 2, -1]),
    (
        {"type": "number", "exclusiveMinimum": 3, "exclusiveMaximum": 9, "multipleOf": 0.25},
        "",
        [3.5, 8.5, 0.25, 0.5, 1, 0, -0.5],
    ),
    ({"type": "null"}, "", [None]),
    ({"type": "boolean"}, "", [True, False]),
    ({"const": 7, "type": "null"}, "", [7, None]),
    ({"enum": ["x", "y"], "type": "string"}, "", ["x", "y", "a", "", "text", "0"]),
    ({"type": ["null", "integer"]}, "", [None, 1, 0, 2, -1]),
    (
        {"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 4},
        "",
        [[None, None], [None, None, None, None], []],
    ),
    ({"type": "array"}, "", [["a"], [], ["a", "a", "a"], [1], [1, 1, 1]]),
    (
        {"type": "array", "contains": {"type": "null"}, "items": {"type": "boolean"}},
        "",
        [
            [None],
            [],
            [None, None, None],
            [True],
            [True, True, True],
            [False],
            [False, False, False],
        ],
    ),
    (
        {
            "type": "object",
            "properties": {"a": {"type": "null"}, "b": {"type": "boolean"}},
            "required": ["a"],
        },
        "",
        [
            {"a": None},
            {"a": None, "b": True},
            {"a": None, "b": False},
            {"a": None, "new": "value"},
            {"a": None, "new": 1},
            {"a": None, "new": None},
        ],
    ),
    (
        {
            "type": "object",
            "properties": {"a": {"type": "null"}, "b": {"type": "boolean"}},
            "required": ["a"],
        },
        "/b",
        [
            {"a": None},
            {"a": None, "b": True},
            {"a": None, "b": False},
            {"a": None, "b": "value"},
            {"a": None, "b": 1},
            {"a": None, "b": None},
        ],
    ),
    (
        {"type": "object", "required": ["z"]},
        "/q",
        [
            {"z": "a"},
            {"z": 1},
            {"z": None},
            {"z": {}},
            {"z": "a", "q": "value"},
            {"z": "a", "q": 1},
            {"z": "a", "q": None},
        ],
    ),
    (
        {"type": "object", "properties": {"t": True, "f": False}},
        "",
        [
            {},
            {"t": "a"},
            {"t": 1},
            {"t": None},
            {"t": {}},
            {"new": "value"},
            {"new": 1},
            {"new": None},
        ],
    ),
    (
        {"properties": {"a": {"properties": {"b": {"type": "null"}}}, "c": {"const": 2}}},
        "/a/b",
        [
            {},
            {"a": {}},
            {"a": {"b": None}},
            {"a": {"b": "value"}},
            {"a": {"b": 1}},
            {"b": "value"},
            {"b": 1},
            {"b": None},
        ],
    ),
    ({"oneOf": [{"const": 1}, {"type": "null"}], "type": "integer"}, "", [1, 0, 2, -1, None]),
    ({"anyOf": [{"type": "null"}], "type": "boolean"}, "", [None, True, False]),
    (
        {
            "anyOf": [
                {"const": 0, "type": "null"},
                {"const": 1, "type": "null"},
                {"const": 2, "type": "null"},
                {"const": 3, "type": "null"},
                {"const": 4, "type": "null"},
                {"const": 5, "type": "null"},
                {"const": 6, "type": "null"},
                {"const": 7, "type": "null"},
                {"const": 8, "type": "null"},
                {"const": 9, "type": "null"},
            ]
        },
        "",
        [
            0,
            None,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            True,
            False,
            -1,
            0.5,
            -0.5,
            "a",
            "",
            "text",
            "0",
            ["a"],
            [],
            ["a", "a", "a"],
            [1],
            [1, 1, 1],
            {},
            {"new": "value"},
            {"new": 1},
            {"new": None},
        ],
    ),
    (True, "", ["a", 1, None, {}]),
    (False, "", []),
    (
        {
            "type": "object",
            "properties": {
                "a": {"type": "string", "examples": ["e1", "e2"]},
                "l": {"type": "array", "items": {"type": "null", "example": "it"}},
            },
        },
        "/a<X>",
        [
            {},
            {"a": "e1"},
            {"a": "e2"},
            {"a": "a"},
            {"a": ""},
            {"a": "text"},
            {"a": "0"},
            {"a": "value"},
            {"a": 1},
            {"a": None},
        ],
    ),
    (
        {
            "type": "object",
            "properties": {
                "a": {"type": "string", "examples": ["e1", "e2"]},
                "l": {"type": "array", "items": {"type": "null", "example": "it"}},
            },
        },
        "/l/*",
        [
            {},
            {"l": ["it"]},
            {"l": []},
            {"l": ["it", "it", "it"]},
            {"l": [None]},
            {"l": [None, None, None]},
            {"*": "value"},
            {"*": 1},
            {"*": None},
        ],
    ),
]


def find_all(schema: Any, place: str) -> list[Any]:
    """Every candidate once, in order."""
    found: list[Any] = []

    def note(value: Any) -> bool:
        if repr(value) not in map(repr, found):
            found.append(value)
        return False

    assert WitnessSearch(find_examples(schema), place).find(schema, note) == []
    return found


@pytest.mark.parametrize(("schema", "place", "candidates"), CASES)
def test_candidates_are_few_and_the_likely_ones_come_first(
    schema: Any, place: str, candidates: list[Any]
) -> None:
    found = ["LONG" if value == "a" * 10_000 else value for value in find_all(schema, place)]
    assert found == candidates
    assert list(map(type, found)) == list(map(type, candidates))


@pytest.mark.parametrize("pattern", [r"^\p{Lu}+$", r"(?i-s:x)y{2}\z"])
def test_a_pattern_that_python_does_not_know_suggests_nothing(pattern: str) -> None:
    schema: Any = {"type": "string", "pattern": pattern}
    found = [one for one in find_all(schema, "") if isinstance(one, str)]
    assert found[-4:] == ["a", "", "text", "0"]
    assert judge(schema, {"type": "string", "maxLength": 0}, "request").verdict != "compatible"


@pytest.mark.parametrize(
    "rules",
    [
        {"pattern": "^ä+$"},
        {"pattern": "^a$", "not": {"const": "a"}},
        {"pattern": "a{9}", "maxLength": 3},
    ],
)
def test_a_pattern_that_no_text_matches_suggests_nothing(rules: Any) -> None:
    found = [one for one in find_all({"type": "string", **rules}, "") if isinstance(one, str)]
    assert found[-4:] == ["a", "", "text", "0"] or found == ["a", "aaa", "", "text", "0"]


def test_the_first_witness_is_returned_and_the_search_ends() -> None:
    tried: list[Any] = []

    def is_witness(value: Any) -> bool:
        tried.append(value)
        return value == 0

    assert WitnessSearch({}, "").find({"type": "integer"}, is_witness) == [0]
    assert tried == [1, 0]


def test_the_search_is_bounded() -> None:
    schema: Any = {"enum": list(range(1000))}
    tried: list[Any] = []
    assert WitnessSearch({}, "").find(schema, lambda value: bool(tried.append(value))) == []
    assert len(tried) == 400


@pytest.mark.parametrize("direction", ["request", "response"])
@pytest.mark.parametrize("broken", [{"pattern": "("}, {"type": "nonsense"}, {"$ref": "#/nowhere"}])
@pytest.mark.parametrize("is_old", [True, False])
def test_schemas_that_cannot_be_compared_are_undecided(
    direction: Any, broken: dict[str, Any], is_old: bool
) -> None:
    good: dict[str, Any] = {"type": "string", "maxLength": 3}
    pair = (broken, good) if is_old else (good, broken)
    found = judge(*pair, direction)
    assert isinstance(found, Judgement)
    assert found.verdict == "undecided"
    assert found.reason.startswith("the schemas cannot be compared: ")


def test_a_witness_depends_on_the_schema_alone() -> None:
    """Neither on chance, nor on earlier runs, nor on how fast the machine is."""
    found = witness._SETTINGS
    assert (found.derandomize, found.database, found.deadline) == (True, None, None)
    assert set(found.suppress_health_check) == set(hypothesis.HealthCheck)
