"""Checks path, query and header values against their schemas.

All of them are text on the wire. The value of an integer parameter is parsed as an integer. If that
fails the text itself is checked, so that ``limit=abc`` is reported as "abc".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from cometapi_runway.errors import Issue
from cometapi_runway.validation._json_types import require_list, require_object
from cometapi_runway.validation._references import resolve_reference
from cometapi_runway.validation._schemas import check_value, compile_schema

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import Object
    from cometapi_runway.validation._document import Parameter

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BOOLEANS: Mapping[str, object] = {"true": True, "false": False}
_KINDS = {"path": "path parameter", "query": "query parameter"}


class ParameterChecker:
    """Checks the values of one parameter.

    Args:
        document: The contract's document.
        parameter: The parameter.
        secrets: Location and name of the values that no message shows; header names in lower
            case. Cookies are never shown.

    Attributes:
        key: The name of its values in a mapping; header names in lower case.
    """

    def __init__(
        self, document: Object, parameter: Parameter, secrets: Collection[tuple[str, str]]
    ) -> None:
        is_header = parameter.location == "header"
        self.key = parameter.name.lower() if is_header else parameter.name
        self._parameter = parameter
        place = parameter.location, self.key
        self._is_secret = parameter.location == "cookie" or place in secrets
        self._name = f"{_KINDS.get(parameter.location, parameter.location)} {parameter.name}"
        self._types = _find_types(document, parameter.schema)
        self._item_types = _find_item_types(document, parameter.schema)
        self._validator = compile_schema(document, parameter.schema)

    def check(self, values: Mapping[str, list[str]]) -> Iterator[Issue]:
        """Yield the issues of this parameter.

        Args:
            values: All values of its location, by name.
        """
        texts, name = values.get(self.key), self._parameter.name
        if not texts:
            if self._parameter.required:
                message = f"{self._name} is required and missing (required)"
                yield Issue(name, "required", None, message)
        elif len(texts) > 1 and "array" not in self._types:
            message = f"{self._name} is given more than once (repeated)"
            yield Issue(name, "repeated", None if self._is_secret else texts[-1], message)
        else:
            for issue in check_value(self._validator, self._decode(texts), self._name_place):
                yield self._hide_secret(issue) if self._is_secret else evolve(issue, path=name)

    def _hide_secret(self, issue: Issue) -> Issue:
        message = f"{self._name} breaks the contract ({issue.rule})"
        return Issue(self._parameter.name, issue.rule, None, message)

    def _name_place(self, path: str) -> str:
        return f"{self._name}{path}"

    def _decode(self, texts: list[str]) -> object:
        if "array" not in self._types:
            return _parse_scalar(self._types, texts[0])
        is_repeated = self._parameter.explode and self._parameter.location == "query"
        items = texts if is_repeated else texts[0].split(",")
        return [_parse_scalar(self._item_types, item.strip()) for item in items]


def _find_types(document: Object, schema: Object) -> frozenset[str]:
    """Return the JSON types that a schema mentions."""
    return frozenset(_iterate_types(document, schema))


def _find_item_types(document: Object, schema: Object) -> frozenset[str]:
    array = resolve_reference(document, schema)
    return _find_types(document, require_object(array.get("items", {})))


def _iterate_types(document: Object, schema: Object) -> Iterator[str]:
    schema = resolve_reference(document, schema)
    declared = schema.get("type", [])
    yield from [declared] if isinstance(declared, str) else map(str, require_list(declared))
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in require_list(schema.get(union, [])):
            yield from _iterate_types(document, require_object(branch))


def _parse_number(text: str) -> object:
    return json.loads(text) if _NUMBER.fullmatch(text) else text


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "boolean": lambda word: _BOOLEANS.get(word, word),
    "integer": _parse_number,
    "number": _parse_number,
    "null": lambda word: None if word in {"", "null"} else word,
}


def _parse_scalar(types: frozenset[str], text: str) -> object:
    for name, parse in _PARSERS.items():
        if name in types and not isinstance(value := parse(text), str):
            return value
    return text
