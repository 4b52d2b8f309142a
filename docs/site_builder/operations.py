"""One page per operation, from the contract and the signature of its ``create``."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from textwrap import dedent, indent
from urllib.parse import urlsplit

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.naming import kebab_case
from cometapi_runway.resources._argument_fields import (
    ArgumentField,
    ValueKind,
    list_argument_fields,
)
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.resources._known_values import read_known_values
from cometapi_runway.resources._prices import read_price
from cometapi_runway.resources._resolved_schema import resolve_schema

_KINDS = {
    ValueKind.TEXT: "text",
    ValueKind.CHOICE: "one of a list",
    ValueKind.INTEGER: "whole number",
    ValueKind.NUMBER: "number",
    ValueKind.BOOLEAN: "true or false",
    ValueKind.ASSET: "address, local file or data URI",
    ValueKind.ASSETS: "list of addresses, local files or data URIs",
    ValueKind.LIST: "list",
    ValueKind.JSON: "object",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "pattern `{}`",
}
_HOST = "https://example.com"
_OBTAINED = {
    "page": "CometAPI's documentation page itself",
    "transcribed": "a transcription of CometAPI's documentation page",
}


def list_operation_pages() -> list[str]:
    """Return the name of the page of each resource."""
    return [f"operations/{_page_name(resource)}" for resource in _resources()]


def operation_pages() -> dict[str, str]:
    """Return the page of each resource, by its name in the site."""
    return {
        f"operations/{_page_name(resource)}": _write_page(resource) for resource in _resources()
    }


def operations_overview() -> str:
    """Return a table of all operations, each with a link to its page."""
    lines = [
        "| In Python | On the command line | What it makes | USD |",
        "| --- | --- | --- | --- |",
    ]
    for resource in _resources():
        price = read_price(resource.operation.id)
        cells = (
            f"[`{resource.name}`](operations/{_page_name(resource)}.md)",
            f"`{' '.join(resource.command_words)}`",
            resource.description.split("\n\n", maxsplit=1)[0],
            f"{price.amount}" if price else "unknown",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _resources() -> list[ClientResource]:
    """The official format first."""
    return sorted(list_client_resources(), key=lambda one: (one.groups, one.attribute))


def _page_name(resource: ClientResource) -> str:
    return "-".join(resource.command_words)


def _write_page(resource: ClientResource) -> str:
    fields = list_argument_fields(resource)
    parts = [
        f"# {resource.name}",
        resource.description,
        _describe_source(resource),
        _write_calls(resource, fields),
        "## Arguments",
        "Beyond these, every `create` takes the [options of a call](../settings.md).",
        *(_describe_field(resource, field) for field in fields),
        "## What comes back",
        "A task, at once: [wait for it and save its files](../waiting.md). Its fields are in "
        "{py:class}`~cometapi_runway.BoundTask`.",
    ]
    return "\n\n".join(parts) + "\n"


def _describe_source(resource: ClientResource) -> str:
    page = as_object(_variant_part(resource, "x-page")) or {}
    price = read_price(resource.operation.id)
    cost = (
        f"{price.amount} USD for each request ({price.source}, {price.as_of})"
        if price
        else "not on any page; give your own with [`prices`](../paying-once.md#budgets)"
    )
    return (
        f"Request\n: `{resource.operation.method} {resource.operation.path}`\n\n"
        f"Known from\n: {_OBTAINED[str(page['obtained'])]}\n\n"
        f"Price\n: {cost}"
    )


def _variant_part(resource: ClientResource, key: str) -> JSON:
    """A part of the operation's document, of this resource where several share the operation."""
    value = resource.operation.document.get(key)
    schema = resource.operation.variants.get(resource.attribute)
    return value if schema is None else (as_object(value) or {}).get(schema)


def _write_calls(resource: ClientResource, fields: tuple[ArgumentField, ...]) -> str:
    values = {
        field.argument.name: _simplify(_example(resource, field))
        for field in fields
        if field.is_required
    }
    python = "\n".join(f"    {name}={value!r}," for name, value in values.items())
    options = " \\\n".join(
        f"    --{kebab_case(name)} {_quote(value)}" for name, value in values.items()
    )
    call = f"client.{resource.name}.create(\n{python}\n)"
    program = (
        "from cometapi_runway import RunwayClient\n\nwith RunwayClient() as client:\n"
        f"{indent('task = ' + call, ' ' * 4)}\n"
        '    print(task.wait().download("out/"))'
    ).replace("'", '"')
    command = (
        f"cometapi-runway {' '.join(resource.command_words)} \\\n{options} \\\n    --output out"
    )
    return (
        "::::{container} side-by-side\n"
        f"```python\n{program}\n```\n\n```shell\n{command}\n```\n::::"
    )


def _example(resource: ClientResource, field: ArgumentField) -> JSON:
    """A value of a required field: the page's, one of the contract's, or a text."""
    if field.kind is ValueKind.ASSETS:
        return [f"{_HOST}/picture.png"]
    examples = field.schema.get("examples")
    first = examples[0] if isinstance(examples, list) else "A fox at dawn"
    return resource.example.get(field.field, first)


def _simplify(value: JSON) -> JSON:
    """An asset as its address alone, as users write it where its type can be inferred."""
    if isinstance(value, list):
        return [_simplify(item) for item in value]
    asset = as_object(value) or {}
    if asset.get("type") not in {None, "image", "video"}:
        return {name: _simplify(item) for name, item in asset.items()}
    value = asset.get("uri", value)
    if not isinstance(value, str) or not value.startswith("https://"):
        return value
    # The pages' examples name hosts of other people.
    suffix = PurePosixPath(urlsplit(value).path).suffix
    name = f"{'clip' if suffix == '.mp4' else 'picture'}{suffix}" if suffix else "webhook"
    return f"{_HOST}/{name}"


def _quote(value: JSON) -> str:
    if isinstance(value, list):
        return " ".join(shlex.quote(str(item)) for item in value)
    if isinstance(value, dict):
        return shlex.quote(json.dumps(value))
    return shlex.quote(str(value))


def _describe_field(resource: ClientResource, field: ArgumentField) -> str:
    argument = field.argument
    default = "required" if field.is_required else _describe_default(argument.default)
    head = f"`{argument.name}` · {_KINDS[field.kind]} · {default} · {_confidence(resource, field)}"
    lines = [
        _escape(as_text(field.schema.get("description")) or ""),
        _sentence("; ".join(_limits(field.schema, field.choices))),
        *_known_values(field.schema),
        *_parts(resource, field.schema),
    ]
    wire = "" if field.field == argument.name else f"In the request: `{field.field}`."
    text = "\n\n".join(line for line in [*lines, wire] if line)
    return f"{head}\n: {indent(text, '  ').strip()}"


def _describe_default(default: object) -> str:
    return "optional" if default is None else f"default `{default}`"


def _confidence(resource: ClientResource, field: ArgumentField) -> str:
    levels = as_object(_variant_part(resource, "x-confidence")) or {}
    return as_text(levels.get(f"body.{field.field}")) or "documented"


def _limits(schema: Object, choices: tuple[str, ...] = ()) -> Iterator[str]:
    """What the contract enforces and the description does not say."""
    if choices:
        yield "one of " + ", ".join(f"`{choice}`" for choice in choices)
    said = re.findall(r"\w+", as_text(schema.get("description")) or "")
    # The pattern of an open list says less than the known values.
    keys = [key for key in _LIMITS if key != "pattern" or "x-known-values" not in schema]
    for key in keys:
        limit = schema.get(key)
        if limit is not None and str(limit) not in said:
            yield _LIMITS[key].format(limit)


def _known_values(schema: Object) -> Iterator[str]:
    for group in read_known_values(schema):
        values = ", ".join(f"`{value}`" for value in group.values)
        yield f"Known ({group.confidence}: {group.source}): {values}"


def _parts(resource: ClientResource, schema: Object) -> Iterator[str]:
    """The fields of an object, or of the objects in a list."""
    items = resolve_schema(resource.contract, schema.get("items"))
    properties = as_object(schema.get("properties")) or as_object(items.get("properties")) or {}
    lines = []
    for name, value in properties.items():
        part = resolve_schema(resource.contract, value)
        notes = [*_limits(part, _enum(part)), *_known_values(part)]
        text = ". ".join(
            _sentence(each).rstrip(".")
            for each in (as_text(part.get("description")), *notes)
            if each
        )
        lines.append(f"- `{name}`: {_escape(text)}")
    if lines:
        yield "\n".join(lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _enum(schema: Object) -> tuple[str, ...]:
    values = schema.get("enum")
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _escape(text: str) -> str:
    """Text of the contract as Markdown: a word with angle brackets is no HTML."""
    return re.sub(r"<(?=\w)", r"\\<", dedent(text))
