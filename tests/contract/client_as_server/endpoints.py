"""What can be called: each operation of the generated client, each resource of the wrapper.

A door calls its function in every flavour there is and expects the same of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol
from zlib import crc32

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._settings import DEFAULT_RUNWAY_VERSION
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Operation
from cometapi_runway.validation._document import resolve

from ..checks.generated_checks import compare_request
from ..checks.harness import Harness, RequestArguments, success_response, valid_requests
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
    """What became of one call.

    Attributes:
        kind: ``same`` (sent as asked), ``refused`` (nothing was sent), ``changed`` (the asking
            broke the contract, and something else was sent) or ``different``.
        words: why, for people.
        answer: what the client made of the documented success.
    """

    kind: str
    words: str = ""
    answer: JSON = None


class Endpoint(Protocol):
    """One function of the client."""

    @property
    def prefix(self) -> str:
        """Where the mirror puts it, before the operation's own path."""
        ...

    @property
    def operation(self) -> Operation:
        """The operation of the contract that it serves."""
        ...

    def described(self, document: Object) -> dict[str, JSON]:
        """The operation object with what a caller of this function can and must say."""
        ...

    def drive(self, call: RequestArguments, blamed: list[str]) -> Iterator[EndpointResult]:
        """Call every flavour with the same arguments.

        Args:
            call: the arguments.
            blamed: what the description of this door holds against them; a client that passes
                such a fault on adds none of its own.
        """
        ...


@frozen(eq=False)
class GeneratedEndpoint:
    """An operation of the generated client, in its four flavours."""

    harness: Harness
    operation: Operation
    prefix: str = "/generated"

    def described(self, document: Object) -> dict[str, JSON]:
        """As in the contract: the generated function asks for the same."""
        return dict(self.operation.document)

    def drive(self, call: RequestArguments, blamed: list[str]) -> Iterator[EndpointResult]:
        """Call sync, sync_detailed, asyncio and asyncio_detailed."""
        success = success_response(self.operation)
        drawn = [one.value for one in self.harness.source.valid(success.schema or {})]
        self.harness.respond_with(int(success.status), _one_of(drawn, call))
        for flavour in FLAVOURS:
            yield self._call(flavour, call, blamed)

    def _call(self, flavour: str, call: RequestArguments, blamed: list[str]) -> EndpointResult:
        self.harness.transport.take_requests()
        try:
            result = self.harness.driver.call(self.operation, flavour, call.arguments)
        except Exception as error:  # any kind is a refusal, as long as nothing was sent
            words = f"{flavour}: {type(error).__name__}: {error}"
            return EndpointResult(
                "different" if self.harness.transport.take_requests() else "refused", words
            )
        found = compare_request(
            self.harness.contract, self.operation, call, self.harness.transport.take_requests()
        )
        parsed = result.parsed if flavour.endswith("detailed") else result
        faults = [one for one in found if one not in blamed]
        if blamed and faults:
            # It checks nothing: an object where a list belongs becomes an empty list.
            return EndpointResult("changed", f"{flavour}: {faults}")
        return _verdict(flavour, faults, to_json(parsed))


@frozen(eq=False)
class CreateEndpoint:
    """A resource of the wrapper, in both clients."""

    harness: Harness
    wrapper: WrapperDriver
    name: str
    signature: Signature
    operation: Operation
    answers: list[JSON] = field(init=False)

    @answers.default
    def _accepted(self) -> list[JSON]:
        """Of the documented answers, those that name a task; a refusal may come as a success."""
        success = success_response(self.operation)
        calls = (
            one.arguments["body"] for one in valid_requests(self.harness.source, self.operation)
        )
        said = (body_to_arguments(self.harness.contract, self.signature, body) for body in calls)
        given = next(one for one in said if one is not None)
        found = []
        for drawn in self.harness.source.valid(success.schema or {}):
            answer = _with_id(drawn.value, "task-1")
            self.harness.respond_with(int(success.status), answer)
            if self.wrapper.create("blocking", self.name, given).task is not None:
                found.append(drawn.value)
        return found

    @property
    def prefix(self) -> str:
        """Two client_resources may share one operation, so the name is part of it."""
        return f"/wrapper/{self.name}"

    def described(self, document: Object) -> dict[str, JSON]:
        """What has a default in Python need not be said, the version least of all."""
        schema = dict(self._schema(document))
        wanted = {normalize_name(name) for name in self.signature.required}
        schema["required"] = [one for one in top_level_properties(document, schema)
                              if normalize_name(one) in wanted]  # fmt: skip
        parameters = [
            {"name": one.name, "in": "header", "required": False, "schema": one.schema}
            for one in self.operation.parameters_in("header")
        ]
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        return {**self.operation.document, "parameters": parameters, "requestBody": body}

    def _schema(self, document: Object) -> Object:
        """The body's; of an operation that several client_resources share, this resource's branch."""
        variant = self.operation.variants.get(self.name.rpartition(".")[2])
        if variant is not None:
            found: Object = document["components"]["schemas"][variant]
            return found
        return resolve(document, self.operation.body_schema)

    def drive(self, call: RequestArguments, blamed: list[str]) -> Iterator[EndpointResult]:
        """Call the resource's `create` on the blocking and on the awaiting client."""
        body = call.arguments["body"]
        if not isinstance(body, dict):
            yield EndpointResult("refused", "arguments have names, and this body has none")
            return
        success = success_response(self.operation)
        self.harness.respond_with(int(success.status), _one_of(self.answers, call))
        given = body_to_arguments(self.harness.contract, self.signature, body)
        if given is None:
            # An argument is missing: give what there is, and be told which.
            values = {
                normalize_name(key): value for key, value in body.items() if value is not None
            }
            names = self.signature.parameters
            given = {
                name: values[normalize_name(name)]
                for name in names
                if normalize_name(name) in values
            }
        given["runway_version"] = call.arguments["header"].get("X-Runway-Version")
        for client_kind in CLIENT_KINDS:
            yield self._judge(
                client_kind, call, blamed, self.wrapper.create(client_kind, self.name, given)
            )

    def _judge(
        self, client_kind: str, call: RequestArguments, blamed: list[str], outcome: CallOutcome
    ) -> EndpointResult:
        if outcome.task is None or len(outcome.sent) != 1:
            return _failed(client_kind, outcome)
        header = {"X-Runway-Version": DEFAULT_RUNWAY_VERSION, **call.arguments["header"]}
        meant = RequestArguments({**call.arguments, "header": header}, call.origin)
        broken = find_request_issues(self.harness.contract, self.operation, outcome.sent[0])
        if blamed and not broken:
            return EndpointResult("changed", f"{client_kind}: was asked for {blamed}")
        faults = [one for one in broken if one not in blamed]
        faults += self._unlike(meant, outcome.sent[0])
        return _verdict(client_kind, faults, dict(outcome.task.raw))

    def _unlike(self, call: RequestArguments, sent: SentRequest) -> Iterator[str]:
        back = parse_request(self.harness.contract, self.operation, sent)
        asked, body = call.arguments["body"], back["body"]
        yield from find_differences(asked, {key: body[key] for key in body if key in asked})
        yield from find_differences(call.arguments["header"], back["header"])
        arguments = {normalize_name(name) for name in self.signature.parameters}
        for key in body:
            if key not in asked and normalize_name(key) not in arguments:
                yield f"/{key}: not asked, sent"


@frozen(eq=False)
class RetrieveEndpoint:
    """The wrapper's question how a task stands, in both clients."""

    harness: Harness
    wrapper: WrapperDriver
    operation: Operation
    answers: list[JSON] = field(init=False)

    @property
    def prefix(self) -> str:
        """Named as the wrapper names the route."""
        return f"/wrapper/{self.operation.resource}"

    @answers.default
    def _readable(self) -> list[JSON]:
        """Of the documented answers, those that tell of a task; the others are errors by right."""
        success = success_response(self.operation)
        found = []
        for drawn in self.harness.source.valid(success.schema or {}):
            self.harness.respond_with(int(success.status), drawn.value)
            if self.wrapper.read("blocking", self.operation.resource, "task-1").task is not None:
                found.append(drawn.value)
        return found

    def described(self, document: Object) -> dict[str, JSON]:
        """An id is all that can be said; the version is the client's own."""
        raw = dict(self.operation.document)
        raw["parameters"] = [
            {"name": one.name, "in": "path", "required": True, "schema": one.schema}
            for one in self.operation.parameters_in("path")
        ]
        if self.operation.body_schema is not None:
            schema = resolve(document, self.operation.body_schema)
            asked = {name: schema["properties"][name] for name in schema["required"]}
            only = {**schema, "properties": asked, "additionalProperties": False}
            body = {"required": True, "content": {"application/json": {"schema": only}}}
            raw["requestBody"] = body
        return raw

    def drive(self, call: RequestArguments, blamed: list[str]) -> Iterator[EndpointResult]:
        """Ask about the id through the blocking and through the awaiting client."""
        task_id = self._id(call)
        if task_id is None:
            yield EndpointResult("refused", "nothing but an id can be asked about")
            return
        success = success_response(self.operation)
        body = self.answers[crc32(task_id.encode("utf-8", "replace")) % len(self.answers)]
        self.harness.respond_with(int(success.status), _with_id(body, task_id))
        for client_kind in CLIENT_KINDS:
            outcome = self.wrapper.read(client_kind, self.operation.resource, task_id)
            yield self._judge(client_kind, call, blamed, outcome)

    def _id(self, call: RequestArguments) -> str | None:
        values = call.arguments["path"] or call.arguments.get("body")
        if not isinstance(values, dict) or len(values) != 1:
            return None
        (value,) = values.values()
        return value if isinstance(value, str) else None

    def _judge(
        self, client_kind: str, call: RequestArguments, blamed: list[str], outcome: CallOutcome
    ) -> EndpointResult:
        if outcome.task is None or len(outcome.sent) != 1:
            return _failed(client_kind, outcome)
        back = parse_request(self.harness.contract, self.operation, outcome.sent[0])
        broken = find_request_issues(self.harness.contract, self.operation, outcome.sent[0])
        faults = [one for one in broken if one not in blamed]
        faults += find_differences(call.arguments["path"], back["path"])
        faults += find_differences(call.arguments.get("body"), back.get("body"))
        return _verdict(client_kind, faults, dict(outcome.task.raw))


def make_endpoints(
    harness: Harness, wrapper: WrapperDriver, reads: frozenset[str]
) -> tuple[Endpoint, ...]:
    """Every function of both clients that serves an operation of the contract."""
    operations = {one.id: one for one in harness.contract.operations}
    found: list[Endpoint] = [GeneratedEndpoint(harness, one) for one in operations.values()]
    for name, signature in client_resources(wrapper.clients["blocking"]):
        found.append(
            CreateEndpoint(harness, wrapper, name, signature, operations[signature.operation])
        )
    found += [
        RetrieveEndpoint(harness, wrapper, one)
        for one in operations.values()
        if one.resource in reads
    ]
    return tuple(found)


def _one_of(answers: list[JSON], call: RequestArguments) -> JSON:
    """Another answer for other arguments, the same for the same."""
    number = crc32(repr(call.arguments).encode("utf-8", "replace"))
    return _with_id(answers[number % len(answers)], f"task-{number}")


def _with_id(answer: JSON, task_id: str) -> JSON:
    """The answer with an id that can be asked about: links lead from here to the questions."""
    if not isinstance(answer, dict):
        return answer
    named = {key: task_id for key in ("id", "task_id") if isinstance(answer.get(key), str)}
    return {**{key: _with_id(value, task_id) for key, value in answer.items()}, **named}


def _failed(client_kind: str, outcome: CallOutcome) -> EndpointResult:
    words = f"{client_kind}: {outcome.kind}, {len(outcome.sent)} sent: {outcome.error}"
    refused = isinstance(outcome.error, InvalidRequestError) and not outcome.sent
    return EndpointResult("refused" if refused else "different", words)


def _verdict(how: str, faults: list[str], answer: JSON) -> EndpointResult:
    if faults:
        return EndpointResult("different", f"{how}: " + "; ".join(faults[:5]))
    return EndpointResult("same", answer=answer)
