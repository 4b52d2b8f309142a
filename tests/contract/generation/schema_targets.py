"""The choices that one schema leaves open at its own place, without those of nested schemas.

Each target has a test for whether a value takes the choice, and a narrower schema whose values all
take it, so that such a value can be drawn on purpose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object

from ..json_diff import find_differences

ValueTest: TypeAlias = Callable[[JSON], bool]

# No page documents a field of this name; it stands for a field of a newer gateway.
UNNAMED_FIELD = "fieldThatNoPageNames"

# An escape, a class of characters, or any other single character.
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int, float),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


@frozen(eq=False)
class SchemaTarget:
    """One choice of a schema.

    Attributes:
        kind: the kind of choice, a column of the report.
        label: the choice in words.
        matches: whether a value takes the choice.
        schema: a schema of the values that take it.
    """

    kind: str
    label: str
    matches: ValueTest
    schema: Object


def find_targets(schema: Object) -> Iterator[SchemaTarget]:
    """Every choice of a schema, without its unions; references must be resolved."""
    yield from _listed_values(schema)
    yield from _types(schema)
    yield from _patterns(schema)
    yield from _bounds(schema)
    yield from _lists(schema)
    yield from _fields(schema)


def declared_types(schema: Object) -> tuple[str, ...]:
    """The JSON types that a schema lists; empty if it has no ``type``."""
    declared = schema.get("type", ())
    return (declared,) if isinstance(declared, str) else tuple(declared)


def type_test(name: str) -> ValueTest:
    """A test for a JSON type. A whole number has both number types: 59.0 is an integer."""

    def test(value: JSON) -> bool:
        if name in {"integer", "number"} and isinstance(value, bool):
            return False
        whole = name != "integer" or not isinstance(value, float) or value.is_integer()
        return isinstance(value, _TYPES[name]) and whole

    return test


def require_field(schema: Object, name: str, inner: Object) -> Object:
    """The object schema with one field required and narrowed to a schema."""
    return {
        **schema,
        "type": "object",
        "properties": {**schema.get("properties", {}), name: inner},
        "required": sorted({*schema.get("required", ()), name}),
    }


def require_items(schema: Object, inner: Object) -> Object:
    """The array schema with at least one item, all narrowed to a schema."""
    least = max(1, schema.get("minItems", 0))
    return {**schema, "type": "array", "items": inner, "minItems": least}


def _equals(schema: Object, kind: str, value: JSON) -> SchemaTarget:
    words = f"{'at ' if kind == 'bound' else 'is '}{json.dumps(value, ensure_ascii=False)}"
    return SchemaTarget(kind, words, lambda found: not any(find_differences(value, found)),
                  {**schema, "enum": [value]})  # fmt: skip


def _listed_values(schema: Object) -> Iterator[SchemaTarget]:
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if listed is None and "boolean" in declared_types(schema):
        listed = [True, False]
    yield from (_equals(schema, "value", value) for value in listed or ())


def _types(schema: Object) -> Iterator[SchemaTarget]:
    listed = declared_types(schema)
    if len(listed) > 1:
        for name in listed:
            yield SchemaTarget(
                "type", f"is of type {name}", type_test(name), {**schema, "type": name}
            )


def _patterns(schema: Object) -> Iterator[SchemaTarget]:
    """The alternatives of a pattern such as ``^(https://…|data:…)$``."""
    for form in pattern_alternatives(schema.get("pattern", "")):
        words = f"matches {form if len(form) <= 24 else form[:24] + '…'}"
        yield SchemaTarget("branch", words, _matches(form), {**schema, "pattern": f"^({form})$"})


def _matches(form: str) -> ValueTest:
    return lambda value: isinstance(value, str) and re.fullmatch(form, value) is not None


def pattern_alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that is a single group; empty for any other pattern."""
    if not (pattern.startswith("^(") and pattern.endswith(")$")):
        return []
    found, depth = [""], 0
    for piece in _PIECE.findall(pattern[2:-2]):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth < 0:
            return []  # the group ends before the pattern ends
        if piece == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += piece
    return found if len(found) > 1 else []


def _bounds(schema: Object) -> Iterator[SchemaTarget]:
    yield from (_equals(schema, "bound", schema[key])
                for key in ("minimum", "maximum") if key in schema)  # fmt: skip
    # The bound itself is excluded; the next integer is the boundary.
    if declared_types(schema) == ("integer",):
        for key, step in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1)):
            if key in schema:
                yield _equals(schema, "bound", schema[key] + step)
    if "minLength" in schema:
        yield _sized(schema, "characters", str, schema["minLength"], "maxLength")
    if "maxLength" in schema:
        yield _sized(schema, "characters", str, schema["maxLength"], "minLength")


def _sized(schema: Object, unit: str, kind: type, size: int, limit: str) -> SchemaTarget:
    def matches(value: Any) -> bool:
        return isinstance(value, kind) and len(value) == size

    return SchemaTarget("bound", f"at {size} {unit}", matches, {**schema, limit: size})


def _lists(schema: Object) -> Iterator[SchemaTarget]:
    if "array" not in declared_types(schema):
        return
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    only = {**schema, "type": "array"}
    if least:
        yield _sized(only, "items", list, least, "maxItems")
    else:
        yield SchemaTarget("items", "is empty", lambda value: value == [], {**only, "maxItems": 0})
    if most is not None:
        yield _sized(only, "items", list, most, "minItems")
    if most is None or most > 1:
        yield SchemaTarget("items", "has several items",
                     lambda value: isinstance(value, list) and len(value) > 1,
                     {**only, "minItems": max(2, least)})  # fmt: skip


def _fields(schema: Object) -> Iterator[SchemaTarget]:
    properties = schema.get("properties", {})
    for name in properties:
        if name not in schema.get("required", ()):
            yield from _optional(schema, name)
    if properties and schema.get("additionalProperties") is not False:
        inner = schema.get("additionalProperties", True)
        extra = {"type": "string"} if inner is True else inner
        yield SchemaTarget("extra", "has an undeclared field",
                     lambda value: isinstance(value, dict) and bool(value.keys() - properties),
                     require_field(schema, UNNAMED_FIELD, extra))  # fmt: skip


def _optional(schema: Object, name: str) -> Iterator[SchemaTarget]:
    inner = schema["properties"][name]
    without = {key: value for key, value in schema["properties"].items() if key != name}
    yield SchemaTarget("optional", f"has {name}",
                 lambda value: isinstance(value, dict) and name in value,
                 require_field(schema, name, inner))  # fmt: skip
    # The schema `false` forbids the field; without it the field would count as undeclared.
    yield SchemaTarget("optional", f"lacks {name}",
                 lambda value: isinstance(value, dict) and name not in value,
                 {**schema, "type": "object", "properties": {**without, name: False}})  # fmt: skip
