"""A page that describes one variant of an operation which several pages describe.

Two pages describe `POST /runway/pro/generate`, one with a prompt, one with a picture. OpenAPI
allows one operation for each method and path, so each page's request body becomes a component;
the build joins the pages into one operation that takes any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import JsonObject, as_object, members
from contract_tools._common.openapi import JSON_MEDIA_TYPE, json_media

if TYPE_CHECKING:
    from contract_tools.pages.register import Entry


def name_variant_body(page: JsonObject, entry: Entry, where: str) -> JsonObject:
    """Move a page's request body into a component named after its variant.

    Returns:
        The changed page; the page itself if its entry has no variant.

    Raises:
        ContractError: the page has no JSON body, or already has a component of that name.
    """
    if not entry.variant:
        return page
    method = entry.method.lower()
    item = as_object(members(page.get("paths")).get(entry.path), f"{where}: {entry.path}")
    operation = as_object(item.get(method), f"{where}: {entry.route}")
    body = members(operation.get("requestBody"))
    media = json_media(body)
    components = members(page.get("components"))
    schemas = members(components.get("schemas"))
    if "schema" not in media or entry.variant in schemas:
        problem = "is already a component" if "schema" in media else "needs a JSON body to name"
        raise ContractError(f"{where}: variant {entry.variant} {problem}")
    reference: JsonObject = {"anyOf": [{"$ref": f"#/components/schemas/{entry.variant}"}]}
    kept = {key: value for key, value in media.items() if key != "example"}
    named = {**kept, "schema": reference, **_examples(media, entry.variant)}
    return {
        **page,
        "paths": {
            entry.path: {
                **item,
                method: {**operation, "requestBody": {**body, "content": {JSON_MEDIA_TYPE: named}}},
            }
        },
        "components": {**components, "schemas": {**schemas, entry.variant: media["schema"]}},
    }


def _examples(media: JsonObject, variant: str) -> JsonObject:
    """Return a media type's examples, renamed so that each names its variant."""
    found = {f"{variant} {name}": value for name, value in members(media.get("examples")).items()}
    if "example" in media:
        found[variant] = {"value": media["example"]}
    return {"examples": found} if found else {}
