"""The endpoints of the server: each generated operation and each resource of the wrapper.

An endpoint calls its function in every flavour and expects equal results.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol
from zlib import crc32

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._settings import DEFAULT_RUNWAY_VERSION
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Operation, resolve_reference

from ..checks.generated_checks import compare_request
from ..checks.harness import Harness, RequestArguments, success_response, valid_requests
from ..checks.wrapper_checks import available_arguments
from ..drivers.generated_driver import FLAVOURS, normalize_name, to_json
from ..drivers.request_capture import SentRequest, find_request_issues, parse_request
from ..drivers.wrapper_driver import (
    CLIENT_KINDS,
    CallOutcome,
    WrapperDriver,
    body_to_arguments,
    client_resources,
    top_level_properties,
)
from ..json_diff import find_differences


@frozen
class EndpointResult:
    """The result of one call.

    Attributes:
        kind: ``same`` (the arguments were sent unchanged), ``rejected`` (nothing was sent),
            ``changed`` (the arguments were invalid, and something else was sent) or ``different``.
        message: the reason in words.
        response: the success response as the client parsed it.
    """

    kind: str
    message: str = ""
    response: JSON = None


class Endpoint(Protocol):
    """One function of the client."""

    @property
    def prefix(self) -> str:
        """The path prefix, in front of the operation's own path."""
        ...

    @property
    def operation(self) -> Operation:
        """The operation that the function sends."""
        ...

    def describe(self, document: Object) -> dict[str, JSON]:
        """The OpenAPI operation with the arguments that this function takes and requires."""
        ...

    def call(self, request: RequestArguments, issues: list[str]) -> Iterator[EndpointResult]:
        """Call every flavour with the same arguments.

        Args:
            request: the arguments.
            issues: violations of the server's document in the arguments; a client that passes them
                on has no fault of its own.
        """
        ...


@frozen(eq=False)
class GeneratedEndpoint:
    """An operation of the generated client, in its four flavours."""

    harness: Harness
    operation: Operation
    prefix: str = "/generated"

    @cached_property
    def responses(self) -> list[JSON]:
        """The documented success bodies."""
        drawn = self.harness.source.valid(success_response(self.operation).schema or {})
        return [one.value for one in drawn]

    def describe(self, document: Object) -> dict[str, JSON]:
        """The operation of the contract: the generated function takes the same arguments."""
        return dict(self.operation.document)

    def call(self, request: RequestArguments, issues: list[str]) -> Iterator[EndpointResult]:
        """Call sync, sync_detailed, asyncio and asyncio_detailed."""
        success = success_response(self.operation)
        self.harness.respond_with(int(success.status), _pick_response(self.responses, request))
        for flavour in FLAVOURS:
            yield self._call(flavour, request, issues)

    def _call(self, flavour: str, request: RequestArguments, issues: list[str]) -> EndpointResult:
        self.harness.transport.take_requests()
        try:
            result = self.harness.driver.call(self.operation, flavour, request.arguments)
        except Exception as error:  # any exception is a rejection if nothing was sent
            message = f"{flavour}: {type(error).__name__}: {error}"
            was_sent = self.harness.transport.take_requests()
            return EndpointResult("different" if was_sent else "rejected", message)
        found = compare_request(
            self.harness.contract, self.operation, request, self.harness.transport.take_requests()
        )
        parsed = result.parsed if flavour.endswith("detailed") else result
        faults = [one for one in found if one not in issues]
        if issues and faults:
            # The generated client checks nothing: an object sent as a list becomes an empty list.
            return EndpointResult("changed", f"{flavour}: {faults}")
        return _make_result(flavour, faults, to_json(parsed))


@frozen(eq=False)
class CreateEndpoint:
    """A resource of the wrapper, called on both clients."""

    harness: Harness
    wrapper: WrapperDriver
    name: str
    signature: Signature
    operation: Operation

    @cached_property
    def responses(self) -> list[JSON]:
        """The documented success bodies that contain a task; others report an error."""
        success = success_response(self.operation)
        bodies = (
            one.arguments["body"] for one in valid_requests(self.harness.source, self.operation)
        )
        expressed = (
            body_to_arguments(self.harness.contract, self.signature, one) for one in bodies
        )
        arguments = next(one for one in expressed if one is not None)
        found = []
        for drawn in self.harness.source.valid(success.schema or {}):
            self.harness.respond_with(int(success.status), _with_id(drawn.value, "task-1"))
            if self.wrapper.create("sync", self.name, arguments).task is not None:
                found.append(drawn.value)
        return found

    @property
    def prefix(self) -> str:
        """The resource's name is part of it, because two resources may share an operation."""
        return f"/wrapper/{self.name}"

    def describe(self, document: Object) -> dict[str, JSON]:
        """The operation without the requirements that have a default in Python."""
        schema = dict(self._schema(document))
        required = {normalize_name(name) for name in self.signature.required}
        schema["required"] = [one for one in top_level_properties(document, schema)
                              if normalize_name(one) in required]  # fmt: skip
        parameters = [
            {"name": one.name, "in": "header", "required": False, "schema": one.schema}
            for one in self.operation.parameters_in("header")
        ]
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        return {**self.operation.document, "parameters": parameters, "requestBody": body}

    def _schema(self, document: Object) -> Object:
        """The body schema; for an operation with several resources, the branch of this resource."""
        variant = self.operation.variants.get(self.name.rpartition(".")[2])
        if variant is not None:
            found: Object = document["components"]["schemas"][variant]
            return found
        return resolve_reference(document, self.operation.body_schema)

    def call(self, request: RequestArguments, issues: list[str]) -> Iterator[EndpointResult]:
        """Call `create` of the resource on the sync and on the async client."""
        body = request.arguments["body"]
        if not isinstance(body, dict):
            yield EndpointResult("rejected", "the body has no fields that could be arguments")
            return
        success = success_response(self.operation)
        self.harness.respond_with(int(success.status), _pick_response(self.responses, request))
        arguments = body_to_arguments(self.harness.contract, self.signature, body)
        if arguments is None:  # a required argument is missing
            arguments = available_arguments(self.signature, body)
        arguments["runway_version"] = request.arguments["header"].get("X-Runway-Version")
        for client_kind in CLIENT_KINDS:
            outcome = self.wrapper.create(client_kind, self.name, arguments)
            yield self._evaluate(client_kind, request, issues, outcome)

    def _evaluate(
        self, client_kind: str, request: RequestArguments, issues: list[str], outcome: CallOutcome
    ) -> EndpointResult:
        if outcome.task is None or len(outcome.sent) != 1:
            return _make_failure(client_kind, outcome)
        header = {"X-Runway-Version": DEFAULT_RUNWAY_VERSION, **request.arguments["header"]}
        expected = RequestArguments({**request.arguments, "header": header}, request.origin)
        violations = find_request_issues(self.harness.contract, self.operation, outcome.sent[0])
        if issues and not violations:
            return EndpointResult("changed", f"{client_kind}: the arguments had issues: {issues}")
        faults = [one for one in violations if one not in issues]
        faults += self._find_changes(expected, outcome.sent[0])
        return _make_result(client_kind, faults, dict(outcome.task.raw))

    def _find_changes(self, request: RequestArguments, sent: SentRequest) -> Iterator[str]:
        parsed = parse_request(self.harness.contract, self.operation, sent)
        given, body = request.arguments["body"], parsed["body"]
        yield from find_differences(given, {key: body[key] for key in body if key in given})
        yield from find_differences(request.arguments["header"], parsed["header"])
        arguments = {normalize_name(name) for name in self.signature.parameters}
        for key in body:
            if key not in given and normalize_name(key) not in arguments:
                yield f"/{key}: unexpected {body[key]!r}"


@frozen(eq=False)
class RetrieveEndpoint:
    """The wrapper's request for the status of a task, on both clients."""

    harness: Harness
    wrapper: WrapperDriver
    operation: Operation

    @property
    def prefix(self) -> str:
        """The route has the name that the wrapper gives it."""
        return f"/wrapper/{self.operation.resource}"

    @cached_property
    def responses(self) -> list[JSON]:
        """The documented success bodies that contain a task; others report an error."""
        success = success_response(self.operation)
        found = []
        for drawn in self.harness.source.valid(success.schema or {}):
            self.harness.respond_with(int(success.status), drawn.value)
            if self.wrapper.retrieve("sync", self.operation.resource, "task-1").task is not None:
                found.append(drawn.value)
        return found

    def describe(self, document: Object) -> dict[str, JSON]:
        """The operation with the id as its only argument; the client sets the version itself."""
        raw = dict(self.operation.document)
        raw["parameters"] = [
            {"name": one.name, "in": "path", "required": True, "schema": one.schema}
            for one in self.operation.parameters_in("path")
        ]
        if self.operation.body_schema is not None:
            schema = resolve_reference(document, self.operation.body_schema)
            required = {name: schema["properties"][name] for name in schema["required"]}
            only_id = {**schema, "properties": required, "additionalProperties": False}
            body = {"required": True, "content": {"application/json": {"schema": only_id}}}
            raw["requestBody"] = body
        return raw

    def call(self, request: RequestArguments, issues: list[str]) -> Iterator[EndpointResult]:
        """Retrieve the task with the sync and with the async client."""
        task_id = self._task_id(request)
        if task_id is None:
            yield EndpointResult("rejected", "the only argument is an id")
            return
        success = success_response(self.operation)
        body = self.responses[crc32(task_id.encode("utf-8", "replace")) % len(self.responses)]
        self.harness.respond_with(int(success.status), _with_id(body, task_id))
        for client_kind in CLIENT_KINDS:
            outcome = self.wrapper.retrieve(client_kind, self.operation.resource, task_id)
            yield self._evaluate(client_kind, request, issues, outcome)

    def _task_id(self, request: RequestArguments) -> str | None:
        values = request.arguments["path"] or request.arguments.get("body")
        if not isinstance(values, dict) or len(values) != 1:
            return None
        (value,) = values.values()
        return value if isinstance(value, str) else None

    def _evaluate(
        self, client_kind: str, request: RequestArguments, issues: list[str], outcome: CallOutcome
    ) -> EndpointResult:
        if outcome.task is None or len(outcome.sent) != 1:
            return _make_failure(client_kind, outcome)
        parsed = parse_request(self.harness.contract, self.operation, outcome.sent[0])
        violations = find_request_issues(self.harness.contract, self.operation, outcome.sent[0])
        faults = [one for one in violations if one not in issues]
        faults += find_differences(request.arguments["path"], parsed["path"])
        faults += find_differences(request.arguments.get("body"), parsed.get("body"))
        return _make_result(client_kind, faults, dict(outcome.task.raw))


def make_endpoints(
    harness: Harness, wrapper: WrapperDriver, routes: frozenset[str]
) -> tuple[Endpoint, ...]:
    """Every function of both clients that serves an operation of the contract."""
    operations = {one.id: one for one in harness.contract.operations}
    found: list[Endpoint] = [GeneratedEndpoint(harness, one) for one in operations.values()]
    for name, signature in client_resources(wrapper.clients["sync"]):
        found.append(
            CreateEndpoint(harness, wrapper, name, signature, operations[signature.operation])
        )
    found += [
        RetrieveEndpoint(harness, wrapper, one)
        for one in operations.values()
        if one.resource in routes
    ]
    return tuple(found)


def _pick_response(responses: list[JSON], request: RequestArguments) -> JSON:
    """A response chosen by the arguments: equal arguments have equal responses."""
    number = crc32(repr(request.arguments).encode("utf-8", "replace"))
    return _with_id(responses[number % len(responses)], f"task-{number}")


def _with_id(body: JSON, task_id: str) -> JSON:
    """The body with a valid task id, so that links lead to the status of the task."""
    if not isinstance(body, dict):
        return body
    ids = {key: task_id for key in ("id", "task_id") if isinstance(body.get(key), str)}
    return {**{key: _with_id(value, task_id) for key, value in body.items()}, **ids}


def _make_failure(client_kind: str, outcome: CallOutcome) -> EndpointResult:
    message = f"{client_kind}: {outcome.kind}, {len(outcome.sent)} sent: {outcome.error}"
    is_rejected = isinstance(outcome.error, InvalidRequestError) and not outcome.sent
    return EndpointResult("rejected" if is_rejected else "different", message)


def _make_result(flavour: str, faults: list[str], response: JSON) -> EndpointResult:
    if faults:
        return EndpointResult("different", f"{flavour}: " + "; ".join(faults[:5]))
    return EndpointResult("same", response=response)
