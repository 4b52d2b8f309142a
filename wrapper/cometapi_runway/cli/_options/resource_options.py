"""The options of a resource's command, derived from its arguments and their fields.

Values are not validated here: the client does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import Parameter as Argument
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from attrs import frozen
from cyclopts import Parameter, convert

from cometapi_runway._core.json_values import JSON, Object, as_text, parse_json
from cometapi_runway._core.naming import kebab_case
from cometapi_runway.cli._options.paths import expand_user
from cometapi_runway.cli._options.shared import REQUEST_GROUP
from cometapi_runway.errors import Issue
from cometapi_runway.resources import _argument_fields
from cometapi_runway.resources._argument_fields import (
    ArgumentField,
    ValueKind,
    get_only_field,
    list_argument_fields,
    parse_value,
)
from cometapi_runway.resources._client_resources import ClientResource
from cometapi_runway.resources._known_values import (
    KnownValues,
    describe_known_values,
    read_known_values,
)
from cometapi_runway.validation import Contract

if TYPE_CHECKING:
    from cyclopts import Token

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
    return tuple(_make_option(resource.contract, one) for one in list_argument_fields(resource))


def body_to_arguments(
    options: Sequence[ResourceOption], body: Mapping[str, JSON]
) -> dict[str, Any]:
    """The arguments of ``create`` for a body; an unknown field keeps its name."""
    names = {option.field: option.argument for option in options}
    return {names.get(field, field): value for field, value in body.items()}


def find_unknown_fields(
    resource: ClientResource, options: Sequence[ResourceOption], body: Object
) -> list[Issue]:
    """An issue for each field of a body that the contract does not name."""
    command = " ".join(resource.command_words)
    return _argument_fields.find_unknown_fields(command, [option.field for option in options], body)


def _make_option(contract: Contract, argument_field: ArgumentField) -> ResourceOption:
    value_type = _get_value_type(argument_field)
    argument, is_required = argument_field.argument, argument_field.is_required
    parameter = Parameter(
        group=REQUEST_GROUP,
        help=_make_help(contract, argument_field.schema, is_required=is_required),
        show_default=_format_default(argument.default),
        metavar=value_type.metavar,
        negative=None if value_type.hint is bool else (),
    )
    optional: Any = value_type.hint | None
    hint: Any = Annotated[optional, parameter, *value_type.parameters]
    return ResourceOption(
        argument.name, argument_field.field, hint, value_type.metavar, is_required
    )


def _get_value_type(argument_field: ArgumentField) -> _ValueType:
    """How a field's value is typed; objects and lists can be written as JSON."""
    if argument_field.kind is ValueKind.CHOICE:
        # The choices are shown and completed, not enforced: the client validates, and
        # --no-validate allows values that are newer than the contract.
        choices = argument_field.choices
        metavar = "|".join(choices)
        is_short = len(metavar) <= _MAX_METAVAR_WIDTH
        parameter = Parameter(converter=_keep_text, show_choices=not is_short)
        return _ValueType(Literal[choices] | str, metavar if is_short else "CHOICE", (parameter,))
    value_type = _VALUE_TYPES[argument_field.kind]
    if numbers := _list_whole_numbers(argument_field.schema):
        metavar = "|".join(map(str, numbers))
        parameter = Parameter(converter=_convert_whole)
        return _ValueType(Literal[numbers] | int, metavar, (parameter,))
    known = read_known_values(argument_field.schema)
    return _add_known_values(value_type, known) if known else value_type


def _add_known_values(value_type: _ValueType, groups: Sequence[KnownValues]) -> _ValueType:
    """Have shells complete the known values; any other value is accepted as well."""
    values = tuple(value for group in groups for value in group.values)
    # Help names them with their sources. The converter keeps them out of messages.
    converter = _convert_whole if value_type.hint is int else _keep_text
    parameter = Parameter(converter=converter, show_choices=False)
    hint: Any = Literal[values] | value_type.hint
    return _ValueType(hint, value_type.metavar, (parameter,))


def _list_whole_numbers(schema: Object) -> tuple[int, ...]:
    """The values of an enum of whole numbers; empty for any other schema."""
    values = schema.get("enum")
    listed = values if isinstance(values, list) else []
    numbers = tuple(value for value in listed if isinstance(value, int))
    return numbers if len(numbers) == len(listed) else ()


def _convert_whole(_type: object, tokens: Sequence[Token]) -> object:
    return convert(int, tokens)  # pyright: ignore[reportUnknownVariableType] # of cyclopts


def _keep_text(_type: object, tokens: Sequence[Token]) -> str:
    return tokens[0].value


def _convert_value(_type: object, tokens: Sequence[Token]) -> object:
    return _parse_token(tokens[0].value)


def _convert_list(_type: object, tokens: Sequence[Token]) -> list[object]:
    return [_parse_token(token.value) for token in tokens]


def _parse_token(text: str) -> object:
    return parse_value(str(expand_user(Path(text))) if text.startswith("~") else text)


def _convert_json(_type: object, tokens: Sequence[Token]) -> object:
    if not tokens[0].value.strip():
        raise ValueError("It is empty; give JSON.")
    return parse_json(tokens[0].value)


_VALUE_TYPES: Final = {
    ValueKind.TEXT: _ValueType(str, "TEXT"),
    ValueKind.INTEGER: _ValueType(int, "N"),
    ValueKind.NUMBER: _ValueType(float, "NUMBER"),
    ValueKind.BOOLEAN: _ValueType(bool, "NUMBER"),
    ValueKind.ASSET: _ValueType(
        _FILE_OR_OTHER, _ADDRESS_OR_FILE, (Parameter(converter=_convert_value),)
    ),
    ValueKind.ASSETS: _ValueType(
        list[_FILE_OR_OTHER], _ADDRESS_OR_FILE, (Parameter(converter=_convert_list),)
    ),
    ValueKind.LIST: _ValueType(list[Any], "JSON", (Parameter(converter=_convert_list),)),
    ValueKind.JSON: _ValueType(Any, "JSON", (Parameter(converter=_convert_json),)),
}


def _format_default(default: object) -> str | bool:
    """A default for help; False for none."""
    if isinstance(default, bool):
        return "on" if default else "off"
    return False if default is None or default is Argument.empty else str(default)


def _make_help(contract: Contract, schema: Object, *, is_required: bool) -> str:
    own = as_text(schema.get("description"))
    only = get_only_field(contract, schema) if own is None else None
    description = own or (as_text(only.get("description")) if only else None) or ""
    # Descriptions are Markdown, help is plain text.
    parts = [description.replace("`", "")]
    parts.append(_describe_range(description, schema.get("minimum"), schema.get("maximum")))
    parts.append(describe_known_values(contract, schema))
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
