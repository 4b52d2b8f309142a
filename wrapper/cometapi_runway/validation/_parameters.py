"""Path, query and header values against their schemas.

On the wire they are all text. A parameter of type integer is judged as the integer its text spells
and, failing that, as the text itself, so that ``limit=abc`` is reported as "abc".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from cometapi_runway.errors import Issue
from cometapi_runway.validation._document import mapping, resolve, sequence
from cometapi_runway.validation._schemas import compile_schema, judge

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import Object
    from cometapi_runway.validation._document import Parameter

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: Mapping[str, object] = {"true": True, "false": False}
_KINDS = {"path": "path parameter", "query": "query parameter", "cookie": "cookie"}


class ParameterJudge:
    """One parameter, ready to be judged often.

    Attributes:
        key: the name its values are found under; header names in lower case.
    """

    def __init__(self, document: Object, parameter: Parameter) -> None:
        header = parameter.location == "header"
        self.key = parameter.name.lower() if header else parameter.name
        self._parameter = parameter
        self._name = f"{_KINDS.get(parameter.location, parameter.location)} {parameter.name}"
        self._types = _types(document, parameter.schema)
        self._item_types = _item_types(document, parameter.schema)
        self._validator = compile_schema(document, parameter.schema)

    def judge(self, values: Mapping[str, list[str]]) -> Iterator[Issue]:
        """What is wrong with this parameter among all values of its place."""
        given, name = values.get(self.key), self._parameter.name
        if not given:
            if self._parameter.required:
                message = f"{self._name} is required and missing (required)"
                yield Issue(name, "required", None, message)
        elif len(given) > 1 and "array" not in self._types:
            message = f"{self._name} is given more than once (repeated)"
            yield Issue(name, "repeated", given[-1], message)
        else:
            for issue in judge(self._validator, self._decode(given), self._called):
                yield evolve(issue, path=name)

    def _called(self, path: str) -> str:
        return f"{self._name}{path}"

    def _decode(self, given: list[str]) -> object:
        if "array" not in self._types:
            return _scalar(self._types, given[0])
        repeated = self._parameter.explode and self._parameter.location == "query"
        texts = given if repeated else given[0].split(",")
        return [_scalar(self._item_types, text.strip()) for text in texts]


def _types(document: Object, schema: Object) -> frozenset[str]:
    """The JSON types that a schema mentions; string where it mentions none."""
    return frozenset(_mentioned(document, schema)) or frozenset({"string"})


def _item_types(document: Object, schema: Object) -> frozenset[str]:
    return _types(document, mapping(resolve(document, schema).get("items", {})))


def _mentioned(document: Object, schema: Object) -> Iterator[str]:
    schema = resolve(document, schema)
    declared = schema.get("type", [])
    yield from [declared] if isinstance(declared, str) else map(str, sequence(declared))
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in sequence(schema.get(union, [])):
            yield from _mentioned(document, mapping(branch))


def _number(text: str) -> object:
    return json.loads(text) if _NUMBER.fullmatch(text) else text


_READERS: Mapping[str, Callable[[str], object]] = {
    "boolean": lambda word: _WORDS.get(word, word),
    "integer": _number,
    "number": _number,
    "null": lambda word: None if word in {"", "null"} else word,
}


def _scalar(types: frozenset[str], text: str) -> object:
    for name, read in _READERS.items():
        if name in types and not isinstance(value := read(text), str):
            return value
    return text
