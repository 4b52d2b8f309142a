"""The options of a resource's command, derived from its signature and the contract.

The signature has the arguments, which are required, and their defaults. The contract has each
argument's description, type and values. Neither is repeated here. Values are not validated here:
the client does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import Parameter as Argument
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from attrs import frozen
from cyclopts import Parameter

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text, parse_json
from cometapi_runway._core.naming import kebab_case
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.cli._options.client_resources import ClientResource, resolve_schema
from cometapi_runway.cli._options.paths import expand_user
from cometapi_runway.cli._options.shared import REQUEST_GROUP
from cometapi_runway.errors import Issue
from cometapi_runway.validation import Contract

if TYPE_CHECKING:
    from cyclopts import Token

_SCALARS: Final = {"integer": int, "number": float, "boolean": bool}
_ADDRESS_OR_FILE: Final = "ADDRESS|FILE"
_FILE_OR_OTHER: Any = Path | Any
"""Any value; shells complete file names for it because of the Path."""
_MAX_METAVAR_WIDTH: Final = 20


@frozen
class ResourceOption:
    """One option of a resource's command.

    Attributes:
        argument: The argument of ``create`` that it sets.
        field: The body's field that it sets.
        hint: Its type, annotated with what the command line shows of it.
        metavar: The placeholder of its value in help.
        is_required: Whether ``create`` has no default for it.
    """

    argument: str
    field: str
    hint: Any
    metavar: str
    is_required: bool

    @property
    def flag(self) -> str:
        """The option as users type it: ``--body-control``."""
        return f"--{kebab_case(self.argument)}"

    @property
    def parameter(self) -> Argument:
        """The parameter of the command's function; None means that it was not given."""
        return Argument(self.argument, Argument.KEYWORD_ONLY, default=None, annotation=self.hint)


@frozen
class _ValueType:
    """How a value is typed, shown and parsed."""

    hint: Any
    metavar: str
    parameters: tuple[Parameter, ...] = ()


def list_resource_options(resource: ClientResource) -> tuple[ResourceOption, ...]:
    """Every option of a resource's command, in the signature's order.

    Raises:
        KeyError: The contract has no field for an argument.
    """
    contract = resource.contract
    fields = {
        _fold_name(name): (name, resolve_schema(contract, schema))
        for name, schema in _list_properties(contract, resource.body_schema).items()
    }
    return tuple(
        _make_option(contract, argument, *fields[_fold_name(argument.name)])
        for argument in resource.signature.parameters.values()
    )


def body_to_arguments(
    options: Sequence[ResourceOption], body: Mapping[str, JSON]
) -> dict[str, Any]:
    """The arguments of ``create`` for a body; an unknown field keeps its name."""
    names = {option.field: option.argument for option in options}
    return {names.get(field, field): value for field, value in body.items()}


def find_unknown_fields(
    resource: ClientResource, options: Sequence[ResourceOption], body: Object
) -> list[Issue]:
    """An issue for each field that the contract does not name.

    The contract allows further fields and the gateway ignores them. In a body typed by a person
    they are typing errors, and the request is charged.
    """
    fields = [option.field for option in options]
    command = " ".join(resource.command_words)
    return [
        Issue(
            f"/{name}",
            "unknown",
            body[name],
            f"{name} is not a field of {command}; {suggest_name(name, fields)}",
        )
        for name in sorted(body.keys() - set(fields))
    ]


def parse_value(text: str) -> str | Path | JSON:
    """Parse a value that may be an address, a local file, or JSON.

    Raises:
        ValueError: It is empty, or begins like JSON and is not JSON.
    """
    if not text.strip():
        raise ValueError("It is empty; give an address, a file or JSON.")
    if text[:1] in {"{", "["}:
        return parse_json(text)
    is_address = "://" in text or text[:5].lower() == "data:"
    return text if is_address else expand_user(Path(text))


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


def _fold_name(name: str) -> str:
    """A name without the differences between Python's spelling and the API's."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _make_option(
    contract: Contract, argument: Argument, field: str, schema: Object
) -> ResourceOption:
    is_required = argument.default is Argument.empty
    value_type = _get_value_type(contract, schema)
    parameter = Parameter(
        group=REQUEST_GROUP,
        help=_make_help(contract, schema, is_required=is_required),
        show_default=_format_default(argument.default),
        metavar=value_type.metavar,
        negative=None if value_type.hint is bool else (),
    )
    optional: Any = value_type.hint | None
    hint: Any = Annotated[optional, parameter, *value_type.parameters]
    return ResourceOption(argument.name, field, hint, value_type.metavar, is_required)


def _get_value_type(contract: Contract, schema: Object) -> _ValueType:
    """How a field's value is typed; objects and lists can be written as JSON."""
    types = schema.get("type")
    names = [name for name in (types if isinstance(types, list) else [types]) if name != "null"]
    name = as_text(names[0]) if len(names) == 1 else None
    choices = _list_choices(contract, schema)
    if choices:
        # The choices are shown and completed, not enforced: the client validates, and
        # --no-validate allows values that are newer than the contract.
        metavar = "|".join(choices)
        is_short = len(metavar) <= _MAX_METAVAR_WIDTH
        parameter = Parameter(converter=_keep_text, show_choices=not is_short)
        return _ValueType(Literal[choices] | str, metavar if is_short else "CHOICE", (parameter,))
    if name in _SCALARS:
        return _ValueType(_SCALARS[name], {"integer": "N"}.get(name, "NUMBER"))
    if name == "array":
        items = resolve_schema(contract, schema.get("items"))
        converter = Parameter(converter=_convert_list)
        if _is_asset(contract, items):
            return _ValueType(list[_FILE_OR_OTHER], _ADDRESS_OR_FILE, (converter,))
        return _ValueType(list[Any], "JSON", (converter,))
    if _is_asset(contract, schema):
        converter = Parameter(converter=_convert_value)
        return _ValueType(_FILE_OR_OTHER, _ADDRESS_OR_FILE, (converter,))
    if name == "string":
        return _ValueType(str, "TEXT")
    return _ValueType(Any, "JSON", (Parameter(converter=_convert_json),))


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
    only = _get_only_field(contract, schema)
    return () if only is None else _list_choices(contract, only)


def _get_only_field(contract: Contract, schema: Object) -> Object | None:
    fields = as_object(schema.get("properties")) or {}
    return resolve_schema(contract, *fields.values()) if len(fields) == 1 else None


def _keep_text(_type: object, tokens: Sequence[Token]) -> str:
    return tokens[0].value


def _convert_value(_type: object, tokens: Sequence[Token]) -> object:
    return parse_value(tokens[0].value)


def _convert_list(_type: object, tokens: Sequence[Token]) -> list[object]:
    return [parse_value(token.value) for token in tokens]


def _convert_json(_type: object, tokens: Sequence[Token]) -> object:
    if not tokens[0].value.strip():
        raise ValueError("It is empty; give JSON.")
    return parse_json(tokens[0].value)


def _format_default(default: object) -> str | bool:
    """A default for help; False for none."""
    if isinstance(default, bool):
        return "on" if default else "off"
    return False if default is None or default is Argument.empty else str(default)


def _make_help(contract: Contract, schema: Object, *, is_required: bool) -> str:
    own = as_text(schema.get("description"))
    only = _get_only_field(contract, schema) if own is None else None
    description = own or (as_text(only.get("description")) if only else None) or ""
    # Descriptions are Markdown, help is plain text.
    parts = [description.replace("`", "")]
    parts.append(_describe_range(description, schema.get("minimum"), schema.get("maximum")))
    if is_required:
        parts.append("[required]")
    return " ".join(part for part in parts if part)


def _describe_range(description: str, minimum: JSON, maximum: JSON) -> str:
    """The range that the contract enforces; empty if the description states these numbers."""
    limits = [limit for limit in (minimum, maximum) if limit is not None]
    if not limits or {str(limit) for limit in limits} <= set(re.findall(r"\d+", description)):
        return ""
    if maximum is None:
        return f"At least {minimum}."
    return f"At most {maximum}." if minimum is None else f"From {minimum} to {maximum}."
