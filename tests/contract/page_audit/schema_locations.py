"""A location in an operation that can be found in every contract with that operation.

A page has its schemas inline, the contract in components, partly combined. A location is a path
through the values that the schemas describe, so it means the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, resolve_reference
from cometapi_runway.validation._schemas import compile_schema

Steps: TypeAlias = tuple[str, ...]


@frozen
class SchemaLocation:
    """The location of a value.

    Attributes:
        part: ``body``, or a parameter location.
        steps: the path of fields; ``*`` is any item.
    """

    part: str
    steps: Steps = ()

    def __str__(self) -> str:
        return f"{self.part} /{'/'.join(self.steps)}" if self.steps else self.part

    def schema(self, contract: Contract, operation: Operation) -> Object | None:
        """The schema in a contract; None if the contract does not have the location."""
        root = self._root(operation)
        return None if root is None else find_schema(contract.document, root, self.steps)

    def allows(self, contract: Contract, operation: Operation, value: JSON) -> bool:
        """Whether the contract allows a value at this location."""
        schema = self.schema(contract, operation)
        return schema is not None and compile_schema(contract.document, schema).is_valid(value)

    def is_required(self, contract: Contract, operation: Operation) -> bool:
        """Whether the contract requires a value at this location."""
        root = self._root(operation)
        return root is not None and is_required_at(contract.document, root, self.steps)

    def _root(self, operation: Operation) -> Object | None:
        if self.part == "body":
            return operation.body_schema
        return _parameters(operation, self.part)


def _parameters(operation: Operation, part: str) -> Object:
    found = operation.parameters_in(part)
    return {
        "properties": {one.name: one.schema for one in found},
        "required": [one.name for one in found if one.required],
    }


def find_schema(document: Object, schema: Object, steps: Steps) -> Object | None:
    """The schema of a location, combined from all schemas that describe it."""
    schema = resolve_reference(document, schema)
    if not steps:
        return schema
    step, *rest = steps
    own = schema.get("items") if step == "*" else schema.get("properties", {}).get(step)
    parts = [find_schema(document, own, tuple(rest))] if isinstance(own, dict) else []
    parts += [find_schema(document, part, steps) for part in schema.get("allOf", ())]
    for branches in _unions(schema):
        known = [
            one for branch in branches if (one := find_schema(document, branch, steps)) is not None
        ]
        parts += [{"anyOf": known}] if known else []
    described = [part for part in parts if part is not None]
    return {"allOf": described} if len(described) > 1 else next(iter(described), None)


def is_required_at(document: Object, schema: Object, steps: Steps) -> bool:
    """Whether the last step is required in the schema of the steps before it."""
    *parents, last = steps
    parent = find_schema(document, schema, tuple(parents))
    return parent is not None and _requires(document, parent, last)


def _requires(document: Object, schema: Object, name: str) -> bool:
    schema = resolve_reference(document, schema)
    if name in schema.get("required", ()):
        return True
    if any(_requires(document, part, name) for part in schema.get("allOf", ())):
        return True
    return any(
        all(_requires(document, branch, name) for branch in branches)
        for branches in _unions(schema)
    )


def has_keyword(document: Object, schema: Object, keyword: str) -> bool:
    """Whether a schema, or one of the schemas it combines, has a keyword."""
    schema = resolve_reference(document, schema)
    parts = [*schema.get("allOf", ()), *(one for union in _unions(schema) for one in union)]
    return keyword in schema or any(has_keyword(document, part, keyword) for part in parts)


def _unions(schema: Object) -> Iterator[list[Object]]:
    return (schema[key] for key in ("anyOf", "oneOf") if key in schema)


def schema_locations(
    document: Object, schema: Object, part: str
) -> Iterator[tuple[SchemaLocation, Object]]:
    """Every location of a page's own schema, with the schema there."""
    yield from _nested(document, schema, SchemaLocation(part))


def _nested(
    document: Object, schema: Object, place: SchemaLocation
) -> Iterator[tuple[SchemaLocation, Object]]:
    schema = resolve_reference(document, schema)
    yield place, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _nested(document, inner, SchemaLocation(place.part, (*place.steps, name)))
    if isinstance(schema.get("items"), dict):
        yield from _nested(
            document, schema["items"], SchemaLocation(place.part, (*place.steps, "*"))
        )
    for key in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(key, ()):
            # A branch describes the same location.
            yield from (one for one in _nested(document, branch, place))
