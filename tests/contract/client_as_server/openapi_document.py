"""The mirror described as an OpenAPI document: the contract's operations, once per door."""

from __future__ import annotations

from collections.abc import Iterable

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Operation
from cometapi_runway.validation._document import resolve

from .endpoints import Endpoint

REFUSAL = {
    "type": "object",
    "required": ["refused"],
    "properties": {"refused": {"type": "string", "minLength": 1}},
}


def endpoint_id(door: Endpoint) -> str:
    """The operation id of a door: operations repeat, doors do not."""
    return f"{door.prefix[1:].replace('/', '.')}.{door.operation.id}"


def describe_server(document: Object, doors: Iterable[Endpoint]) -> dict[str, JSON]:
    """The document that a tester is given.

    It promises what the mirror keeps: success, refusal, and for an address that no argument makes,
    404. There is no security: the key is the client's own business, and the oracle looks at it.
    """
    paths: dict[str, dict[str, JSON]] = {}
    listed = list(doors)
    for door in listed:
        item = paths.setdefault(door.prefix + door.operation.path, {})
        item[door.operation.method.lower()] = _operation(document, door, listed)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The client as a server", "version": "1"},
        "paths": paths,
        "components": {
            part: document.get("components", {}).get(part, {}) for part in ("parameters", "schemas")
        },
    }


def _operation(document: Object, door: Endpoint, doors: list[Endpoint]) -> dict[str, JSON]:
    described = door.described(document)
    kept = {key: described[key] for key in ("parameters", "requestBody") if key in described}
    success = next(one for one in door.operation.responses if one.status.startswith("2"))
    answer = {"application/json": {"schema": success.schema}}
    responses: dict[str, JSON] = {
        success.status: {"description": "Sent as asked.", "content": answer},
        "422": _told("Refused by the client."),
    }
    if door.operation.parameters_in("path"):
        responses["404"] = _told("No argument makes this address.")
    if links := dict(_links(document, door, doors)):
        responses[success.status]["links"] = links
    return {"operationId": endpoint_id(door), **kept, "responses": responses}


def _told(words: str) -> dict[str, JSON]:
    return {"description": words, "content": {"application/json": {"schema": REFUSAL}}}


def _links(document: Object, door: Endpoint, doors: list[Endpoint]) -> Iterable[tuple[str, JSON]]:
    """From an answer with an id to each question of the same client that takes one in its path."""
    success = next(one for one in door.operation.responses if one.status.startswith("2"))
    shape = resolve(document, success.schema or {})
    if "id" not in shape.get("properties", {}):
        return
    for other in doors:
        same_client = other.prefix.split("/")[1] == door.prefix.split("/")[1]
        if same_client and _asks_for_id(other.operation):
            target = {"operationId": endpoint_id(other), "parameters": {"id": "$response.body#/id"}}
            yield f"ask_{other.operation.id}", target


def _asks_for_id(operation: Operation) -> bool:
    return [one.name for one in operation.parameters_in("path")] == ["id"]
