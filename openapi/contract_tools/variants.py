"""One operation that several pages describe, each with a request body of its own.

`POST /runway/pro/generate` is such a one: a page shows it with a prompt, another with a picture.
OpenAPI knows one operation for each method and path, so the pages' bodies become components, the
operation takes any of them, and what the pages say besides is brought together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools.errors import ContractError
from contract_tools.values import Json, JsonObject, as_object, entries, members

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract_tools.registry import Entry

JSON = "application/json"


def named(page: JsonObject, entry: Entry, where: str) -> JsonObject:
    """Return a page whose body is a component with its variant's name; others as they are.

    Raises:
        ContractError: the page has no JSON body, or already a component of that name.
    """
    if not entry.variant:
        return page
    method = entry.method.lower()
    item = as_object(members(page.get("paths")).get(entry.path), f"{where}: {entry.path}")
    operation = as_object(item.get(method), f"{where}: {entry.route}")
    body = members(operation.get("requestBody"))
    media = members(members(body.get("content")).get(JSON))
    components = members(page.get("components"))
    schemas = members(components.get("schemas"))
    if "schema" not in media or entry.variant in schemas:
        wrong = "is already a component" if "schema" in media else "needs a JSON body to name"
        raise ContractError(f"{where}: variant {entry.variant} {wrong}")
    reference: JsonObject = {"anyOf": [{"$ref": f"#/components/schemas/{entry.variant}"}]}
    told = {**_without_examples(media), "schema": reference, **_examples(media, entry.variant)}
    return {
        **page,
        "paths": {
            entry.path: {
                **item,
                method: {**operation, "requestBody": {**body, "content": {JSON: told}}},
            }
        },
        "components": {**components, "schemas": {**schemas, entry.variant: media["schema"]}},
    }


def joined(first: JsonObject, second: JsonObject) -> JsonObject:
    """Bring together what two pages say of one operation.

    Words, and the operation's id, are the first page's. A parameter or a body is required if both
    pages require it. Bodies and answers that differ become alternatives.
    """
    return {
        **_both(first, second, _first_said),
        "parameters": _parameters(first, second),
        "requestBody": _body(members(first["requestBody"]), members(second["requestBody"])),
        "responses": _both(members(first["responses"]), members(second["responses"]), _answer),
    }


def _both(first: JsonObject, second: JsonObject, join: Callable[[Json, Json], Json]) -> JsonObject:
    """Every member of either object; those of both, joined."""
    both = {key: join(first[key], second[key]) for key in first if key in second}
    return {**first, **second, **both}


def _first_said(first: Json, second: Json) -> Json:
    """Marks, examples and samples add up; of anything else, what was said first."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {**first, **second, **first}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *(row for row in second if row not in first)]
    return first


def _parameters(first: JsonObject, second: JsonObject) -> list[Json]:
    def by_name(operation: JsonObject) -> JsonObject:
        rows = [members(row) for row in entries(operation.get("parameters"))]
        return {f"{row.get('in')} {row.get('name')}": row for row in rows}

    one, other = by_name(first), by_name(second)
    known = _both(one, other, _first_said)
    return [
        {**members(row), "required": all(members(p.get(key)).get("required") for p in (one, other))}
        for key, row in known.items()
    ]


def _body(first: JsonObject, second: JsonObject) -> JsonObject:
    content = _both(members(first["content"]), members(second["content"]), _media)
    required = bool(first.get("required") and second.get("required"))
    return {**second, **first, "required": required, "content": content}


def _answer(first: Json, second: Json) -> Json:
    one, other = members(first), members(second)
    content = _both(members(one.get("content")), members(other.get("content")), _media)
    return {**other, **one, **({"content": content} if content else {})}


def _media(first: Json, second: Json) -> JsonObject:
    one, other = members(first), members(second)
    schema = _either(one.get("schema"), other.get("schema"))
    return {**_both(one, other, _first_said), **({"schema": schema} if schema else {})}


def _either(first: Json, second: Json) -> Json:
    """One schema that allows what either of two allows."""
    if first is None or second is None or first == second:
        return first if second is None else second
    branches: list[Json] = []
    for schema in (first, second):
        only = list(members(schema)) == ["anyOf"]
        branches += entries(members(schema)["anyOf"]) if only else [schema]
    return {"anyOf": branches}


def _without_examples(media: JsonObject) -> JsonObject:
    return {key: value for key, value in media.items() if key not in {"example", "examples"}}


def _examples(media: JsonObject, variant: str) -> JsonObject:
    """A media type's examples, under names that say which variant they show."""
    found = {f"{variant} {name}": value for name, value in members(media.get("examples")).items()}
    if "example" in media:
        found[variant] = {"value": media["example"]}
    return {"examples": found} if found else {}
