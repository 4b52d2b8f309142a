"""Rules that the derived contract has to keep, mostly because the generator is silent.

openapi-python-client drops an endpoint, or sends what nobody asked for, without an error;
each rule here stops one of those, or keeps the readers of the contract in step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tools import examples
from contract_tools.errors import ContractError
from contract_tools.page import METHODS
from contract_tools.values import (
    Json,
    JsonObject,
    at_pointer,
    describe,
    entries,
    members,
    pointer,
    resolve,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract_tools.values import Path

SNAKE_CASE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
# What Python's re, ECMA-262 and Rust's regex read alike: no look-around, no \d, \w, \s.
UNPORTABLE = re.compile(r"\(\?(?!:)|\\(?![\\.\-+*?()\[\]{}|^$/]|x[0-9a-f]{2})")
DATE_FORMATS = frozenset({"date", "date-time"})


def check(document: JsonObject) -> None:
    """Check a derived contract.

    Raises:
        ContractError: it breaks rules; all of them are listed, a line each.
    """
    # In stages: what breaks the specification would make the finer rules stumble.
    for stage in STAGES:
        problems = [f"{at or '/'}: {problem}" for rule in stage for at, problem in rule(document)]
        if problems:
            listed = "\n".join(f"  {problem}" for problem in problems)
            raise ContractError(f"the derived contract breaks {len(problems)} rule(s):\n{listed}")


def contradictions(document: JsonObject) -> list[str]:
    """Return the examples that their own schemas forbid, a line each.

    A page may change its schema and forget its example. That makes no wrong client, so it
    does not stop a build; it has to be settled by an overlay before it is committed.
    """
    found = examples.problems(document, _nodes(document))
    return [f"{place}: {problem}" for place, problem in found]


def operations(document: JsonObject) -> Iterator[tuple[Path, JsonObject]]:
    """Yield each operation of a contract with its path in the document."""
    for route, item in members(document.get("paths")).items():
        for method, operation in members(item).items():
            if method in METHODS:
                yield ("paths", route, method), members(operation)


def _references(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, node in _nodes(document):
        reference = members(node).get("$ref")
        if not isinstance(reference, str) or path[-1:] == ("properties",):
            continue
        if not reference.startswith("#/"):
            yield pointer(path), f"a $ref must stay inside the contract, is {reference!r}"
            continue
        try:
            at_pointer(document, reference.removeprefix("#"))
        except ContractError as error:
            yield pointer(path), str(error)


def _specification(document: JsonObject) -> Iterator[tuple[str, str]]:
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield pointer(tuple(error.absolute_path)), f"not OpenAPI 3.1: {error.message}"


def _one_gateway(document: JsonObject) -> Iterator[tuple[str, str]]:
    if len(entries(document.get("servers"))) != 1:
        yield "/servers", "there must be one server"
    if len(members(members(document.get("components")).get("securitySchemes"))) != 1:
        yield "/components/securitySchemes", "there must be one security scheme"


def _operation_marks(document: JsonObject) -> Iterator[tuple[str, str]]:
    known = [members(tag).get("name") for tag in entries(document.get("tags"))]
    for path, operation in operations(document):
        name = operation.get("operationId")
        if not isinstance(name, str) or not SNAKE_CASE.match(name):
            yield pointer(path), f"operationId must be snake_case, is {describe(name)}"
        tags = entries(operation.get("tags"))
        if len(tags) != 1 or tags[0] not in known:
            yield pointer(path), f"tags must be one of the document's tags, is {tags!r}"
        if not entries(operation.get("security")):
            # The generator reads security per operation only.
            yield pointer(path), "security must be stated on the operation"
        for mark in ("x-resource", "x-page"):
            if not operation.get(mark):
                yield pointer(path), f"{mark} is missing"


def _resources(document: JsonObject) -> Iterator[tuple[str, str]]:
    """Each resource is one operation's, or one body's of an operation that several share."""
    owners: dict[tuple[str, str], Path] = {}
    for path, operation in operations(document):
        resource = operation.get("x-resource")
        named = sorted(map(str, members(resource).values()))
        if isinstance(resource, dict) and named != sorted(_bodies(document, operation)):
            yield pointer(path), "x-resource must name each of the body's schemas once"
        for name in resource if isinstance(resource, dict) else [str(resource)]:
            key = (str(entries(operation.get("tags"))[:1]), name)
            if owners.setdefault(key, path) != path:
                yield pointer(path), f"x-resource {name} is that of {pointer(owners[key])} too"


def _bodies(document: JsonObject, operation: JsonObject) -> list[str]:
    """The components that a request body is any of."""
    body = resolve(document, operation.get("requestBody"))
    media = members(members(body.get("content")).get("application/json"))
    branches = entries(members(media.get("schema")).get("anyOf"))
    return [str(members(one).get("$ref")).rpartition("/")[2] for one in branches]


def _json_answer(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, operation in operations(document):
        answers = members(operation.get("responses"))
        good = [resolve(document, answer) for code, answer in answers.items() if code[:1] == "2"]
        media = [members(members(answer.get("content")).get("application/json")) for answer in good]
        if not any(resolve(document, m.get("schema")) for m in media):
            yield pointer(path), "no 2xx answer with an application/json schema"


def _headers(document: JsonObject) -> Iterator[tuple[str, str]]:
    """The generator drops the whole endpoint over a const or a date in a header."""
    for path, node in _nodes(document):
        if not isinstance(node, dict) or node.get("in") != "header":
            continue
        schema = resolve(document, node.get("schema"))
        if "const" in schema:
            yield pointer(path), "a header must not have a const"
        if schema.get("format") in DATE_FORMATS:
            yield pointer(path), f"a header must not have the format {schema['format']}"


def _request_defaults(document: JsonObject) -> Iterator[tuple[str, str]]:
    """The generator sends every default, asked for or not."""
    for path, operation in operations(document):
        body = resolve(document, operation.get("requestBody"))
        content = members(body.get("content")).values()
        parameters = entries(operation.get("parameters"))
        parts = [members(media).get("schema") for media in content]
        parts += [resolve(document, parameter).get("schema") for parameter in parameters]
        for at in _defaults_below(document, parts):
            yield pointer(path), f"the request must not have a default: {at}"


def _defaults_below(document: JsonObject, schemas: list[Json]) -> Iterator[str]:
    waiting, seen = list(schemas), set[str]()
    while waiting:
        for path, node in _nodes(waiting.pop()):
            reference = members(node).get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                waiting.append({reference: at_pointer(document, reference[1:])})
            if "default" in members(node) and path[-1:] != ("properties",):
                yield pointer(path) or "the whole body"


def _lonely_references(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, node in _nodes(document):
        if "$ref" in members(node) and len(members(node)) > 1 and path[-1:] != ("properties",):
            others = ", ".join(key for key in members(node) if key != "$ref")
            yield pointer(path), f"a $ref must stand alone, found beside it: {others}"


def _patterns(document: JsonObject) -> Iterator[tuple[str, str]]:
    for path, node in _nodes(document):
        pattern = members(node).get("pattern")
        if isinstance(pattern, str) and path[-1:] != ("properties",):
            yield from ((pointer(path), problem) for problem in _pattern_problems(pattern))


def _pattern_problems(pattern: str) -> Iterator[str]:
    if not pattern.startswith("^") or not pattern.endswith("$"):
        yield f"pattern {pattern!r} must be anchored at both ends"
    if found := UNPORTABLE.search(pattern):
        yield f"pattern {pattern!r}: {found[0]!r} does not mean the same to every reader"


def _repeated_values(document: JsonObject) -> Iterator[tuple[str, str]]:
    """An overlay adds to a list, so a page that begins to list its values doubles them."""
    for path, node in _nodes(document):
        values = entries(members(node).get("enum"))
        twice = sorted({repr(value) for value in values if values.count(value) > 1})
        if twice and path[-1:] != ("properties",):
            yield pointer(path), f"enum lists {', '.join(twice)} twice"


def _nodes(value: Json) -> Iterator[tuple[Path, Json]]:
    """Walk what is contract, not data: nothing inside examples, enums and defaults."""
    data = {"example", "examples", "enum", "const", "default", "value"}
    inside: set[Path] = set()
    for path, node in walk(value):
        holder = path[-2:-1]
        if path[:-1] in inside or (path[-1:] and path[-1] in data and holder != ("properties",)):
            inside.add(path)
        else:
            yield path, node


Rule: TypeAlias = "Callable[[JsonObject], Iterator[tuple[str, str]]]"

STAGES: tuple[tuple[Rule, ...], ...] = (
    (_references,),
    (_specification,),
    (
        _one_gateway,
        _operation_marks,
        _resources,
        _json_answer,
        _headers,
        _request_defaults,
        _lonely_references,
        _patterns,
        _repeated_values,
    ),
)
