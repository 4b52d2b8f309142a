"""One operation from several pages, each of which describes one variant of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools._common.json_values import Json, JsonObject, entries, members

if TYPE_CHECKING:
    from collections.abc import Callable


def join_operations(first: JsonObject, second: JsonObject) -> JsonObject:
    """Join two pages' descriptions of one operation.

    Descriptions and the operationId are the first page's. A parameter or body is required if both
    pages require it. Bodies and responses that differ become alternatives.
    """
    return {
        **_join_members(first, second, _prefer_first),
        "parameters": _join_parameters(first, second),
        "requestBody": _join_bodies(members(first["requestBody"]), members(second["requestBody"])),
        "responses": _join_members(
            members(first["responses"]), members(second["responses"]), _join_responses
        ),
    }


def _join_members(
    first: JsonObject, second: JsonObject, join: Callable[[Json, Json], Json]
) -> JsonObject:
    """Return the members of both objects; those that both have are joined by `join`."""
    both = {key: join(first[key], second[key]) for key in first if key in second}
    return {**first, **second, **both}


def _prefer_first(first: Json, second: Json) -> Json:
    """Merge objects and lists (marks, examples, samples); of any other values return the first."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {**first, **second, **first}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *(row for row in second if row not in first)]
    return first


def _join_parameters(first: JsonObject, second: JsonObject) -> list[Json]:
    def by_name(operation: JsonObject) -> JsonObject:
        rows = [members(row) for row in entries(operation.get("parameters"))]
        return {f"{row.get('in')} {row.get('name')}": row for row in rows}

    one, other = by_name(first), by_name(second)
    known = _join_members(one, other, _prefer_first)
    return [
        {**members(row), "required": all(members(p.get(key)).get("required") for p in (one, other))}
        for key, row in known.items()
    ]


def _join_bodies(first: JsonObject, second: JsonObject) -> JsonObject:
    content = _join_members(members(first["content"]), members(second["content"]), _join_media)
    required = bool(first.get("required") and second.get("required"))
    return {**second, **first, "required": required, "content": content}


def _join_responses(first: Json, second: Json) -> Json:
    one, other = members(first), members(second)
    content = _join_members(members(one.get("content")), members(other.get("content")), _join_media)
    return {**other, **one, **({"content": content} if content else {})}


def _join_media(first: Json, second: Json) -> JsonObject:
    one, other = members(first), members(second)
    schema = _any_of(one.get("schema"), other.get("schema"))
    return {**_join_members(one, other, _prefer_first), **({"schema": schema} if schema else {})}


def _any_of(first: Json, second: Json) -> Json:
    """Return a schema that allows what either of two schemas allows."""
    if first is None or second is None or first == second:
        return first if second is None else second
    branches: list[Json] = []
    for schema in (first, second):
        only = list(members(schema)) == ["anyOf"]
        branches += entries(members(schema)["anyOf"]) if only else [schema]
    return {"anyOf": branches}
