"""Schemas with their references replaced, so that moving rules into a component is no change."""

from __future__ import annotations

from contract_tools._common.json_values import Json, JsonObject, entries, members
from contract_tools._common.openapi import dereference
from contract_tools.diff.renames import OWNER, WORDING

_DATA = frozenset({"enum", "const", "example", "examples", "default"})


def inline(document: JsonObject, schema: Json, above: tuple[str, ...] = ()) -> Json:
    """Replace every reference in a schema by its target, which then names its component.

    Args:
        document: the document that the references point into.
        schema: the schema.
        above: the references that lead to this schema; at its second occurrence a schema that
            contains itself becomes one that allows any value, so that the comparison ends.

    Raises:
        ContractError: a reference points outside the document, or at nothing.
    """
    if isinstance(schema, list):
        return [inline(document, one, above) for one in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in above:
            return {}
        target = dereference(document, reference)
        inlined = members(inline(document, target, (*above, reference)))
        siblings = {key: _inline_keyword(document, key, schema[key], above) for key in schema}
        siblings.pop("$ref")
        return {**_flatten({**inlined, **siblings}), OWNER: reference.rpartition("/")[2]}
    keywords = {key: _inline_keyword(document, key, schema[key], above) for key in schema}
    return _flatten(keywords)


def _inline_keyword(document: JsonObject, key: str, child: Json, above: tuple[str, ...]) -> Json:
    if key in _DATA:
        return child
    if key == "properties":
        # A property may have the name `$ref`.
        return {name: inline(document, one, above) for name, one in members(child).items()}
    return inline(document, child, above)


def _flatten(schema: JsonObject) -> JsonObject:
    """Merge the branches of `allOf` into a schema, except those that contradict it.

    The contract puts a reference and its description into an `allOf`, which is not a rule.
    """
    merged: JsonObject = {key: child for key, child in schema.items() if key != "allOf"}
    conflicting: list[Json] = []
    for branch in entries(schema.get("allOf")):
        rules = {key: child for key, child in members(branch).items() if key not in WORDING}
        if all(merged.get(key, child) == child for key, child in rules.items()):
            merged = {**members(branch), **merged}
        else:
            conflicting.append(branch)
    return {**merged, "allOf": conflicting} if conflicting else merged
