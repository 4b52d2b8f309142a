"""What must hold between the contract and the wrapper's two clients, for every operation.

Which resource serves which operation is read from the clients.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from cometapi_runway._core.json_values import JSON
from cometapi_runway.errors import APIStatusError, InvalidRequestError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Operation, resolve_reference

from ..drivers.generated_driver import normalize_name
from ..drivers.request_capture import SentRequest, find_request_issues, parse_request
from ..drivers.wrapper_driver import (
    CLIENT_KINDS,
    CallOutcome,
    WrapperDriver,
    body_to_arguments,
    client_resources,
)
from ..generation.value_source import DrawnValue
from ..json_diff import find_differences
from .failures import ContractFailure, add_field_names, format_test
from .harness import Harness, RequestArguments, success_response, valid_requests, validity_test
from .shrinking import shrink

_RESPOND = 'wrapper_checks.respond_with_task(harness, harness.contract.operation("{}"))'
# The values of `code` in the documented samples of success.
_SUCCESS_CODES = (200, "200", "success")


def resources_for(
    wrapper: WrapperDriver, client_kind: str, operation: Operation
) -> list[tuple[str, Signature]]:
    """The resources of one client that send an operation."""
    resources = client_resources(wrapper.clients[client_kind])
    return [(name, one) for name, one in resources if one.operation == operation.id]


def respond_with_task(harness: Harness, operation: Operation) -> None:
    """Respond to every request with the first body drawn for success that contains a task."""
    response = success_response(operation)
    drawn = harness.source.valid(response.schema)
    body = next((one.value for one in drawn if _contains_task(one.value, created=True)), None)
    assert body is not None, f"{operation.id}: no response was drawn that contains a task"
    harness.respond_with(int(response.status), body)


def expressible_requests(harness: Harness, signature: Signature) -> list[RequestArguments]:
    """The drawn requests that a resource can send: those that match its own model.

    Two resources may share an operation; each sends the bodies of its own model.
    """
    operation = harness.contract.operation(signature.operation)
    is_own = validity_test(harness.contract, resource_schema(signature))
    return [
        request
        for request in valid_requests(harness.source, operation)
        if is_own(request.arguments["body"]) and create_arguments(harness, signature, request)
    ]


def resource_schema(signature: Signature) -> dict[str, JSON]:
    """The schema of the request model of a resource."""
    model = signature.build.__annotations__["return"].rpartition(".")[2]
    return {"$ref": f"#/components/schemas/{model}"}


def invalid_bodies(harness: Harness, signature: Signature) -> list[DrawnValue]:
    """Bodies that violate the schema of a resource and that of its operation."""
    drawn = (one for one in harness.source.invalid(resource_schema(signature))
             if isinstance(one.value, dict))  # fmt: skip
    return [one for one in drawn if harness.contract.check_body(signature.operation, one.value)]


def create_arguments(
    harness: Harness, signature: Signature, request: RequestArguments
) -> dict[str, Any] | None:
    """The `create` arguments of a drawn request; None if the resource cannot express it."""
    arguments = body_to_arguments(harness.contract, signature, request.arguments["body"])
    if arguments is not None:
        headers = request.arguments.get("header", {})
        arguments["runway_version"] = headers.get("X-Runway-Version")
    return arguments


def check_create_request(
    harness: Harness, wrapper: WrapperDriver, client_kind: str, name: str, request: RequestArguments
) -> list[str]:
    """The arguments of `create` are sent unchanged, once, and the request is valid."""
    signature = dict(client_resources(wrapper.clients[client_kind]))[name]
    operation = harness.contract.operation(signature.operation)
    arguments = create_arguments(harness, signature, request)
    if arguments is None:
        return []
    outcome = wrapper.create(client_kind, name, arguments)
    if outcome.error is not None:
        return [f"rejected: {type(outcome.error).__name__}: {outcome.error}"]
    if len(outcome.sent) != 1:
        return [f"{len(outcome.sent)} requests were sent instead of one"]
    sent = outcome.sent[0]
    found = find_request_issues(harness.contract, operation, sent)
    found += _find_changes(harness, operation, signature, request, sent)
    if not found:
        harness.coverage.record_request(operation, sent, "wrapper")
    return found


def _find_changes(
    harness: Harness,
    operation: Operation,
    signature: Signature,
    request: RequestArguments,
    sent: SentRequest,
) -> Iterator[str]:
    """Differences from the requested arguments; a resource may add its own arguments."""
    parsed = parse_request(harness.contract, operation, sent)
    given, body = request.arguments["body"], parsed["body"]
    arguments = {normalize_name(name) for name in signature.parameters}
    yield from find_differences(given, {key: value for key, value in body.items() if key in given})
    yield from (f"/{key}: unexpected {body[key]!r}" for key in body
                if key not in given and normalize_name(key) not in arguments)  # fmt: skip
    headers = request.arguments.get("header", {})
    sent_headers = {name: value for name, value in parsed["header"].items() if name in headers}
    yield from (f"header {one[1:]}" for one in find_differences(headers, sent_headers))


def create_failure(
    harness: Harness, wrapper: WrapperDriver, client_kind: str, name: str, request: RequestArguments
) -> ContractFailure:
    """A failed create check with the smallest body that fails."""
    operation = harness.contract.operation(
        dict(client_resources(wrapper.clients[client_kind]))[name].operation
    )
    is_valid = validity_test(harness.contract, operation.body_schema)

    def check(body: JSON) -> list[str]:
        return check_create_request(
            harness,
            wrapper,
            client_kind,
            name,
            RequestArguments({**request.arguments, "body": body}, ""),
        )

    body = shrink(request.arguments["body"], lambda body: is_valid(body) and bool(check(body)))
    arguments = {**request.arguments, "body": body}
    return ContractFailure(
        operation.id, f"{name}.create, {client_kind}", tuple(check(body)), request.origin,
        json.dumps(arguments), harness.last_curl(),
        format_test(f"{name} {client_kind}", "harness, wrapper",
                _RESPOND.format(operation.id) + '\nrequest = RequestArguments(arguments, "shrunk")',
                "wrapper_checks.check_create_request(\n"
                f'    harness, wrapper, "{client_kind}", "{name}", request\n)',
                arguments=arguments),
    )  # fmt: skip


def check_refusal(
    harness: Harness, wrapper: WrapperDriver, client_kind: str, name: str, body: Mapping[str, JSON]
) -> list[str]:
    """An invalid body is rejected with the name of the field, or completed to a valid one."""
    signature = dict(client_resources(wrapper.clients[client_kind]))[name]
    operation = harness.contract.operation(signature.operation)
    arguments = body_to_arguments(harness.contract, signature, body)
    if arguments is None:  # a required argument is missing
        arguments = available_arguments(signature, body)
    try:
        outcome = wrapper.create(client_kind, name, arguments)
    except Exception as error:  # anything but a RunwayError is a failure
        return [f"{type(error).__name__}: {error}"]
    if outcome.sent:
        return _check_completed(harness, operation, body, outcome)
    if not isinstance(outcome.error, InvalidRequestError):
        return [f"not rejected but {outcome.kind}: {outcome.error}"]
    blamed = {_field_of(issue.path) for issue in harness.contract.check_body(operation.id, body)}
    blamed |= {normalize_name(argument) for argument in signature.required - arguments.keys()}
    named = {_field_of(issue.path) for issue in outcome.error.issues}
    if not named & blamed:
        return [f"the error names {named}, the contract blames {blamed}: {outcome.error}"]
    return [f"{one.message!r} does not name {one.path}" for one in outcome.error.issues
            if _field_of(one.path) not in normalize_name(one.message)]  # fmt: skip


def _check_completed(
    harness: Harness, operation: Operation, body: Mapping[str, JSON], outcome: CallOutcome
) -> list[str]:
    """The wrapper may complete missing and None values; the sent request must then be valid."""
    issues = [issue for sent in outcome.sent
              for issue in find_request_issues(harness.contract, operation, sent)]  # fmt: skip
    invalid = [one for one in harness.contract.check_body(operation.id, body)
               if one.rule != "required" and one.value is not None]  # fmt: skip
    return issues + [f"was sent: {one.message}" for one in invalid]


def refusal_failure(
    harness: Harness, wrapper: WrapperDriver, client_kind: str, name: str, drawn: DrawnValue
) -> ContractFailure:
    """A failed refusal check with the smallest body that fails."""
    operation = harness.contract.operation(
        dict(client_resources(wrapper.clients[client_kind]))[name].operation
    )
    is_valid = validity_test(harness.contract, operation.body_schema)

    def check(body: JSON) -> list[str]:
        return check_refusal(harness, wrapper, client_kind, name, body)

    body = shrink(drawn.value, lambda body: isinstance(body, dict) and not is_valid(body)
                  and bool(check(body)))  # fmt: skip
    harness.transport.last_request = None
    return ContractFailure(
        operation.id,
        f"{name}.create, {client_kind}",
        tuple(check(body)),
        drawn.origin,
        json.dumps(body),
        harness.last_curl(),
        format_test(
            f"{name} {client_kind} rejects",
            "harness, wrapper",
            _RESPOND.format(operation.id),
            f'wrapper_checks.check_refusal(harness, wrapper, "{client_kind}", "{name}", body)',
            body=body,
        ),
    )


def available_arguments(signature: Signature, body: Mapping[str, JSON]) -> dict[str, JSON]:
    """The arguments that a body has a value for."""
    values = {normalize_name(key): value for key, value in body.items() if value is not None}
    return {
        n: values[normalize_name(n)] for n in signature.parameters if normalize_name(n) in values
    }


def _field_of(path: str) -> str:
    """The top-level field of a JSON pointer or argument name, normalized."""
    return normalize_name(path.lstrip("/").split("/")[0])


_POLLED_ID = "task-1"


@cache
def entry_points(
    harness: Harness, wrapper: WrapperDriver, operation: Operation, client_kind: str
) -> dict[str, Callable[[], CallOutcome]]:
    """Each call of one client that sends this operation, with the first valid request."""
    calls: dict[str, Callable[[], CallOutcome]] = {}
    if operation.resource in {"tasks", "feed"}:
        calls["retrieve"] = lambda: wrapper.retrieve(client_kind, operation.resource, _POLLED_ID)
    for name, signature in resources_for(wrapper, client_kind, operation):
        body = expressible_requests(harness, signature)[0].arguments["body"]
        arguments = body_to_arguments(harness.contract, signature, body)
        calls[f"{name}.create"] = lambda name=name, arguments=arguments: wrapper.create(
            client_kind, name, arguments
        )
    return calls


def check_understood(
    harness: Harness,
    wrapper: WrapperDriver,
    operation: Operation,
    entry: str,
    status: int,
    body: JSON,
) -> list[str]:
    """A documented response becomes a task with the same content, or the documented error.

    Both clients interpret it alike.
    """
    documented, body = body, _about_polled_task(body) if entry == "retrieve" else body
    try:
        outcomes = interpret(harness, wrapper, operation, entry, status, body)
    except Exception as error:  # anything but a RunwayError is a failure
        return [f"{type(error).__name__}: {error}"]
    found = [f"{problem} ({client_kind} client)" for client_kind, outcome in outcomes.items()
             for problem in _find_misreadings(status, body, outcome, created=entry != "retrieve")
             ]  # fmt: skip
    found += find_disagreement(outcomes)
    if not found:
        content = json.dumps(documented).encode()
        harness.coverage.record_response(operation, status, "application/json", content, "wrapper")
    return found


def interpret(
    harness: Harness,
    wrapper: WrapperDriver,
    operation: Operation,
    entry: str,
    status: int,
    body: JSON,
) -> dict[str, CallOutcome]:
    """What each client makes of a response."""
    harness.respond_with(status, body)
    outcomes = {}
    for client_kind in CLIENT_KINDS:
        # Equal seeds, because jitter decides how often a 429 is retried.
        wrapper.clients[client_kind].session.rng.seed(status)
        outcomes[client_kind] = entry_points(harness, wrapper, operation, client_kind)[entry]()
    return outcomes


def find_disagreement(outcomes: Mapping[str, CallOutcome]) -> list[str]:
    """How the results of the clients differ, as a list of at most one message."""
    results = {kind: (one.kind, len(one.sent)) for kind, one in outcomes.items()}
    return [] if len(set(results.values())) == 1 else [f"the clients disagree: {results}"]


def _about_polled_task(body: JSON) -> JSON:
    """The body with the id of the task that was polled: another task's state is ignored."""
    if not isinstance(body, dict):
        return body

    def with_polled_id(layer: dict[str, JSON]) -> dict[str, JSON]:
        named = (name for name in ("id", "task_id") if _is_text(layer.get(name)))
        return layer | dict.fromkeys(named, _POLLED_ID)

    nested = (key for key in ("data", "result") if isinstance(body.get(key), dict))
    return with_polled_id(body | {key: with_polled_id(body[key]) for key in nested})


def understanding_failure(
    harness: Harness,
    wrapper: WrapperDriver,
    operation: Operation,
    entry: str,
    status: int,
    drawn: DrawnValue,
) -> ContractFailure:
    """A failed response check with the smallest body that fails."""
    is_valid = validity_test(harness.contract, operation.response(status).schema)

    def check(body: JSON) -> list[str]:
        return check_understood(harness, wrapper, operation, entry, status, body)

    body = shrink(drawn.value, lambda body: is_valid(body) and bool(check(body)))
    others = (one.value for one in harness.source.valid(operation.response(status).schema))
    found = add_field_names(
        check(body), body, others, lambda body: is_valid(body) and not check(body)
    )
    return ContractFailure(
        operation.id, entry, found, f"response {status} by {drawn.origin}",
        f"HTTP {status} {json.dumps(body)}", harness.last_curl(),
        format_test(f"{operation.id} {entry} status {status}", "harness, wrapper",
                f'operation = harness.contract.operation("{operation.id}")',
                "wrapper_checks.check_understood(\n"
                f'    harness, wrapper, operation, "{entry}", {status}, body\n)', body=body),
    )  # fmt: skip


def _find_misreadings(status: int, body: JSON, outcome: CallOutcome, *, created: bool) -> list[str]:
    """What the wrapper got wrong about a response."""
    if status >= 300:
        return [] if _has_status(outcome.error, status) else [f"{outcome.kind} for {status}"]
    if not _contains_task(body, created=created):
        return []
    if outcome.task is None:
        return [f"not understood: {outcome.kind}: {outcome.error}"]
    found = [] if outcome.task.raw == body else ["raw differs from the response"]
    if outcome.task.progress is not None and not 0 <= outcome.task.progress <= 1:
        found.append(f"progress {outcome.task.progress} is out of range")
    return found


def _has_status(error: BaseException | None, status: int) -> bool:
    """Whether an error, or one of its causes, has the status."""
    while error is not None:
        if isinstance(error, APIStatusError) and error.status_code == status:
            return True
        error = error.__cause__
    return False


def _contains_task(body: JSON, *, created: bool) -> bool:
    """Whether a body has a task id and a status, or reports a task that was just created."""
    layers = [body]
    while isinstance(layers[-1], dict) and isinstance(layers[-1].get("data"), dict):
        layers.append(layers[-1]["data"])
    if not all(isinstance(layer, dict) for layer in layers):
        return False
    has_id = any(_is_text(layer.get(key)) for layer in layers for key in ("id", "task_id"))
    has_status = any(_is_text(layer.get("status")) for layer in layers)
    accepted = body.keys() == {"id"} or (created and body.get("code") in _SUCCESS_CODES)
    return has_id and (has_status or accepted)


def _is_text(value: JSON) -> bool:
    return isinstance(value, str) and value.strip() != ""


def check_retrieve_request(
    harness: Harness, wrapper: WrapperDriver, operation: Operation, client_kind: str, task_id: str
) -> list[str]:
    """Retrieving a task sends one valid request with the task's id."""
    outcome = wrapper.retrieve(client_kind, operation.resource, task_id)
    if len(outcome.sent) != 1:
        return [f"{len(outcome.sent)} requests were sent instead of one: {outcome.error}"]
    sent = outcome.sent[0]
    found = find_request_issues(harness.contract, operation, sent)
    parsed = parse_request(harness.contract, operation, sent)
    if task_id not in {*parsed["path"].values(), *(parsed.get("body") or {}).values()}:
        found.append(f"expected the id {task_id!r}, sent {sent.url}")
    if not found:
        harness.coverage.record_request(operation, sent, "wrapper")
    return found


def retrieve_failure(
    harness: Harness,
    wrapper: WrapperDriver,
    operation: Operation,
    client_kind: str,
    request: RequestArguments,
) -> ContractFailure:
    """A failed retrieve check."""
    task_id = requested_task_id(harness, operation, request)
    found = check_retrieve_request(harness, wrapper, operation, client_kind, task_id)
    return ContractFailure(
        operation.id, client_kind, tuple(found), request.origin, f"task id {task_id!r}",
        harness.last_curl(),
        format_test(f"{operation.id} {client_kind}", "harness, wrapper",
                f'operation = harness.contract.operation("{operation.id}")\n'
                "wrapper_checks.respond_with_task(harness, operation)",
                "wrapper_checks.check_retrieve_request(\n"
                f'    harness, wrapper, operation, "{client_kind}", task_id\n)',
                task_id=task_id),
    )  # fmt: skip


def requested_task_id(harness: Harness, operation: Operation, request: RequestArguments) -> str:
    """The task id of a drawn request, from its path or its body."""
    if "path" in request.arguments:
        (value,) = request.arguments["path"].values()
        return value
    (name,) = resolve_reference(harness.contract.document, operation.body_schema)["required"]
    return request.arguments["body"][name]
