"""Ways in which a contract can change, each with its verdict."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from contract_tools.diff.changes import Change
from contract_tools.diff.compare import compare
from contract_tools.diff.inline import inline
from contract_tools.diff.judge import judge

BASE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Stills", "version": "1"},
    "servers": [{"url": "https://api.example.com"}],
    "paths": {
        "/stills": {
            "post": {
                "operationId": "make_a_still",
                "tags": ["official"],
                "x-resource": "still",
                "security": [{"key": []}],
                "parameters": [
                    {"name": "X-Version", "in": "header", "required": True,
                     "schema": {"type": "string", "pattern": "^[!-~]+$"}},
                    {"name": "draft", "in": "query", "schema": {"type": "boolean"}},
                ],
                "requestBody": {"required": True, "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/StillRequest"}}}},
                "responses": {
                    "200": {"description": "made", "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/Still"}}}},
                    "429": {"description": "slow", "content": {"application/json": {
                        "schema": {"type": "object"}}}},
                },
            }
        }
    },
    "components": {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "StillRequest": {
                "type": "object",
                "required": ["promptText", "frame"],
                "properties": {
                    "promptText": {"type": "string", "maxLength": 100, "description": "What."},
                    "frame": {"$ref": "#/components/schemas/Frame"},
                    "ratio": {"type": "string", "pattern": "^[0-9]{1,4}:[0-9]{1,4}$",
                              "examples": ["16:9"]},
                    "strength": {"type": "integer", "minimum": 1, "maximum": 5},
                    "seed": {"type": "integer", "minimum": 0},
                    "marks": {"type": "array", "items": {"$ref": "#/components/schemas/Mark"}},
                    "source": {"anyOf": [{"$ref": "#/components/schemas/Mark"},
                                         {"type": "string"}]},
                },
            },
            "Frame": {"type": "object", "required": ["kind"], "properties": {
                "kind": {"type": "string", "enum": ["image", "video"]}}},
            "Mark": {"type": "object", "required": ["x"], "properties": {
                "x": {"type": "number"}, "name": {"type": "string"}}},
            "Still": {"type": "object", "required": ["id", "state"], "properties": {
                "id": {"type": "string"},
                "state": {"type": "string", "enum": ["NEW", "DONE"]},
                "note": {"type": ["string", "null"]}}},
        },
    },
}  # fmt: skip


def operation(d: Any) -> Any:
    return d["paths"]["/stills"]["post"]


def schema(d: Any, name: str = "StillRequest") -> Any:
    return d["components"]["schemas"][name]


def field(d: Any, key: str, name: str = "StillRequest") -> Any:
    return schema(d, name)["properties"][key]


def remove_field(d: Any) -> None:
    del schema(d)["properties"]["seed"]


def rename_field(d: Any) -> None:
    fields = schema(d)["properties"]
    fields["promptWords"] = fields.pop("promptText")
    schema(d)["required"][0] = "promptWords"


def move_success(d: Any) -> None:
    responses = operation(d)["responses"]
    responses["202"] = responses.pop("200")


def move_route(d: Any) -> None:
    d["paths"]["/v2/stills"] = d["paths"].pop("/stills")


def add_operation(d: Any) -> None:
    d["paths"]["/clips"] = {"post": {**operation(d), "operationId": "make_a_clip"}}


def factor_out(d: Any) -> None:
    """Move a field's rules into a component, which is no change."""
    d["components"]["schemas"]["Strength"] = schema(d)["properties"]["strength"]
    schema(d)["properties"]["strength"] = {
        "description": "How much.",
        "allOf": [{"$ref": "#/components/schemas/Strength"}],
    }


BREAKING = {
    "a bound was tightened": (lambda d: field(d, "strength").update(maximum=3),
                         "body /strength: maximum changed from 5 to 3", "/strength"),
    "a bound was added": (lambda d: field(d, "seed").update(maximum=9), "maximum added", "/seed"),
    "a value of an enum was removed": (
        lambda d: field(d, "kind", "Frame").update(enum=["image"]),
        'body /frame/kind: allowed value removed: "video"', "/frame/kind"),
    "a pattern was added": (lambda d: field(d, "promptText").update(pattern="^[a-z]+$"),
                       "pattern added", "/promptText"),
    "a pattern narrowed": (lambda d: field(d, "ratio").update(pattern="^[0-9]{2,4}:[0-9]{1,4}$"),
                           "pattern changed", "/ratio"),
    "a length shrank": (lambda d: field(d, "promptText").update(maxLength=5),
                        "maxLength changed from 100 to 5", "/promptText"),
    "a type changed": (lambda d: field(d, "seed").update(type="string"),
                       'type changed from "integer" to "string"', "/seed"),
    "a field became required": (lambda d: schema(d)["required"].append("seed"),
                                "body /seed: now required", ""),
    "a required field was added": (
        lambda d: (schema(d)["properties"].update(mood={"type": "string"}),
                   schema(d)["required"].append("mood")),
        "body /mood: added (string, required)", ""),
    "a field was renamed": (rename_field, "looks renamed to promptWords", ""),
    "a field of an item became required": (
        lambda d: schema(d, "Mark")["required"].append("name"),
        "body /marks/*/name: now required", "/marks/0"),
    "a branch of a union was removed": (lambda d: field(d, "source")["anyOf"].pop(),
                                 "anyOf: no longer string", "/source"),
    "unknown fields are forbidden": (lambda d: schema(d).update(additionalProperties=False),
                                     "additionalProperties added: false", ""),
    "a response has a new value": (lambda d: field(d, "state", "Still")["enum"].append("LOST"),
                                 'response 200 /state: allowed value added: "LOST"', "/state"),
    "a response may lack a field": (lambda d: schema(d, "Still")["required"].remove("state"),
                                   "response 200 /state: no longer required", ""),
    "a response may have null": (lambda d: field(d, "id", "Still").update(type=["string", "null"]),
                                'response 200 /id: type changed', "/id"),
    "a field was removed from a response": (lambda d: schema(d, "Still")["properties"].pop("note"),
                                    "response 200 /note: removed", "/note"),
    "a header's pattern narrowed": (
        lambda d: operation(d)["parameters"][0]["schema"].update(pattern="^[0-9-]+$"),
        "header X-Version: pattern changed", None),
}  # fmt: skip

BY_RULE = {
    "a parameter became required": (
        lambda d: operation(d)["parameters"][1].update(required=True),
        "query parameter draft: now required"),
    "a required parameter was added": (
        lambda d: operation(d)["parameters"].append(
            {"name": "X-Team", "in": "header", "required": True, "schema": {"type": "string"}}),
        "header X-Team: added, required"),
    "the success moved": (move_success, "response 202: the success moved from 200 to 202"),
    "the route moved": (move_route, "POST /stills moved to POST /v2/stills"),
    "an operation was removed": (lambda d: d["paths"].pop("/stills"), "POST /stills is gone"),
    "the server was removed": (lambda d: d["servers"][0].update(url="https://other.example.com"),
                        "https://api.example.com is gone"),
    "the key is sent differently": (
        lambda d: d["components"]["securitySchemes"]["key"].update(scheme="basic"), "key was"),
    "another key is needed": (lambda d: operation(d).update(security=[{"other": []}]),
                              "security: was key, is other"),
    "JSON is no longer accepted": (
        lambda d: operation(d)["requestBody"].update(content={"text/plain": {}}),
        "body: application/json is gone"),
}  # fmt: skip

COMPATIBLE = {
    "a bound was relaxed": (lambda d: field(d, "strength").update(maximum=9), "maximum changed"),
    "a value was added to an enum": (
        lambda d: field(d, "kind", "Frame")["enum"].append("sound"), "allowed value added"),
    "an optional field was added": (
        lambda d: schema(d)["properties"].update(mood={"type": "string"}), "added (string)"),
    "a field became optional": (
        lambda d: schema(d)["required"].remove("promptText"), "no longer required"),
    "a response has one value less": (
        lambda d: field(d, "state", "Still")["enum"].pop(), "allowed value removed"),
    "a response has one field more": (
        lambda d: schema(d, "Still")["properties"].update(size={"type": "integer"}), "added"),
    "a failure is documented": (
        lambda d: operation(d)["responses"].update({"503": {"description": "down"}}),
        "response 503: documented response is new"),
    "an operation was added": (add_operation, "POST /clips is new"),
    "a server was added": (
        lambda d: d["servers"].append({"url": "https://eu.example.com"}), "is new"),
    "a parameter was added": (
        lambda d: operation(d)["parameters"].append(
            {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}),
        "header X-Trace: added"),
    "no key is needed": (lambda d: operation(d).update(security=[{"key": []}, {}]), "or no key"),
}  # fmt: skip

NOTHING = {
    "words": lambda d: field(d, "promptText").update(description="Which text."),
    "examples": lambda d: field(d, "ratio").update(examples=["1:1"]),
    "order": lambda d: schema(d)["required"].reverse(),
    "a component of its own": factor_out,
    "another summary": lambda d: operation(d).update(summary="Makes a still"),
}


def changes(change: Any) -> list[Change]:
    changed = copy.deepcopy(BASE)
    change(changed)
    return list(compare(BASE, changed, judge))


def line(one: Change) -> str:
    return f"{one.part} {one.place}".strip() + f": {one.what}"


def only(found: list[Change], text: str) -> Change:
    matching = [one for one in found if text in line(one)]
    assert len(matching) == 1, [line(one) for one in found]
    return matching[0]


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_of_a_schema_has_a_witness(name: str) -> None:
    change, text, place = BREAKING[name]
    changed = copy.deepcopy(BASE)
    change(changed)
    one = only(list(compare(BASE, changed, judge)), text)
    assert (one.verdict, one.judgement.verdict) == ("breaking", "breaking")
    (witness,) = one.judgement.witness
    if one.part == "body":
        fits = [is_valid(d, schema(d), witness) for d in (BASE, changed)]
        assert fits == [True, False], witness
    elif one.part == "response 200":
        fits = [is_valid(d, schema(d, "Still"), witness) for d in (BASE, changed)]
        assert fits == [False, True], witness
    if place:
        assert at(witness, place) is not None


def is_valid(document: Any, one: Any, value: Any) -> bool:
    """Validate with another engine than the one that found the value."""
    return jsonschema.Draft202012Validator(inline(document, one)).is_valid(value)


def at(value: Any, place: str) -> Any:
    for step in place[1:].split("/"):
        value = value[int(step)] if isinstance(value, list) else value.get(step, "null")
    return "null" if value is None else value


@pytest.mark.parametrize("name", BY_RULE)
def test_a_change_that_breaks_a_rule_is_breaking(name: str) -> None:
    change, text = BY_RULE[name]
    one = only(changes(change), text)
    assert (one.verdict, one.judgement.verdict) == ("breaking", "breaking")
    assert one.judgement.reason


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_compatible_change_is_reported_as_compatible(name: str) -> None:
    change, text = COMPATIBLE[name]
    found = changes(change)
    one = only(found, text)
    assert one.judgement.verdict == "compatible"
    assert all(other.judgement.verdict == "compatible" for other in found)


def test_a_change_outside_the_operations_says_what_changed() -> None:
    def change(d: Any) -> None:
        d["servers"] = [{"url": "https://b"}, {"url": "https://c"}]
        d["components"]["securitySchemes"]["other"] = {"type": "http", "scheme": "basic"}
        d["components"]["securitySchemes"]["key"]["scheme"] = "digest"

    outside = {"server", "security scheme"}
    found = [one for one in changes(change) if one.part in outside]
    assert [(one.part, one.what.split(" ")[0], one.verdict) for one in found] == [
        ("server", "https://api.example.com", "breaking"),
        ("server", "https://b", "compatible"),
        ("server", "https://c", "compatible"),
        ("security scheme", "key", "breaking"),
        ("security scheme", "other", "compatible"),
    ]


@pytest.mark.parametrize("name", NOTHING)
def test_wording_is_no_change(name: str) -> None:
    assert changes(NOTHING[name]) == []


def test_each_change_is_judged_alone() -> None:
    """A relaxed field is compatible although another is restricted."""

    def both(d: Any) -> None:
        field(d, "strength").update(maximum=3)
        field(d, "promptText").update(maxLength=200)

    found = {one.place: one.judgement.verdict for one in changes(both)}
    assert found == {"/strength": "breaking", "/promptText": "compatible"}


def test_a_branch_that_another_covers_changes_nothing() -> None:
    """An open enum may grow, because any value was allowed before."""
    base = copy.deepcopy(BASE)
    schema(base, "Still")["properties"]["state"] = {
        "anyOf": [{"type": "string", "enum": ["NEW"]}, {"type": "string"}]}  # fmt: skip
    changed = copy.deepcopy(base)
    field(changed, "state", "Still")["anyOf"][0]["enum"].append("DONE")
    (one,) = compare(base, changed, judge)
    assert one.judgement.verdict == "compatible"


def test_changes_that_break_only_together_are_reported() -> None:
    """A field is removed, which alone leaves it allowed, and unknown fields are forbidden."""
    base = copy.deepcopy(BASE)
    base["components"]["schemas"]["StillRequest"] = {
        "type": "object", "properties": {"a": {}}, "propertyNames": {"enum": ["a"]}}  # fmt: skip
    changed = copy.deepcopy(base)
    del schema(changed)["properties"]["a"]
    schema(changed)["additionalProperties"] = False
    found = list(compare(base, changed, judge))
    assert any(one.verdict == "breaking" and "together" in one.what for one in found)


def test_a_schema_that_refers_to_itself_is_compared() -> None:
    base = copy.deepcopy(BASE)
    field(base, "name", "Mark").clear()
    field(base, "name", "Mark").update({"$ref": "#/components/schemas/Mark"})
    changed = copy.deepcopy(base)
    field(changed, "x", "Mark").update(minimum=0)
    found = list(compare(base, changed, judge))
    assert {one.verdict for one in found} == {"breaking"}


def test_a_renamed_field_that_became_required_is_both() -> None:
    """Each is judged alone: what the requirement refuses is a request without the field."""

    def rename_and_require(d: Any) -> None:
        fields = schema(d)["properties"]
        fields["dice"] = fields.pop("seed")
        schema(d)["required"].append("dice")

    renamed, needed = changes(rename_and_require)
    assert (renamed.location, renamed.what) == ("body /seed", "looks renamed to dice")
    assert (needed.location, needed.what) == ("body /seed", "now required, as dice")
    assert needed.judgement.verdict == "breaking"
    assert "seed" not in needed.judgement.witness[0]
    assert [(one.name, one.what) for one in needed.effects] == [
        ("models.StillRequest.dice", "must be passed"),
        ("client.still.create(dice=…)", "must be passed"),
    ]


def test_a_renamed_object_is_a_rename_and_the_changes_inside_it() -> None:
    """Each is judged alone, the rename with the old rules under the new name."""

    def rename_and_restrict(d: Any) -> None:
        fields = schema(d)["properties"]
        fields["stamps"] = fields.pop("marks")
        field(d, "x", "Mark").update(minimum=0)

    found = {line(one): one for one in changes(rename_and_restrict)}
    assert "body /marks: looks renamed to stamps" in found
    (inner,) = [one for text, one in found.items() if text.startswith("body /marks/*/x: minimum")]
    assert inner.judgement.verdict == "breaking"
    assert inner.judgement.witness[0]["marks"][0]["x"] < 0
