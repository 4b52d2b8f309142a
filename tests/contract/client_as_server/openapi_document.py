"""The OpenAPI document of the server: the contract's operations, once per endpoint."""

from __future__ import annotations

from collections.abc import Iterable

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Operation, resolve_reference

from ..checks.harness import success_response
from .endpoints import Endpoint

REJECTION = {
    "type": "object",
    "required": ["rejected"],
    "properties": {"rejected": {"type": "string", "minLength": 1}},
}


def endpoint_id(endpoint: Endpoint) -> str:
    """The operation id of an endpoint; several endpoints may serve one operation."""
    return f"{endpoint.prefix[1:].replace('/', '.')}.{endpoint.operation.id}"


def describe_server(document: Object, endpoints: Iterable[Endpoint]) -> dict[str, JSON]:
    """The document that schemathesis reads.

    Each operation documents success, rejection, and 404 for a path that no arguments lead to. There
    is no security: the client adds the key itself, and the request checks verify it.
    """
    paths: dict[str, dict[str, JSON]] = {}
    listed = list(endpoints)
    for endpoint in listed:
        item = paths.setdefault(endpoint.prefix + endpoint.operation.path, {})
        item[endpoint.operation.method.lower()] = _operation(document, endpoint, listed)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The client as a server", "version": "1"},
        "paths": paths,
        "components": {
            part: document.get("components", {}).get(part, {}) for part in ("parameters", "schemas")
        },
    }


def _operation(document: Object, endpoint: Endpoint, endpoints: list[Endpoint]) -> dict[str, JSON]:
    described = endpoint.describe(document)
    kept = {key: described[key] for key in ("parameters", "requestBody") if key in described}
    success = success_response(endpoint.operation)
    content = {"application/json": {"schema": success.schema}}
    responses: dict[str, JSON] = {
        success.status: {"description": "Sent unchanged.", "content": content},
        "422": _rejection("Rejected by the client."),
    }
    if endpoint.operation.parameters_in("path"):
        responses["404"] = _rejection("No arguments lead to this path.")
    if links := dict(_links(document, endpoint, endpoints)):
        responses[success.status]["links"] = links
    return {"operationId": endpoint_id(endpoint), **kept, "responses": responses}


def _rejection(description: str) -> dict[str, JSON]:
    content = {"application/json": {"schema": REJECTION}}
    return {"description": description, "content": content}


def _links(
    document: Object, endpoint: Endpoint, endpoints: list[Endpoint]
) -> Iterable[tuple[str, JSON]]:
    """Links from a response with an id to the endpoints of the same client that take an id."""
    schema = resolve_reference(document, success_response(endpoint.operation).schema or {})
    if "id" not in schema.get("properties", {}):
        return
    for other in endpoints:
        same_client = other.prefix.split("/")[1] == endpoint.prefix.split("/")[1]
        if same_client and _takes_id(other.operation):
            target = {"operationId": endpoint_id(other), "parameters": {"id": "$response.body#/id"}}
            yield f"retrieve_{other.operation.id}", target


def _takes_id(operation: Operation) -> bool:
    return [one.name for one in operation.parameters_in("path")] == ["id"]
