"""The set-up of the checks: a contract, its generated client, and drawn requests and responses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import httpx
from attrs import define, evolve, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, Response
from cometapi_runway.validation._schemas import compile_schema

from ..coverage.coverage_recorder import CoverageRecorder
from ..coverage.covering_source import CoveringSource
from ..drivers.generated_driver import GeneratedDriver
from ..drivers.request_capture import (
    PARAMETER_LOCATIONS,
    RecordingTransport,
    parameter_schema,
)
from ..generation.value_source import DrawnValue

# The characters that a header value can carry; a schema of type string allows more.
_SENDABLE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")


@frozen
class RequestArguments:
    """Arguments for one operation, by location, and how they were drawn."""

    arguments: dict[str, JSON]
    origin: str


@define
class ScriptedResponse:
    """The response to every request."""

    status: int = 0
    headers: Mapping[str, str] = {}
    content: bytes = b""

    def make(self, _: httpx.Request | None = None) -> httpx.Response:
        """A new one for each request: httpx consumes it."""
        return httpx.Response(self.status, headers=self.headers, content=self.content)


@frozen(eq=False)
class Harness:
    """A contract, the client generated from it, the recording transport, and the coverage."""

    contract: Contract
    source: CoveringSource
    transport: RecordingTransport
    driver: GeneratedDriver
    coverage: CoverageRecorder
    scripted: ScriptedResponse

    def respond_with(self, status: int, body: JSON) -> None:
        """Set the JSON response to every request from now on."""
        # json.dumps and not httpx, which rejects lone surrogates although JSON can escape them.
        self.respond_with_bytes(status, "application/json", json.dumps(body).encode())

    def respond_with_bytes(self, status: int, media_type: str, content: bytes) -> None:
        """Set the response to every request from now on, byte for byte."""
        self.scripted.status = status
        self.scripted.headers = {"Content-Type": media_type}
        self.scripted.content = content

    def last_curl(self) -> str:
        """The last request as a curl command; empty if none was sent."""
        return self.transport.last_request.curl() if self.transport.last_request else ""


@contextmanager
def open_harness(
    document: Object, package: str, source: CoveringSource | None = None
) -> Iterator[Harness]:
    """Set up a contract and the package generated from it."""
    contract = Contract(document)
    scripted = ScriptedResponse()
    transport = RecordingTransport(scripted.make)
    driver = GeneratedDriver(contract, package, transport.mock_transport())
    try:
        yield Harness(
            contract,
            source or CoveringSource(document),
            transport,
            driver,
            CoverageRecorder(contract),
            scripted,
        )
    finally:
        driver.close()


@cache
def valid_requests(source: CoveringSource, operation: Operation) -> tuple[RequestArguments, ...]:
    """Valid arguments of an operation; each value drawn for a location is used at least once."""
    parts: dict[str, list[DrawnValue]] = {}
    for location in PARAMETER_LOCATIONS:
        if schema := parameter_schema(operation, location):
            drawn = (_normalize_numbers(one) for one in source.valid(schema))
            parts[location] = [one for one in drawn if _is_sendable(location, one)]
    if operation.body_schema is not None:
        parts["body"] = list(source.valid(operation.body_schema))
    count = max((len(values) for values in parts.values()), default=1)
    requests = [_combine(parts, index) for index in range(count)]
    if "body" in parts and not operation.body_required:
        without_body = {name: values for name, values in parts.items() if name != "body"}
        requests.append(_combine(without_body, 0))
    return tuple(requests)


def _combine(parts: dict[str, list[DrawnValue]], index: int) -> RequestArguments:
    chosen = {name: values[index % len(values)] for name, values in parts.items()}
    origin = "; ".join(f"{name} by {drawn.origin}" for name, drawn in chosen.items())
    return RequestArguments({name: drawn.value for name, drawn in chosen.items()}, origin)


def _is_sendable(location: str, drawn: DrawnValue) -> bool:
    values = drawn.value.values() if isinstance(drawn.value, dict) else ()
    return location != "header" or all(_SENDABLE.fullmatch(str(value)) for value in values)


def _normalize_numbers(drawn: DrawnValue) -> DrawnValue:
    # JSON may spell an integer 59.0; a parameter must read 59.
    assert isinstance(drawn.value, dict)
    return evolve(drawn, value={name: _whole(value) for name, value in drawn.value.items()})


def _whole(value: JSON) -> JSON:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def success_response(operation: Operation) -> Response:
    """The documented response of success."""
    successes = (one for one in operation.responses if one.status.startswith("2"))
    return next(successes)


def respond_with_success(harness: Harness, operation: Operation) -> None:
    """Respond to every request with the first body drawn for success."""
    response = success_response(operation)
    assert response.schema is not None, f"{operation.id} documents no JSON for {response.status}"
    harness.respond_with(int(response.status), harness.source.valid(response.schema)[0].value)


@cache
def valid_responses(
    source: CoveringSource, operation: Operation
) -> tuple[tuple[int, DrawnValue], ...]:
    """Every documented JSON response with the bodies drawn for it, by status.

    Where several statuses share a schema, the first gets all values and each other one a minimal
    set that covers every point: a dozen errors share one envelope.
    """
    found: list[tuple[int, DrawnValue]] = []
    seen: set[str] = set()
    for response in operation.responses:
        if response.schema is None:
            continue
        schema = json.dumps(response.schema)
        for status in response_statuses(operation, response):
            values = (
                source.minimal_cover(response.schema)
                if schema in seen
                else source.valid(response.schema)
            )
            found += [(status, drawn) for drawn in values]
            seen.add(schema)
    return tuple(found)


def component_properties(contract: Contract, name: str) -> frozenset[str]:
    """The properties of a component schema; empty if there is no such component."""
    schemas = contract.document.get("components", {}).get("schemas", {})
    return frozenset(schemas.get(name, {}).get("properties", {}))


def response_statuses(operation: Operation, response: Response) -> Iterator[int]:
    """Statuses that one documented response covers, all of them known to Python's `HTTPStatus`.

    The generated code rejects other statuses before it parses; see `generator_issues`.
    """
    if response.status.isdigit():
        yield int(response.status)
    elif response.status == "default":
        own = {one.status for one in operation.responses}
        yield from (status for status in (418, 507) if str(status) not in own)
    else:
        yield int(response.status[0]) * 100


def validity_test(contract: Contract, schema: Object) -> Callable[[JSON], bool]:
    """A test for values that a schema of the contract allows."""
    return compile_schema(contract.document, schema).is_valid
