"""Reading a document into operations, and what is refused."""

from __future__ import annotations

import copy

import pytest
from tests.cases import each_case

from cometapi_runway.validation import Contract, ContractError

from .samples import CONTRACT, DOCUMENT, HEADERS

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def test_the_contract_is_read_into_operations():
    create = CONTRACT.operation("make_clip")
    assert (create.method, create.path, create.tag, create.resource) == (
        "POST", "/v1/clips", "studio", "clip",
    )  # fmt: skip
    assert create.body_required
    assert [parameter.name for parameter in create.parameters] == ["X-Version"]
    assert create.response(599).status == "5XX"
    assert CONTRACT.operation("read_clip").response(503).status == "default"
    assert repr(CONTRACT) == f"Contract({len(CONTRACT.operations)} operations)"
    match = CONTRACT.match("GET", "/v1/clips/a%20b")
    assert match is not None
    assert (match[0].id, dict(match[1])) == ("read_clip", {"id": "a b"})
    assert CONTRACT.match("GET", "/v1/clips/") is None
    with pytest.raises(KeyError, match="make_clip, list_clips, read_clip"):
        CONTRACT.operation("nonesuch")
    with pytest.raises(ContractError, match="read_clip takes no JSON body"):
        CONTRACT.check_body("read_clip", {})


@each_case("method", METHODS)
def test_an_operation_may_have_any_method(method):
    document = copy.deepcopy(DOCUMENT)
    responses = {"200": {"description": "done"}}
    document["paths"]["/v1/new"] = {method: {"operationId": "new", "responses": responses}}
    contract = Contract(document)
    operation = contract.operation("new")
    assert (operation.method.lower(), operation.path) == (method, "/v1/new")
    assert not contract.check_request(method.upper(), "/v1/new", HEADERS[:1], b"")
    # The document's own security holds where an operation has none of its own.
    (issue,) = contract.check_request(method.upper(), "/v1/new", (), b"")
    assert issue.rule == "security"


def replace(*path):
    """Return the document with the value at a path replaced by the last argument."""
    document = copy.deepcopy(DOCUMENT)
    *parents, last, value = path
    holder = document
    for key in parents:
        holder = holder[key]
    holder[last] = value
    return document


OPERATION = ("paths", "/v1/clips", "get")


@each_case(
    ("document", "message"),
    [
        (replace(*OPERATION, "operationId", "make_clip"), "two operations are called make_clip"),
        (replace(*OPERATION, "security", [{"other": []}]), "list_clips: no security scheme other"),
        (replace(*OPERATION, "parameters", 0, "style", "deepObject"), "limit: style 'deepObject'"),
        (replace(*OPERATION, "parameters", 0, {"name": "q", "in": "query", "content": {}}),
         "q has no schema"),
        (replace(*OPERATION, "parameters", 0, {"$ref": "#/components/nowhere"}), "leads nowhere"),
        (replace(*OPERATION, "parameters", 0, {"$ref": "other.yaml#/x"}), "outside the document"),
        (replace(*OPERATION, "requestBody", {"content": {"text/plain": {}}}), "only JSON is"),
        (replace("components", "securitySchemes", "key", {"type": "mutualTLS"}),
         "only http bearer and apiKey are"),
        (replace("components", "parameters", "Version",
                 {"$ref": "#/components/parameters/Version"}), "refers to itself"),
    ],
)  # fmt: skip
def test_a_document_with_an_unsupported_feature_is_refused(document, message):
    with pytest.raises(ContractError, match=message):
        Contract(document)


def test_an_unsupported_operation_is_named_first():
    document = replace(*OPERATION, "requestBody", {"content": {"text/plain": {}}})
    with pytest.raises(ContractError, match=r"^GET /v1/clips: a body of text/plain") as caught:
        Contract(document)
    assert isinstance(caught.value.__cause__, ContractError)


def test_parameters_and_responses_are_read_as_they_are_documented():
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "array"}, **more}
        for name, more in (("a", {}), ("b", {"explode": False}), ("c", {"required": True}))
    ]
    responses = {"200": {"description": "Fine."}, "5XX": {"description": "Down."}}
    document = replace(*OPERATION, {
        "operationId": "list", "parameters": parameters, "responses": responses,
    })  # fmt: skip
    operation = Contract(document).operation("list")
    known = [one for one in operation.parameters if one.name in "abc"]
    assert [(one.name, one.explode, one.required) for one in known] == [
        ("a", True, False), ("b", False, False), ("c", True, True),
    ]  # fmt: skip
    shared = {"name": "d", "in": "query", "schema": {"type": "string"}}
    document["paths"]["/v1/clips"]["parameters"] = [shared, {**shared, "name": "a"}]
    again = Contract(document).operation("list").parameters_in("query")
    assert {one.name: one.schema["type"] for one in again} == {
        "a": "array", "b": "array", "c": "array", "d": "string",
    }  # fmt: skip
    # OpenAPI takes these headers from elsewhere.
    document["paths"]["/v1/clips"]["parameters"] = [
        {"name": name, "in": place, "schema": {}}
        for name in ("Accept", "content-type", "AUTHORIZATION", "X-A")
        for place in ("header", "query")
    ]
    again = Contract(document).operation("list")
    assert {one.name for one in again.parameters_in("header")} == {"X-A"}
    assert {one.name for one in again.parameters_in("query")} >= {"Accept", "content-type"}
    assert [(one.status, one.description) for one in operation.responses] == [
        ("200", "Fine."), ("5XX", "Down."),
    ]  # fmt: skip
