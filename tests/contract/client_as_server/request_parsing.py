"""A request to the mirror, read as the parse_arguments of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Operation, Parameter
from cometapi_runway.validation._document import resolve

from ..drivers.request_capture import SentRequest

# Whole numbers, fractions and truths are spelt in an address as in JSON.
_SPELT_AS_JSON = frozenset({"integer", "number", "boolean"})


class UnsupportedRequestError(Exception):
    """No call could ask for this: a body that is no JSON, a parameter that is given twice."""


def parse_arguments(
    document: Object, operation: Operation, sent: SentRequest, path: dict[str, str]
) -> dict[str, JSON]:
    """The parse_arguments by place: ``{"path": …, "query": …, "header": …, "body": …}``.

    Args:
        document: the document of the operation.
        operation: what the request hits.
        sent: the request.
        path: its decoded path parse_arguments.

    Raises:
        UnsupportedRequestError: the client has no way to ask for it.
    """
    found: dict[str, JSON] = {"path": {}, "query": {}, "header": {}}
    for place, pairs in (("path", path.items()), ("query", _query(sent)), ("header", sent.headers)):
        found[place] = dict(_place(document, operation, place, list(pairs)))
    if sent.content or operation.body_required:
        found["body"] = _body(sent)
    return found


def _query(sent: SentRequest) -> Iterator[tuple[str, str]]:
    yield from parse_qsl(sent.target.partition("?")[2], keep_blank_values=True)


def _place(
    document: Object, operation: Operation, place: str, pairs: list[tuple[str, str]]
) -> Iterator[tuple[str, JSON]]:
    known = {_key(place, one.name): one for one in operation.parameters_in(place)}
    given = [_key(place, name) for name, _ in pairs]
    for name, value in pairs:
        parameter = known.get(_key(place, name))
        if parameter is not None:
            if given.count(_key(place, name)) > 1:
                raise UnsupportedRequestError(f"{place} parameter {name} is given twice")
            yield parameter.name, _typed(document, parameter, value)
        elif place == "query":
            raise UnsupportedRequestError(f"there is no query parameter {name}")


def _key(place: str, name: str) -> str:
    return name.lower() if place == "header" else name


def _typed(document: Object, parameter: Parameter, text: str) -> JSON:
    kind = resolve(document, parameter.schema).get("type")
    if kind in _SPELT_AS_JSON:
        try:
            value: JSON = json.loads(text)
        except ValueError:
            return text
        return value
    return text


def _body(sent: SentRequest) -> JSON:
    media = (sent.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedRequestError(f"a body of {media or 'no type'} cannot be asked for")
    try:
        value: JSON = json.loads(sent.content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UnsupportedRequestError(f"the body is no JSON: {error}") from None
    return value


def _no_constant(name: str) -> JSON:
    raise ValueError(f"{name} is no JSON")


def parameter_text(value: JSON) -> str:
    """A parameter's value as an address or a header spells it."""
    return value if isinstance(value, str) else json.dumps(value)
