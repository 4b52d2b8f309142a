"""Options of an operation, derived from its one signature and the contract.

The signature says which arguments there are, which are required and what their defaults are; the
contract says what they mean, of which type they are and which values they know. Nothing of it is
restated here. Values are not judged here either: the client holds them against the contract.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from inspect import Parameter as Argument
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from attrs import frozen
from cyclopts import Parameter

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text, parse_json
from cometapi_runway.cli.creations import Creation, resolved
from cometapi_runway.cli.endings import UsageError
from cometapi_runway.cli.options import REQUEST
from cometapi_runway.cli.words import kebab
from cometapi_runway.errors import Issue
from cometapi_runway.validation import Contract

if TYPE_CHECKING:
    from cyclopts import Token

_PLAIN: Final = {"integer": int, "number": float, "boolean": bool}
_ADDRESS: Final = "ADDRESS|FILE"
_WIDEST: Final = 20


@frozen
class Option:
    """One option of an operation.

    Attributes:
        argument: The argument of ``create`` that it gives.
        field: The body's field that it becomes.
        hint: Its type, with what the command line shows of it.
        metavar: What stands for its value in help.
        is_required: Whether ``create`` has no default for it.
    """

    argument: str
    field: str
    hint: Any
    metavar: str
    is_required: bool

    @property
    def flag(self) -> str:
        """As it is typed: ``--body-control``."""
        return f"--{kebab(self.argument)}"

    @property
    def parameter(self) -> Argument:
        """The parameter of the command's function; without a value, nothing is passed on."""
        return Argument(self.argument, Argument.KEYWORD_ONLY, default=None, annotation=self.hint)


@frozen
class _Kind:
    """How a value is typed, shown and read."""

    type: Any
    metavar: str
    more: tuple[Parameter, ...] = ()


def options(creation: Creation) -> tuple[Option, ...]:
    """Every option of an operation, in the signature's order.

    Raises:
        KeyError: It has no signature, or the contract has no field for an argument.
    """
    properties = as_object(creation.body.get("properties")) or {}
    fields = {_bare(name): (name, resolved(creation.source, s)) for name, s in properties.items()}
    return tuple(
        _option(creation.source, argument, *fields[_bare(argument.name)])
        for argument in creation.signature.parameters.values()
    )


def arguments(found: Sequence[Option], body: Mapping[str, JSON]) -> dict[str, Any]:
    """The arguments of ``create`` that a body stands for; a strange field keeps its name."""
    names = {option.field: option.argument for option in found}
    return {names.get(field, field): value for field, value in body.items()}


def strange(creation: Creation, found: Sequence[Option], body: Object) -> list[Issue]:
    """Fields of a body that the contract does not name, which it allows and nobody would read.

    In a body that a person typed they are slips, and slips are paid for.
    """
    fields = [option.field for option in found]
    issues: list[Issue] = []
    for name in sorted(body.keys() - set(fields)):
        close = difflib.get_close_matches(name, fields, n=1)
        advice = f"did you mean {close[0]}?" if close else f"it has {', '.join(fields)}"
        told = f"{name} is not a field of {' '.join(creation.words)}; {advice}"
        issues.append(Issue(f"/{name}", "unknown", body[name], told))
    return issues


def read_body(text: bytes, source: str) -> Object:
    """A request body.

    Raises:
        UsageError: It is not a JSON object.
    """
    advice = 'give the body of one request, such as {"model": …}'
    try:
        body = as_object(parse_json(text))
    except ValueError as error:
        raise UsageError(f"{source} is not JSON: {error}", advice) from error
    if body is None:
        raise UsageError(f"{source} is not a JSON object", advice)
    return body


def read_value(text: str) -> str | Path | JSON:
    """A value that may have parts: an address, a local file, or JSON.

    Raises:
        ValueError: It begins like JSON and is none.
    """
    if text[:1] in {"{", "["}:
        return parse_json(text)
    is_address = "://" in text or text[:5].lower() == "data:"
    return text if is_address else Path(text).expanduser()


def _bare(name: str) -> str:
    """A name as far as Python's spelling and the wire's agree on it."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _option(source: Contract, argument: Argument, field: str, schema: Object) -> Option:
    is_required = argument.default is Argument.empty
    kind = _kind(source, schema)
    shown = Parameter(
        group=REQUEST,
        help=_help(source, schema, is_required=is_required),
        show_default=_default(argument.default),
        metavar=kind.metavar,
        negative=None if kind.type is bool else (),
    )
    optional: Any = kind.type | None
    hint: Any = Annotated[optional, shown, *kind.more]
    return Option(argument.name, field, hint, kind.metavar, is_required)


def _kind(source: Contract, schema: Object) -> _Kind:
    """How a field's value is typed; what has parts may be given as JSON."""
    types = schema.get("type")
    names = [name for name in (types if isinstance(types, list) else [types]) if name != "null"]
    name = as_text(names[0]) if len(names) == 1 else None
    choices = _choices(source, schema)
    if choices:
        # Shown and completed, but not judged: a value newer than the contract is the client's
        # business, which can be told not to validate.
        metavar = "|".join(choices)
        is_short = len(metavar) <= _WIDEST
        shown = Parameter(converter=_as_typed, show_choices=not is_short)
        return _Kind(Literal[choices] | str, metavar if is_short else "CHOICE", (shown,))
    if name in _PLAIN:
        return _Kind(_PLAIN[name], {"integer": "N"}.get(name, "NUMBER"))
    if name == "array":
        items = resolved(source, schema.get("items"))
        metavar = _ADDRESS if _is_asset(source, items) else "JSON"
        return _Kind(list[Any], metavar, (Parameter(converter=_read_each),))
    if _is_asset(source, schema):
        return _Kind(Any, _ADDRESS, (Parameter(converter=_read),))
    if name == "string":
        return _Kind(str, "TEXT")
    return _Kind(Any, "JSON", (Parameter(converter=_read_json),))


def _is_asset(source: Contract, schema: Object) -> bool:
    """Whether a value names a file: an address that may be a data URI, bare or as ``uri``."""
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        return any(_is_asset(source, resolved(source, branch)) for branch in branches)
    fields = as_object(schema.get("properties")) or {}
    if "uri" in fields:
        return True
    return "data:" in (as_text(schema.get("pattern")) or "")


def _choices(source: Contract, schema: Object) -> tuple[str, ...]:
    """The values of a closed list, or of the only field of an object that has one field."""
    values = schema.get("enum")
    if isinstance(values, list):
        return tuple(value for value in values if isinstance(value, str))
    only = _only_field(source, schema)
    return () if only is None else _choices(source, only)


def _only_field(source: Contract, schema: Object) -> Object | None:
    fields = as_object(schema.get("properties")) or {}
    return resolved(source, *fields.values()) if len(fields) == 1 else None


def _as_typed(_type: object, tokens: Sequence[Token]) -> str:
    return tokens[0].value


def _read(_type: object, tokens: Sequence[Token]) -> object:
    return read_value(tokens[0].value)


def _read_each(_type: object, tokens: Sequence[Token]) -> list[object]:
    return [read_value(token.value) for token in tokens]


def _read_json(_type: object, tokens: Sequence[Token]) -> object:
    return parse_json(tokens[0].value)


def _default(default: object) -> str | bool:
    """A default as help shows it."""
    if isinstance(default, bool):
        return "on" if default else "off"
    return False if default is None or default is Argument.empty else str(default)


def _help(source: Contract, schema: Object, *, is_required: bool) -> str:
    own = as_text(schema.get("description"))
    only = _only_field(source, schema) if own is None else None
    words = own or (as_text(only.get("description")) if only else None) or ""
    # Descriptions are Markdown, and help is plain text.
    parts = [words.replace("`", "")]
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None and not re.search(r"\d", words):
        parts.append(f"From {least} to {most}.")
    if is_required:
        parts.append("[required]")
    return " ".join(part for part in parts if part)
