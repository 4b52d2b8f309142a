"""A signature made of the contract alone, for an operation that nobody has written one for."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from inspect import Parameter
from inspect import Signature as PythonSignature
from typing import Any, NoReturn

from attrs import define, field

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._core.naming import snake_case
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.resources._inputs import Model
from cometapi_runway.resources._signatures.signature import OPTIONS, Signature
from cometapi_runway.validation import Contract, Operation, contract


@define
class _Body:
    """A body as it was said, under the names of the wire."""

    fields: Mapping[str, Any]
    additional_properties: dict[str, Any] = field(factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        return {**self.fields, **self.additional_properties}


def from_contract(operation_id: str, source: Contract | None = None) -> Signature[...]:
    """The signature of an operation, made of the contract.

    Its arguments are the fields of the request body, in snake case; nothing is filled in, and a
    value is JSON or a generated model. None counts as not given.

    Args:
        operation_id: The operation's id in the contract.
        source: The contract; the packaged one if None.

    Raises:
        InvalidRequestError: The contract has no such operation, or it makes no task.
        ContractError: A reference in the contract leads nowhere or in a circle.
    """
    known = contract() if source is None else source
    operation = _creation(operation_id, known)
    bodies = list(_bodies(operation.body_schema or {}, known))
    names = {_name_argument(wire): wire for body in bodies for wire in _names(body)}
    required = frozenset[str].intersection(*(_required(body) for body in bodies))

    def build(**arguments: Any) -> Model:
        given = ((names[name], value) for name, value in arguments.items() if value is not None)
        return _Body({wire: _json(value) for wire, value in given})

    build.__name__ = operation_id
    build.__doc__ = _described(operation)
    build.__signature__ = _signature(names, required)  # type: ignore[attr-defined] # for inspect
    return Signature(operation_id, build, "feed" if operation.tag == "compat" else "tasks")


def _creation(operation_id: str, known: Contract) -> Operation:
    found = next((one for one in known.operations if one.id == operation_id), None)
    if found is None:
        ids = [one.id for one in known.operations]
        advice = suggest_name(str(operation_id), ids)
        _refuse(operation_id, f"the contract has no operation {operation_id!r}; {advice}")
    if found.is_read or found.body_schema is None:
        _refuse(operation_id, f"{operation_id} makes no task; see client.tasks")
    return found


def _refuse(operation_id: str, words: str) -> NoReturn:
    raise InvalidRequestError([Issue("operation_id", "unknown", operation_id, words)])


def _bodies(schema: Object, known: Contract) -> Iterator[Object]:
    """The schemas that a body may have, references followed."""
    schema = known.resolve(schema)
    branches = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(branches, list):
        for branch in branches:
            yield from _bodies(as_object(branch) or {}, known)
        return
    yield schema


def _names(body: Object) -> list[str]:
    return [str(name) for name in as_object(body.get("properties")) or {}]


def _required(body: Object) -> frozenset[str]:
    names = body.get("required")
    return frozenset(
        _name_argument(str(name)) for name in (names if isinstance(names, list) else [])
    )


def _name_argument(name: str) -> str:
    """A field's name as Python spells it; one that a call option has is set apart."""
    argument = snake_case(name)
    return f"{argument}_" if keyword.iskeyword(argument) or argument in OPTIONS else argument


def _signature(names: Mapping[str, str], required: frozenset[str]) -> PythonSignature:
    own = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if name in required else None,
            annotation=Any,
        )
        for name in sorted(names, key=lambda name: name not in required)
    ]
    rest = Parameter("call_options", Parameter.VAR_KEYWORD, annotation="Unpack[CallOptions]")
    return PythonSignature([*own, rest])


def _described(operation: Operation) -> str:
    words = operation.document.get("summary"), operation.document.get("description")
    return "\n\n".join(str(text) for text in words if text)


def _json(value: JSON | Model) -> Any:
    """A value with every model in it as the object that it stands for."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    to_dict = getattr(value, "to_dict", None)
    return value if to_dict is None else to_dict()
