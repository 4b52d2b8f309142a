"""The arguments of a resource's ``create``, each with the field of the body that it sets.

The signature has the arguments, which are required, and their defaults. The contract has each
field's type and values. The command line and manifests read text by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from inspect import Parameter
from pathlib import Path
from typing import Final

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text, parse_json
from cometapi_runway._core.naming import fold_name
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.errors import Issue
from cometapi_runway.resources._client_resources import ClientResource
from cometapi_runway.resources._resolved_schema import resolve_schema
from cometapi_runway.validation import Contract


class ValueKind(Enum):
    """What a field's value is, and so how its text is read.

    Attributes:
        TEXT: Text.
        CHOICE: One of a few words, or an object with such a word as its only field.
        INTEGER: A whole number.
        NUMBER: A number.
        BOOLEAN: True or false.
        ASSET: An address or a local file, or JSON that has them as ``uri``.
        ASSETS: A list of assets.
        LIST: Any other list, as JSON.
        JSON: Anything else, as JSON.
    """

    TEXT = auto()
    CHOICE = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    ASSET = auto()
    ASSETS = auto()
    LIST = auto()
    JSON = auto()


_SCALARS: Final = {
    "integer": ValueKind.INTEGER,
    "number": ValueKind.NUMBER,
    "boolean": ValueKind.BOOLEAN,
}


@frozen(eq=False)
class ArgumentField:
    """An argument of ``create`` and its field.

    Attributes:
        argument: The argument, as in the signature.
        field: The body's field that it sets.
        schema: The field's schema, references resolved.
        kind: What its value is.
        choices: The words that the contract allows; empty if there is no such list.
    """

    argument: Parameter
    field: str
    schema: Object
    kind: ValueKind
    choices: tuple[str, ...] = ()

    @property
    def is_required(self) -> bool:
        """Whether ``create`` has no default for it."""
        return self.argument.default is Parameter.empty


def list_argument_fields(resource: ClientResource) -> tuple[ArgumentField, ...]:
    """Every argument of a resource's ``create``, in the signature's order.

    Raises:
        KeyError: The contract has no field for an argument.
    """
    contract = resource.contract
    fields = {
        fold_name(name): (name, resolve_schema(contract, schema))
        for name, schema in _list_properties(contract, resource.body_schema).items()
    }
    return tuple(
        _make_field(contract, argument, *fields[fold_name(argument.name)])
        for argument in resource.signature.parameters.values()
    )


def find_unknown_fields(name: str, fields: Iterable[str], body: Object) -> list[Issue]:
    """An issue for each field of a body that the contract does not name.

    The contract allows further fields and the gateway ignores them. In a body that was typed they
    are typing errors, and the request is charged.

    Args:
        name: What the body is for, for messages.
        fields: The fields that the contract names.
        body: The body.
    """
    known = list(fields)
    return [
        Issue(
            f"/{field}",
            "unknown",
            body[field],
            f"{field} is not a field of {name}; {suggest_name(field, known)}",
        )
        for field in sorted(body.keys() - set(known))
    ]


def get_only_field(contract: Contract, schema: Object) -> Object | None:
    """The schema of an object's field if it has just one, else None."""
    fields = as_object(schema.get("properties")) or {}
    return resolve_schema(contract, *fields.values()) if len(fields) == 1 else None


def parse_value(text: str) -> str | Path | JSON:
    """Parse a value that may be an address, a local file, or JSON.

    Raises:
        ValueError: It is empty, or begins like JSON and is not JSON.
    """
    if not text.strip():
        raise ValueError("It is empty; give an address, a file or JSON.")
    return parse_json(text) if text[:1] in {"{", "["} else parse_asset(text)


def parse_asset(text: str) -> str | Path:
    """An address or data URI as it is; any other text as a local file.

    Raises:
        ValueError: It begins with the home folder of a user who does not exist.
    """
    if "://" in text or text[:5].lower() == "data:":
        return text
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"the home folder of {text} is unknown; write the whole path") from error


def _make_field(
    contract: Contract, argument: Parameter, name: str, schema: Object
) -> ArgumentField:
    choices = _list_choices(contract, schema)
    kind = ValueKind.CHOICE if choices else _get_kind(contract, schema)
    return ArgumentField(argument, name, schema, kind, choices)


def _get_kind(contract: Contract, schema: Object) -> ValueKind:
    types = schema.get("type")
    names = [name for name in (types if isinstance(types, list) else [types]) if name != "null"]
    name = as_text(names[0]) if len(names) == 1 else None
    if name in _SCALARS:
        return _SCALARS[name]
    if name == "array":
        items = resolve_schema(contract, schema.get("items"))
        return ValueKind.ASSETS if _is_asset(contract, items) else ValueKind.LIST
    if _is_asset(contract, schema):
        return ValueKind.ASSET
    return ValueKind.TEXT if name == "string" else ValueKind.JSON


def _list_properties(contract: Contract, schema: Object) -> dict[str, JSON]:
    """The fields of a body, those of every branch of a union included."""
    properties = dict(as_object(schema.get("properties")) or {})
    for branch in _list_branches(contract, schema):
        for name, value in _list_properties(contract, branch).items():
            known = properties.setdefault(name, value)
            if known != value:
                # Where branches differ, the field takes what any of them takes.
                properties[name] = {"anyOf": [known, value]}
    return properties


def _list_branches(contract: Contract, schema: Object) -> list[Object]:
    """The branches of a schema's unions, references resolved."""
    unions = (schema.get("anyOf"), schema.get("oneOf"))
    lists = [union for union in unions if isinstance(union, list)]
    return [resolve_schema(contract, branch) for branches in lists for branch in branches]


def _is_asset(contract: Contract, schema: Object) -> bool:
    """Whether a value names a file: an address or data URI, by itself or as ``uri``."""
    if any(_is_asset(contract, branch) for branch in _list_branches(contract, schema)):
        return True
    fields = as_object(schema.get("properties")) or {}
    if "uri" in fields:
        return True
    return "data:" in (as_text(schema.get("pattern")) or "")


def _list_choices(contract: Contract, schema: Object) -> tuple[str, ...]:
    """The values of an enum, or of the enum in an object's only field."""
    values = schema.get("enum")
    if isinstance(values, list):
        return tuple(value for value in values if isinstance(value, str))
    only = get_only_field(contract, schema)
    return () if only is None else _list_choices(contract, only)
