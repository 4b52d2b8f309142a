"""A place in an operation, found in any contract that has the operation.

A page keeps its schemas inline, the contract in components, some laid over others; a place is a
way through the values they describe, so it means the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation
from cometapi_runway.validation import resolve_reference as resolve
from cometapi_runway.validation._schemas import compile_schema

Steps: TypeAlias = tuple[str, ...]


@frozen
class Place:
    """Where a value stands.

    Attributes:
        part: ``body``, or a place of parameters.
        steps: the fields to go through; ``*`` is any item.
    """

    part: str
    steps: Steps = ()

    def __str__(self) -> str:
        return f"{self.part} /{'/'.join(self.steps)}" if self.steps else self.part

    def schema(self, contract: Contract, operation: Operation) -> Object | None:
        """Its schema in a contract, None where the contract does not have it."""
        root = self._root(operation)
        return None if root is None else at(contract.document, root, self.steps)

    def takes(self, contract: Contract, operation: Operation, value: JSON) -> bool:
        """Whether the contract allows a value here."""
        schema = self.schema(contract, operation)
        return schema is not None and compile_schema(contract.document, schema).is_valid(value)

    def is_required(self, contract: Contract, operation: Operation) -> bool:
        """Whether the contract asks for a value here."""
        root = self._root(operation)
        return root is not None and requires(contract.document, root, self.steps)

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


def at(document: Object, schema: Object, steps: Steps) -> Object | None:
    """The schema that a place has, brought together from all that say something about it."""
    schema = resolve(document, schema)
    if not steps:
        return schema
    step, *rest = steps
    own = schema.get("items") if step == "*" else schema.get("properties", {}).get(step)
    parts = [at(document, own, tuple(rest))] if isinstance(own, dict) else []
    parts += [at(document, part, steps) for part in schema.get("allOf", ())]
    for branches in _unions(schema):
        known = [one for branch in branches if (one := at(document, branch, steps)) is not None]
        parts += [{"anyOf": known}] if known else []
    said = [part for part in parts if part is not None]
    return {"allOf": said} if len(said) > 1 else next(iter(said), None)


def requires(document: Object, schema: Object, steps: Steps) -> bool:
    """Whether the last step of a way must be there where the way before it is."""
    *way, last = steps
    parent = at(document, schema, tuple(way))
    return parent is not None and _requires(document, parent, last)


def _requires(document: Object, schema: Object, name: str) -> bool:
    schema = resolve(document, schema)
    if name in schema.get("required", ()):
        return True
    if any(_requires(document, part, name) for part in schema.get("allOf", ())):
        return True
    return any(
        all(_requires(document, branch, name) for branch in branches)
        for branches in _unions(schema)
    )


def says(document: Object, schema: Object, keyword: str) -> bool:
    """Whether a schema has a keyword, or something that it is made of has."""
    schema = resolve(document, schema)
    parts = [*schema.get("allOf", ()), *(one for union in _unions(schema) for one in union)]
    return keyword in schema or any(says(document, part, keyword) for part in parts)


def _unions(schema: Object) -> Iterator[list[Object]]:
    return (schema[key] for key in ("anyOf", "oneOf") if key in schema)


def places(document: Object, schema: Object, part: str) -> Iterator[tuple[Place, Object]]:
    """Every place of a page's own schema, with what the page says of it."""
    yield from _below(document, schema, Place(part))


def _below(document: Object, schema: Object, place: Place) -> Iterator[tuple[Place, Object]]:
    schema = resolve(document, schema)
    yield place, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _below(document, inner, Place(place.part, (*place.steps, name)))
    if isinstance(schema.get("items"), dict):
        yield from _below(document, schema["items"], Place(place.part, (*place.steps, "*")))
    for key in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(key, ()):
            # What a branch says is said of the same place.
            yield from (one for one in _below(document, branch, place))
