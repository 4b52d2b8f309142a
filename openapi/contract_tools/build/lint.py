"""Rules for the derived contract, most of them because the generator reports no error.

openapi-python-client silently drops an endpoint or sends a default that the caller did not pass.
Each rule prevents one such case, or makes all readers of the contract agree.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import (
    Json,
    JsonObject,
    describe,
    entries,
    members,
    pointer,
)
from contract_tools._common.openapi import dereference, json_media, operations, resolve
from contract_tools.build.examples import find_invalid_examples
from contract_tools.pages.register import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract_tools._common.json_values import Path

SNAKE_CASE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
# Python's re, ECMA-262 and Rust's regex differ on look-around, \d, \w and \s.
UNPORTABLE = re.compile(r"\(\?(?!:)|\\(?![\\.\-+*?()\[\]{}|^$/]|x[0-9a-f]{2})")
OVERLAY_ADVICE = (
    "write it into a file of openapi/overlays; for a new page, make operation writes the file"
)
DATE_FORMATS = frozenset({"date", "date-time"})
DATA = frozenset({"example", "examples", "enum", "const", "default", "value"})


def check_contract(document: JsonObject) -> None:
    """Check a derived contract.

    Raises:
        ContractError: it breaks rules; the message lists all of them, a line each.
    """
    # In stages, because the later rules assume a document that the earlier ones accept.
    for stage in STAGES:
        problems = [f"{at or '/'}: {problem}" for rule in stage for at, problem in rule(document)]
        if problems:
            listed = "\n".join(f"  {problem}" for problem in problems)
            rules = "1 rule" if len(problems) == 1 else f"{len(problems)} rules"
            raise ContractError(f"the derived contract breaks {rules}:\n{listed}")


def invalid_examples(document: JsonObject) -> list[str]:
    """Return the examples that contradict their own schemas, a line each.

    A page may change a schema and keep an outdated example. The client is correct all the same,
    so this does not stop a build; an overlay must fix it before it is committed.
    """
    found = find_invalid_examples(document, _nodes(document))
    return [f"{place}: {problem}" for place, problem in found]


def _references(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, node in _nodes(document):
        reference = members(node).get("$ref")
        if not isinstance(reference, str) or path[-1:] == ("properties",):
            continue
        try:
            dereference(document, reference)
        except ContractError as error:
            yield pointer(path), str(error)


def _specification(document: JsonObject) -> Iterator[tuple[str, str]]:
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield pointer(tuple(error.absolute_path)), f"not OpenAPI 3.1: {error.message}"


def _one_gateway(document: JsonObject) -> Iterator[tuple[str, str]]:
    if len(entries(document.get("servers"))) != 1:
        yield "/servers", "there must be one server"


def _sends_bearer(document: JsonObject, choice: JsonObject) -> bool:
    """Whether a bearer token satisfies an alternative of an operation's security."""
    schemes = members(members(document.get("components")).get("securitySchemes"))
    kinds = [members(schemes.get(name)) for name in choice]
    return all((one.get("type"), one.get("scheme")) == ("http", "bearer") for one in kinds)


def _operation_marks(document: JsonObject) -> Iterator[tuple[str, str]]:
    known = [members(tag).get("name") for tag in entries(document.get("tags"))]
    for operation in operations(document):
        name = operation.raw.get("operationId")
        if not isinstance(name, str) or not SNAKE_CASE.match(name):
            yield pointer(operation.place), f"operationId must be snake_case, is {describe(name)}"
        tags = entries(operation.raw.get("tags"))
        if len(tags) != 1 or tags[0] not in known:
            problem = f"tags must be one of the document's tags, is {tags!r}"
            yield pointer(operation.place), f"{problem}; {OVERLAY_ADVICE}"
        security = entries(operation.raw.get("security"))
        if not security:
            # The generator reads security per operation only.
            yield pointer(operation.place), "security must be stated on the operation"
        elif not any(_sends_bearer(document, members(one)) for one in security):
            # The client has one key, and sends it as a bearer token.
            yield pointer(operation.place), "security must allow an http bearer token alone"
        if not operation.raw.get("x-resource"):
            yield pointer(operation.place), f"x-resource is missing; {OVERLAY_ADVICE}"
        if not operation.raw.get("x-page"):
            yield pointer(operation.place), "x-page is missing"


def _resources(document: JsonObject) -> Iterator[tuple[str, str]]:
    """A resource names one operation, or one body of an operation that several share."""
    owners: dict[tuple[str, str], Path] = {}
    for operation in operations(document):
        resource = operation.raw.get("x-resource")
        named = sorted(map(str, members(resource).values()))
        if isinstance(resource, dict) and named != sorted(_bodies(document, operation.raw)):
            yield pointer(operation.place), "x-resource must name each of the body's schemas once"
        for name in resource if isinstance(resource, dict) else [str(resource)]:
            key = (str(operation.raw.get("tags")), name)
            if owners.setdefault(key, operation.place) != operation.place:
                yield (
                    pointer(operation.place),
                    f"x-resource {name} is also at {pointer(owners[key])}",
                )


def _bodies(document: JsonObject, operation: JsonObject) -> list[str]:
    """Return the components that a request body is any of."""
    media = json_media(resolve(document, operation.get("requestBody")))
    branches = entries(members(media.get("schema")).get("anyOf"))
    return [str(members(one).get("$ref")).rpartition("/")[2] for one in branches]


def _json_response(document: JsonObject) -> Iterator[tuple[str, str]]:
    for operation in operations(document):
        responses = members(operation.raw.get("responses"))
        good = [resolve(document, one) for code, one in responses.items() if code[:1] == "2"]
        if not any(resolve(document, json_media(one).get("schema")) for one in good):
            yield pointer(operation.place), "no 2xx response with an application/json schema"


def _headers(document: JsonObject) -> Iterator[tuple[str, str]]:
    """The generator drops an endpoint with a const or a date in a header."""
    for path, node in _nodes(document):
        if not isinstance(node, dict) or node.get("in") != "header":
            continue
        schema = resolve(document, node.get("schema"))
        if "const" in schema:
            yield pointer(path), "a header must not have a const"
        if schema.get("format") in DATE_FORMATS:
            yield pointer(path), f"a header must not have the format {schema['format']}"


def _request_defaults(document: JsonObject) -> Iterator[tuple[str, str]]:
    """The generator sends every default that the caller does not override."""
    for operation in operations(document):
        body = resolve(document, operation.raw.get("requestBody"))
        content = members(body.get("content")).values()
        parameters = entries(operation.raw.get("parameters"))
        parts = [members(media).get("schema") for media in content]
        parts += [resolve(document, parameter).get("schema") for parameter in parameters]
        for at in _defaults_below(document, parts):
            yield pointer(operation.place), f"the request must not have a default: {at}"


def _defaults_below(document: JsonObject, schemas: list[Json]) -> Iterator[str]:
    waiting, seen = list(schemas), set[str]()
    while waiting:
        for path, node in _nodes(waiting.pop()):
            reference = members(node).get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                waiting.append({reference: dereference(document, reference)})
            if "default" in members(node) and path[-1:] != ("properties",):
                yield pointer(path) or "the whole body"


def _lonely_references(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, node in _nodes(document):
        if "$ref" in members(node) and len(members(node)) > 1 and path[-1:] != ("properties",):
            others = ", ".join(key for key in members(node) if key != "$ref")
            yield pointer(path), f"a $ref must have no siblings, found: {others}"


def _patterns(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, node in _nodes(document):
        pattern = members(node).get("pattern")
        if isinstance(pattern, str):
            yield from ((pointer(path), problem) for problem in _pattern_problems(pattern))


def _pattern_problems(pattern: str) -> Iterator[str]:
    if not pattern.startswith("^") or not pattern.endswith("$"):
        yield f"pattern {pattern!r} must be anchored at both ends"
    if found := UNPORTABLE.search(pattern):
        yield f"pattern {pattern!r}: {found[0]!r} is read differently by different regex engines"


def _repeated_values(document: JsonObject) -> Iterator[tuple[str, str]]:
    """An overlay appends values to an enum; a page that later lists them repeats them."""
    for path, node in _nodes(document):
        values = entries(members(node).get("enum"))
        twice = sorted({repr(value) for value in values if values.count(value) > 1})
        if twice:
            yield pointer(path), f"enum lists {', '.join(twice)} twice"


def _known_values(document: JsonObject) -> Iterator[tuple[str, str]]:
    """Known values restrict nothing, so nothing else would notice a malformed entry."""
    for path, node in _nodes(document):
        if path[-1:] != ("x-known-values",):
            continue
        listed = [
            value for entry in entries(node) for value in entries(members(entry).get("values"))
        ]
        if not listed:
            yield pointer(path), "x-known-values must list values"
        twice = sorted({repr(value) for value in listed if listed.count(value) > 1})
        if twice:
            yield pointer(path), f"x-known-values lists {', '.join(twice)} twice"
        for entry in entries(node):
            confidence, source = members(entry).get("confidence"), members(entry).get("source")
            if confidence not in CONFIDENCE:
                allowed = ", ".join(CONFIDENCE)
                yield pointer(path), f"confidence must be one of {allowed}, is {confidence!r}"
            if not isinstance(source, str) or not source:
                yield pointer(path), "source must say who names the values"


def _nodes(document: Json) -> Iterator[tuple[Path, Json]]:
    """Walk the document without the data in it: examples, enums, constants and defaults."""
    waiting: list[tuple[Path, Json]] = [((), document)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        if isinstance(node, dict):
            # A property may have the name of a keyword.
            data = frozenset[str]() if path[-1:] == ("properties",) else DATA
            inside = [((*path, key), child) for key, child in node.items() if key not in data]
            waiting += reversed(inside)
        elif isinstance(node, list):
            waiting += reversed([((*path, index), child) for index, child in enumerate(node)])


Rule: TypeAlias = "Callable[[JsonObject], Iterator[tuple[str, str]]]"

STAGES: tuple[tuple[Rule, ...], ...] = (
    (_references,),
    (_specification,),
    (
        _one_gateway,
        _operation_marks,
        _resources,
        _json_response,
        _headers,
        _request_defaults,
        _lonely_references,
        _patterns,
        _repeated_values,
        _known_values,
    ),
)
