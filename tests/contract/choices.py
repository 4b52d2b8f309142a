"""What one schema leaves open at its own place, before looking at what is inside it.

Each choice comes with a test that tells whether a value takes it, and with a narrower schema whose
values all do, which is how a value that takes it can be drawn on purpose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object

from .compare import differences

Test: TypeAlias = Callable[[JSON], bool]

# No page has a field of this name; it stands for any that a newer gateway may know.
EXTRA = "fieldThatNoPageNames"

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
class Choice:
    """One way of filling a place.

    Attributes:
        kind: the sort of choice; a column of the report.
        words: the choice itself.
        taken: whether a value is filled that way.
        narrow: a schema of the values that are.
    """

    kind: str
    words: str
    taken: Test
    narrow: Object


def choices(schema: Object) -> Iterator[Choice]:
    """Every choice of a schema at its own place, unions excepted; references are resolved."""
    yield from _values(schema)
    yield from _types(schema)
    yield from _forms(schema)
    yield from _bounds(schema)
    yield from _lists(schema)
    yield from _fields(schema)


def types(schema: Object) -> tuple[str, ...]:
    """The JSON types that a schema lists; empty for one that says nothing about types."""
    declared = schema.get("type", ())
    return (declared,) if isinstance(declared, str) else tuple(declared)


def is_type(name: str) -> Test:
    """A test for a JSON type. A whole number is of both number types, however it is spelt."""

    def test(value: JSON) -> bool:
        if name in {"integer", "number"} and isinstance(value, bool):
            return False
        whole = name != "integer" or not isinstance(value, float) or value.is_integer()
        return isinstance(value, _TYPES[name]) and whole

    return test


def require(schema: Object, name: str, inner: Object) -> Object:
    """The same object, with one field that must be there and have this schema."""
    return {
        **schema,
        "type": "object",
        "properties": {**schema.get("properties", {}), name: inner},
        "required": sorted({*schema.get("required", ()), name}),
    }


def fill(schema: Object, inner: Object) -> Object:
    """The same list, with at least one item, all of them of this schema."""
    least = max(1, schema.get("minItems", 0))
    return {**schema, "type": "array", "items": inner, "minItems": least}


def _is(schema: Object, kind: str, value: JSON) -> Choice:
    words = f"{'at ' if kind == 'bound' else 'is '}{json.dumps(value, ensure_ascii=False)}"
    return Choice(kind, words, lambda found: not any(differences(value, found)),
                  {**schema, "enum": [value]})  # fmt: skip


def _values(schema: Object) -> Iterator[Choice]:
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if listed is None and "boolean" in types(schema):
        listed = [True, False]
    yield from (_is(schema, "value", value) for value in listed or ())


def _types(schema: Object) -> Iterator[Choice]:
    listed = types(schema)
    if len(listed) > 1:
        for name in listed:
            yield Choice("type", f"is of type {name}", is_type(name), {**schema, "type": name})


def _forms(schema: Object) -> Iterator[Choice]:
    """The alternatives of a pattern: a union that is written as ``^(https://…|data:…)$``."""
    for form in alternatives(schema.get("pattern", "")):
        words = f"is like {form if len(form) <= 24 else form[:24] + '…'}"
        yield Choice("branch", words, _matches(form), {**schema, "pattern": f"^({form})$"})


def _matches(form: str) -> Test:
    return lambda value: isinstance(value, str) and re.fullmatch(form, value) is not None


def alternatives(pattern: str) -> list[str]:
    """What a pattern that is one group as a whole lets one choose from; empty for any other."""
    if not (pattern.startswith("^(") and pattern.endswith(")$")):
        return []
    found, depth = [""], 0
    for piece in _PIECE.findall(pattern[2:-2]):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth < 0:
            return []  # the group ends before the pattern does
        if piece == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += piece
    return found if len(found) > 1 else []


def _bounds(schema: Object) -> Iterator[Choice]:
    yield from (_is(schema, "bound", schema[key])
                for key in ("minimum", "maximum") if key in schema)  # fmt: skip
    # The bound itself is excluded; of whole numbers the next one takes its place.
    if types(schema) == ("integer",):
        for key, step in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1)):
            if key in schema:
                yield _is(schema, "bound", schema[key] + step)
    if "minLength" in schema:
        yield _sized(schema, "characters", str, schema["minLength"], "maxLength")
    if "maxLength" in schema:
        yield _sized(schema, "characters", str, schema["maxLength"], "minLength")


def _sized(schema: Object, unit: str, kind: type, size: int, pin: str) -> Choice:
    def taken(value: Any) -> bool:
        return isinstance(value, kind) and len(value) == size

    return Choice("bound", f"at {size} {unit}", taken, {**schema, pin: size})


def _lists(schema: Object) -> Iterator[Choice]:
    if "array" not in types(schema):
        return
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    only = {**schema, "type": "array"}
    if least:
        yield _sized(only, "items", list, least, "maxItems")
    else:
        yield Choice("items", "is empty", lambda value: value == [], {**only, "maxItems": 0})
    if most is not None:
        yield _sized(only, "items", list, most, "minItems")
    if most is None or most > 1:
        yield Choice("items", "has several items",
                     lambda value: isinstance(value, list) and len(value) > 1,
                     {**only, "minItems": max(2, least)})  # fmt: skip


def _fields(schema: Object) -> Iterator[Choice]:
    properties = schema.get("properties", {})
    for name in properties:
        if name not in schema.get("required", ()):
            yield from _optional(schema, name)
    if properties and schema.get("additionalProperties") is not False:
        inner = schema.get("additionalProperties", True)
        extra = {"type": "string"} if inner is True else inner
        yield Choice("extra", "has a field that is not named",
                     lambda value: isinstance(value, dict) and bool(value.keys() - properties),
                     require(schema, EXTRA, extra))  # fmt: skip


def _optional(schema: Object, name: str) -> Iterator[Choice]:
    inner = schema["properties"][name]
    without = {key: value for key, value in schema["properties"].items() if key != name}
    yield Choice("optional", f"has {name}",
                 lambda value: isinstance(value, dict) and name in value,
                 require(schema, name, inner))  # fmt: skip
    # `false` and not just left out, or the field would be one that is not named.
    yield Choice("optional", f"lacks {name}",
                 lambda value: isinstance(value, dict) and name not in value,
                 {**schema, "type": "object", "properties": {**without, name: False}})  # fmt: skip
