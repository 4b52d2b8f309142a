"""A signature derived from the contract, for an operation without a hand-written one."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from inspect import Parameter
from inspect import Signature as PythonSignature
from typing import Any, NoReturn

from attrs import define, field

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._core.naming import snake_case
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.resources._inputs import Model
from cometapi_runway.resources._known_values import describe_known_values
from cometapi_runway.resources._resolved_schema import resolve_schema
from cometapi_runway.resources._signatures.signature import OPTIONS, Signature
from cometapi_runway.validation import Contract, Operation, contract


@define
class _Body:
    """A request body of fields as on the wire, in place of a generated model."""

    fields: Mapping[str, Any]
    additional_properties: dict[str, Any] = field(factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        return {**self.fields, **self.additional_properties}


def from_contract(operation_id: str, source: Contract | None = None) -> Signature[...]:
    """Derive the signature of an operation from the contract alone.

    Its arguments are the fields of the request body, in snake case, without defaults; a value is
    JSON or a generated model. None counts as absent.

    Args:
        operation_id: The operation's id in the contract.
        source: The contract; the packaged one if None.

    Raises:
        InvalidRequestError: The contract has no such operation, or it creates no task.
        ContractError: A reference in the contract has no target, or is circular.
    """
    source = contract() if source is None else source
    operation = _find_operation(operation_id, source)
    fields, required_fields = _read_fields(operation.body_schema or {}, source)
    wire_names = {_to_argument_name(wire): wire for wire in fields}
    required = frozenset(map(_to_argument_name, required_fields))

    def build(**arguments: Any) -> Model:
        return _Body(
            {
                wire_names[name]: _models_to_json(value)
                for name, value in arguments.items()
                if value is not None
            }
        )

    build.__name__ = operation_id
    build.__doc__ = _docstring(operation, source)
    # For `inspect`.
    build.__signature__ = _python_signature(wire_names, required)  # type: ignore[attr-defined]
    return Signature(operation_id, build, "feed" if operation.tag == "compat" else "tasks")


def _find_operation(operation_id: str, source: Contract) -> Operation:
    operation = next((each for each in source.operations if each.id == operation_id), None)
    if operation is None:
        ids = [each.id for each in source.operations]
        advice = suggest_name(str(operation_id), ids)
        _refuse_operation(operation_id, f"the contract has no operation {operation_id!r}; {advice}")
    if operation.is_read or operation.body_schema is None:
        _refuse_operation(operation_id, f"{operation_id} creates no task; see client.tasks")
    return operation


def _refuse_operation(operation_id: str, message: str) -> NoReturn:
    raise InvalidRequestError([Issue("operation_id", "unknown", operation_id, message)])


def _read_fields(schema: Object, source: Contract) -> tuple[list[str], frozenset[str]]:
    """The fields of a body, and the ones that it requires whatever branch of a union it takes."""
    names, required = _field_names(schema), _required_names(schema)
    targets = [source.resolve(schema)] if "$ref" in schema else []
    for part in (*targets, *_branches(schema, "allOf")):
        part_names, part_required = _read_fields(part, source)
        names, required = names + part_names, required | part_required
    for union in ("anyOf", "oneOf"):
        branches = [_read_fields(branch, source) for branch in _branches(schema, union)]
        names += [name for branch_names, _ in branches for name in branch_names]
        if branches:
            required |= frozenset[str].intersection(*(needed for _, needed in branches))
    return names, required


def _branches(schema: Object, keyword: str) -> list[Object]:
    branches = schema.get(keyword)
    return [as_object(one) or {} for one in branches] if isinstance(branches, list) else []


def _field_names(body: Object) -> list[str]:
    return [str(name) for name in as_object(body.get("properties")) or {}]


def _required_names(body: Object) -> frozenset[str]:
    names = body.get("required")
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()


def _to_argument_name(name: str) -> str:
    """A field's name in snake case; a keyword or a call option's name gets an underscore."""
    argument = snake_case(name)
    return f"{argument}_" if keyword.iskeyword(argument) or argument in OPTIONS else argument


def _python_signature(names: Iterable[str], required: frozenset[str]) -> PythonSignature:
    own = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if name in required else None,
            annotation=Any,
        )
        for name in sorted(names, key=lambda name: name not in required)
    ]
    options = Parameter("call_options", Parameter.VAR_KEYWORD, annotation="Unpack[CallOptions]")
    return PythonSignature([*own, options])


def _docstring(operation: Operation, source: Contract) -> str:
    texts = operation.document.get("summary"), operation.document.get("description")
    body = resolve_schema(source, operation.body_schema)
    bodies = [body, *(resolve_schema(source, one) for one in _branches(body, "anyOf"))]
    known_values = [
        f"{_to_argument_name(name)}: {known}"
        for one in bodies
        for name, schema in (as_object(one.get("properties")) or {}).items()
        if (known := describe_known_values(source, resolve_schema(source, schema)))
    ]
    return "\n\n".join(str(text) for text in (*texts, *dict.fromkeys(known_values)) if text)


def _models_to_json(value: JSON | Model) -> Any:
    """A value with every model in it as a JSON object."""
    if isinstance(value, Mapping):
        return {name: _models_to_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_models_to_json(item) for item in value]
    to_dict = getattr(value, "to_dict", None)
    return value if to_dict is None else to_dict()
