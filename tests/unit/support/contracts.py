"""Small contracts with forms that the gateway's contract does not use."""

from __future__ import annotations

from typing import Any

from cometapi_runway.validation import Contract

PATH = "/v1/make"


def make_contract(
    schema: dict[str, Any] | None = None,
    *,
    schemas: dict[str, Any] | None = None,
    schemes: dict[str, Any] | None = None,
    **operation: Any,
) -> Contract:
    """A contract of one operation, ``make_it``.

    Args:
        schema: The schema of its body; without one it is a GET.
        schemas: Component schemas.
        schemes: Security schemes.
        operation: Further keys of the operation.
    """
    raw = {"operationId": "make_it", "x-resource": "it", "tags": ["official"], "responses": {}}
    if schema is not None:
        raw["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    components = {"schemas": schemas or {}, "securitySchemes": schemes or {}}
    method = "get" if schema is None else "post"
    return Contract({"paths": {PATH: {method: raw | operation}}, "components": components})
