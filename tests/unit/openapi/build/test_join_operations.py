"""One operation from several pages."""

from __future__ import annotations

import pytest

from contract_tools._common.json_values import Json, JsonObject, at_pointer, entries, members
from contract_tools.build.join_operations import join_operations


def operation(**fields: Json) -> JsonObject:
    body: JsonObject = {"content": {"application/json": {"schema": {"anyOf": [{"$ref": "#/a"}]}}}}
    return {"operationId": "a", "requestBody": body, "responses": {"200": {}}, **fields}


def parameter(name: str, required: bool) -> JsonObject:
    return {"name": name, "in": "header", "required": required, "schema": {"type": "string"}}


def test_a_parameter_is_required_if_every_page_requires_it() -> None:
    first = operation(parameters=[parameter("A", True), parameter("B", True)])
    second = operation(
        parameters=[parameter("A", True), parameter("B", False), parameter("C", True)]
    )
    found = entries(join_operations(first, second)["parameters"])
    assert [(members(p)["name"], members(p)["required"]) for p in found] == [
        ("A", True),
        ("B", False),
        ("C", False),
    ]


@pytest.mark.parametrize(("one", "other"), [(True, False), (False, True), (True, True)])
def test_a_body_is_required_if_every_page_requires_it(one: bool, other: bool) -> None:
    pair = [operation(), operation()]
    for one_operation, required in zip(pair, (one, other), strict=True):
        members(one_operation["requestBody"])["required"] = required
    body = members(join_operations(pair[0], pair[1])["requestBody"])
    assert body["required"] is (one and other)


def test_responses_that_differ_become_alternatives() -> None:
    def responding(schema: Json) -> JsonObject:
        return operation(responses={"200": {"content": {"application/json": {"schema": schema}}}})

    at = "/responses/200/content/application~1json/schema"
    number: JsonObject = {"type": "integer"}
    text: JsonObject = {"type": "string"}
    same = join_operations(responding(number), responding(number))
    assert at_pointer(same, at) == number
    both = join_operations(responding(number), responding(text))
    assert at_pointer(both, at) == {"anyOf": [number, text]}
    third = join_operations(both, responding({"type": "null"}))
    assert at_pointer(third, at) == {"anyOf": [number, text, {"type": "null"}]}
    undocumented = join_operations(responding(number), operation())
    assert at_pointer(undocumented, at) == number


def test_samples_add_up_and_descriptions_are_the_first_pages() -> None:
    first: JsonObject = {"summary": "one", "x-codeSamples": [{"lang": "Shell"}]}
    second: JsonObject = {"summary": "two", "x-codeSamples": [{"lang": "Python"}], "x-more": 1}
    both = join_operations(operation(**first), operation(**second))
    assert both["summary"] == "one"
    assert both["x-codeSamples"] == [{"lang": "Shell"}, {"lang": "Python"}]
    assert both["x-more"] == 1
