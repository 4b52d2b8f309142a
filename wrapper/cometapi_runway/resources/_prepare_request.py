"""From the arguments of a call to a request, through the generated endpoint.

Everything before the network is done here and is the same for both clients: arguments become the
generated request model, the generated endpoint turns it into method, path, headers and body, the
call options are added, and the contract checks the result.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrs import evolve

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.naming import fold_name
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.task import Route, Task
from cometapi_runway._flows.entries import NO_RESERVATION, IdempotencyKey, Reservation
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.submit import SubmitRequest
from cometapi_runway._settings import HEADER_VALUE, Settings, check_seconds
from cometapi_runway.errors import ConfigurationError, InvalidRequestError, Issue
from cometapi_runway.resources._call_options import invalid_option
from cometapi_runway.resources._signatures import OPTIONS, P, Signature
from cometapi_runway.resources._signatures.models import models
from cometapi_runway.resources._unknown_models import warn_of_unknown_model

if TYPE_CHECKING:
    from cometapi_runway import validation
else:
    validation = LazyModule("cometapi_runway.validation")

VERSION_HEADER = "X-Runway-Version"
_MAX_NAME = 255
"""Characters of an idempotency key or a label, at most."""
_TASK_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._:~-]*")
# "." and ".." would be steps in the URL's path, percent-encoded or not.
_SENDABLE_TASK_ID = re.compile(r"(?!\.{1,2}$)\S{1,512}")
# The client sets these. Changed here, they would break the authentication or the framing.
_RESERVED_HEADERS = frozenset(
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
    settings: Settings,
    positional: tuple[object, ...] = (),
    *,
    reservation: Reservation = NO_RESERVATION,
    has_journal: bool = True,
) -> SubmitRequest:
    """Prepare the request of a ``create``.

    Args:
        signature: The operation.
        arguments: Keyword arguments, the operation's own and the call options.
        settings: The client's settings.
        positional: Positional arguments, of which there must be none.
        reservation: What the request costs, and the limits that it must stay within.
        has_journal: Whether the client has a journal, which an idempotency key and a label need.

    Raises:
        InvalidRequestError: An argument is unknown, missing or positional, or the contract
            forbids the request.
        ConfigurationError: It has an idempotency key or a label, and the client has no journal.
    """
    if positional:
        count = len(positional)
        message = f"{signature.name}.create takes keyword arguments only, got {count} positional"
        raise InvalidRequestError([Issue("arguments", "by name", None, message)])
    own, options = _split_arguments(signature, arguments)
    version = options.get("runway_version")
    if version is None:
        version = settings.runway_version
    model = _build_model(signature, own)
    method, url, headers, content = _build_parts(signature.operation, version, {"body": model})
    extra_body = _mapping_option("extra_body", options)
    body: dict[str, Any] = {**(content or {}), **extra_body}
    headers = _add_headers(headers, _mapping_option("extra_headers", options), version)
    validate = _flag_option("validate", options, settings.validate)
    if validate:
        issues = _check_headers(signature.operation, headers)
        issues += validation.contract().check_body(signature.operation, body)
    else:
        issues = _check_json(body)
    if issues:
        raise InvalidRequestError(_name_arguments(signature, issues, extra_body))
    warn_of_unknown_model(signature.name, signature.operation, body, settings.api_key)
    seed = body.get("seed")
    timeout = options.get("timeout")
    is_seed_drawn = "seed" not in (options.get("extra_body") or {}) and own.get("seed") is None
    request = PreparedRequest(signature.operation, method, url, headers, body)
    key = _name_option("idempotency_key", options, has_journal=has_journal)
    return SubmitRequest(
        call=request,
        key=os.urandom(16).hex(),
        route=signature.route,
        seed=seed if isinstance(seed, int) else None,
        timeout=settings.timeout if timeout is None else check_seconds("timeout", timeout),
        idempotency_key=None
        if key is None
        else IdempotencyKey(key, _digest(request, is_seed_drawn)),
        reservation=reservation,
        label=_name_option("label", options, has_journal=has_journal),
        is_seed_drawn=is_seed_drawn,
        is_recorded=has_journal,
    )


def _digest(request: PreparedRequest, is_seed_drawn: bool) -> str:
    """Digest of a request's operation and body; a seed that the client drew does not count."""
    body = dict(request.body or {})
    if is_seed_drawn:
        body.pop("seed", None)
    text = json.dumps([request.operation, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _name_option(name: str, options: Mapping[str, Any], *, has_journal: bool) -> str | None:
    """An idempotency key or a label, which the journal stores."""
    value: object = options.get(name)
    if value is None:
        return None
    if not has_journal:
        raise ConfigurationError(
            f"{name} needs a journal, which keeps it: create the client with journal=<file>",
            setting="journal",
            is_missing=True,
        )
    if not isinstance(value, str):
        raise invalid_option(name, "type", f"must be text, got {safe_repr(value)}", value)
    if not 0 < len(value) <= _MAX_NAME or not value.isprintable():
        problem = f"must be 1 to {_MAX_NAME} printable characters, got {safe_repr(value)}"
        raise invalid_option(name, "length", problem, value)
    return value


def prepare_poll(task: Task, settings: Settings) -> PreparedRequest:
    """Prepare the request for a task's state.

    Raises:
        InvalidRequestError: Its id is malformed, or the contract forbids the client's
            ``X-Runway-Version``.
    """
    # The id of a paid task is sent as the gateway wrote it, even in an undocumented form.
    is_from_gateway = task.operation is not None or bool(task.raw)
    pattern = _SENDABLE_TASK_ID if is_from_gateway else _TASK_ID
    # A `Task` that the caller has built may have a number for an id.
    if not isinstance(task.id, str) or not pattern.fullmatch(task.id):
        raise _malformed_id_error(task.id)
    operation, version = _poll_operation(task.route), settings.runway_version
    if task.route == "feed":
        body = models.FeedRequest(task_id=task.id)
        request = _build_request(operation, body=body, version=version)
    else:
        request = _build_request(operation, id=task.id, version=version)
    if settings.validate and (issues := _check_headers(operation, request.headers)):
        error = InvalidRequestError(issues)
        error.task_id = task.id
        raise error
    return request


def _malformed_id_error(task_id: str) -> InvalidRequestError:
    shown = safe_repr(task_id)
    problem = "is empty" if task_id == "" else f"is {shown}"
    advice = "a task id is letters, digits and . _ : ~ - as in the create response"
    message = f"task_id: {problem}; {advice}"
    error = InvalidRequestError([Issue("task_id", "pattern", shown, message)])
    error.task_id = task_id
    return error


@cache
def _poll_operation(route: Route) -> str:
    """The operation that returns the state of a route's tasks."""
    return next(o.id for o in validation.contract().operations if o.resource == route)


@cache
def _request_builder(operation: str) -> Callable[..., dict[str, Any]]:
    """The generated function that turns arguments into a request.

    It is private to the generated module. The public functions also send the request, without
    timeouts and deadlines per call.
    """
    tag = validation.contract().operation(operation).tag
    module = import_module(f"cometapi_runway_api.api.{tag}.{operation}")
    build: Callable[..., dict[str, Any]] = vars(module)["_get_kwargs"]
    return build


@cache
def _has_version_header(operation: str) -> bool:
    headers = validation.contract().operation(operation).parameters_in("header")
    return any(header.name == VERSION_HEADER for header in headers)


def _build_request(operation: str, *, version: str, **arguments: Any) -> PreparedRequest:
    return PreparedRequest(operation, *_build_parts(operation, version, arguments))


def _build_parts(
    operation: str, version: str, arguments: dict[str, Any]
) -> tuple[str, str, Mapping[str, str], Any]:
    """Method, URL, headers and body of a request."""
    if _has_version_header(operation):
        arguments["x_runway_version"] = version
    parts = _request_builder(operation)(**arguments)
    headers: Mapping[str, str] = parts.get("headers", {})
    # A caller's version may be no text, which is refused later.
    if isinstance(version, str):
        headers = _share_headers(tuple(headers.items()))
    return sys.intern(parts["method"].upper()), parts["url"], headers, parts.get("json")


@lru_cache(maxsize=256)
def _share_headers(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    # One mapping for all waits: most have the same version and nothing else.
    return dict(items)


def _build_model(signature: Signature[P], arguments: dict[str, Any]) -> Any:
    build: Callable[..., Any] = signature.build
    try:
        return build(**arguments)
    except InvalidRequestError as error:
        raise InvalidRequestError(_name_arguments(signature, error.issues)) from error.__cause__


def _name_arguments(
    signature: Signature[P], issues: Iterable[Issue], extra_body: Container[str] = ()
) -> list[Issue]:
    """The issues, each of a field with the argument that sets it."""
    names = {fold_name(name): name for name in signature.parameters}

    def name_argument(issue: Issue) -> Issue:
        start, _, field = issue.path.partition("/")
        field = field.partition("/")[0]
        if start or field in extra_body:
            return issue
        return evolve(issue, argument=names.get(fold_name(field)))

    return [name_argument(issue) for issue in issues]


def _split_arguments(
    signature: Signature[P], arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operation's own arguments, and the call options."""
    own: dict[str, Any] = {}
    options: dict[str, Any] = {}
    unknown: list[str] = []
    parameters = signature.parameters
    for name, value in arguments.items():
        if name in parameters:
            own[name] = value
        elif name in OPTIONS:
            options[name] = value
        else:
            unknown.append(name)
    missing = signature.required.difference(own)
    if unknown or missing:
        issues = [_unknown_argument(signature, name, arguments[name]) for name in sorted(unknown)]
        issues += [_missing_argument(signature, name) for name in sorted(missing)]
        raise InvalidRequestError(issues)
    return own, options


def _unknown_argument(signature: Signature[P], name: str, value: object) -> Issue:
    advice = suggest_name(name, [*signature.parameters, *sorted(OPTIONS)])
    return Issue(name, "unknown", value, f"{name}: {signature.name} has no such argument; {advice}")


def _missing_argument(signature: Signature[P], name: str) -> Issue:
    return Issue(name, "required", None, f"{name}: {signature.name} requires this argument")


def _check_json(body: Mapping[str, Any]) -> tuple[Issue, ...]:
    """What JSON cannot express in a request that is not validated."""
    if issues := validation.check_json(body):
        return issues
    try:
        # The serializer rejects more values.
        json.dumps(body)
    except (TypeError, ValueError) as error:
        return (Issue("", "json", None, f"the body cannot be serialized to JSON: {error}"),)
    return ()


def _flag_option(name: str, options: Mapping[str, Any], default: bool) -> bool:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise invalid_option(name, "type", f"must be True or False, got {safe_repr(value)}")


def _mapping_option(name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    value: Mapping[str, Any] | None = options.get(name)
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    problem = f"must be a mapping of names to values, got {type(value).__name__}"
    raise invalid_option(name, "type", problem)


def _add_headers(
    headers: Mapping[str, str], extra: Mapping[str, str], version: str
) -> Mapping[str, str]:
    if not extra and isinstance(version, str) and _is_usable_version(version):
        return headers
    checked = (*extra.items(), (VERSION_HEADER, version))
    issues = [issue for name, value in checked for issue in _check_header(name, value)]
    if issues:
        raise InvalidRequestError(issues)
    replaced = {name.lower() for name in extra}
    return {**{k: v for k, v in headers.items() if k.lower() not in replaced}, **extra}


@lru_cache(maxsize=16)
def _is_usable_version(version: str) -> bool:
    # Cached because nearly all requests of a program have the same one.
    return not _check_header(VERSION_HEADER, version)


def _check_headers(operation: str, headers: Mapping[str, str]) -> tuple[Issue, ...]:
    """What the contract forbids in the headers that it documents."""
    return _check_header_items(operation, tuple(headers.items()))


@lru_cache(maxsize=256)
def _check_header_items(operation: str, items: tuple[tuple[str, str], ...]) -> tuple[Issue, ...]:
    # Cached because nearly all requests of a program have the same headers.
    values = {name.lower(): [value] for name, value in items}
    contract = validation.contract()
    return contract.check_parameters(contract.operation(operation), "header", values)


def _check_header(name: str, value: str) -> list[Issue]:
    """The problems of a header. Its value is never shown, because it may be secret."""
    if not isinstance(name, str) or not validation.HEADER_NAME.fullmatch(name):
        shown = safe_repr(name)
        return [Issue(shown, "header name", shown, f"{shown} is not a header name")]
    if name.lower() in _RESERVED_HEADERS:
        return [Issue(name, "reserved", None, f"{name}: is set by the client itself")]
    if not isinstance(value, str) or not HEADER_VALUE.fullmatch(value):
        problem = "must be visible ASCII without line breaks, and not begin or end with a blank"
        return [Issue(name, "header value", None, f"{name}: {problem}")]
    return []
