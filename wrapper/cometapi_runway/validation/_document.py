"""An OpenAPI 3.1 document, read into operations.

Whatever the oracle could not judge (an array style it does not decode, a reference that leads
nowhere) is refused here: a contract that is judged in part would be trusted as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, Object

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What can be the name of a header: a token (RFC 9110, 5.6.2). Use it with ``fullmatch``."""

_READS = frozenset({"tasks", "feed"})
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
# OpenAPI 3.1, Parameter Object: a header parameter of these names is to be ignored.
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
_DEFAULT_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}


class ContractError(ValueError):
    """The document is not a contract this library can judge requests by."""


@frozen(eq=False)
class Parameter:
    """One parameter of an operation.

    Attributes:
        name: as the document spells it.
        location: ``path``, ``query``, ``header`` or ``cookie``.
        required: whether a request must carry it.
        schema: its JSON schema, references left in place.
        explode: whether an array is repeated (``a=1&a=2``) or joined by commas.
    """

    name: str
    location: str
    required: bool
    schema: Object = field(repr=False)
    explode: bool = False


@frozen(eq=False)
class Response:
    """One documented answer.

    Attributes:
        status: as documented: ``200``, ``5XX`` or ``default``.
        description: the document's own words.
        content: media type to JSON schema; empty for an answer without a body.
    """

    status: str
    description: str
    content: Mapping[str, Object] = field(repr=False)

    @property
    def schema(self) -> Object | None:
        """The schema of the JSON body, None where no JSON body is documented."""
        return _json_schema(self.content)


@frozen(eq=False)
class Operation:
    """One operation of the contract.

    Attributes:
        id: the ``operationId``.
        method: upper case.
        path: the template, ``/runwayml/v1/tasks/{id}``.
        tag: the first tag, empty without one.
        resource: what the wrapper calls it (``x-resource``), empty where the document is silent;
            where several resources share the operation, the first of them.
        variants: those resources, each with the name of the schema that its body has; empty for
            an operation of one resource.
        parameters: all of them, those of the path item included.
        body_required: whether a request must have a body.
        content: media type of the request body to its JSON schema; empty: no body allowed.
        responses: the documented answers.
        security: alternatives, each a set of scheme names that must all be satisfied.
        document: the operation object itself.
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
        """The schema of the JSON request body, None where there is none."""
        return _json_schema(self.content)

    @property
    def is_read(self) -> bool:
        """Whether it tells of a task, rather than making one."""
        return self.resource in _READS

    def parameters_in(self, location: str) -> tuple[Parameter, ...]:
        """The parameters of one location."""
        return tuple(item for item in self.parameters if item.location == location)

    def response(self, status: int) -> Response | None:
        """The documented answer that covers a status: exact first, then ``5XX``, then default."""
        documented = {item.status.upper(): item for item in self.responses}
        names = (str(status), f"{status // 100}XX", "DEFAULT")
        return next((documented[name] for name in names if name in documented), None)


def is_json(media_type: str) -> bool:
    """Whether a media type holds JSON."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def read_operations(document: Object) -> tuple[Operation, ...]:
    """Read every operation of a document.

    Raises:
        ContractError: naming the operation and what is wrong with it.
    """
    operations = tuple(_operations(document))
    _refuse_twins(operation.id for operation in operations)
    _refuse_twins(f"{operation.method} {operation.path}" for operation in operations)
    return operations


def read_servers(document: Object) -> tuple[str, ...]:
    """The server addresses of a document."""
    servers = sequence(document.get("servers", []))
    return tuple(text(mapping(item).get("url", "")) for item in servers)


def read_schemes(document: Object, operations: Iterable[Operation]) -> Mapping[str, Object]:
    """The security schemes of a document, by name.

    Raises:
        ContractError: an operation asks for a scheme that is not there or not understood.
    """
    components = mapping(document.get("components", {}))
    schemes = mapping(components.get("securitySchemes", {}))
    found = {name: resolve(document, scheme) for name, scheme in schemes.items()}
    for name, scheme in found.items():
        kind = scheme.get("type"), str(scheme.get("scheme", "")).lower()
        if kind != ("http", "bearer"):
            raise ContractError(f"security scheme {name} is not understood: only http bearer is")
    for operation in operations:
        if missing := frozenset[str]().union(*operation.security) - found.keys():
            raise ContractError(f"{operation.id}: no security scheme {', '.join(missing)}")
    return found


def resolve(document: Object, value: JSON) -> Object:
    """Follow ``$ref`` to the object meant.

    Raises:
        ContractError: the reference leaves the document, leads nowhere or in a circle.
    """
    seen: list[str] = []
    current = mapping(value)
    while isinstance(reference := current.get("$ref"), str):
        if reference in seen:
            raise ContractError(f"{reference} refers to itself")
        seen.append(reference)
        current = mapping(_lookup(document, reference))
    return current


def mapping(value: JSON) -> Object:
    """The value as an object.

    Raises:
        ContractError: it is none.
    """
    if not isinstance(value, Mapping):
        raise ContractError(f"expected an object, found {type(value).__name__}")
    return value


def sequence(value: JSON) -> Sequence[JSON]:
    """The value as a list.

    Raises:
        ContractError: it is none.
    """
    if not isinstance(value, list):
        raise ContractError(f"expected a list, found {type(value).__name__}")
    return value


def text(value: JSON) -> str:
    """The value as a string.

    Raises:
        ContractError: it is none.
    """
    if not isinstance(value, str):
        raise ContractError(f"expected a string, found {type(value).__name__}")
    return value


def _lookup(document: Object, reference: str) -> JSON:
    if not reference.startswith("#/"):
        raise ContractError(f"{reference} points outside the document")
    found: JSON = document
    for token in reference[2:].split("/"):
        key = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            raise ContractError(f"{reference} leads nowhere")
        found = found[key]
    return found


def _operations(document: Object) -> Iterator[Operation]:
    for path, value in mapping(document.get("paths", {})).items():
        item = resolve(document, value)
        for method in filter(_METHODS.__contains__, item):
            try:
                yield _operation(document, path, method, item)
            except ContractError as error:
                raise ContractError(f"{method.upper()} {path}: {error}") from error


def _operation(document: Object, path: str, method: str, item: Object) -> Operation:
    raw = mapping(item[method])
    body = resolve(document, raw.get("requestBody", {}))
    content = _content(body)
    if not all(map(is_json, content)):
        raise ContractError(f"a body of {', '.join(content)} is not understood: only JSON is")
    tags = sequence(raw.get("tags", []))
    named = raw.get("x-resource", "")
    variants = {k: text(v) for k, v in named.items()} if isinstance(named, Mapping) else {}
    return Operation(
        id=text(raw.get("operationId")),
        method=method.upper(),
        path=path,
        tag=text(tags[0]) if tags else "",
        resource=next(iter(variants), "") or text(named),
        variants=variants,
        parameters=_parameters(document, item, raw),
        body_required=body.get("required") is True,
        content=content,
        responses=tuple(_responses(document, raw)),
        security=_security(raw.get("security", document.get("security", []))),
        document=raw,
    )


def _parameters(document: Object, item: Object, raw: Object) -> tuple[Parameter, ...]:
    shared = sequence(item.get("parameters", []))
    own = sequence(raw.get("parameters", []))
    found = [_parameter(resolve(document, value)) for value in (*shared, *own)]
    # An operation's own parameter replaces the path item's of the same name and place.
    unique = {(one.location, one.name.lower()): one for one in found}
    ignored = {("header", name) for name in _IGNORED_HEADERS}
    return tuple(one for key, one in unique.items() if key not in ignored)


def _parameter(raw: Object) -> Parameter:
    name, location = text(raw.get("name")), text(raw.get("in"))
    if "schema" not in raw:
        raise ContractError(f"parameter {name} has no schema: 'content' is not understood")
    usual = _DEFAULT_STYLES[location]
    style = text(raw.get("style", usual))
    if style != usual:
        raise ContractError(f"parameter {name}: style {style!r} is not understood")
    explode = raw.get("explode", style == "form") is True
    required = raw.get("required") is True
    return Parameter(name, location, required, mapping(raw["schema"]), explode)


def _responses(document: Object, raw: Object) -> Iterator[Response]:
    for status, value in mapping(raw.get("responses", {})).items():
        response = resolve(document, value)
        description = text(response.get("description", ""))
        yield Response(status, description, _content(response))


def _content(holder: Object) -> Mapping[str, Object]:
    content = mapping(holder.get("content", {}))
    return {name: mapping(mapping(media).get("schema", {})) for name, media in content.items()}


def _security(value: JSON) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(mapping(choice)) for choice in sequence(value))


def _json_schema(content: Mapping[str, Object]) -> Object | None:
    return next((schema for name, schema in content.items() if is_json(name)), None)


def _refuse_twins(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ContractError(f"two operations are called {name}")
        seen.add(name)
