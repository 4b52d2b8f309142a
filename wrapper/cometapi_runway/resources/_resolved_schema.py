"""Schemas of the contract with their references resolved."""

from __future__ import annotations

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway.validation import Contract


def resolve_schema(contract: Contract, schema: JSON) -> Object:
    """A schema with its reference resolved and its ``allOf`` merged; its own keys win."""
    own = dict(as_object(schema) or {})
    reference, parts = as_text(own.pop("$ref", None)), own.pop("allOf", None)
    merged: Object = {}
    if reference is not None:
        merged = resolve_schema(contract, contract.resolve({"$ref": reference}))
    for part in parts if isinstance(parts, list) else []:
        merged = _merge(merged, resolve_schema(contract, part))
    return _merge(merged, own)


def _merge(base: Object, own: Object) -> Object:
    """Two schemas that both apply; of a key that both have, `own` wins."""
    merged = {**base, **own}
    fields = {
        **(as_object(base.get("properties")) or {}),
        **(as_object(own.get("properties")) or {}),
    }
    return {**merged, "properties": fields} if fields else merged
