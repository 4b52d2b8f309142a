"""What the contract lacks of a response is named, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway.validation import Contract, ShapeDifference, contract

READ, CREATE = "runway_to_get_task_details", "control_a_character"
TASK = {"id": "x", "status": "RUNNING"}


def compare(
    body: Any, operation: str = READ, status: int = 200, content_type: str = "application/json"
) -> list[tuple[str, str, str]]:
    found = contract().compare_response(operation, status, content_type, body, is_json=True)
    return [(one.rule, one.path, one.value) for one in found]


@each_case("operation", contract().operations, ids=lambda one: one.id)
def test_every_example_of_the_contract_is_known(operation: Any) -> None:
    for status, response in operation.document["responses"].items():
        resolved = contract().resolve(response)
        for media_type, content in resolved.get("content", {}).items():
            for example in content.get("examples", {}).values():
                assert compare(example["value"], operation.id, int(status), media_type) == []


@each_case(
    ("body", "expected"),
    [
        ({**TASK, "credits": 5}, ("field", "/credits", "")),
        ({**TASK, "status": "MODERATING"}, ("word", "/status", "MODERATING")),
        ({**TASK, "status": "running"}, ("word", "/status", "running")),
        ({**TASK, "createdAt": None}, ("type", "/createdAt", "null")),
        ({**TASK, "createdAt": {}}, ("type", "/createdAt", "object")),
        ({**TASK, "output": [1]}, ("type", "/output/*", "integer")),
        ({"ok": True, "why": "x"}, ("envelope", "", "ok, why")),
        (["x"], ("envelope", "", "array")),
        (None, ("envelope", "", "null")),
    ],
)
def test_one_difference_is_named_alone(body: Any, expected: tuple[str, str, str]) -> None:
    assert compare(body) == [expected]


def test_values_are_no_difference() -> None:
    assert compare({**TASK, "progress": 0.1}) == compare({**TASK, "progress": 1}) == []
    assert compare({**TASK, "output": []}) == compare({**TASK, "output": ["a", "b"]}) == []


def test_a_word_of_the_other_family_is_a_difference() -> None:
    assert compare({**TASK, "status": "SUCCESS"}) == [("word", "/status", "SUCCESS")]


@pytest.mark.parametrize("operation", [READ, CREATE])
def test_a_status_that_only_default_covers_is_a_difference(operation: str) -> None:
    error = {"error": {"message": "no", "type": "comet_api_error"}}
    assert compare(error, operation, 500) == []
    assert compare(error, operation, 418) == [("status", "", "418")]


def test_a_content_type_is_compared_with_those_of_its_status() -> None:
    page = contract().compare_response(READ, 502, "text/html", None, is_json=False)
    assert page == ()
    page = contract().compare_response(READ, 200, "text/html", None, is_json=False)
    assert [(one.rule, one.value) for one in page] == [("content-type", "text/html")]
    assert compare(TASK, content_type="text/plain") == [("content-type", "", "text/plain")]


def test_a_body_that_is_not_json_is_a_difference() -> None:
    found = contract().compare_response(READ, 200, "application/json", None, is_json=False)
    assert found == (ShapeDifference("type", "", "not JSON"),)


def test_a_field_that_the_contract_takes_in_is_known() -> None:
    schema: Any = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}},
    }
    responses = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    paths = {"/x": {"get": {"operationId": "x", "responses": responses}}}
    document: Any = {"openapi": "3.1.0", "info": {}, "paths": paths}
    body = {"id": "a", "cost": 1}
    before = Contract(document).compare_response("x", 200, "application/json", body, is_json=True)
    schema["properties"]["cost"] = {"type": "number"}
    after = Contract(document).compare_response("x", 200, "application/json", body, is_json=True)
    place = "$.paths['/x'].get.responses['200'].content['application/json'].schema"
    assert (before, after) == ((ShapeDifference("field", "/cost", "", place),), ())


def test_a_difference_is_placed_where_its_schema_is_defined() -> None:
    """A ``$ref`` leads there; words are those of every schema of the document."""
    schemas: Any = {
        "One": {"type": "object", "properties": {
            "status": {"$ref": "#/components/schemas/Word"},
            "a": {"allOf": [{"type": "string"}]},
            "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "c": {"oneOf": [{"type": "null"}, {"properties": {"x": {"type": "string"}}}]},
            "state": {"items": {"enum": ["A"]}},
        }},
        "Word": {"type": "string"},
        "Other": {"properties": {"status": {"anyOf": [{"enum": ["GONE"]}, {"type": "string"}]}}},
        "Third": {"properties": {"status": {"oneOf": [{"enum": ["LEFT"]}, {"type": "string"}]}}},
        "Listed": [{"properties": {"status": {"examples": ["SHOWN", 7]}}}],
    }  # fmt: skip
    schema = {"$ref": "#/components/schemas/One"}
    response = {"description": "", "content": {"application/json": {"schema": schema}}}
    document: Any = {
        "openapi": "3.1.0",
        "paths": {"/x": {"get": {"operationId": "x", "responses": {
            "200": {"$ref": "#/components/responses/Fine"}}}}},
        "components": {"schemas": schemas, "responses": {"Fine": response}},
    }  # fmt: skip
    bare = Contract(document)

    def differ(body: Any) -> list[tuple[str, str, str]]:
        found = bare.compare_response("x", 200, "application/json", body, is_json=True)
        return [(one.rule, one.path, one.schema) for one in found]

    assert [differ({"status": word}) for word in ("GONE", "SHOWN", "LEFT")] == [[], [], []]
    assert differ({"status": "NEW"}) == [("word", "/status", "$.components.schemas.Word")]
    state = "$.components.schemas.One.properties['state'].items"
    assert differ({"state": ["A", "NEW"]}) == [("word", "/state/*", state)]
    assert differ({"b": "x"}) == differ({"c": {"x": "y"}}) == differ({"c": None}) == []
    place = "$.components.schemas.One.properties['b'].anyOf[0]"
    assert differ({"b": 1}) == [("type", "/b", place)]
    place = "$.components.schemas.One.properties['c'].oneOf[1].properties['x']"
    assert differ({"c": {"x": 1}}) == [("type", "/c/x", place)]
    assert differ({"a": 1}) == [("type", "/a", "$.components.schemas.One.properties['a'].allOf[0]")]
    assert differ({"more": 1}) == [("field", "/more", "$.components.schemas.One")]
