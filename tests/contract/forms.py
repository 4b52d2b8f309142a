"""Which of several forms a value is taken for, and what becomes of one that is of none.

The generated code tries the forms of a union one after the other and takes the first that does
not fail. Whether it fails over the right things shows only where one form's names stand beside
another's, and where something that is no object looks like one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import attrs

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, Response
from cometapi_runway.validation import resolve_reference as resolve
from cometapi_runway.validation._schemas import compile_schema

from .bridge import Bridge, squeeze, to_json
from .compare import differences
from .facets import Thorough, titles

# What may stand under the name of another form's field, for all that this form says.
_ODD: tuple[JSON, ...] = (None, 0, "x", [], {})


def misplaced(
    contract: Contract, schema: Object, value: JSON, parsed: object, path: str = ""
) -> Iterator[str]:
    """Where something was parsed as a form although one that comes before it fits."""
    if isinstance(value, list) and isinstance(parsed, list):
        items = resolve(contract.document, schema).get("items", {})
        for index, pair in enumerate(zip(value, parsed, strict=True)):
            yield from misplaced(contract, items, *pair, f"{path}/{index}")
    if not (attrs.has(type(parsed)) and isinstance(value, dict)):
        return
    name = type(parsed).__name__
    names = [one for one, fits in _forms(contract, json.dumps(schema)) if fits(value)]
    if name in names[1:]:
        yield f"{path or 'the answer'} is {names[0]}, and was taken for {name}"
    properties = _properties(contract, name)
    for one in attrs.fields(type(parsed)):
        key = properties.get(squeeze(one.name))
        if one.init and key in value:
            inner = contract.document["components"]["schemas"][name]["properties"][key]
            yield from misplaced(
                contract, inner, value[key], getattr(parsed, one.name), f"{path}/{key}"
            )


@cache
def _forms(contract: Contract, schema: str) -> tuple[tuple[str, object], ...]:
    """The forms of a union in its order, each with a test for it."""
    branches = _branches(contract, json.loads(schema))
    fits = (compile_schema(contract.document, branch).is_valid for branch in branches)
    return tuple(zip(titles(branches), fits, strict=True))


def _branches(contract: Contract, schema: Object) -> list[Object]:
    union = resolve(contract.document, schema)
    return union.get("anyOf", union.get("oneOf", []))


@cache
def _properties(contract: Contract, name: str) -> dict[str, str]:
    schemas = contract.document.get("components", {}).get("schemas", {})
    return {squeeze(key): key for key in schemas.get(name, {}).get("properties", {})}


def mixed(contract: Contract, source: Thorough, schema: Object) -> Iterator[JSON]:
    """The smallest value of each form, with one field of another form beside it."""
    is_right = compile_schema(contract.document, schema).is_valid
    forms = _forms(contract, json.dumps(schema))
    names = {key for branch in _branches(contract, schema)
             for key in resolve(contract.document, branch).get("properties", {})}  # fmt: skip
    drawn = sorted((one.value for one in source.right(schema)), key=lambda one: len(str(one)))
    for _, fits in forms:
        least = next((one for one in drawn if isinstance(one, dict) and fits(one)), None)
        for name in sorted(names - (least or {}).keys()) if least is not None else ():
            beside = ({**least, name: odd} for odd in _ODD)
            yield from (one for one in beside if is_right(one))


def paired(contract: Contract, schema: Object, value: JSON) -> Iterator[JSON]:
    """A value, one object after the other that may be of several forms spelt as a list of pairs.

    Where there is one form, the generated code does make an object of such a list.
    """
    if isinstance(value, list):
        items = resolve(contract.document, schema).get("items", {})
        for index, inner in enumerate(value):
            others = paired(contract, items, inner)
            yield from ([*value[:index], other, *value[index + 1 :]] for other in others)
    if not isinstance(value, dict):
        return
    forms = _forms(contract, json.dumps(schema))
    if forms:
        yield [[key, one] for key, one in value.items()]
        meant = next(index for index, (_, fits) in enumerate(forms) if fits(value))
        schema = _branches(contract, schema)[meant]
    for key, inner in resolve(contract.document, schema).get("properties", {}).items():
        if key in value:
            yield from ({**value, key: other} for other in paired(contract, inner, value[key]))


def check_odd(bridge: Bridge, operation: Operation, arguments: Object, body: JSON) -> list[str]:
    """An answer that the contract forbids is refused, or kept as it is: not made another."""
    try:
        result = bridge.call(operation, "sync", arguments)
    except (TypeError, ValueError, KeyError, AttributeError):
        return []
    return list(differences(body, to_json(result)))


def check_mixed(bridge: Bridge, operation: Operation, arguments: Object, body: JSON) -> list[str]:
    """An answer that the contract allows is kept.

    It may be taken for another form: the generated code looks at no type of a plain field, which
    is among the listed infidelities.
    """
    try:
        result = bridge.call(operation, "sync", arguments)
    except Exception as error:  # whatever it is, it is the finding
        return [f"{type(error).__name__}: {error}"]
    return list(differences(body, to_json(result)))


def spoken(operation: Operation) -> list[Response]:
    """The documented answers that are JSON."""
    return [one for one in operation.responses if one.schema is not None]
