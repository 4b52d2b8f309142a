"""Values of a schema, for showing that a change matters: a few likely ones, small ones first.

No proof rests on these: whoever asks checks each value against the schemas it is to tell apart.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import hypothesis
import jsonschema_rs
from attrs import field, frozen
from hypothesis import strategies
from hypothesis.errors import HypothesisException

from contract_tools.values import Json, JsonObject, as_object, entries, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST = 400
_FEW = 20
_BRANCHES = 8
_TYPES: dict[str, tuple[Json, ...]] = {
    "null": (None,),
    "boolean": (True, False),
    "integer": (1, 0, 2, -1),
    "number": (0.5, 1, 0, -0.5),
    "string": ("a", "", "text", "0"),
    "array": ([], ["a"], [1]),
    "object": ({}, {"new": "value"}),
}
_ALPHABET = strategies.characters(codec="ascii")
_SETTINGS = hypothesis.settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _without_branches(place: str) -> str:
    """A place in an instance, in which the branches of a union cannot be seen."""
    return re.sub(r"<[^/]*>", "", place)


@frozen
class Drawing:
    """Draws values that differ at one place and are plain elsewhere.

    Attributes:
        hints: example values by place, tried first.
        focus: the place, as a JSON pointer with `*` for any item; empty: anywhere.
    """

    hints: JsonObject
    focus: str = field(converter=_without_branches)

    def find(self, schema: Json, wanted: Callable[[Json], bool]) -> list[Json]:
        """Return one value that is wanted, or none if no likely one is.

        Args:
            schema: what the value should fit; a place to look, not a promise.
            wanted: the test that counts.
        """
        for value in islice(self._values(schema, ""), _MOST):
            if wanted(value):
                return [value]
        return []

    def _values(self, schema: Json, place: str) -> Iterator[Json]:
        if not isinstance(schema, dict):
            if schema is not False:
                yield from ("a", 1, None, {})
            return
        yield from entries(self.hints.get(place))
        if "const" in schema:
            yield schema["const"]
        yield from entries(schema.get("enum"))
        for union in ("anyOf", "oneOf"):
            rest = {key: value for key, value in schema.items() if key != union}
            for branch in entries(schema.get(union))[:_BRANCHES]:
                yield from self._values({**rest, **members(branch)}, place)
        for kind in _kinds(schema):
            yield from self._typed(kind, schema, place)

    def _typed(self, kind: str, schema: JsonObject, place: str) -> Iterator[Json]:
        if kind == "object":
            yield from self._objects(schema, place)
        elif kind == "array":
            yield from self._arrays(schema, place)
        elif kind == "string":
            yield from _texts(schema)
        elif kind in {"integer", "number"}:
            yield from _numbers(schema, kind)
        else:
            yield from _TYPES[kind]

    def _objects(self, schema: JsonObject, place: str) -> Iterator[Json]:
        """What is required; then that with the part in focus varied, or else each part."""
        parts = members(schema.get("properties"))
        required = [str(name) for name in entries(schema.get("required"))]
        base = {name: value for name in required
                for value in islice(self._part(parts, name, place), 1)}  # fmt: skip
        yield dict(base)
        ahead = [name for name in {**dict.fromkeys(required), **parts}
                 if f"{self.focus}/".startswith(f"{place}/{name}/")]  # fmt: skip
        for name in ahead or {**dict.fromkeys(required), **parts}:
            few = islice(self._part(parts, name, place), _MOST if ahead else _FEW)
            yield from ({**base, name: value} for value in few)
        lost = self.focus.rpartition("/")[2] or "new"
        yield from ({**base, lost: value} for value in ("value", 1, None))

    def _part(self, parts: JsonObject, name: str, place: str) -> Iterator[Json]:
        return self._values(parts.get(name, True), f"{place}/{name}")

    def _arrays(self, schema: JsonObject, place: str) -> Iterator[Json]:
        drawn = [self._values(schema[key], f"{place}/*") for key in ("contains", "items")
                 if key in schema]  # fmt: skip
        items = [item for some in drawn for item in islice(some, _FEW)] or ["a", 1]
        least, most = _count(schema, "minItems", 0), _count(schema, "maxItems", 3)
        for item in items:
            yield from ([item] * count for count in dict.fromkeys((max(least, 1), least, most)))
        yield []


def _kinds(schema: JsonObject) -> list[str]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return [str(one) for one in kind]
    if isinstance(kind, str):
        return [kind]
    return ["object"] if "properties" in schema or "required" in schema else list(_TYPES)


def _texts(schema: JsonObject) -> Iterator[Json]:
    least, most = _count(schema, "minLength", 0), _count(schema, "maxLength", 0)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        # What is not to match is in the rest of the schema.
        yield from _simplest(pattern, json.dumps(schema, sort_keys=True))
    yield from ("a" * max(least, 1), "a" * most, *_TYPES["string"])


@cache
def _simplest(pattern: str, schema: str) -> tuple[str, ...]:
    """The simplest text that matches a pattern and fits a schema, given as JSON."""
    fits = jsonschema_rs.Draft202012Validator(json.loads(schema)).is_valid
    try:
        texts = strategies.from_regex(re.compile(pattern), fullmatch=True, alphabet=_ALPHABET)
        return (hypothesis.find(texts, fits, settings=_SETTINGS),)
    except (HypothesisException, re.error):
        return ()


def _numbers(schema: JsonObject, kind: str) -> Iterator[Json]:
    bounds = (schema.get("minimum"), schema.get("maximum"))
    open_ends = (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
    yield from (one for one in bounds if isinstance(one, int | float))
    for one, step in zip(open_ends, (1, -1), strict=True):
        if isinstance(one, int | float):
            yield one + (step if kind == "integer" else step / 2)
    multiple = schema.get("multipleOf")
    yield from (multiple,) if isinstance(multiple, int | float) else ()
    yield from _TYPES[kind]


def _count(schema: JsonObject, key: str, otherwise: int) -> int:
    value = schema.get(key)
    return min(int(value), 10_000) if isinstance(value, int | float) else otherwise


def example_values(schema: Json, place: str = "") -> JsonObject:
    """The documented examples of an inlined schema by place, where they are values of one."""
    found: JsonObject = {}
    node = members(schema)
    own = [*entries(node.get("examples")), *([node["example"]] if "example" in node else [])]
    if own:
        found[place] = own
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in entries(node.get(union)):
            found = {**example_values(branch, place), **found}
    for name, child in members(node.get("properties")).items():
        found |= example_values(child, f"{place}/{name}")
    if isinstance(node.get("items"), dict):
        found |= example_values(as_object(node["items"], place), f"{place}/*")
    return found
