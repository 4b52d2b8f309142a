"""How the generated code chooses the branch of a union, and what it does with invalid values.

The generated code tries the branches in order and takes the first that does not fail. Whether it
fails for the right reasons shows with fields of another branch, and with lists that look like
objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import attrs

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, Response, resolve_reference
from cometapi_runway.validation._schemas import compile_schema

from ..coverage.coverage_points import branch_names
from ..coverage.covering_source import CoveringSource
from ..drivers.generated_driver import GeneratedDriver, normalize_name, to_json
from ..json_diff import find_differences

# Values of a field that another branch declares; a branch without the field allows any.
_FOREIGN_VALUES: tuple[JSON, ...] = (None, 0, "x", [], {})


def find_wrong_branches(
    contract: Contract, schema: Object, value: JSON, parsed: object, path: str = ""
) -> Iterator[str]:
    """Where an object was parsed as a later branch although an earlier one matches."""
    if isinstance(value, list) and isinstance(parsed, list):
        items = resolve_reference(contract.document, schema).get("items", {})
        for index, pair in enumerate(zip(value, parsed, strict=True)):
            yield from find_wrong_branches(contract, items, *pair, f"{path}/{index}")
    if not (attrs.has(type(parsed)) and isinstance(value, dict)):
        return
    name = type(parsed).__name__
    names = [
        one for one, matches in _named_branches(contract, json.dumps(schema)) if matches(value)
    ]
    if name in names[1:]:
        yield f"{path or 'the response'} is {names[0]}, but was parsed as {name}"
    properties = _properties(contract, name)
    for one in attrs.fields(type(parsed)):
        key = properties.get(normalize_name(one.name))
        if one.init and key in value:
            inner = contract.document["components"]["schemas"][name]["properties"][key]
            yield from find_wrong_branches(
                contract, inner, value[key], getattr(parsed, one.name), f"{path}/{key}"
            )


@cache
def _named_branches(contract: Contract, schema: str) -> tuple[tuple[str, object], ...]:
    """The branches of a union in order, each with its name and a validity test."""
    branches = _branches(contract, json.loads(schema))
    tests = (compile_schema(contract.document, branch).is_valid for branch in branches)
    return tuple(zip(branch_names(branches), tests, strict=True))


def _branches(contract: Contract, schema: Object) -> list[Object]:
    union = resolve_reference(contract.document, schema)
    return union.get("anyOf", union.get("oneOf", []))


@cache
def _properties(contract: Contract, name: str) -> dict[str, str]:
    schemas = contract.document.get("components", {}).get("schemas", {})
    return {normalize_name(key): key for key in schemas.get(name, {}).get("properties", {})}


def objects_with_foreign_fields(
    contract: Contract, source: CoveringSource, schema: Object
) -> Iterator[JSON]:
    """The smallest value of each branch, with one additional field of another branch."""
    is_valid = compile_schema(contract.document, schema).is_valid
    branches = (resolve_reference(contract.document, one) for one in _branches(contract, schema))
    names = {key for branch in branches for key in branch.get("properties", {})}
    drawn = sorted((one.value for one in source.valid(schema)), key=lambda one: len(str(one)))
    for _, matches in _named_branches(contract, json.dumps(schema)):
        smallest = next((one for one in drawn if isinstance(one, dict) and matches(one)), None)
        for name in sorted(names - (smallest or {}).keys()) if smallest is not None else ():
            candidates = ({**smallest, name: foreign} for foreign in _FOREIGN_VALUES)
            yield from (one for one in candidates if is_valid(one))


def objects_as_pairs(contract: Contract, schema: Object, value: JSON) -> Iterator[JSON]:
    """The value with one object at a time written as a list of pairs, where a union allows it.

    Outside unions the generated code converts such a list into an object.
    """
    if isinstance(value, list):
        items = resolve_reference(contract.document, schema).get("items", {})
        for index, inner in enumerate(value):
            others = objects_as_pairs(contract, items, inner)
            yield from ([*value[:index], other, *value[index + 1 :]] for other in others)
    if not isinstance(value, dict):
        return
    branches = _named_branches(contract, json.dumps(schema))
    if branches:
        yield [[key, one] for key, one in value.items()]
        matched = next(index for index, (_, matches) in enumerate(branches) if matches(value))
        schema = _branches(contract, schema)[matched]
    for key, inner in resolve_reference(contract.document, schema).get("properties", {}).items():
        if key in value:
            yield from (
                {**value, key: other} for other in objects_as_pairs(contract, inner, value[key])
            )


def check_invalid_response(
    driver: GeneratedDriver, operation: Operation, status: int, body: JSON
) -> list[str]:
    """An invalid response is rejected or returned unchanged."""
    try:
        result = driver.parse(operation, status, body)
    except (TypeError, ValueError, KeyError, AttributeError):
        return []
    return list(find_differences(body, to_json(result)))


def check_foreign_field_response(
    driver: GeneratedDriver, operation: Operation, status: int, body: JSON
) -> list[str]:
    """A valid response is returned unchanged.

    It may be parsed as another branch: the generated code does not check the types of plain fields,
    which is a listed generator issue.
    """
    try:
        result = driver.parse(operation, status, body)
    except Exception as error:  # any exception is a failure
        return [f"{type(error).__name__}: {error}"]
    return list(find_differences(body, to_json(result)))


def json_responses(operation: Operation) -> list[Response]:
    """The documented JSON responses."""
    return [one for one in operation.responses if one.schema is not None]
