"""The tools that an agent is offered: the contract's schemas, and nothing beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.cases import each_case

from cometapi_runway.mcp._tools import list_tools
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.testing import Simulator
from cometapi_runway.validation import contract

from ..support.agent_sessions import PICTURE, UPSCALE, open_session

RESOURCES = {one.name: one for one in list_client_resources()}
# Their pages have no example.
BODIES = {"text_to_image": PICTURE, "video_upscale": UPSCALE}
SCHEMAS: dict[str, Any] = dict(contract().document["components"]["schemas"])  # type: ignore[index, call-overload, arg-type]


def list_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        yield from (found for item in value.values() for found in list_references(item))
    elif isinstance(value, list):
        yield from (found for item in value for found in list_references(item))


def get_body_schema(resource: ClientResource) -> dict[str, Any]:
    """The component that the contract names for a resource's body."""
    operation = resource.operation.document
    name = resource.operation.variants.get(resource.attribute)
    if name is None:
        content = operation["requestBody"]["content"]["application/json"]  # type: ignore[index, call-overload]
        name = content["schema"]["$ref"].rpartition("/")[2]  # type: ignore[index, call-overload, union-attr]
    schema: dict[str, Any] = SCHEMAS[name]
    return schema


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_each_schema_is_the_contracts_byte_for_byte(
    runway_simulator: Simulator, tmp_path: Path, mode: str
) -> None:
    async with open_session(tmp_path, mode=mode) as agent:
        tools = {tool.name: tool for tool in (await agent.client.list_tools()).tools}
    for resource in RESOURCES.values():
        schema = dict(tools[f"plan_{resource.name.replace('.', '_')}"].input_schema)
        components = schema.pop("components", {"schemas": {}})["schemas"]
        expected = get_body_schema(resource)
        assert schema.keys() == expected.keys()
        for name, value in schema.items():
            assert json.dumps(value) == json.dumps(expected[name])
        for name, value in components.items():
            assert json.dumps(value) == json.dumps(SCHEMAS[name])


@each_case("name", list_tools(tuple(RESOURCES.values())))
def test_a_schema_is_valid_and_needs_nothing_outside_it(name: str) -> None:
    schema: Any = list_tools(tuple(RESOURCES.values()))[name].schema
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    found = {reference.rpartition("/")[2] for reference in list_references(schema)}
    assert found == schema.get("components", {"schemas": {}})["schemas"].keys()


def test_every_resource_has_a_plan_and_every_plan_a_resource() -> None:
    tools = list_tools(tuple(RESOURCES.values()))
    planned = [tool.resource.name for tool in tools.values() if tool.resource is not None]
    assert planned == list(RESOURCES)
    assert [name for name, tool in tools.items() if tool.resource is None] == [
        *("submit", "wait", "download", "list_tasks", "unknown")
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("name", RESOURCES)
async def test_every_operation_can_be_planned_and_bought(
    runway_simulator: Simulator, tmp_path: Path, name: str
) -> None:
    body = BODIES.get(name) or RESOURCES[name].example
    async with open_session(tmp_path) as agent:
        plan = await agent.call(f"plan_{name.replace('.', '_')}", **body)
        assert not plan.is_error, plan.fields
        submitted = await agent.call("submit", intent_id=plan["intent_id"])
        state = await agent.call("wait", task_id=submitted["task_id"])
        assert state["status"] == "SUCCEEDED"
        assert (await agent.call("download", task_id=submitted["task_id"])).links
    (sent,) = [one.json for one in runway_simulator.requests if one.path == get_path(name)]
    assert sent == plan["request"]["body"]
    assert body.items() <= sent.items()


def get_path(name: str) -> str:
    return RESOURCES[name].operation.path


@pytest.mark.anyio
async def test_hints_say_what_costs(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        tools = (await agent.client.list_tools()).tools
    hints = {tool.name: tool.annotations for tool in tools}
    changing = {name for name, hint in hints.items() if hint and not hint.read_only_hint}
    assert changing == {"submit", "download"}
    assert hints["submit"]
    assert hints["submit"].idempotent_hint


def test_the_tools_that_every_session_has_take_these_arguments() -> None:
    text = {"type": "string"}
    expected: dict[str, tuple[dict[str, Any], list[str], bool]] = {
        "submit": ({"intent_id": text}, ["intent_id"], False),
        "wait": (
            {
                "task_id": {**text, "minLength": 1},
                "seconds": {"type": "number", "minimum": 0, "maximum": 45, "default": 45},
            },
            ["task_id"],
            True,
        ),
        "download": ({"task_id": {**text, "minLength": 1}}, ["task_id"], False),
        "list_tasks": (
            {
                "unfinished": {"type": "boolean", "default": False},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
            },
            [],
            True,
        ),
        "unknown": ({}, [], True),
    }
    for name, (properties, required, is_read_only) in expected.items():
        tool = list_tools(())[name]
        schema: Any = json.loads(json.dumps(tool.schema))
        described = [one.pop("description") for one in schema["properties"].values()]
        assert all(text.endswith(".") for text in described)
        assert schema == {
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": False,
        }  # fmt: skip
        assert (tool.is_read_only, tool.resource) == (is_read_only, None)
