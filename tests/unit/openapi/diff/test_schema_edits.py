"""Every kind of difference of two schemas, with the whole edit and what it does alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tools.diff.renames import OWNER
from contract_tools.diff.schema_edits import Edit, find_edits

S: Any = {"type": "string"}
N: Any = {"type": "integer"}


def obj(required: tuple[str, ...] | list[str] = (), **p: Any) -> Any:
    d = {"type": "object", "properties": p}
    if required:
        d["required"] = list(required)
    return d


def own(name: str, s: Any) -> Any:
    return {**s, OWNER: name}


P = own("Picture", obj(["uri"], uri=S))
C = own("Clip", obj(["uri", "s"], uri=S, s=N))
CASES: dict[str, tuple[Any, Any]] = {
    "nothing": (obj(a=S), obj(a=S)),
    "wording": ({**S, "description": "a"}, {**S, "description": "b"}),
    "bound": ({**S, "maxLength": 2}, {**S, "maxLength": 3}),
    "two keywords": ({**N, "minimum": 1}, {**N, "maximum": 3}),
    "type": (S, N),
    "types": (S, {"type": ["string", "null"]}),
    "enum wider": ({"enum": [1, 2]}, {"enum": [1, 2, 3]}),
    "enum narrower": ({"enum": [1, 2]}, {"enum": [1]}),
    "enum other": ({"enum": [1, 2]}, {"enum": [2, 3]}),
    "enum order": ({"enum": [1, 2]}, {"enum": [2, 1]}),
    "enum new": (S, {**S, "enum": ["a"]}),
    "enum gone": ({**S, "enum": ["a"]}, S),
    "const": ({"const": 1}, {"const": 2}),
    "const new": ({}, {"const": 2}),
    "added": (obj(a=S), obj(a=S, bb=N)),
    "added required": (obj(["a"], a=S), obj(["a", "bb"], a=S, bb=N)),
    "removed": (obj(["a", "b"], a=S, b=N), obj(["b"], b=N)),
    "required": (obj(a=S, b=S), obj(["b"], a=S, b=S)),
    "optional": (obj(["a", "b"], a=S, b=N), obj(["a"], a=S, b=N)),
    "required without property": ({"type": "object"}, {"type": "object", "required": ["x"]}),
    "optional without property": (
        {"type": "object", "required": ["x"]},
        {"type": "object", "required": []},
    ),
    "renamed": (
        obj(["colour"], colour={**S, "enum": ["r", "g"]}),
        obj(["color"], color={**S, "enum": ["r", "g"]}),
    ),
    "renamed optional": (
        obj(["colour", "x"], colour={**S, "enum": ["r", "g"]}, x=N),
        obj(["x"], color={**S, "enum": ["r", "g"]}, x=N),
    ),
    "renamed and required": (
        obj(["x"], colour={**S, "enum": ["r", "g"]}, x=N),
        obj(["x", "color"], color={**S, "enum": ["r", "g"]}, x=N),
    ),
    "inner": (obj(a=obj(b=S)), obj(a=obj(b=N))),
    "slash in a name": (obj(**{"a/b": S}), obj(**{"a/b": N})),
    "inner of component": (
        own("Top", obj(a=own("In", obj(b=S)))),
        own("Top", obj(a=own("In", obj(b=N)))),
    ),
    "component itself": (
        own("Top", obj(a=own("In", S))),
        own("Top", obj(a=own("In", {**S, "maxLength": 1}))),
    ),
    "items": ({"type": "array", "items": S}, {"type": "array", "items": N}),
    "items closed": ({"type": "array", "items": S}, {"type": "array", "items": False}),
    "list": (S, {"type": "array", "items": S}),
    "list to union": ({"type": "array", "items": S}, {"anyOf": [S, N]}),
    "union": ({"anyOf": [S, P]}, {"anyOf": [S, C]}),
    "union branch changed": ({"oneOf": [S, P]}, {"oneOf": [S, own("Picture", obj(uri=S))]}),
    "union unnamed": ({"oneOf": [S, N]}, {"oneOf": [S, {**N, "minimum": 1}]}),
    "union gone": ({"oneOf": [S, N, P]}, {"oneOf": [S, P]}),
    "union all replaced": ({"oneOf": [S, N]}, {"oneOf": [P, C]}),
    "union new": ({"oneOf": [S]}, {"oneOf": [S, P, N]}),
    "union order": ({"oneOf": [S, P, C]}, {"oneOf": [C, S, P]}),
    "union last gone": ({"anyOf": [S]}, {"anyOf": []}),
    "to union": (S, {"anyOf": [S, N]}),
    "union in union": (
        {"anyOf": [S]},
        {"anyOf": [S, {"oneOf": [N, {"type": ["null", "boolean"]}]}]},
    ),
    "allOf": ({"allOf": [P, {"maxProperties": 3}]}, {"allOf": [P, {"maxProperties": 4}]}),
    "allOf inner": ({"allOf": [P, obj(n=S)]}, {"allOf": [P, obj(n=N)]}),
    "allOf new": ({"allOf": [P]}, {"allOf": [P, {"allOf": [C]}]}),
    "additional": ({"additionalProperties": S}, {"additionalProperties": N}),
    "additional new": ({}, {"additionalProperties": False}),
}

# Place, what, kind, owner, name, new name, whether required, keywords, whether the type narrows.
EDITS: dict[str, list[tuple[Any, ...]]] = {
    "nothing": [],
    "wording": [],
    "bound": [
        ("", "maxLength changed from 2 to 3", "changed", "", "", "", False, ["maxLength"], False)
    ],
    "two keywords": [
        (
            "",
            "minimum removed (was 1); maximum added: 3",
            "changed",
            "",
            "",
            "",
            False,
            ["maximum", "minimum"],
            False,
        )
    ],
    "type": [
        (
            "",
            'type changed from "string" to "integer"',
            "changed",
            "",
            "",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "types": [
        (
            "",
            'type changed from "string" to ["string", "null"]',
            "changed",
            "",
            "",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "enum wider": [("", "allowed value added: 3", "changed", "", "", "", False, ["enum"], False)],
    "enum narrower": [
        ("", "allowed value removed: 2", "changed", "", "", "", False, ["enum"], True)
    ],
    "enum other": [
        (
            "",
            "allowed value added: 3; allowed value removed: 1",
            "changed",
            "",
            "",
            "",
            False,
            ["enum"],
            True,
        )
    ],
    "enum order": [("", "allowed values reordered", "changed", "", "", "", False, ["enum"], False)],
    "enum new": [("", 'enum added: ["a"]', "changed", "", "", "", False, ["enum"], False)],
    "enum gone": [("", 'enum removed (was ["a"])', "changed", "", "", "", False, ["enum"], False)],
    "const": [("", "const changed from 1 to 2", "changed", "", "", "", False, ["const"], True)],
    "const new": [("", "const added: 2", "changed", "", "", "", False, ["const"], False)],
    "added": [("/bb", "added (integer)", "added", "", "bb", "", False, [], False)],
    "added required": [
        ("/bb", "added (integer, required)", "added", "", "bb", "", True, [], False)
    ],
    "removed": [("/a", "removed", "removed", "", "a", "", False, [], False)],
    "required": [("/b", "now required", "required", "", "b", "", False, [], False)],
    "optional": [("/b", "no longer required", "optional", "", "b", "", False, [], False)],
    "required without property": [
        ("/x", "now required", "required", "", "x", "", False, [], False)
    ],
    "optional without property": [
        ("/x", "no longer required", "optional", "", "x", "", False, [], False)
    ],
    "renamed": [
        ("/colour", "looks renamed to color", "renamed", "", "colour", "color", False, [], False)
    ],
    "renamed optional": [
        ("/colour", "looks renamed to color", "renamed", "", "colour", "color", False, [], False),
        ("/colour", "no longer required, as color", "optional", "", "color", "", False, [], False),
    ],
    "renamed and required": [
        ("/colour", "looks renamed to color", "renamed", "", "colour", "color", False, [], False),
        ("/colour", "now required, as color", "required", "", "color", "", False, [], False),
    ],
    "inner": [
        (
            "/a/b",
            'type changed from "string" to "integer"',
            "changed",
            "",
            "b",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "slash in a name": [
        (
            "/a~1b",
            'type changed from "string" to "integer"',
            "changed",
            "",
            "a/b",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "inner of component": [
        (
            "/a/b",
            'type changed from "string" to "integer"',
            "changed",
            "In",
            "b",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "component itself": [
        ("/a", "maxLength added: 1", "changed", "Top", "a", "", False, ["maxLength"], False)
    ],
    "items": [
        (
            "/*",
            'type changed from "string" to "integer"',
            "changed",
            "",
            "",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "items closed": [
        (
            "",
            'items changed from {"type": "string"} to false',
            "changed",
            "",
            "",
            "",
            False,
            ["items"],
            True,
        )
    ],
    "list": [
        (
            "",
            "changed from string to array",
            "changed",
            "",
            "",
            "",
            False,
            ["allOf", "anyOf", "items", "oneOf"],
            True,
        )
    ],
    "list to union": [
        (
            "",
            "changed from array to string or integer",
            "changed",
            "",
            "",
            "",
            False,
            ["allOf", "anyOf", "items", "oneOf"],
            True,
        )
    ],
    "union": [
        ("<Picture>/s", "added (integer, required)", "added", "Clip", "s", "", True, [], False)
    ],
    "union branch changed": [
        ("<Picture>/uri", "no longer required", "optional", "Picture", "uri", "", False, [], False)
    ],
    "union unnamed": [
        ("<2>", "minimum added: 1", "changed", "", "", "", False, ["minimum"], False)
    ],
    "union gone": [("", "oneOf: no longer integer", "changed", "", "", "", False, ["oneOf"], True)],
    "union all replaced": [
        ("", "oneOf: no longer string", "changed", "", "", "", False, ["oneOf"], True),
        ("", "oneOf: no longer integer", "changed", "", "", "", False, ["oneOf"], True),
        ("", "oneOf: now also Picture", "changed", "", "", "", False, ["oneOf"], False),
        ("", "oneOf: now also Clip", "changed", "", "", "", False, ["oneOf"], False),
    ],
    "union new": [
        ("", "oneOf: now also Picture", "changed", "", "", "", False, ["oneOf"], False),
        ("", "oneOf: now also integer", "changed", "", "", "", False, ["oneOf"], False),
    ],
    "union order": [],
    "union last gone": [
        ("", "anyOf: no longer string", "changed", "", "", "", False, ["anyOf"], True)
    ],
    "to union": [
        (
            "",
            "changed from string to string or integer",
            "changed",
            "",
            "",
            "",
            False,
            ["allOf", "anyOf", "items", "oneOf"],
            True,
        )
    ],
    "union in union": [
        (
            "",
            "anyOf: now also integer or null or boolean",
            "changed",
            "",
            "",
            "",
            False,
            ["anyOf"],
            False,
        )
    ],
    "allOf": [
        (
            "",
            "maxProperties changed from 3 to 4",
            "changed",
            "",
            "",
            "",
            False,
            ["maxProperties"],
            False,
        )
    ],
    "allOf inner": [
        (
            "/n",
            'type changed from "string" to "integer"',
            "changed",
            "",
            "n",
            "",
            False,
            ["type"],
            True,
        )
    ],
    "allOf new": [("", "allOf: now also Clip", "changed", "", "", "", False, ["allOf"], False)],
    "additional": [
        (
            "",
            'additionalProperties changed from {"type": "string"} to {"type": "integer"}',
            "changed",
            "",
            "",
            "",
            False,
            ["additionalProperties"],
            True,
        )
    ],
    "additional new": [
        (
            "",
            "additionalProperties added: false",
            "changed",
            "",
            "",
            "",
            False,
            ["additionalProperties"],
            False,
        )
    ],
}
# What each edit alone makes of the old schema, where that is not the new schema.
ALONE: dict[str, list[Any]] = {
    "renamed optional": [
        obj(["color", "x"], color={**S, "enum": ["r", "g"]}, x=N),
        obj(["x"], colour={**S, "enum": ["r", "g"]}, x=N),
    ],
    "renamed and required": [
        obj(["x"], color={**S, "enum": ["r", "g"]}, x=N),
        obj(["x", "colour"], colour={**S, "enum": ["r", "g"]}, x=N),
    ],
    "nothing": [],
    "wording": [],
    "added": [
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "bb": {"type": "integer"}},
            "required": [],
        }
    ],
    "union": [
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"uri": {"type": "string"}, "s": {"type": "integer"}},
                    "required": ["uri", "s"],
                    "x-component": "Picture",
                },
            ]
        }
    ],
    "union branch changed": [
        {
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"uri": {"type": "string"}},
                    "required": [],
                    "x-component": "Picture",
                },
            ]
        }
    ],
    "union all replaced": [
        {"oneOf": [{"type": "integer"}]},
        {"oneOf": [{"type": "string"}]},
        {
            "oneOf": [
                {"type": "string"},
                {"type": "integer"},
                {
                    "type": "object",
                    "properties": {"uri": {"type": "string"}},
                    "required": ["uri"],
                    "x-component": "Picture",
                },
            ]
        },
        {
            "oneOf": [
                {"type": "string"},
                {"type": "integer"},
                {
                    "type": "object",
                    "properties": {"uri": {"type": "string"}, "s": {"type": "integer"}},
                    "required": ["uri", "s"],
                    "x-component": "Clip",
                },
            ]
        },
    ],
    "union new": [
        {
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"uri": {"type": "string"}},
                    "required": ["uri"],
                    "x-component": "Picture",
                },
            ]
        },
        {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    ],
    "union order": [],
    "union last gone": [{}],
}


def find(name: str) -> tuple[Any, Any, list[Edit]]:
    """The two schemas of a case, without parts in common, and their edits."""
    before, after = json.loads(json.dumps(CASES[name]))
    return before, after, list(find_edits(before, after))


@pytest.mark.parametrize("name", CASES)
def test_the_edits_say_what_changed_and_where(name: str) -> None:
    found = find(name)[2]
    rows = [
        (one.place, one.what, one.kind, one.owner, one.name, one.new_name, one.is_required,
         sorted(one.keywords), one.narrows_type)
        for one in found
    ]  # fmt: skip
    assert rows == EDITS[name]


@pytest.mark.parametrize("name", CASES)
def test_an_edit_alone_changes_the_old_schema_and_nothing_else(name: str) -> None:
    before, after, edits = find(name)
    whole = json.dumps(before)
    expected = ALONE.get(name, [after] * len(edits))
    assert [one.apply(before) for one in edits] == expected
    assert json.dumps(before) == whole


@pytest.mark.parametrize("name", CASES)
def test_a_schema_does_not_differ_from_itself(name: str) -> None:
    for one in CASES[name]:
        assert list(find_edits(one, json.loads(json.dumps(one)))) == []
