"""Reads an OpenAPI 3.1 document into operations.

A document that uses an unsupported feature (another array style, a reference that leads nowhere)
is refused here. Otherwise its requests would be checked only in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation._json_types import (
    ContractError,
    require_list,
    require_object,
    require_text,
)
from cometapi_runway.validation._references import resolve_reference

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A valid header name: a token (RFC 9110, 5.6.2). Use it with ``fullmatch``."""

_READS = frozenset({"tasks", "feed"})
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
# OpenAPI 3.1, Parameter Object: header parameters with these names are ignored.
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
_DEFAULT_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}


@frozen(eq=False)
class Parameter:
    """One parameter of an operation.

    Attributes:
        name: As the document spells it.
        location: ``path``, ``query``, ``header`` or ``cookie``.
        required: Whether a request must carry it.
        schema: Its JSON schema, references unresolved.
        explode: Whether an array is repeated (``a=1&a=2``) or joined by commas.
    """

    name: str
    location: str
    required: bool
    schema: Object = field(repr=False)
    explode: bool = False


@frozen(eq=False)
class Response:
    """One documented response.

    Attributes:
        status: As documented: ``200``, ``5XX`` or ``default``.
        description: As documented.
        content: Media type to JSON schema; empty for a response without a body.
    """

    status: str
    description: str
    content: Mapping[str, Object] = field(repr=False)

    @property
    def schema(self) -> Object | None:
        """The schema of the JSON body; None if no JSON body is documented."""
        return _find_json_schema(self.content)


@frozen(eq=False)
class Operation:
    """One operation of the contract.

    Attributes:
        id: The ``operationId``.
        method: In upper case.
        path: The template, such as ``/runwayml/v1/tasks/{id}``.
        tag: The first tag; empty without one.
        resource: The wrapper's name for it (``x-resource``); empty if the document has none. If
            several resources share the operation, the first of them.
        variants: Those resources, each with the name of its body's schema; empty for an operation
            of one resource.
        parameters: All of them, including those of the path item.
        body_required: Whether a request must have a body.
        content: Media type of the request body to its JSON schema; empty if no body is allowed.
        responses: The documented responses.
        security: Alternatives, each a set of scheme names that are all required.
        document: The operation object itself.
    """

    id: str
    method: str
    path: str
    tag: str
    resource: str
    variants: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    body_required: bool
    content: Mapping[str, Object] = field(repr=False)
    responses: tuple[Response, ...] = field(repr=False)
    security: tuple[frozenset[str], ...]
    document: Object = field(repr=False)

    @property
    def body_schema(self) -> Object | None:
        """The schema of the JSON request body; None if there is none."""
        return _find_json_schema(self.content)

    @property
    def is_read(self) -> bool:
        """Whether it reads a task instead of creating one."""
        return self.resource in _READS

    def parameters_in(self, location: str) -> tuple[Parameter, ...]:
        """Return the parameters of one location."""
        return tuple(item for item in self.parameters if item.location == location)

    def response(self, status: int) -> Response | None:
        """Return the documented response to a status: exact first, then ``5XX``, then default."""
        documented = {item.status.upper(): item for item in self.responses}
        names = (str(status), f"{status // 100}XX", "DEFAULT")
        return next((documented[name] for name in names if name in documented), None)


def is_json_media_type(media_type: str) -> bool:
    """Whether a media type holds JSON."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def read_operations(document: Object) -> tuple[Operation, ...]:
    """Read every operation of a document.

    Raises:
        ContractError: An operation is not supported; the message names it and the reason.
    """
    operations = tuple(_iterate_operations(document))
    _require_unique(operation.id for operation in operations)
    _require_unique(f"{operation.method} {operation.path}" for operation in operations)
    return operations


def read_servers(document: Object) -> tuple[str, ...]:
    """Read the server addresses of a document."""
    servers = require_list(document.get("servers", []))
    return tuple(require_text(require_object(item).get("url", "")) for item in servers)


def _iterate_operations(document: Object) -> Iterator[Operation]:
    for path, value in require_object(document.get("paths", {})).items():
        item = resolve_reference(document, value)
        for method in filter(_METHODS.__contains__, item):
            try:
                yield _read_operation(document, path, method, item)
            except ContractError as error:
                raise ContractError(f"{method.upper()} {path}: {error}") from error


def _read_operation(document: Object, path: str, method: str, item: Object) -> Operation:
    raw = require_object(item[method])
    body = resolve_reference(document, raw.get("requestBody", {}))
    content = _read_content(body)
    if not all(map(is_json_media_type, content)):
        raise ContractError(f"a body of {', '.join(content)} is not supported: only JSON is")
    tags = require_list(raw.get("tags", []))
    resource = raw.get("x-resource", "")
    variants: Mapping[str, str] = {}
    if isinstance(resource, Mapping):
        variants = {name: require_text(schema) for name, schema in resource.items()}
    return Operation(
        id=require_text(raw.get("operationId")),
        method=method.upper(),
        path=path,
        tag=require_text(tags[0]) if tags else "",
        resource=next(iter(variants), "") or require_text(resource),
        variants=variants,
        parameters=_read_parameters(document, item, raw),
        body_required=body.get("required") is True,
        content=content,
        responses=tuple(_iterate_responses(document, raw)),
        security=_read_security(raw.get("security", document.get("security", []))),
        document=raw,
    )


def _read_parameters(document: Object, item: Object, raw: Object) -> tuple[Parameter, ...]:
    shared = require_list(item.get("parameters", []))
    own = require_list(raw.get("parameters", []))
    found = [_read_parameter(resolve_reference(document, value)) for value in (*shared, *own)]
    # An operation's parameter overrides the path item's of the same name and location.
    unique = {(one.location, one.name.lower()): one for one in found}
    ignored = {("header", name) for name in _IGNORED_HEADERS}
    return tuple(one for key, one in unique.items() if key not in ignored)


def _read_parameter(raw: Object) -> Parameter:
    name, location = require_text(raw.get("name")), require_text(raw.get("in"))
    if "schema" not in raw:
        raise ContractError(f"parameter {name} has no schema: 'content' is not supported")
    usual = _DEFAULT_STYLES[location]
    style = require_text(raw.get("style", usual))
    if style != usual:
        raise ContractError(f"parameter {name}: style {style!r} is not supported")
    explode = raw.get("explode", style == "form") is True
    required = raw.get("required") is True
    return Parameter(name, location, required, require_object(raw["schema"]), explode)


def _iterate_responses(document: Object, raw: Object) -> Iterator[Response]:
    for status, value in require_object(raw.get("responses", {})).items():
        response = resolve_reference(document, value)
        description = require_text(response.get("description", ""))
        yield Response(status, description, _read_content(response))


def _read_content(holder: Object) -> Mapping[str, Object]:
    content = require_object(holder.get("content", {}))
    media = {name: require_object(value) for name, value in content.items()}
    return {name: require_object(value.get("schema", {})) for name, value in media.items()}


def _read_security(value: JSON) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(require_object(choice)) for choice in require_list(value))


def _find_json_schema(content: Mapping[str, Object]) -> Object | None:
    return next((schema for name, schema in content.items() if is_json_media_type(name)), None)


def _require_unique(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ContractError(f"two operations are called {name}")
        seen.add(name)
