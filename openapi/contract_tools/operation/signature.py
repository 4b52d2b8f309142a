"""The Python module with a new operation's signature, from the contract."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from contract_tools._common.json_values import members
from contract_tools._common.openapi import json_media, resolve
from contract_tools.operation.fields import list_arguments, resolve_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from contract_tools._common.json_values import Json, JsonObject
    from contract_tools._common.openapi import Operation
    from contract_tools.operation.fields import Argument
    from contract_tools.operation.names import Names

_WIDTH = 100
# Typographic characters, which ruff refuses in a docstring where another looks like them.
_PLAIN = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"}
    | {"\u00d7": "x", "\u2026": "...", "\u00a0": " "}
)
_END = """\
Returns:
    The accepted task.

Raises:
    InvalidRequestError: The contract forbids the request; nothing was sent.
    SubmissionUnknownError: It was sent once, and no usable response arrived.
    APIError: The gateway refused it, or could not be reached.
"""


def write_signature(
    document: JsonObject,
    operation: Operation,
    names: Names,
    fillers: Mapping[str, Json],
    reserved: Collection[str],
) -> str:
    """Return the module, not yet formatted.

    Args:
        document: the contract.
        operation: the operation in it.
        names: its names.
        fillers: see `list_arguments`.
        reserved: the call options, whose names no argument has.
    """
    media = json_media(resolve(document, operation.raw.get("requestBody")))
    body = resolve_schema(document, media.get("schema"))
    arguments = list_arguments(document, body, fillers, reserved)
    model = _model_name(members(media.get("schema")))
    options = "call" if "options" in {one.name for one in arguments} else "options"
    route = ', "feed"' if names.tag == "compat" else ""
    lines = [
        f'@creates("{operation.id}"{route})',
        f"def {names.function}(",
        "    *,",
        *(f"    {one.parameter}" for one in arguments),
        f"    **{options}: Unpack[CallOptions],",
        f") -> models.{model}:",
        textwrap.indent(_docstring(operation, arguments, options), "    "),
        *_return_model(model, arguments),
    ]
    code = "\n".join(lines) + "\n"
    return f"{_heading(operation, code)}\n\n{code}"


def _return_model(model: str, arguments: list[Argument]) -> list[str]:
    lines = [f"models.{model}(", *(one.assignment for one in arguments), ")"]
    fields = ", ".join(f"{one.field!r}: {one.name}" for one in arguments if one.is_any_json)
    if not fields:
        return textwrap.indent("return " + "\n".join(lines), "    ").splitlines()
    code = "\n".join(
        ["body = " + "\n".join(lines), f"return conversions.set_json(body, {{{fields}}})"]
    )
    return textwrap.indent(code, "    ").splitlines()


def _model_name(schema: JsonObject) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _heading(operation: Operation, code: str) -> str:
    """Return the docstring of the module, and the imports that its code needs."""
    typing = [name for name in ("Literal", "Unpack") if re.search(rf"\b{name}\b", code)]
    types = sorted(set(re.findall(r"\b(?:[A-Z][A-Za-z]+)Input\b", code)))
    uses = {name: bool(re.search(rf"\b{name}\.", code)) for name in ("inputs", "conversions")}
    package = "cometapi_runway.resources"
    rows = [
        f'"""`{operation.route}`."""',
        "",
        "from __future__ import annotations",
        "",
        *(["from collections.abc import Sequence"] if "Sequence[" in code else []),
        f"from typing import {', '.join(typing)}",
        "",
        *([f"from {package} import _inputs as inputs"] if uses["inputs"] else []),
        *([f"from {package}._inputs import {', '.join(types)}"] if types else []),
        *([f"from {package}._signatures import conversions"] if uses["conversions"] else []),
        f"from {package}._signatures.models import models",
        f"from {package}._signatures.signature import CallOptions, creates",
    ]
    return "\n".join(rows)


def _docstring(operation: Operation, arguments: Iterable[Argument], options: str) -> str:
    summary = _plain(str(operation.raw.get("summary") or operation.id.replace("_", " ")))
    description = _plain(str(operation.raw.get("description") or ""))
    first = textwrap.shorten(summary.rstrip("."), _WIDTH - 12, placeholder="") + "."
    parts = [f'"""{first}', ""]
    if description:
        parts += [_fill(description, ""), ""]
    parts.append("Args:")
    for one in arguments:
        parts.append(_fill(f"{one.name}: {_plain(one.description)}", "    "))
    parts += [f"    **{options}: See `CallOptions`.", "", _END + '"""']
    return "\n".join(parts)


def _fill(text: str, indent: str) -> str:
    further = f"{indent}    " if indent else ""
    return textwrap.fill(
        text,
        _WIDTH - 4,
        initial_indent=indent,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(text: str) -> str:
    """Return a page's text as it may stand in a docstring."""
    text = " ".join(text.translate(_PLAIN).split()).replace("\\", "/")
    return text.replace('"""', "'''")
