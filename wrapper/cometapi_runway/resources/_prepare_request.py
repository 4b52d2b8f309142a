"""From a call in Python to a request, through the generated endpoint.

Everything up to the network is done here and is the same for both clients: arguments become the
generated request model, the generated endpoint makes method, path, headers and body of it, the
options of the call are laid on top, and the contract has the last word.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.task import Route, Task
from cometapi_runway._flows.steps import PreparedRequest
from cometapi_runway._flows.submit import SubmitRequest
from cometapi_runway._settings import Settings, check_seconds
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.resources._call_options import invalid_option
from cometapi_runway.resources._signatures import OPTIONS, P, Signature
from cometapi_runway.resources._signatures.models import models
from cometapi_runway.validation import HEADER_NAME, check_json, contract

_VERSION = "X-Runway-Version"
_FIELD_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._:~-]*")
# A dot alone would be taken for a step in the path, encoded or not.
_SENDABLE_ID = re.compile(r"(?!\.{1,2}$)\S{1,512}")
# The client's own business: changed here, they would break the key's way or the framing.
_NOT_EXTRA = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    }
)


def prepare_create(
    signature: Signature[P],
    arguments: Mapping[str, Any],
    chosen: Settings,
    positions: tuple[object, ...] = (),
) -> SubmitRequest:
    """Prepare a create call.

    Args:
        signature: The operation.
        arguments: Keyword arguments, the operation's own and the options.
        chosen: The client's settings.
        positions: Arguments without a name, of which there must be none.

    Raises:
        InvalidRequestError: An argument is unknown, missing or without a name, or the contract
            forbids the request.
    """
    if positions:
        words = f"{signature.name}.create takes arguments by name, got {len(positions)} without"
        raise InvalidRequestError([Issue("arguments", "by name", None, words)])
    own, options = _sort_arguments(signature, arguments)
    version = options.get("runway_version")
    if version is None:
        version = chosen.runway_version
    call = _call(signature.operation, body=_build(signature, own), version=version)
    body: dict[str, Any] = {**(call.body or {}), **_extra("extra_body", options)}
    headers = _with_extra(call.headers, _extra("extra_headers", options), version)
    is_checked = _switch(options.get("validate"), chosen.validate)
    issues = contract().check_body(signature.operation, body) if is_checked else _unsendable(body)
    if issues:
        raise InvalidRequestError(issues)
    seed = body.get("seed")
    timeout = options.get("timeout")
    return SubmitRequest(
        call=PreparedRequest(call.operation, call.method, call.url, headers, body),
        key=secrets.token_hex(16),
        route=signature.route,
        seed=seed if isinstance(seed, int) else None,
        timeout=chosen.timeout if timeout is None else check_seconds("timeout", timeout),
    )


def prepare_poll(task: Task, chosen: Settings) -> PreparedRequest:
    """Prepare the question how a task stands.

    Raises:
        InvalidRequestError: Its id is none.
    """
    # An id that a gateway gave is asked for as it is: the task is paid for.
    is_given = task.operation is not None or bool(task.raw)
    form = _SENDABLE_ID if is_given else _ID
    # Whoever makes a task by hand may have numbered it.
    if not isinstance(task.id, str) or not form.fullmatch(task.id):
        raise _no_id(task.id)
    operation, version = _reader(task.route), chosen.runway_version
    if task.route == "feed":
        return _call(operation, body=models.FeedRequest(task_id=task.id), version=version)
    return _call(operation, id=task.id, version=version)


def _no_id(value: str) -> InvalidRequestError:
    shown = safe_repr(value)
    words = "is empty" if value == "" else f"is {shown}"
    advice = "a task id is letters, digits and . _ : ~ - as the create call answered it"
    error = InvalidRequestError([Issue("task_id", "pattern", shown, f"task_id: {words}; {advice}")])
    error.task_id = value
    return error


@cache
def _reader(route: Route) -> str:
    """The operation that tells how tasks of a route stand."""
    return next(o.id for o in contract().operations if o.resource == route)


@cache
def _endpoint(operation: str) -> Callable[..., dict[str, Any]]:
    """The generated function that makes a request of arguments.

    It is private to the generated module, and the only door to it that leaves the sending to us:
    per-call timeouts and deadlines are not to be had through its public functions.
    """
    tag = contract().operation(operation).tag
    module = import_module(f"cometapi_runway_api.api.{tag}.{operation}")
    build: Callable[..., dict[str, Any]] = vars(module)["_get_kwargs"]
    return build


@cache
def _takes_version(operation: str) -> bool:
    headers = contract().operation(operation).parameters_in("header")
    return any(header.name == _VERSION for header in headers)


def _call(operation: str, *, version: str, **arguments: Any) -> PreparedRequest:
    if _takes_version(operation):
        arguments["x_runway_version"] = version
    made = _endpoint(operation)(**arguments)
    return PreparedRequest(
        operation, made["method"].upper(), made["url"], made.get("headers", {}), made.get("json")
    )


def _sort_arguments(
    signature: Signature[P], arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {name: value for name, value in arguments.items() if name in signature.parameters}
    options = {name: value for name, value in arguments.items() if name in OPTIONS}
    strange = arguments.keys() - own.keys() - options.keys()
    issues = [_unknown(signature, name, arguments[name]) for name in sorted(strange)]
    issues += [_missing(signature, name) for name in sorted(signature.required - own.keys())]
    if issues:
        raise InvalidRequestError(issues)
    return own, options


def _unknown(signature: Signature[P], name: str, value: object) -> Issue:
    known = [*signature.parameters, *sorted(OPTIONS)]
    advice = suggest_name(name, known)
    return Issue(name, "unknown", value, f"{name}: {signature.name} has no such argument; {advice}")


def _missing(signature: Signature[P], name: str) -> Issue:
    return Issue(name, "required", None, f"{name}: {signature.name} requires this argument")


def _build(signature: Signature[P], own: dict[str, Any]) -> Any:
    build: Callable[..., Any] = signature.build
    return build(**own)


def _unsendable(body: Mapping[str, Any]) -> tuple[Issue, ...]:
    """What no JSON can hold, in a request that is not checked otherwise."""
    if issues := check_json(body):
        return issues
    try:
        # As httpx writes it: some that are JSON by their kind are not for it.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        return (Issue("", "json", None, f"the body cannot be written as JSON: {error}"),)
    return ()


def _switch(given: object, usual: bool) -> bool:
    if given is None:
        return usual
    if isinstance(given, bool):
        return given
    words = f"must be True or False, got {safe_repr(given)}"
    raise invalid_option("validate", "type", words)


def _extra(name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    given: Mapping[str, Any] | None = options.get(name)
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return given
    words = f"must be a mapping of names to values, got {type(given).__name__}"
    raise invalid_option(name, "type", words)


def _with_extra(
    headers: Mapping[str, str], extra: Mapping[str, str], version: str
) -> dict[str, str]:
    issues = [issue for item in (*extra.items(), (_VERSION, version)) for issue in _header(*item)]
    if issues:
        raise InvalidRequestError(issues)
    replaced = {name.lower() for name in extra}
    return {**{k: v for k, v in headers.items() if k.lower() not in replaced}, **extra}


def _header(name: str, value: str) -> list[Issue]:
    """What forbids a header; the value is shown only where it can be no secret."""
    if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
        shown = safe_repr(name)
        return [Issue(shown, "header name", shown, f"{shown} is not a header name")]
    if name.lower() in _NOT_EXTRA:
        return [Issue(name, "reserved", None, f"{name}: is set by the client itself")]
    if not isinstance(value, str) or not _FIELD_VALUE.fullmatch(value):
        words = "must be visible ASCII without line breaks or blanks around it"
        return [Issue(name, "header value", None, f"{name}: {words}")]
    return []
