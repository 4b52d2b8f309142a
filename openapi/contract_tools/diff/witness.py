"""Searches for a value that one schema allows and another refuses: a few likely ones, small first.

The values are candidates only: the caller checks each of them with both schemas.
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

from contract_tools._common.json_values import Json, JsonObject, as_object, entries, members

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
    # Made from their parts.
    "array": (),
    "object": (),
}
_ALPHABET = strategies.characters(codec="ascii")
_SETTINGS = hypothesis.settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    # Without the last one, which varies the simplest text to explain it.
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _without_branches(place: str) -> str:
    """Return a place without the branches of unions, which an instance does not show."""
    return re.sub(r"<[^/]*>", "", place)


@frozen
class WitnessSearch:
    """Tries values that vary at one place and are as small as possible elsewhere.

    Attributes:
        examples: example values by place, tried first.
        focus: the place, as a JSON pointer with `*` for any item; empty for any place.
    """

    examples: JsonObject
    focus: str = field(converter=_without_branches)

    def find(self, schema: Json, is_witness: Callable[[Json], bool]) -> list[Json]:
        """Return a list with one witness, or an empty list.

        Args:
            schema: suggests the candidates; not all of them are valid against it.
            is_witness: decides whether a candidate is a witness.
        """
        for value in islice(self._values(schema, ""), _MOST):
            if is_witness(value):
                return [value]
        return []

    def _values(self, schema: Json, place: str) -> Iterator[Json]:
        if not isinstance(schema, dict):
            if schema is not False:
                yield from ("a", 1, None, {})
            return
        yield from entries(self.examples.get(place))
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
        """Yield the required members alone, then with the member in focus varied, or else each."""
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
        unknown = self.focus.rpartition("/")[2] or "new"
        yield from ({**base, unknown: value} for value in ("value", 1, None))

    def _part(self, parts: JsonObject, name: str, place: str) -> Iterator[Json]:
        return self._values(parts.get(name, True), f"{place}/{name}")

    def _arrays(self, schema: JsonObject, place: str) -> Iterator[Json]:
        candidates = [self._values(schema[key], f"{place}/*") for key in ("contains", "items")
                 if key in schema]  # fmt: skip
        items = [item for some in candidates for item in islice(some, _FEW)] or ["a", 1]
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
        # The schema may also say what the text must not match.
        yield from _simplest(pattern, json.dumps(schema))
    yield from ("a" * max(least, 1), "a" * most, *_TYPES["string"])


@cache
def _simplest(pattern: str, schema: str) -> tuple[str, ...]:
    """Return the simplest text that matches a pattern and a schema, the schema as JSON."""
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


def find_examples(schema: Json, place: str = "") -> JsonObject:
    """Return the documented examples in an inlined schema, by their place in an instance."""
    found: JsonObject = {}
    node = members(schema)
    own = [*entries(node.get("examples")), *([node["example"]] if "example" in node else [])]
    if own:
        found[place] = own
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in entries(node.get(union)):
            found = {**find_examples(branch, place), **found}
    for name, child in members(node.get("properties")).items():
        found |= find_examples(child, f"{place}/{name}")
    if isinstance(node.get("items"), dict):
        found |= find_examples(as_object(node["items"], place), f"{place}/*")
    return found
