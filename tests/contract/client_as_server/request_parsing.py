"""Parses a request to the server into the arguments of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Operation, Parameter, resolve_reference

from ..drivers.request_capture import SentRequest

# Parameters of these types are spelled in a URL as in JSON.
_SPELLED_AS_JSON = frozenset({"integer", "number", "boolean"})


class UnsupportedRequestError(Exception):
    """No call can express the request: a body that is not JSON, or a repeated parameter."""


def parse_arguments(
    document: Object, operation: Operation, sent: SentRequest, path: dict[str, str]
) -> dict[str, JSON]:
    """The arguments by location: ``{"path": …, "query": …, "header": …, "body": …}``.

    Args:
        document: the document of the operation.
        operation: the operation that the request matches.
        sent: the request.
        path: its decoded path arguments.

    Raises:
        UnsupportedRequestError: no call of the client can express the request.
    """
    found: dict[str, JSON] = {"path": {}, "query": {}, "header": {}}
    for location, pairs in (
        ("path", path.items()), ("query", _query(sent)), ("header", sent.headers),
    ):  # fmt: skip
        found[location] = dict(_parameters(document, operation, location, list(pairs)))
    if sent.content or operation.body_required:
        found["body"] = _body(sent)
    return found


def _query(sent: SentRequest) -> Iterator[tuple[str, str]]:
    yield from parse_qsl(sent.target.partition("?")[2], keep_blank_values=True)


def _parameters(
    document: Object, operation: Operation, location: str, pairs: list[tuple[str, str]]
) -> Iterator[tuple[str, JSON]]:
    declared = {_key(location, one.name): one for one in operation.parameters_in(location)}
    names = [_key(location, name) for name, _ in pairs]
    for name, value in pairs:
        parameter = declared.get(_key(location, name))
        if parameter is not None:
            if names.count(_key(location, name)) > 1:
                raise UnsupportedRequestError(f"{location} parameter {name} is repeated")
            yield parameter.name, _typed(document, parameter, value)
        elif location == "query":
            raise UnsupportedRequestError(f"there is no query parameter {name}")


def _key(location: str, name: str) -> str:
    return name.lower() if location == "header" else name


def _typed(document: Object, parameter: Parameter, text: str) -> JSON:
    kind = resolve_reference(document, parameter.schema).get("type")
    if kind in _SPELLED_AS_JSON:
        try:
            value: JSON = json.loads(text)
        except ValueError:
            return text
        return value
    return text


def _body(sent: SentRequest) -> JSON:
    media = (sent.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedRequestError(f"a body of {media or 'no type'} is not supported")
    try:
        value: JSON = json.loads(sent.content, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise UnsupportedRequestError(f"the body is not JSON: {error}") from None
    return value


def _reject_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")


def parameter_text(value: JSON) -> str:
    """A parameter value as it is spelled in a URL or a header."""
    return value if isinstance(value, str) else json.dumps(value)
