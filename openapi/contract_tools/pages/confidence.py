"""The confidence table of a transcription must cover exactly the fields of the transcription."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import entries, members
from contract_tools._common.openapi import json_media, operations, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools._common.json_values import Json, JsonObject
    from contract_tools.pages.register import Entry

FIELD_PARTS = ("parameters.", "body.", "responses.")


def check_confidence(page: JsonObject, entry: Entry, where: str) -> None:
    """Check the confidence table of a transcription against its fields.

    Raises:
        ContractError: a field has no level, or a level is about no field.
    """
    if not entry.confidence:
        return
    parts = set(_parts(page))
    missing = sorted(parts - entry.confidence.keys())
    if missing:
        raise ContractError(f"{where}: the confidence table has no level for {', '.join(missing)}")
    for part in entry.confidence:
        # `body.seed.type` is about one statement on the field `body.seed`.
        if part.startswith(FIELD_PARTS) and not {part, part.rpartition(".")[0]} & parts:
            raise ContractError(f"{where}: the confidence table names {part}, which does not exist")


def _parts(page: JsonObject) -> Iterator[str]:
    """Yield the parameters and fields of a page as the confidence table names them."""
    for operation in operations(page):
        shared = entries(operation.item.get("parameters"))
        for parameter in [*shared, *entries(operation.raw.get("parameters"))]:
            yield f"parameters.{resolve(page, parameter).get('name')}"
        bodies = {"body": operation.raw.get("requestBody")}
        for status, response in members(operation.raw.get("responses")).items():
            bodies[f"responses.{status}"] = response
        for name, body in bodies.items():
            schema = json_media(resolve(page, body)).get("schema")
            yield from (f"{name}.{field}" for field in _fields(page, schema, "", ()))


def _fields(
    page: JsonObject, value: Json, prefix: str, above: tuple[JsonObject, ...]
) -> Iterator[str]:
    """Yield the fields below a schema; `above` stops at a schema that contains itself."""
    schema = resolve(page, value)
    if any(schema is other for other in above):
        return
    above = (*above, schema)
    for key, child in members(schema.get("properties")).items():
        name = f"{prefix}.{key}" if prefix else key
        yield name
        yield from _fields(page, child, name, above)
    if isinstance(schema.get("additionalProperties"), dict):
        yield f"{prefix}{{*}}"
        yield from _fields(page, schema["additionalProperties"], f"{prefix}{{*}}", above)
    if "items" in schema:
        yield from _fields(page, schema["items"], f"{prefix}[]", above)
    for union in ("oneOf", "anyOf", "allOf"):
        for number, branch in enumerate(entries(schema.get(union)), 1):
            yield from _fields(page, branch, f"{prefix}<{union} {number}>", above)
