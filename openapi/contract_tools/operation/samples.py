"""The requests that a page shows, as files of `tests/data/samples`."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.json_values import Json, JsonObject, entries, members
from contract_tools._common.openapi import json_media, operations, resolve
from contract_tools.operation.fields import resolve_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools.pages.saved_page import Page

_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--json")
_VERSION = {"X-Runway-Version": "2024-11-06"}
# For fields without a value on the page or in the contract.
_PLACEHOLDERS: JsonObject = {"ModelName": "a_model"}


@frozen
class Sample:
    """One request that a page shows, or one made up.

    Attributes:
        name: what its file's name ends with.
        shown_as: in what form the page shows it.
        body: the JSON body.
        headers: the headers shown, without the key's.
    """

    name: str
    shown_as: str
    body: JsonObject
    headers: dict[str, str]

    def render(self, page: Page) -> bytes:
        """Return the content of its file."""
        source = "/".join(page.source.split("/")[-2:]).removesuffix(".openapi.json")
        content: JsonObject = {
            "operation": page.operation_id,
            "source": re.sub(r"/(post|get)-", "/", source),
            "era": "newer",
            "shown_as": self.shown_as,
            "headers": {**self.headers},
            "body": self.body,
            "verdict": "valid",
            "reason": None,
            "refused_headers": {
                name: "The sample leaves it out."
                for name in _required_headers(page)
                if name not in self.headers
            },
        }
        return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def read_samples(page: Page) -> list[Sample]:
    """Return every request body that a page shows, equal ones once."""
    found: list[Sample] = []
    for sample in _shown(page):
        if sample.body and all(sample.body != one.body for one in found):
            found.append(sample)
    return found


def make_sample(document: JsonObject, schema: Json) -> Sample:
    """Make up a request with the required fields of a body."""
    body = members(_value(document, schema))
    return Sample("made-up", "prose; the values are ours", body, dict(_VERSION))


def _required_headers(page: Page) -> Iterator[str]:
    operation = next(operations(page.document))
    for parameter in [
        *entries(operation.item.get("parameters")),
        *entries(operation.raw.get("parameters")),
    ]:
        found = resolve(page.document, parameter)
        if found.get("in") == "header" and found.get("required"):
            yield str(found["name"])


def _shown(page: Page) -> Iterator[Sample]:
    operation = next(operations(page.document)).raw
    media = json_media(resolve(page.document, operation.get("requestBody")))
    version = dict(_VERSION)
    for number, (name, example) in enumerate(members(media.get("examples")).items(), 1):
        value = members(members(example).get("value"))
        file_name = "example" if number == 1 else f"example-{number}"
        yield Sample(file_name, f"example {name} of the body", value, version)
    yield Sample("example", "example of the body", members(media.get("example")), version)
    schema = resolve(page.document, media.get("schema"))
    yield Sample("default", "default of the body", members(schema.get("default")), version)
    for code in map(members, entries(operation.get("x-codeSamples"))):
        body, headers = _parse_curl(str(code.get("source", "")))
        yield Sample("code", "code sample", body, headers)


def _parse_curl(source: str) -> tuple[JsonObject, dict[str, str]]:
    """Return body and version header of a curl command; an empty body for anything else."""
    try:
        words = shlex.split(source.replace("\\\n", " "), comments=True)
        if words[:1] != ["curl"]:
            return {}, {}
        pairs = list(pairwise(words))
        data = next(value for option, value in pairs if option in _DATA)
        body = members(json.loads(data))
    except (ValueError, StopIteration):
        return {}, {}
    headers = dict(
        value.split(": ", 1) for option, value in pairs if option == "-H" and ": " in value
    )
    return body, {name: text for name, text in headers.items() if name in _VERSION}


def _value(document: JsonObject, schema: Json) -> Json:
    """Return a value that a schema allows, as far as its examples, types and names tell."""
    resolved = resolve_schema(document, schema)
    found = resolved.schema
    known = [value for one in entries(found.get("x-known-values")) for value in _values(one)]
    listed = [*known, *entries(found.get("examples")), *entries(found.get("enum"))]
    if listed:
        return listed[0]
    for name in resolved.names & _PLACEHOLDERS.keys():
        return _PLACEHOLDERS[name]
    for keyword in ("anyOf", "oneOf"):
        if entries(found.get(keyword)):
            return _value(document, entries(found[keyword])[0])
    match resolved.kind:
        case "object":
            required = entries(found.get("required"))
            fields = members(found.get("properties"))
            return {str(name): _value(document, fields.get(str(name))) for name in required}
        case "array":
            return [_value(document, found.get("items"))]
        case "integer" | "number":
            return found.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return "a cat".ljust(int(str(found.get("minLength", 0))), ".")


def _values(entry: Json) -> list[Json]:
    return entries(members(entry).get("values"))
