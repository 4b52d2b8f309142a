"""The responses of the task route, compared with what the gateway sends."""

from __future__ import annotations

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from contract_tools._common import portable_yaml
from contract_tools._common.json_values import (
    Json,
    JsonObject,
    as_object,
    at_pointer,
    entries,
    members,
)
from contract_tools._common.workspace import Workspace

GET = "/paths/~1runwayml~1v1~1tasks~1{id}/get"
SCHEMAS = "/components/schemas"


@pytest.fixture(scope="module")
def contract() -> JsonObject:
    text = Workspace.here().contract.read_text("utf-8")
    return as_object(portable_yaml.load_unambiguous(text, "runway.yaml"), "runway.yaml")


def is_valid(contract: JsonObject, name: str, value: Json) -> bool:
    """Judge a value by a named schema, with two validators that must agree."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}
    rust = bool(jsonschema_rs.validator_for(schema).is_valid(value))
    python = bool(Draft202012Validator(schema).is_valid(value))
    assert rust == python, f"the validators disagree about {value!r}"
    return rust


@pytest.mark.parametrize(
    "task_id", ["5b91e444-c232-deaf-a4d7-8aef3e57336b", "a", "A_1", "-a.b:c~d"]
)
def test_a_task_id_fits_a_path_segment(contract: JsonObject, task_id: str) -> None:
    assert id_schema(contract).is_valid(task_id)


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", "a?b", "a b", "../x", "%2e", "a#", "é"])
def test_an_id_that_would_be_another_route_is_refused(contract: JsonObject, task_id: str) -> None:
    assert not id_schema(contract).is_valid(task_id)


def id_schema(contract: JsonObject) -> jsonschema_rs.Validator:
    parameters = entries(at_pointer(contract, f"{GET}/parameters"))
    found = next(members(p) for p in parameters if members(p).get("name") == "id")
    schema = {**members(found["schema"]), "components": contract["components"]}
    return jsonschema_rs.validator_for(schema)


def test_the_task_response_is_any_of_the_documented_bodies(contract: JsonObject) -> None:
    content = members(at_pointer(contract, f"{GET}/responses/200/content/application~1json"))
    names = [
        str(members(v)["$ref"]).rpartition("/")[2]
        for v in entries(members(content["schema"])["anyOf"])
    ]
    assert names == ["Task", "TaskEnvelope", "FeedTask", "TaskError", "TaskNotExist"]
    assert set(members(content["examples"])) == {"raw", "wrapped", "unknown"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Task", {"id": "a", "status": "PENDING"}),
        ("Task", {"id": "a", "status": "A_NEW_WORD", "progress": 0.5, "output": []}),
        ("Task", {"id": "a", "status": "succeeded", "progress": "55%", "newField": 1}),
        ("Task", {"id": "a", "status": "FAILED", "failure": "x", "failureCode": None}),
        ("TaskEnvelope", {"code": "success", "data": {"task_id": "a", "status": "QUEUED"}}),
        ("TaskEnvelope", {"code": 200, "data": {"task_id": "a", "status": "NEW", "data": None}}),
        ("GatewayError", {"error": {"message": "m", "type": "comet_api_error"}}),
        ("GatewayError", {"error": {"message": "m", "type": "t", "param": "", "code": ""}}),
        ("GatewayError", {"error": {"message": "m", "type": "t", "param": None, "code": 429}}),
        ("GatewayError", {"error": {"message": "m", "type": "t", "code": None}}),
        ("TaskError", {"code": "task_not_exist", "message": "task_not_exist", "data": None}),
        ("TaskError", {"code": 500, "message": ""}),
        ("TaskNotExist", {"status": "task_not_exist"}),
        ("TaskCreated", {"id": "5b91e444-c232-deaf-a4d7-8aef3e57336b"}),
    ],
)
def test_what_the_gateway_sends_is_documented(
    contract: JsonObject, name: str, body: JsonObject
) -> None:
    assert is_valid(contract, name, body)
    if name.endswith("Error"):
        assert is_valid(contract, "ErrorBody", body)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Task", {"status": "PENDING"}),
        ("Task", {"id": "a"}),
        ("Task", {"id": "a", "status": "x", "progress": 55}),
        ("Task", {"id": "a", "status": "x", "progress": "much"}),
        ("Task", {"id": "a", "status": "x", "output": "https://example.com"}),
        ("TaskEnvelope", {"code": "success"}),
        ("TaskEnvelope", {"code": "success", "data": {"task_id": "a"}}),
        ("GatewayError", {"error": "message"}),
        ("GatewayError", {"error": {"message": "m"}}),
        ("TaskError", {"code": "task_not_exist"}),
        ("TaskCreated", {}),
        ("ErrorBody", {"detail": "x"}),
    ],
)
def test_what_it_does_not_send_is_not(contract: JsonObject, name: str, body: JsonObject) -> None:
    assert not is_valid(contract, name, body)


def test_the_known_statuses_are_listed_and_no_list_is_closed(contract: JsonObject) -> None:
    for status, known in (("TaskStatus", 6), ("RecordStatus", 7)):
        first, second = entries(at_pointer(contract, f"{SCHEMAS}/{status}/anyOf"))
        assert second == {"type": "string"}
        name = str(members(first)["$ref"]).removeprefix("#")
        assert len(entries(members(at_pointer(contract, name))["enum"])) == known
