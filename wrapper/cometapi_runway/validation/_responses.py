"""Names what the contract lacks of a response: its status code, content type, fields and words.

The schemas of responses are open: a field or a status word that no page names is valid, so that
generated code accepts it. Here it is a difference. Values are not compared, apart from the words
of a task's status: a response differs by its shape only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation._document import Operation, Response, is_json_media_type
from cometapi_runway.validation._json_types import require_list, require_object, require_text
from cometapi_runway.validation._references import resolve_reference

STATUS_FIELDS: Final = frozenset({"status", "state"})
"""Fields whose value is a word for the state of a task."""

_TYPES: Final[Mapping[type, frozenset[str]]] = {
    type(None): frozenset({"null"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
}


@frozen(order=True)
class ShapeDifference:
    """What one part of a response has that the contract lacks.

    Attributes:
        rule: ``status``, ``content-type``, ``envelope``, ``field``, ``missing``, ``type`` or
            ``word``.
        path: The JSON pointer of the field; empty for the response as a whole.
        value: The status code, the content type, the names of an unknown envelope's fields, the
            JSON type, or the word; empty for a field that is unknown or missing.
        schema: The JSONPath of the schema, in the contract, that would have to describe it; empty
            for an envelope, which none of several schemas describes.
        documented: The JSON types that the schema allows, for rule ``type``.
    """

    rule: str
    path: str
    value: str
    schema: str = ""
    documented: tuple[str, ...] = ()


@frozen
class _Field:
    """A field of a body and the schema that describes it.

    Attributes:
        path: Its JSON pointer.
        name: Its name; that of the list for an item.
        schema: The JSONPath of the schema.
    """

    path: str
    name: str
    schema: str

    def go(self, name: str, step: str) -> _Field:
        """A field in it, by its name and a step from schema to schema."""
        own = self.name if name == "*" else name
        return _Field(f"{self.path}/{name}", own, self.schema + step)

    def choose(self, step: str) -> _Field:
        """The same field, described by a part of the schema."""
        return evolve(self, schema=self.schema + step)


class ResponseComparer:
    """Compares responses with a contract's document."""

    def __init__(self, document: Object) -> None:
        self.document = document
        self._words = frozenset(_find_status_words(document, document))

    def compare(
        self, operation: Operation, status: int, content_type: str, body: JSON, *, is_json: bool
    ) -> tuple[ShapeDifference, ...]:
        """What the contract lacks of a response, in a fixed order; empty if it has all of it.

        Args:
            operation: The operation that the response is to.
            status: HTTP status.
            content_type: The media type without parameters, in lower case; may be empty.
            body: The JSON value, if there is one.
            is_json: Whether there is one.
        """
        found: list[ShapeDifference] = []
        place = f"$.paths['{operation.path}'].{operation.method.lower()}.responses"
        # `default` documents what any other status would mean, and is no statement that it occurs.
        if str(status) not in {response.status for response in operation.responses}:
            found.append(ShapeDifference("status", "", str(status), place))
        response = operation.response(status)
        if response is not None:
            documented = require_object(operation.document["responses"])[response.status]
            place = _follow(documented, f"{place}['{response.status}']") + ".content"
            found += self._compare_content(response, content_type, body, place, is_json=is_json)
        return tuple(sorted(set(found)))

    def _compare_content(
        self, response: Response, content_type: str, body: JSON, place: str, *, is_json: bool
    ) -> Iterator[ShapeDifference]:
        if content_type not in response.content:
            yield ShapeDifference("content-type", "", content_type, place)
        if not is_json:
            if content_type in response.content and is_json_media_type(content_type):
                yield ShapeDifference("type", "", "not JSON")
            return
        if response.schema is None:
            return
        place = f"{place}['application/json'].schema"
        found = list(self._compare_value(response.schema, body, _Field("", "", place)))
        if _is_far(found, ""):
            # No documented body is near enough for a comparison field by field.
            names = ", ".join(sorted(body)) if isinstance(body, Mapping) else _name_type(body)
            yield ShapeDifference("envelope", "", names)
        else:
            yield from found

    def _compare_value(self, schema: JSON, value: JSON, at: _Field) -> Iterator[ShapeDifference]:
        at = evolve(at, schema=_follow(schema, at.schema))
        rules = resolve_reference(self.document, schema)
        types = rules.get("type")
        documented = (types,) if isinstance(types, str) else tuple(_texts(types))
        if documented and set(documented).isdisjoint(_TYPES.get(type(value), {"object"})):
            yield ShapeDifference("type", at.path, _name_type(value), at.schema, documented)
            return
        union = "anyOf" if "anyOf" in rules else "oneOf"
        choices = require_list(rules.get(union, []))
        if choices:
            yield from self._compare_choices(choices, value, at.choose(f".{union}"))
        for index, part in enumerate(require_list(rules.get("allOf", []))):
            yield from self._compare_value(part, value, at.choose(f".allOf[{index}]"))
        if isinstance(value, Mapping):
            yield from self._compare_object(rules, value, at)
        elif isinstance(value, list) and "items" in rules:
            for item in value:
                yield from self._compare_value(rules["items"], item, at.go("*", ".items"))
        elif isinstance(value, str) and at.name in STATUS_FIELDS:
            known = _texts(rules["enum"]) if "enum" in rules else self._words
            if not choices and value not in known:
                yield ShapeDifference("word", at.path, value, at.schema)

    def _compare_choices(
        self, choices: Sequence[JSON], value: JSON, at: _Field
    ) -> list[ShapeDifference]:
        """The differences from the choice that is nearest."""
        resolved = [resolve_reference(self.document, choice) for choice in choices]
        # A list of words beside any text: the text stands for words that are not known yet.
        is_word = isinstance(value, str) and any("enum" in choice for choice in resolved)
        found = [
            list(self._compare_value(choice, value, at.choose(f"[{index}]")))
            for index, choice in enumerate(choices)
            if not (is_word and resolved[index] == {"type": "string"})
        ]
        return min(found, key=lambda one: (_is_far(one, at.path), len(one)))

    def _compare_object(
        self, rules: Object, value: Object, at: _Field
    ) -> Iterator[ShapeDifference]:
        properties = require_object(rules.get("properties", {}))
        for name in map(require_text, require_list(rules.get("required", []))):
            if name not in value:
                yield ShapeDifference("missing", f"{at.path}/{name}", "", at.schema)
        if not properties:
            return
        for name, item in value.items():
            if name in properties:
                field = at.go(name, f".properties['{name}']")
                yield from self._compare_value(properties[name], item, field)
            else:
                yield ShapeDifference("field", f"{at.path}/{name}", "", at.schema)


def _follow(value: JSON, place: str) -> str:
    """Where a value is defined, as a JSONPath: at this place, or where its ``$ref`` leads."""
    reference = value.get("$ref") if isinstance(value, Mapping) else None
    if not isinstance(reference, str):
        return place
    return "$" + reference.removeprefix("#").replace("/", ".")


def _is_far(differences: list[ShapeDifference], path: str) -> bool:
    """Whether a value is not what a schema describes at all: of another type, or incomplete."""
    return any(
        (one.rule == "type" and one.path == path)
        or (one.rule == "missing" and one.path.rpartition("/")[0] == path)
        for one in differences
    )


def _find_status_words(document: Object, value: JSON) -> Iterator[str]:
    """Every status word that any schema of a document names."""
    if isinstance(value, list):
        for item in value:
            yield from _find_status_words(document, item)
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if name == "properties" and isinstance(item, Mapping):
            for field in STATUS_FIELDS & item.keys():
                yield from _list_words(document, item[field])
        yield from _find_status_words(document, item)


def _list_words(document: Object, schema: JSON) -> Iterator[str]:
    rules = resolve_reference(document, schema)
    yield from _texts(rules.get("enum"))
    yield from _texts(rules.get("examples"))
    for union in ("anyOf", "oneOf"):
        for choice in require_list(rules.get(union, [])):
            yield from _list_words(document, choice)


def _texts(value: JSON) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _name_type(value: JSON) -> str:
    names = _TYPES.get(type(value), {"object"})
    return "integer" if "integer" in names else next(iter(names))
