"""Path, query and header values against their schemas.

On the wire they are all text. A parameter of type integer is judged as the integer its text spells
and, failing that, as the text itself, so that ``limit=abc`` is reported as "abc".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from cometapi_runway.errors import Issue
from cometapi_runway.validation._document import mapping, resolve, sequence
from cometapi_runway.validation._schemas import judge

if TYPE_CHECKING:
    from cometapi_runway.jsonvalue import Object
    from cometapi_runway.validation._contract import Contract
    from cometapi_runway.validation._document import Operation, Parameter

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: Mapping[str, object] = {"true": True, "false": False}


def judge_values(
    contract: Contract, operation: Operation, location: str, values: Mapping[str, list[str]]
) -> Iterator[Issue]:
    """Judge the values of one location, given by name (header names in lower case)."""
    for parameter in operation.parameters_in(location):
        name = parameter.name.lower() if location == "header" else parameter.name
        yield from _parameter(contract, operation, parameter, values.get(name, []))


def _parameter(
    contract: Contract, operation: Operation, parameter: Parameter, given: list[str]
) -> Iterator[Issue]:
    subject = f"{_KINDS.get(parameter.location, parameter.location)} {parameter.name}"
    if not given:
        if parameter.required:
            message = f"{subject} is required and missing (required)"
            yield Issue(parameter.name, "required", None, message)
        return
    types = _types(contract.document, parameter.schema)
    if len(given) > 1 and "array" not in types:
        message = f"{subject} is given more than once (repeated)"
        yield Issue(parameter.name, "repeated", given[-1], message)
        return
    key = (operation.id, parameter.location, parameter.name)
    validator = contract.validator(key, parameter.schema)
    value = _decode(parameter, types, given)
    for issue in judge(validator, value, partial(_called, subject)):
        yield evolve(issue, path=parameter.name)


_KINDS = {"path": "path parameter", "query": "query parameter", "cookie": "cookie"}


def _called(subject: str, path: str) -> str:
    return f"{subject}{path}"


def _types(document: Object, schema: Object) -> frozenset[str]:
    """The JSON types that a schema mentions; string where it mentions none."""
    found = set(_mentioned(document, schema))
    return frozenset(found or {"string"})


def _mentioned(document: Object, schema: Object) -> Iterator[str]:
    schema = resolve(document, schema)
    declared = schema.get("type", [])
    yield from [declared] if isinstance(declared, str) else map(str, sequence(declared))
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in sequence(schema.get(union, [])):
            yield from _mentioned(document, mapping(branch))


def _decode(parameter: Parameter, types: frozenset[str], given: list[str]) -> object:
    if "array" not in types:
        return _scalar(types, given[0])
    texts = given if parameter.explode and parameter.location == "query" else given[0].split(",")
    items = parameter.schema.get("items", {})
    declared = items.get("type", "string") if isinstance(items, Mapping) else "string"
    return [_scalar(frozenset([str(declared)]), text.strip()) for text in texts]


def _scalar(types: frozenset[str], text: str) -> object:
    readers: Mapping[str, Callable[[str], object]] = {
        "boolean": lambda word: _WORDS.get(word, word),
        "integer": _number,
        "number": _number,
        "null": lambda word: None if word in {"", "null"} else word,
    }
    for name, read in readers.items():
        if name in types and not isinstance(value := read(text), str):
            return value
    return text


def _number(text: str) -> object:
    return json.loads(text) if _NUMBER.fullmatch(text) else text
